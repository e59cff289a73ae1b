"""A small network of the keys of payments.references.v1: each key a task of its own, messages of one key to another in
order, everything else in any order. Kafka promises no less (a partition keeps more order than its keys alone).

Deliveries end up at the payments, where of one fact and payment the highest number wins.

Time is proved as the keeper of the clock does it (contracts.md, "Order and time"): a tick ``at`` is written when all
that was received at or before ``at`` has been taken from raw, and what the rounds saw has been taken at the names:
each round waits for what is there when it begins. So with ``rounds`` of them a tick may overtake exactly the messages
that are more than so many hops behind what was received by then, and everything received later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from streams.domain.correlation import (
    CarriedFact,
    CarriedType,
    CorrelationMessage,
    Deliver,
    MessageType,
    Output,
    Registration,
    Unplaced,
    Withdraw,
)
from streams.domain.facts import Reference, ReferenceKind
from streams.domain.homes import HomeRow, clock_at_home, correlate_home, home_due, home_of, is_home
from streams.domain.references import ReferenceRow, correlate_unique, lookup_of
from streams.domain.state import AlertKind, AlertState
from streams.verify.deliveries import Names, placing_of

NAMES = tuple(Reference(ReferenceKind.END_TO_END_ID, name) for name in ("x", "y", "z"))
#: Rounds at the names that the keeper of the clock waits for: lookup; park and subscribe; answer.
ROUNDS = 3

Row = ReferenceRow | HomeRow
Channel = tuple[str, str]
"""(sender, receiver); a sender outside, one for each message, begins with ``>``."""
Sent = tuple[CorrelationMessage, int]
"""A message, and how many hops it is behind what was received: 1 for a register or a lookup."""
Delivery = tuple[str, str, int, bool]
"""(event id, payment, number, given): given False is a withdrawal."""
Told = list[tuple[AlertKind, AlertState]]
"""The alerts about one fact, in order."""
CLOCK = "clock"
"""The sender of ticks."""


def fact_of(event_id: str, names: Sequence[Reference], received_at: int) -> CarriedFact:
    """A fact that seeks its payment."""
    return CarriedFact(event_id, received_at, CarriedType.BANK_ACK, b"", tuple(names))


def register_of(name: Reference, payment: str, since: int) -> CorrelationMessage:
    """``payment`` goes by ``name`` since then."""
    registration = Registration(name.key, payment, since)
    return CorrelationMessage(MessageType.REGISTER, name.key, since, (registration,), None, None, "t")


@dataclass(frozen=True, slots=True)
class Network:
    """Immutable, so that every interleaving can be walked.

    ``ticks``: those still to come at each home. ``grace``: None, and nothing is ever missing. ``alerts``: in order.
    """

    rows: frozenset[tuple[str, Row]]
    channels: frozenset[tuple[Channel, tuple[Sent, ...]]]
    deliveries: frozenset[Delivery]
    ticks: frozenset[tuple[str, tuple[int, ...]]] = frozenset()
    grace: int | None = None
    rounds: int = ROUNDS
    alerts: tuple[Unplaced, ...] = ()

    @property
    def ready(self) -> list[Channel]:
        """Channels with a message under way, and homes that a tick may reach, in a fixed order."""
        waits_for = min(self._unproved(), default=None)
        ticking = [(CLOCK, home) for home, (at, *_later) in self.ticks if waits_for is None or at < waits_for]
        return sorted([*(channel for channel, _sent in self.channels), *ticking])

    def _unproved(self) -> Iterator[int]:
        """When that was received which the rounds have not seen taken."""
        return (message.received_at for _, sent in self.channels for message, hop in sent if hop <= self.rounds)

    def step(self, channel: Channel) -> Network:
        """The receiver of ``channel`` takes its next message, or the next tick."""
        return self._tick(channel[1]) if channel[0] == CLOCK else self._take(channel)

    def _take(self, channel: Channel) -> Network:
        channels = dict(self.channels)
        (message, hop), *rest = channels.pop(channel)
        if rest:
            channels[channel] = tuple(rest)
        row, outputs = self._taken(dict(self.rows).get(channel[1]), message)
        for output in outputs:
            if isinstance(output, CorrelationMessage):
                way = (channel[1], output.key)
                channels[way] = (*channels.get(way, ()), (output, hop + 1))
        return replace(self._wrote(channel[1], row, outputs), channels=frozenset(channels.items()))

    def _taken(self, row: Row | None, message: CorrelationMessage) -> tuple[Row, tuple[Output, ...]]:
        if is_home(message.key):
            assert row is None or isinstance(row, HomeRow)
            return correlate_home(row or HomeRow(), message, self.grace)
        assert row is None or isinstance(row, ReferenceRow)
        return correlate_unique(row or ReferenceRow(), message)

    def _tick(self, home: str) -> Network:
        """As the engine does: only a row that is due gets the tick, and must then be due later or never."""
        ticks = dict(self.ticks)
        at, *later = ticks.pop(home)
        if later:
            ticks[home] = tuple(later)
        moved = replace(self, ticks=frozenset(ticks.items()))
        row = dict(self.rows).get(home)
        due = home_due(row) if isinstance(row, HomeRow) else None
        if not isinstance(row, HomeRow) or due is None or due > at:
            return moved
        now, outputs = clock_at_home(row, at)
        again = home_due(now)
        assert again is None or again > at
        return moved._wrote(home, now, outputs)

    def _wrote(self, key: str, row: Row, outputs: Iterable[Output]) -> Network:
        rows, deliveries, alerts = dict(self.rows), set(self.deliveries), list(self.alerts)
        rows[key] = row
        for output in outputs:
            if isinstance(output, (Deliver, Withdraw)):
                given = isinstance(output, Deliver)
                deliveries.add((output.fact.event_id, output.payment, output.number, given))
            elif isinstance(output, Unplaced):
                alerts.append(output)
        return replace(self, rows=frozenset(rows.items()), deliveries=frozenset(deliveries), alerts=tuple(alerts))

    def told(self, event_id: str) -> Told:
        """The alerts about a fact."""
        return [(alert.kind, alert.state) for alert in self.alerts if alert.fact.event_id == event_id]

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


def network_of(
    messages: Iterable[CorrelationMessage], ticks: Sequence[int] = (), grace: int | None = None, rounds: int = ROUNDS
) -> Network:
    """A network with these messages on their way from outside, each by a way of its own; every home gets every tick."""
    sent = list(messages)
    channels = {(f">{number}", message.key): ((message, 1),) for number, message in enumerate(sent)}
    homes = {home_of(message.fact.event_id) for message in sent if message.fact is not None}
    to_come = frozenset((home, tuple(ticks)) for home in homes if ticks)
    return Network(frozenset(), frozenset(channels.items()), frozenset(), to_come, grace, rounds)


def ends_of(start: Network) -> Iterator[Network]:
    """Every way that the network can come to rest."""
    seen = {start}
    todo = [start]
    while todo:
        network = todo.pop()
        ready = network.ready
        if not ready:
            yield network
        for channel in ready:
            after = network.step(channel)
            if after not in seen:
                seen.add(after)
                todo.append(after)


def lookups_of(facts: Iterable[CarriedFact]) -> list[CorrelationMessage]:
    """What starts the search for each fact's payment."""
    return [message for fact in facts if (message := lookup_of(fact, "t")) is not None]


def expected(fact: CarriedFact, registers: Iterable[CorrelationMessage]) -> frozenset[str]:
    """What complete knowledge says, by the verifier's own reading of the rule."""
    names = Names()
    for message in registers:
        for row in message.registrations:
            names.register(row.reference, row.payment, row.since)
    return placing_of(fact.references, fact.received_at, names).payments


def expected_alerts(fact: CarriedFact, registers: Iterable[CorrelationMessage], grace: int, last_tick: int) -> Told:
    """What complete knowledge says that must have been told of a fact when the clock has come to ``last_tick``."""
    due = fact.received_at + grace
    names = {reference.key for reference in fact.references}
    known = [row for message in registers for row in message.registrations if row.reference in names]
    by_then = [row for row in known if row.since <= due]
    if last_tick < due or (by_then and _placed(fact, by_then)):
        return []
    kind = AlertKind.AMBIGUOUS if by_then else AlertKind.ORPHAN
    first = min((row.since for row in known), default=None)
    ended = first is not None and max(first, fact.received_at) <= last_tick and _placed(fact, known)
    return [(kind, AlertState.OPEN), (kind, AlertState.WITHDRAWN)] if ended else [(kind, AlertState.OPEN)]


def _placed(fact: CarriedFact, known: Iterable[Registration]) -> bool:
    names = Names()
    for row in known:
        names.register(row.reference, row.payment, row.since)
    return bool(placing_of(fact.references, fact.received_at, names).payments)


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


def facts_with_names() -> st.SearchStrategy[list[CarriedFact]]:
    """One to three facts with one to three names each, in any order, received at 0 to 5."""
    names = st.permutations(NAMES).flatmap(lambda order: st.integers(1, 3).map(lambda count: tuple(order[:count])))
    rows = st.lists(st.tuples(names, st.integers(0, 5)), min_size=1, max_size=3)
    return rows.map(lambda told: [fact_of(f"f{number}", names, at) for number, (names, at) in enumerate(told)])


def registers_until(last: int) -> st.SearchStrategy[list[CorrelationMessage]]:
    """Up to seven registers of three payments at three names, received at 0 to ``last``."""
    register = st.builds(register_of, st.sampled_from(NAMES), st.sampled_from("ABC"), st.integers(0, last))
    return st.lists(register, max_size=7)
