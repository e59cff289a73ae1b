"""Finds the payment of every fact that came without a correlation id: one row a key, a few messages a fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from streams.agents.rows import RowCodec
from streams.domain.alerts import alert_about
from streams.domain.correlation import CarriedFact, CarriedType, CorrelationMessage, MessageType
from streams.domain.facts import Approval, BankAck
from streams.domain.identity import stable_id
from streams.domain.references import (
    DIRECT,
    FACTS_KEPT,
    Deliver,
    Exceeded,
    HomeRow,
    Output,
    ReferenceRow,
    Withdraw,
    correlate_home,
    correlate_unique,
    is_home,
    is_shared_key,
)
from streams.domain.state import Alert, AlertKind
from streams.engine import AGAIN, Again, BadRecord, Outbox, Record, Table
from streams.topics import Topics

#: Members served in one unit of work; a larger group goes on in the next one.
SLICE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Member:
    """One payment at a shared reference, since when."""

    since: int


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact that stays at a shared reference, for members that come later."""

    fact: CarriedFact


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared reference: how many facts it keeps, and how far the scan for the fact at hand has come."""

    facts: int
    scanning: str | None
    cursor: str | None


ROWS: Final = RowCodec("payments.references-state.v1", ReferenceRow, HomeRow, Member, KeptFact, Shared)
Handler = Callable[[Record, "Table[Any]", Outbox], Again | None]


def correlate(topics: Topics, generation: int) -> Handler:
    """The handler of payments.references.v1."""

    def handle(record: Record, rows: Table[Any], out: Outbox) -> Again | None:
        message: CorrelationMessage = record.value
        if is_shared_key(message.key):
            return _shared(record, rows, out, topics, generation)
        if is_home(message.key):
            before: HomeRow = rows.get(message.key) or HomeRow()
            _refuse_another_content(before.fact, message, topics)
            home, outputs = correlate_home(before, message)
            _keep(rows, message.key, home, HomeRow())
        else:
            reference, outputs = correlate_unique(rows.get(message.key) or ReferenceRow(), message)
            _keep(rows, message.key, reference, ReferenceRow())
        for output in outputs:
            _send(output, record, out, topics, generation)
        return None

    return handle


def _keep(rows: Table[Any], key: str, row: Any, empty: Any) -> None:
    """Write the row if it says anything new: the usual lookup writes none."""
    if row != (rows.get(key) or empty):
        rows[key] = row


def _refuse_another_content(kept: CarriedFact | None, message: CorrelationMessage, topics: Topics) -> None:
    """One event, two contents: the first one is kept, the second one goes to the dead letters. Raises BadRecord.

    Where the payment is known at once the fold finds it out; a fact that waits never gets there.
    """
    told = message.fact
    if kept is None or told is None or kept.payload == told.payload:
        return
    first, second = _fact_of(kept, topics), _fact_of(told, topics)
    if first.payload_hash != second.payload_hash:
        raise BadRecord(
            f"event {second.event_id} of {second.source} ({second.source_event_id}) was told with another content: "
            f"expected payload hash {first.payload_hash}, found {second.payload_hash}; ask which one is meant",
            "conflict",
        )


def _fact_of(carried: CarriedFact, topics: Topics) -> Approval | BankAck:
    if carried.type is CarriedType.APPROVAL:
        return topics.approvals.decode(carried.payload)
    return topics.bank_acks.decode(carried.payload)


def _send(output: Output, record: Record, out: Outbox, topics: Topics, generation: int) -> None:
    if isinstance(output, CorrelationMessage):
        out.send(topics.references, output.key, output)
    elif isinstance(output, Exceeded):
        _refuse(output, record, out, topics, generation)
    else:
        _hand_over(output, out, topics)


def _refuse(output: Exceeded, record: Record, out: Outbox, topics: Topics, generation: int) -> None:
    """One message too many: kept for a person, who is told."""
    alert = _limit_alert(output, record.value, generation)
    out.send(topics.alerts, alert.correlation_id, alert)
    out.note(alert)
    out.dead_letter(record, BadRecord(alert.detail, "limit"))


def _hand_over(output: Deliver | Withdraw, out: Outbox, topics: Topics) -> None:
    """The fact itself, under its payment's correlation id, on the topic that it belongs to."""
    fact = _fact_of(output.fact, topics)
    _give(fact, output.payment, output.number, out, topics, withdrawn=isinstance(output, Withdraw))


def _give(
    fact: Approval | BankAck, payment: str, number: int, out: Outbox, topics: Topics, *, withdrawn: bool = False
) -> None:
    given = replace(fact, correlation_id=payment, delivery=number, withdrawn=withdrawn)
    if isinstance(given, Approval):
        out.send(topics.approvals, payment, given)
    else:
        out.send(topics.bank_acks, payment, given)


def _limit_alert(output: Exceeded, cause: CorrelationMessage, generation: int) -> Alert:
    return alert_about(
        cause.key,
        AlertKind.LIMIT_EXCEEDED,
        f"more than {output.limit} {output.what}: the rest are dead letters; look for a name that is none",
        alert_id=stable_id("limit", output.what),
        cause_event_id=cause.fact.event_id if cause.fact else cause.key,
        at=cause.received_at,
        generation=generation,
        trace_id=cause.trace_id,
    )


def _shared(record: Record, rows: Table[Any], out: Outbox, topics: Topics, generation: int) -> Again | None:
    """A shared name: members are rows of their own under a prefix, and so are the facts that wait for more of them."""
    message: CorrelationMessage = record.value
    if message.type is MessageType.REGISTER:
        _join(message, rows, out, topics)
        return None
    if message.type is not MessageType.LOOKUP or message.fact is None:
        return None
    fact = message.fact
    shared = rows.get(message.key) or Shared(0, None, None)
    kept = _fact_key(message.key, fact.event_id)
    if shared.scanning != fact.event_id:
        known: KeptFact | None = rows.get(kept)
        if known is not None:
            _refuse_another_content(known.fact, message, topics)
            return None  # a copy: every member has it, and those to come will get it
        if shared.facts >= FACTS_KEPT:
            _refuse(Exceeded(f"facts kept at {message.key}", FACTS_KEPT), record, out, topics, generation)
            return None
        rows[kept] = KeptFact(fact)
        shared = replace(shared, facts=shared.facts + 1)
    return _serve(message.key, fact, shared, rows, out, topics)


def _join(message: CorrelationMessage, rows: Table[Any], out: Outbox, topics: Topics) -> None:
    """A payment joins: it gets every fact kept here, once."""
    for registration in message.registrations:
        key = _member_prefix(message.key) + registration.payment
        known = rows.get(key)
        if known is not None and known.since <= registration.since:
            continue
        rows[key] = Member(registration.since)
        shared = rows.get(message.key)
        if known is None and shared is not None and shared.facts:  # without facts there is nothing to scan for
            for _, kept in rows.scan(_fact_key(message.key, "")):
                _hand_over(Deliver(registration.payment, kept.fact, DIRECT), out, topics)


def _serve(
    reference: str, fact: CarriedFact, shared: Shared, rows: Table[Any], out: Outbox, topics: Topics
) -> Again | None:
    """Give the fact to the next slice of members; the cursor is in the row until the last one has it."""
    prefix = _member_prefix(reference)
    cursor = shared.cursor if shared.scanning == fact.event_id else None
    given, served, last = _fact_of(fact, topics), 0, cursor
    for key, _ in rows.scan(prefix, after=cursor):
        if served == SLICE:
            rows[reference] = replace(shared, scanning=fact.event_id, cursor=last)
            return AGAIN
        _give(given, key[len(prefix) :], DIRECT, out, topics)
        served, last = served + 1, key
    rows[reference] = replace(shared, scanning=None, cursor=None)
    return None


def _member_prefix(reference: str) -> str:
    return f"member:{reference}\x1f"


def _fact_key(reference: str, event_id: str) -> str:
    return f"fact:{reference}\x1f{event_id}"
