"""Finds the payment of every fact that came without a correlation id: one row a key, a few messages a fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from streams.agents.placing import Placing
from streams.agents.rows import RowCodec
from streams.domain.bank_evidence import is_evidence
from streams.domain.correlation import (
    DIRECT,
    CarriedFact,
    CarriedType,
    CorrelationMessage,
    Deliver,
    Exceeded,
    MessageType,
    Output,
)
from streams.domain.homes import HomeRow, clock_at_home, correlate_home, home_due, is_home
from streams.domain.references import ReferenceRow, correlate_unique
from streams.domain.shared_names import (
    FACTS_KEPT,
    KeptFact,
    clock_at_shared_name,
    is_shared_key,
    joined,
    kept,
    kept_due,
)
from streams.engine import AGAIN, Again, BadRecord, Outbox, Record, Table
from streams.topics import Topics

#: Members served in one unit of work, fewer where the fact is large; a larger group goes on in the next one.
SLICE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Member:
    """One payment at a shared reference, since when."""

    since: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared reference: how many facts it keeps, and how far the scan for the fact at hand has come."""

    facts: int
    scanning: str | None
    cursor: str | None


ROWS: Final = RowCodec(
    "payments.references-state.v1",
    ReferenceRow,
    HomeRow,
    Member,
    KeptFact,
    Shared,
    due={HomeRow: home_due, KeptFact: kept_due},
)
Handler = Callable[[Record, "Table[Any]", Outbox], Again | None]
DueHandler = Callable[[str, Record, "Table[Any]", Outbox], None]


def correlate(topics: Topics, generation: int, grace_us: int = 0) -> Handler:
    """The handler of payments.references.v1.

    ``grace_us``: how long after its receipt a bank's word may be without a payment before it is told; 0: for ever.
    """
    names = _Names(Placing(topics, generation), grace_us)

    def handle(record: Record, rows: Table[Any], out: Outbox) -> Again | None:
        key = record.value.key
        if is_shared_key(key):
            return names.shared(record, rows, out)
        for output in names.home(record, rows) if is_home(key) else names.unique(record, rows):
            names.placing.send(output, record, out)
        return None

    return handle


def on_tick(topics: Topics, generation: int) -> DueHandler:
    """The handler of rows that are due at a tick of payments.clock.v1."""
    placing = Placing(topics, generation)

    def pass_time(key: str, tick: Record, rows: Table[Any], out: Outbox) -> None:
        row = rows[key]
        now, outputs = (clock_at_home if isinstance(row, HomeRow) else clock_at_shared_name)(row, tick.value.at)
        _keep(rows, key, now, row)
        for output in outputs:
            placing.send(output, tick, out)

    return pass_time


def _keep(rows: Table[Any], key: str, row: Any, before: Any) -> None:
    """Write the row if it says anything new: the usual lookup writes none."""
    if row is not before and row != before:
        rows[key] = row


class _Names:
    """One message of the protocol at each kind of key."""

    def __init__(self, placing: Placing, grace_us: int) -> None:
        self.placing = placing
        self._grace_us = grace_us or None

    def unique(self, record: Record, rows: Table[Any]) -> tuple[Output, ...]:
        """At a name that is one payment's."""
        message: CorrelationMessage = record.value
        before: ReferenceRow = rows.get(message.key) or ReferenceRow()
        now, outputs = correlate_unique(before, message)
        _keep(rows, message.key, now, before)
        return outputs

    def home(self, record: Record, rows: Table[Any]) -> tuple[Output, ...]:
        """At a fact that waits."""
        message: CorrelationMessage = record.value
        before: HomeRow = rows.get(message.key) or HomeRow()
        self._refuse_another_content(before.fact, message)
        now, outputs = correlate_home(before, message, self._grace_of(message.fact))
        _keep(rows, message.key, now, before)
        return outputs

    def shared(self, record: Record, rows: Table[Any], out: Outbox) -> Again | None:
        """At a shared name: members are rows of their own under a prefix, and so are the facts that wait for more."""
        message: CorrelationMessage = record.value
        if message.type is MessageType.REGISTER:
            self._join(message, rows, out)
            return None
        if message.type is not MessageType.LOOKUP or message.fact is None:
            return None
        fact = message.fact
        shared = rows.get(message.key) or Shared(0, None, None)
        fact_key = _fact_key(message.key, fact.event_id)
        if shared.scanning != fact.event_id:
            known: KeptFact | None = rows.get(fact_key)
            if known is not None:
                self._refuse_another_content(known.fact, message)
                return None  # a copy: every member has it, and those to come will get it
            if shared.facts >= FACTS_KEPT:
                self.placing.refuse(Exceeded(f"facts kept at {message.key}", FACTS_KEPT), record, out)
                return None
            rows[fact_key] = kept(fact, self._grace_of(fact))
            shared = replace(shared, facts=shared.facts + 1)
        return self._serve(message.key, fact, shared, rows, out)

    def _join(self, message: CorrelationMessage, rows: Table[Any], out: Outbox) -> None:
        """A payment joins: it gets every fact kept here, once."""
        for registration in message.registrations:
            key = _member_prefix(message.key) + registration.payment
            known = rows.get(key)
            if known is not None and known.since <= registration.since:
                continue
            rows[key] = Member(registration.since)
            shared = rows.get(message.key)
            if shared is None or not shared.facts:  # without facts there is nothing to scan for
                continue
            for fact_key, waiting in rows.scan(_fact_key(message.key, "")):
                if known is None:
                    self.placing.hand_over(Deliver(registration.payment, waiting.fact, DIRECT), out)
                _keep(rows, fact_key, joined(waiting, registration.since), waiting)

    def _serve(self, reference: str, fact: CarriedFact, shared: Shared, rows: Table[Any], out: Outbox) -> Again | None:
        """Give the fact to the next slice of members; the cursor is in the row until the last one has it."""
        prefix, fact_key = _member_prefix(reference), _fact_key(reference, fact.event_id)
        cursor = shared.cursor if shared.scanning == fact.event_id else None
        given, served, last = self.placing.fact_of(fact), 0, cursor
        before = now = rows[fact_key]
        outcome = None
        for key, member in rows.scan(prefix, after=cursor):
            if served == SLICE or (served and out.is_full):
                outcome = AGAIN
                break
            self.placing.give(given, key[len(prefix) :], DIRECT, out)
            now = joined(now, member.since)
            served, last = served + 1, key
        _keep(rows, fact_key, now, before)
        scanning, cursor = (fact.event_id, last) if outcome is AGAIN else (None, None)
        rows[reference] = replace(shared, scanning=scanning, cursor=cursor)
        return outcome

    def _grace_of(self, carried: CarriedFact | None) -> int | None:
        """How long the fact may be without a payment, None: for ever.

        An approval may be long before the release that names its payment; and some of what a bank books with names on
        it, a fee or a direct debit, is about no payment of ours.
        """
        if self._grace_us is None or carried is None or carried.type is not CarriedType.BANK_ACK:
            return None
        return self._grace_us if is_evidence(self.placing.fact_of(carried)) else None

    def _refuse_another_content(self, known: CarriedFact | None, message: CorrelationMessage) -> None:
        """One event, two contents: the first one is kept, the second one goes to the dead letters. Raises BadRecord.

        Where the payment is known at once the fold finds it out; a fact that waits never gets there.
        """
        told = message.fact
        if known is None or told is None or known.payload == told.payload:
            return
        first, second = self.placing.fact_of(known), self.placing.fact_of(told)
        if first.payload_hash != second.payload_hash:
            raise BadRecord(
                f"event {second.event_id} of {second.source} ({second.source_event_id}) was told with another content: "
                f"expected payload hash {first.payload_hash}, found {second.payload_hash}; ask which one is meant",
                "conflict",
            )


def _member_prefix(reference: str) -> str:
    return f"member:{reference}\x1f"


def _fact_key(reference: str, event_id: str) -> str:
    return f"fact:{reference}\x1f{event_id}"
