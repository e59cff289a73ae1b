"""A payment as the record of payments.state.v1: public fields for everybody, the facts behind them for us.

``internal`` is one byte for its form (streams/forms.py), eight bytes that say when the payment next needs the clock (0:
never), and what the form makes of this: whether facts overflowed; each fact kept, in canonical order, as one byte for
its kind and its Avro single-object encoding (so every fact names the schema that wrote it); the deadlines that have
fired. A fact that has rivals (other payloads under its event id) carries what is left of them. ``internal`` is the
record's first field, and its head is that of every form, so that the time can be read off a row without decoding it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import msgspec

from schemas.codec import Codec, CodecError, codec, header_in
from streams.domain.deadlines import Mark
from streams.domain.facts import Approval, BankAck, Command, PaymentFact, Reconciliation, Release, Verdict
from streams.domain.kept import Kept, Rival
from streams.domain.payment import Context, Envelope, Payment, as_state, payment_of
from streams.domain.state import State
from streams.engine import Topic
from streams.forms import FORMS, Encode, Form, Forms, Writing

#: The order must never change: the place of a kind is the byte before each of its facts.
KINDS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("payments.approvals.v1", Approval),
    ("payments.releases.v1", Release),
    ("payments.bank-acks.v1", BankAck),
    ("payments.reconciliations.v1", Reconciliation),
    ("payments.commands.v1", Command),
    ("payments.verdicts.v1", Verdict),
)
_CODECS: Final[tuple[Codec[Any], ...]] = tuple(codec(contract, kind) for contract, kind in KINDS)
_PREFIXES: Final = {kind: bytes((place,)) for place, (_, kind) in enumerate(KINDS)}
#: Before what a form makes of it: its number, and when the payment is due.
_HEAD: Final = struct.Struct(">BQ")
_HEAD_BYTES: Final = _HEAD.size
_DUE: Final = struct.Struct(">Q").unpack_from
#: Framing of a record: a registry's (0, schema id) is shorter than single-object encoding (C3 01, fingerprint).
_REGISTRY: Final = 0
_REGISTRY_BYTES: Final = 5
_SINGLE_OBJECT_BYTES: Final = 10
_MORE: Final = 0x80


class FactsIn:
    """How the facts of a payment are written in one form."""

    def __init__(self, forms: Forms, form: Form) -> None:
        self._write = form.internal.write
        #: What the bytes of a fact in this form begin with, the byte of its kind among them.
        self._begins: dict[type[Any], bytes] = {}
        #: The same without it, for what comes from elsewhere.
        self._headers: dict[type[Any], bytes] = {}
        self._encoders: dict[type[Any], Encode[Any]] = {}
        for (contract, kind), known in zip(KINDS, _CODECS, strict=True):
            schema = forms.schema(contract, form)
            if schema is not None:
                self._headers[kind] = header_in(schema)
                self._begins[kind] = _PREFIXES[kind] + self._headers[kind]
                self._encoders[kind] = known.encoder_in(schema)
        self._are_mixed = any(_schemas_of(forms, other) != _schemas_of(forms, form) for other in forms.known)
        self._number = form.number

    def pack(self, fact: PaymentFact) -> bytes:
        """One fact. Raises CodecError: its kind came with a later form."""
        kind = type(fact)
        encode = self._encoders.get(kind)
        if encode is None:
            raise CodecError(f"payments.state.v1: form {self._number} has no {kind.__name__}")
        return _PREFIXES[kind] + encode(fact)

    def pack_as_it_came(self, fact: PaymentFact, data: bytes) -> bytes:
        """One fact whose record's value is ``data``: taken as it is, if it is of this form."""
        kind = type(fact)
        header = self._headers.get(kind)
        if header is not None and data.startswith(header):
            return _PREFIXES[kind] + data
        return self.pack(fact)

    def internal_of(self, payment: Payment) -> bytes:
        """``internal``: a function of the set of facts, and of the clock, and not of the forms that facts came in."""
        deadlines = payment.view.parts.deadlines
        due_at = due_of(payment) if deadlines.armed else None
        return self.internal(payment.overflowed, payment.kept, deadlines.marks, due_at)

    def internal(self, overflowed: bool, kept: Iterable[Kept], marks: Iterable[Mark], due_at: int | None) -> bytes:
        """The same of its parts; ``kept`` in canonical order, ``due_at`` in microseconds since 1970 UTC."""
        if self._are_mixed:
            kept = map(self._renewed, kept)
        fired = [(mark.armed_by, mark.due_at, mark.policy) for mark in marks]
        return _HEAD.pack(self._number, due_at or 0) + self._write(overflowed, _rows_of(kept), fired)

    def _renewed(self, row: Kept) -> Kept:
        """The row in this form: an earlier release may have written it."""
        begin = self._begins.get(type(row.fact))
        if begin is not None and row.packed.startswith(begin):
            return row
        return replace(row, packed=self.pack(row.fact))


def _schemas_of(forms: Forms, form: Form) -> list[bytes | None]:
    schemas = [forms.schema(contract, form) for contract, _ in KINDS]
    return [None if schema is None else header_in(schema) for schema in schemas]


def _rows_of(kept: Iterable[Kept]) -> list[Any]:
    return [
        [
            row.packed,
            [[rival.payload_hash, rival.received_at, rival.delivery, rival.withdrawn] for rival in row.rivals],
        ]
        if row.rivals
        else row.packed
        for row in kept
    ]


class InForms:
    """How facts are written in each form that may be written, for who follows ``writing``."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._made: dict[int, FactsIn] = {}

    @property
    def current(self) -> FactsIn:
        """In the form that is written now."""
        number = self._writing.number
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = FactsIn(self._writing.forms, self._writing.forms.of(number))
        return made


_NEWEST: Final = FactsIn(FORMS, FORMS.newest)


class Packer:
    """Writes one fact for a row. The bytes that a fact came in are taken as they are where they are of the form.

    Set ``fact`` and ``data`` (its record's value) before a fold; any other fact is encoded.
    """

    __slots__ = ("_forms", "data", "fact")

    def __init__(self, writing: Writing | None = None) -> None:
        self._forms = InForms(writing or Writing(FORMS))
        self.fact: PaymentFact | None = None
        self.data = b""

    def __call__(self, fact: PaymentFact) -> bytes:
        """The fact in the form that is written now."""
        facts = self._forms.current
        return facts.pack_as_it_came(fact, self.data) if fact is self.fact else facts.pack(fact)


def packed(fact: PaymentFact) -> bytes:
    """One fact in this release's own form."""
    return _NEWEST.pack(fact)


def internal_of(payment: Payment) -> bytes:
    """``internal`` in this release's own form."""
    return _NEWEST.internal_of(payment)


def due_in(row: bytes) -> int | None:
    """When the payment of a row (its record of payments.state.v1) next needs the clock, in microseconds; None: never.

    It is called for each row of a restore: it looks at the eight bytes and decodes nothing.
    """
    place = _REGISTRY_BYTES if row[0] == _REGISTRY else _SINGLE_OBJECT_BYTES
    while row[place] & _MORE:  # how long ``internal`` is, an Avro long
        place += 1
    return _DUE(row, place + 2)[0] or None  # behind the last byte of the length, and the form


def due_of(payment: Payment) -> int | None:
    """The same of the payment itself."""
    due_at = payment.due_at
    return due_at if due_at is not None and due_at > 0 else None


def kept_of(internal: bytes, forms: Forms = FORMS) -> tuple[bool, tuple[Kept, ...], tuple[Mark, ...]]:
    """Whether facts overflowed, the facts kept, and the deadlines that have fired.

    Raises CodecError: a later form, or bytes that are none of ours.
    """
    number = internal[0] if internal else 0
    if not forms.reads(number):
        raise CodecError(f"payments.state.v1: internal of {forms.unknown(number)}")
    try:
        overflowed, rows, marks = forms.of(number).internal.read(internal[_HEAD_BYTES:])
        return overflowed, tuple(_kept(row) for row in rows), tuple(Mark(*mark) for mark in marks)
    except (msgspec.DecodeError, IndexError, TypeError, ValueError) as error:
        raise CodecError(f"payments.state.v1: internal holds no facts: {error}") from error


def _kept(row: Any) -> Kept:
    if isinstance(row, bytes):
        return _row(row, ())
    data, rivals = row
    return _row(data, tuple(Rival(*rival) for rival in rivals))


def _row(data: bytes, rivals: tuple[Rival, ...]) -> Kept:
    fact: PaymentFact = _CODECS[data[0]].decode(data[1:])
    return Kept(fact.event_id, fact, data, rivals)


class PaymentRows:
    """The codec of the table of payments over ``state``, whose rows are records of payments.state.v1."""

    def __init__(self, state: Topic[State], context: Context, writing: Writing | None = None) -> None:
        self._state = state
        self._context = context
        writing = writing or Writing(FORMS)
        self._known = writing.forms
        self._forms = InForms(writing)

    def encode(self, payment: Payment) -> bytes:
        """The record of payments.state.v1."""
        return self._state.encode(as_state(payment, self._forms.current.internal_of(payment)))

    def due_of_value(self, payment: Payment) -> int | None:
        """When the payment next needs the clock: see ``due_of``."""
        return due_of(payment)

    def due_of_row(self, data: bytes) -> int | None:
        """When the payment of an encoded row next needs the clock: see ``due_in``."""
        return due_in(data)

    def decode(self, data: bytes) -> Payment:
        """The payment, its view derived under the policy in force. Raises CodecError."""
        state = self._state.decode(data)
        overflowed, kept, marks = kept_of(state.internal, self._known)
        envelope = Envelope(
            state.version, state.last_transition_seq, state.last_transition_id, state.updated_at, state.generation
        )
        return payment_of(state.correlation_id, kept, envelope, self._context, overflowed, marks)
