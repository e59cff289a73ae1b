"""Facts that have arrived but stand with no payment yet: parked at their names, or still unread.

Parked facts are rows of the correlate agent's table, whose changelog is kept for ever: the messages that made them are
not. A fact that found its payment at once never had a row; it is in that payment's timeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from schemas.codec import CodecError
from schemas.records import Raw
from streams.agents.correlate import ROWS
from streams.domain.correlation import CarriedFact, CarriedType
from streams.domain.facts import Approval, BankAck, PaymentFact
from streams.domain.homes import HomeRow
from streams.domain.shared_names import KeptFact
from streams.lookup.log import CommittedLog, Logged
from streams.lookup.names import Matched, Name, match, names_of_fact
from streams.lookup.pipeline import Pipeline
from streams.topics import Topics

FactsOf = Callable[[Raw, int], Iterable[object]]
"""What the normalise agent makes of a raw record received at a time (microseconds UTC): facts, and errors as values."""


class Whereabouts(Enum):
    """Where a fact waits, and for what."""

    RELEASE = "waiting for its release"
    CHOICE = "several payments go by its names: waiting for a name that only one of them has"
    WORKER = "not read by a worker yet"
    NOBODY = "taken: it is no evidence about a payment of ours"


@dataclass(frozen=True, slots=True)
class WaitingFact:
    """One fact without a payment. ``raw`` is the record that it was read from, if it is not parked."""

    fact: PaymentFact
    matched: Matched
    where: Whereabouts
    raw: Logged | None = None


@dataclass(frozen=True, slots=True)
class UnreadableFact:
    """One raw record with the asked name in it that the normalise agent refuses: a dead letter once it is read."""

    raw: Logged
    problem: str


def parked(log: CommittedLog, topics: Topics, asked: str) -> list[WaitingFact]:
    """Facts that go by the asked name and wait for a payment. Raises ReadError, KafkaException, CodecError."""
    rows = _newest_rows(log, topics, asked)
    found = []
    for key, row in rows.items():
        carried, where = _waits(row)
        if carried is None or (where is Whereabouts.RELEASE and isinstance(row, KeptFact) and _taken(log, topics, key)):
            continue
        fact = _fact(topics, carried)
        matched = match(asked, [*names_of_fact(fact), *_names_of_carried(carried)])
        if matched is not None:
            found.append(WaitingFact(fact, matched, where))
    return sorted(found, key=lambda row: (row.fact.received_at, row.fact.event_id))


def all_parked(log: CommittedLog, topics: Topics) -> Iterator[PaymentFact]:
    """Every fact that waits or waited for a payment."""
    for record in log.read(log.places(topics.references_state.kafka_name)):
        if record.value is not None:
            carried, _ = _waits(ROWS.decode(record.value))
            if carried is not None:
                yield _fact(topics, carried)


def _newest_rows(log: CommittedLog, topics: Topics, asked: str) -> dict[bytes, object]:
    """Rows that hold the asked text somewhere, the newest of each key."""
    needles = {asked.encode(), asked.lower().encode()}
    rows: dict[bytes, object] = {}
    for record in log.read(log.places(topics.references_state.kafka_name)):
        key = record.key or b""
        rows.pop(key, None)
        if record.value is not None and any(needle in record.value for needle in needles):
            rows[key] = ROWS.decode(record.value)
    return rows


def _waits(row: object) -> tuple[CarriedFact | None, Whereabouts]:
    if isinstance(row, KeptFact):
        return row.fact, Whereabouts.RELEASE
    if isinstance(row, HomeRow) and row.payment is None:
        return row.fact, Whereabouts.CHOICE if row.known else Whereabouts.RELEASE
    return None, Whereabouts.RELEASE


def _taken(log: CommittedLog, topics: Topics, fact_key: bytes) -> bool:
    """Whether a payment goes by the shared name that keeps this fact: then the fact is in its timeline."""
    name = fact_key.removeprefix(b"fact:").partition(b"\x1f")[0]
    members = b"member:" + name + b"\x1f"
    places = log.places(topics.references_state.kafka_name)
    return any((record.key or b"").startswith(members) and record.value is not None for record in log.read(places))


def _fact(topics: Topics, carried: CarriedFact) -> Approval | BankAck:
    if carried.type is CarriedType.APPROVAL:
        return topics.approvals.decode(carried.payload)
    return topics.bank_acks.decode(carried.payload)


def _names_of_carried(carried: CarriedFact) -> Iterator[Name]:
    return (Name(reference.kind.value, reference.value) for reference in carried.references)


def said_on_raw(
    log: CommittedLog, topics: Topics, now: Pipeline, facts_of: FactsOf, asked: str, *, taken_too: bool = False
) -> list[WaitingFact | UnreadableFact]:
    """What raw records say under the asked name, mapped here as the normalise agent maps them.

    Without ``taken_too`` only what no worker has read yet.
    """
    needles = {_as_json(asked), _as_json(asked.lower())}
    places = log.places(topics.raw.kafka_name)
    begin = {} if taken_too else {place: now.positions[place] for place in places}
    found: list[WaitingFact | UnreadableFact] = []
    for record in log.read(places, begin):
        if record.value is not None and any(needle in record.value for needle in needles):
            taken = record.offset < now.positions[record.topic, record.partition]
            where = Whereabouts.NOBODY if taken else Whereabouts.WORKER
            found += _said_by(record, where, topics, facts_of, asked)
    return found


def _said_by(
    record: Logged, where: Whereabouts, topics: Topics, facts_of: FactsOf, asked: str
) -> Iterator[WaitingFact | UnreadableFact]:
    try:
        raw = topics.raw.decode(record.value or b"")
    except CodecError as error:
        yield UnreadableFact(record, str(error))
        return
    for said in facts_of(raw, record.timestamp_us):
        if isinstance(said, PaymentFact):
            matched = match(asked, names_of_fact(said))
            if matched is not None:
                yield WaitingFact(said, matched, where, record)
        elif isinstance(said, Exception):
            yield UnreadableFact(record, str(said))


def _as_json(text: str) -> bytes:
    """The text as it stands inside a JSON payload."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()
