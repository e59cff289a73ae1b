"""A payment as the record of payments.state.v1: public fields for everybody, the facts behind them for us.

``internal`` is one version byte, eight bytes that say when the payment next needs the clock (0: never), and a msgpack
array: whether facts overflowed; each fact kept, in canonical order, as one byte for its kind and its Avro single-object
encoding (so every fact names the schema that wrote it); the deadlines that have fired. A fact that has rivals (other
payloads under its event id) carries what is left of them. ``internal`` is the record's first field, so that the time
can be read off a row without decoding it.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import msgspec

from schemas.codec import Codec, CodecError, codec
from streams.domain.deadlines import Mark
from streams.domain.facts import Approval, BankAck, Command, PaymentFact, Reconciliation, Release, Verdict
from streams.domain.kept import Kept, Rival
from streams.domain.payment import Context, Envelope, Payment, as_state, payment_of
from streams.domain.state import State
from streams.engine import Topic

FORM: Final = 1
"""The form of ``internal`` that this release writes; a reader refuses a later one."""

#: The order must never change: the place of a kind is the byte before each of its facts.
_KINDS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("payments.approvals.v1", Approval),
    ("payments.releases.v1", Release),
    ("payments.bank-acks.v1", BankAck),
    ("payments.reconciliations.v1", Reconciliation),
    ("payments.commands.v1", Command),
    ("payments.verdicts.v1", Verdict),
)
_CODECS: Final[tuple[Codec[Any], ...]] = tuple(codec(contract, kind) for contract, kind in _KINDS)
_PREFIXES: Final = {kind: bytes((place,)) for place, (_, kind) in enumerate(_KINDS)}
_BY_KIND: Final = {kind: _CODECS[place] for place, (_, kind) in enumerate(_KINDS)}
_HEADERS: Final = {kind: bound.single_object_header for kind, bound in _BY_KIND.items()}
_FORM_BYTE: Final = bytes((FORM,))
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[bool, list[Any], list[tuple[str, int, str]]]).decode
#: Before the msgpack: the form, and when the payment is due.
_HEAD: Final = struct.Struct(">BQ")
_HEAD_BYTES: Final = _HEAD.size
_NOT_DUE: Final = _HEAD.pack(FORM, 0)
_DUE: Final = struct.Struct(">Q").unpack_from
#: Framing of a record: a registry's (0, schema id) is shorter than single-object encoding (C3 01, fingerprint).
_REGISTRY: Final = 0
_REGISTRY_BYTES: Final = 5
_SINGLE_OBJECT_BYTES: Final = 10
_MORE: Final = 0x80


class Packer:
    """Writes one fact for a row. The bytes that a fact came in are taken as they are where they are the current form.

    Set ``fact`` and ``data`` (its record's value) before a fold; any other fact is encoded.
    """

    __slots__ = ("data", "fact")

    def __init__(self) -> None:
        self.fact: PaymentFact | None = None
        self.data = b""

    def __call__(self, fact: PaymentFact) -> bytes:
        """The fact in the current form."""
        kind = type(fact)
        if fact is self.fact and self.data.startswith(_HEADERS[kind]):
            return _PREFIXES[kind] + self.data
        return packed(fact)


def packed(fact: PaymentFact) -> bytes:
    """One fact in the current form."""
    kind = type(fact)
    return _PREFIXES[kind] + _BY_KIND[kind].encode(fact)


def internal_of(payment: Payment) -> bytes:
    """``internal``: a function of the set of facts, and of the clock, and nothing else."""
    rows = [
        [
            row.packed,
            [[rival.payload_hash, rival.received_at, rival.delivery, rival.withdrawn] for rival in row.rivals],
        ]
        if row.rivals
        else row.packed
        for row in payment.kept
    ]
    deadlines = payment.view.parts.deadlines
    marks = [(mark.armed_by, mark.due_at, mark.policy) for mark in deadlines.marks] if deadlines.marks else ()
    head = _HEAD.pack(FORM, due_of(payment) or 0) if deadlines.armed else _NOT_DUE
    return head + _encode((payment.overflowed, rows, marks))


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


def kept_of(internal: bytes) -> tuple[bool, tuple[Kept, ...], tuple[Mark, ...]]:
    """Whether facts overflowed, the facts kept, and the deadlines that have fired.

    Raises CodecError: a later form, or bytes that are none of ours.
    """
    if internal[:1] != _FORM_BYTE:
        found = internal[:1].hex() or "nothing"
        raise CodecError(f"payments.state.v1: internal of form {found}: this paystate reads form {FORM:02x}")
    try:
        overflowed, rows, marks = _decode(internal[_HEAD_BYTES:])
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

    def __init__(self, state: Topic[State], context: Context) -> None:
        self._state = state
        self._context = context

    def encode(self, payment: Payment) -> bytes:
        """The record of payments.state.v1."""
        return self._state.encode(as_state(payment, internal_of(payment)))

    def due_of_value(self, payment: Payment) -> int | None:
        """When the payment next needs the clock: see ``due_of``."""
        return due_of(payment)

    def due_of_row(self, data: bytes) -> int | None:
        """When the payment of an encoded row next needs the clock: see ``due_in``."""
        return due_in(data)

    def decode(self, data: bytes) -> Payment:
        """The payment, its view derived under the policy in force. Raises CodecError."""
        state = self._state.decode(data)
        overflowed, kept, marks = kept_of(state.internal)
        envelope = Envelope(
            state.version, state.last_transition_seq, state.last_transition_id, state.updated_at, state.generation
        )
        return payment_of(state.correlation_id, kept, envelope, self._context, overflowed, marks)
