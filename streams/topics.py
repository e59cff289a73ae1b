"""Every topic that the pipeline reads or writes, with its codec: contracts bound to the domain's types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, TypeVar

from schemas.codec import Codec, CodecError, SchemaIds
from schemas.names import topic_name
from schemas.records import ClockTick, DeadLetter, FileEntry, PrivateRow, Raw, StatementEntry
from streams.domain.correlation import CorrelationMessage
from streams.domain.facts import Approval, BankAck, Command, Reconciliation, Release, Verdict
from streams.domain.fingerprints import DuplicateAlert, FingerprintMessage
from streams.domain.state import Alert, Mode, State, Transition
from streams.engine import Topic
from streams.forms import Encode, Form, Writing

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one generation."""

    raw: Topic[Raw]
    files: Topic[FileEntry]
    approvals: Topic[Approval]
    releases: Topic[Release]
    bank_acks: Topic[BankAck]
    reconciliations: Topic[Reconciliation]
    commands: Topic[Command]
    verdicts: Topic[Verdict]
    statement_entries: Topic[StatementEntry]
    references: Topic[CorrelationMessage]
    references_state: Topic[PrivateRow]
    files_seen: Topic[PrivateRow]
    fingerprints: Topic[FingerprintMessage]
    duplicates_state: Topic[PrivateRow]
    state: Topic[State]
    transitions: Topic[Transition]
    alerts: Topic[Alert]
    duplicate_alerts: Topic[DuplicateAlert]
    dead_letters: Topic[DeadLetter]
    clock: Topic[ClockTick]


_TYPES: dict[str, type[Any]] = {
    "raw": Raw,
    "files": FileEntry,
    "approvals": Approval,
    "releases": Release,
    "bank_acks": BankAck,
    "reconciliations": Reconciliation,
    "commands": Command,
    "verdicts": Verdict,
    "statement_entries": StatementEntry,
    "references": CorrelationMessage,
    "references_state": PrivateRow,
    "files_seen": PrivateRow,
    "fingerprints": FingerprintMessage,
    "duplicates_state": PrivateRow,
    "state": State,
    "transitions": Transition,
    "alerts": Alert,
    "duplicate_alerts": DuplicateAlert,
    "dead_letters": DeadLetter,
    "clock": ClockTick,
}


def topics_of(generation: int, ids: SchemaIds | None = None, writing: Writing | None = None) -> Topics:
    """The topics of a generation; ``ids`` is the schema registry, if there is one.

    Records are written in the form that ``writing`` says at each of them; without it in this release's own.
    """
    return Topics(**{name: _topic(name, kind, generation, ids, writing) for name, kind in _TYPES.items()})


def marked(topics: Topics, replayed_until: int) -> Topics:
    """The same topics; what is told of facts that were received by ``replayed_until`` (microseconds UTC) is marked as
    replayed where it is written, whichever agent tells it.
    """
    if not replayed_until:
        return topics
    return replace(
        topics,
        transitions=_marked(topics.transitions, replayed_until, attrgetter("recorded_at")),
        alerts=_marked(topics.alerts, replayed_until, attrgetter("at")),
        duplicate_alerts=_marked(topics.duplicate_alerts, replayed_until, attrgetter("at")),
    )


def _marked(topic: Topic[V], until: int, at: Callable[[V], int]) -> Topic[V]:
    encode = topic.encode

    def encode_in_mode(value: V) -> bytes:
        replayed: Any = value
        return encode(replace(replayed, mode=Mode.REPLAY) if at(value) <= until else value)

    return replace(topic, encode=encode_in_mode)


def contract_name(attribute: str) -> str:
    """``payments.bank-acks.v1`` for ``bank_acks``."""
    return f"payments.{attribute.replace('_', '-')}.v1"


def _topic(attribute: str, kind: type[V], generation: int, ids: SchemaIds | None, writing: Writing | None) -> Topic[V]:
    name = contract_name(attribute)
    codec: Codec[V] = Codec(name, kind, ids)
    encode = codec.encode if writing is None else _in_form(codec, writing)
    ticks = attrgetter("at") if kind is ClockTick else None
    return Topic(name, encode, codec.decode, kafka_name=topic_name(name, generation), keyed=ticks is None, ticks=ticks)


def _in_form(codec: Codec[V], writing: Writing) -> Encode[V]:
    def made(form: Form) -> Encode[V]:
        schema = writing.forms.schema(codec.contract, form)
        if schema is not None:
            return codec.encoder_in(schema)

        def refuse(_: V) -> bytes:
            raise CodecError(f"{codec.contract}: form {form.number} has no such topic: it came with a later one")

        return refuse

    return writing.encoder(made)


def arrivals_of(topics: Topics) -> tuple[Topic[Any], ...]:
    """What normalise reads: raw; in a later generation also what people decided, to copy it (schemas/names.py)."""
    shared = replace(topics.commands, kafka_name=topic_name(topics.commands.name))
    return (topics.raw,) if topics.commands.kafka_name == shared.kafka_name else (topics.raw, shared)


def inputs_of(topics: Topics) -> tuple[Topic[Any], ...]:
    """What the agents of streams/app.py read, in the order of the pipeline."""
    return (
        *arrivals_of(topics),
        topics.references,
        topics.approvals,
        topics.releases,
        topics.bank_acks,
        topics.reconciliations,
        topics.commands,
        topics.verdicts,
        topics.fingerprints,
        topics.clock,
    )
