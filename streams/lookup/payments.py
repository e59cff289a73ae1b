"""Payments in the state topic: one by its correlation id, or all that go by a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.domain.facts import Approval, BankAck
from streams.domain.state import State
from streams.engine import Topic, partition_of
from streams.lookup.log import CommittedLog, Logged
from streams.lookup.names import Fit, Matched, match, names_of_fact, names_of_state
from streams.topics import Topics

KEPT: Final = 200
"""Payments kept of one search: a message id can name 100,000."""


@dataclass(frozen=True, slots=True)
class Found:
    """One payment, and which of its names fits what was asked for."""

    state: State
    matched: Matched


@dataclass(slots=True)
class Matches:
    """Payments that fit so far, by correlation id; the newest state of each counts."""

    found: dict[str, Found] = field(default_factory=dict)
    beyond: set[str] = field(default_factory=set)

    def forget(self, correlation_id: str) -> None:
        """A newer state of that payment is being looked at."""
        self.found.pop(correlation_id, None)
        self.beyond.discard(correlation_id)

    def add(self, found: Found) -> None:
        """Keep a payment, or only count it when there are too many."""
        if len(self.found) < KEPT:
            self.found[found.state.correlation_id] = found
        else:
            self.beyond.add(found.state.correlation_id)


def payment(log: CommittedLog, states: Topic[State], correlation_id: str) -> State | None:
    """The state of one payment; reads its partition only. Raises ReadError, KafkaException, CodecError."""
    newest: Logged | None = None
    for record in of_key(log, states.kafka_name, correlation_id):
        newest = record
    return None if newest is None or newest.value is None else states.decode(newest.value)


def of_key(log: CommittedLog, topic: str, key: str) -> Iterator[Logged]:
    """All kept records of one key, in order; reads the key's partition only."""
    wanted = key.encode()
    place = (topic, partition_of(wanted, log.partitions(topic)))
    return (record for record in log.read([place]) if record.key == wanted)


def payments_named(log: CommittedLog, states: Topic[State], asked: str) -> dict[Fit, Matches]:
    """Payments that go by a name, apart by how well it fits: all of the topic is read.

    Only a state that holds the asked bytes somewhere is decoded: Avro keeps text as it is, so no name is missed. The
    one exception is a UETR in capitals, which is kept in small letters.
    """
    needles = {asked.encode(), asked.lower().encode()}
    matches = {fit: Matches() for fit in Fit}
    for record in log.read(log.places(states.kafka_name)):
        correlation_id = (record.key or b"").decode(errors="replace")
        for kept in matches.values():
            kept.forget(correlation_id)
        if record.value is None or not any(needle in record.value for needle in needles):
            continue
        state = states.decode(record.value)
        matched = match(asked.strip(), names_of_state(state))
        if matched is not None:
            matches[matched.fit].add(Found(state, matched))
    return matches


def payments_spoken_of(log: CommittedLog, topics: Topics, asked: str) -> list[Found]:
    """Payments that an acknowledgement or approval with that name belongs to: names that only the sender uses.

    A bank's own message id or booking reference is no name of the payment, yet people hold it in their hands.
    """
    spoken = {ack.correlation_id: matched for ack, matched in _facts_named(log, topics, asked)}
    newest: dict[str, State] = {}
    for record in log.read(log.places(topics.state.kafka_name)) if spoken else ():
        correlation_id = (record.key or b"").decode(errors="replace")
        if correlation_id in spoken:
            newest.pop(correlation_id, None)
            if record.value is not None:
                newest[correlation_id] = topics.state.decode(record.value)
    return [Found(state, spoken[correlation_id]) for correlation_id, state in sorted(newest.items())]


def _facts_named(log: CommittedLog, topics: Topics, asked: str) -> Iterator[tuple[Approval | BankAck, Matched]]:
    """Exact names only: a beginning of a bank's running number would fit strangers."""
    needle = asked.encode()
    decode = {topic.kafka_name: topic.decode for topic in (topics.bank_acks, topics.approvals)}
    for record in log.read(log.places(*decode)):
        if record.value is not None and needle in record.value:
            fact = decode[record.topic](record.value)
            matched = match(asked, names_of_fact(fact))
            if matched is not None and matched.fit is Fit.EXACT and not fact.withdrawn:
                yield fact, matched


def all_payments(log: CommittedLog, states: Topic[State]) -> Iterator[State]:
    """Every state that is kept, superseded ones among them."""
    for record in log.read(log.places(states.kafka_name)):
        if record.value is not None:
            yield states.decode(record.value)
