"""A small network of the keys of payments.references.v1: each key a task of its own, messages of one key to another in
order, everything else in any order. Kafka promises no less (a partition keeps more order than its keys alone).

Deliveries end up at the payments, where of one fact and payment the highest number wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.domain.correlation import CarriedFact, CarriedType, CorrelationMessage, MessageType, Registration
from streams.domain.facts import Reference, ReferenceKind
from streams.domain.references import (
    Deliver,
    HomeRow,
    Output,
    ReferenceRow,
    Withdraw,
    correlate_home,
    correlate_unique,
    is_home,
    lookup_of,
)
from streams.verify.deliveries import Names, payments_of

NAMES = tuple(Reference(ReferenceKind.END_TO_END_ID, name) for name in ("x", "y", "z"))

Row = ReferenceRow | HomeRow
Channel = tuple[str, str]
"""(sender, receiver); a sender outside, one for each message, begins with ``>``."""
Delivery = tuple[str, str, int, bool]
"""(event id, payment, number, given): given False is a withdrawal."""


def fact_of(event_id: str, names: Sequence[Reference], received_at: int) -> CarriedFact:
    """A fact that seeks its payment."""
    return CarriedFact(event_id, received_at, CarriedType.BANK_ACK, b"", tuple(names))


def register_of(name: Reference, payment: str, since: int) -> CorrelationMessage:
    """``payment`` goes by ``name`` since then."""
    registration = Registration(name.key, payment, since)
    return CorrelationMessage(MessageType.REGISTER, name.key, since, (registration,), None, None, "t")


@dataclass(frozen=True, slots=True)
class Network:
    """Immutable, so that every interleaving can be walked."""

    rows: frozenset[tuple[str, Row]]
    channels: frozenset[tuple[Channel, tuple[CorrelationMessage, ...]]]
    deliveries: frozenset[Delivery]

    @property
    def ready(self) -> list[Channel]:
        """Channels with a message under way, in a fixed order."""
        return sorted(channel for channel, _messages in self.channels)

    def step(self, channel: Channel) -> Network:
        """The receiver of ``channel`` takes its next message."""
        rows, channels = dict(self.rows), dict(self.channels)
        message, *rest = channels.pop(channel)
        if rest:
            channels[channel] = tuple(rest)
        receiver = channel[1]
        row, outputs = _taken(rows.get(receiver), message)
        rows[receiver] = row
        deliveries = set(self.deliveries)
        for output in outputs:
            if isinstance(output, CorrelationMessage):
                way = (receiver, output.key)
                channels[way] = (*channels.get(way, ()), output)
            elif isinstance(output, (Deliver, Withdraw)):
                given = isinstance(output, Deliver)
                deliveries.add((output.fact.event_id, output.payment, output.number, given))
        return Network(frozenset(rows.items()), frozenset(channels.items()), frozenset(deliveries))

    def end(self) -> dict[str, frozenset[str]]:
        """Who has which fact once everything has arrived."""
        last: dict[tuple[str, str], tuple[int, bool]] = {}
        for event_id, payment, number, given in self.deliveries:
            key = (event_id, payment)
            last[key] = max(last.get(key, (0, False)), (number, given))
        found: dict[str, frozenset[str]] = {}
        for (event_id, payment), (_number, given) in last.items():
            found[event_id] = found.get(event_id, frozenset()) | ({payment} if given else frozenset())
        return found


def _taken(row: Row | None, message: CorrelationMessage) -> tuple[Row, tuple[Output, ...]]:
    if is_home(message.key):
        assert row is None or isinstance(row, HomeRow)
        return correlate_home(row or HomeRow(), message)
    assert row is None or isinstance(row, ReferenceRow)
    return correlate_unique(row or ReferenceRow(), message)


def network_of(messages: Iterable[CorrelationMessage]) -> Network:
    """A network with these messages on their way from outside, each by a way of its own."""
    channels = {(f">{number}", message.key): (message,) for number, message in enumerate(messages)}
    return Network(frozenset(), frozenset(channels.items()), frozenset())


def lookups_of(facts: Iterable[CarriedFact]) -> list[CorrelationMessage]:
    """What starts the search for each fact's payment."""
    return [message for fact in facts if (message := lookup_of(fact, "t")) is not None]


def expected(fact: CarriedFact, registers: Iterable[CorrelationMessage]) -> frozenset[str]:
    """What complete knowledge says, by the verifier's own reading of the rule."""
    names = Names()
    for message in registers:
        for row in message.registrations:
            names.register(row.reference, row.payment, row.since)
    return payments_of(fact.references, fact.received_at, names)


def is_residue(fact: CarriedFact, registers: Iterable[CorrelationMessage]) -> bool:
    """The known residue: a reused first name, a second payment of which may register after the lookup was answered."""
    first = fact.references[0].key
    holders = {
        row.payment
        for message in registers
        for row in message.registrations
        if row.reference == first and row.since <= fact.received_at
    }
    return len(holders) > 1
