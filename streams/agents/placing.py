"""What the correlation of a fact comes to, sent: messages of the protocol, facts to their payments, alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from streams.domain.alerts import alert_about
from streams.domain.correlation import (
    CarriedFact,
    CarriedType,
    CorrelationMessage,
    Deliver,
    Exceeded,
    MessageType,
    Output,
    Unplaced,
    Withdraw,
)
from streams.domain.facts import Approval, BankAck
from streams.domain.identity import stable_id
from streams.domain.state import Alert, AlertKind, AlertState
from streams.engine import BadRecord, Outbox, Record
from streams.topics import Topics

#: Payments that an alert names; a person who has to choose among more looks them up.
_NAMED: Final = 16


class Placing:
    """Sends outputs to their topics. ``generation``: of the topics, written into alerts."""

    def __init__(self, topics: Topics, generation: int) -> None:
        self._topics = topics
        self._generation = generation

    def fact_of(self, carried: CarriedFact) -> Approval | BankAck:
        """The fact that a message carries. Raises CodecError."""
        if carried.type is CarriedType.APPROVAL:
            return self._topics.approvals.decode(carried.payload)
        return self._topics.bank_acks.decode(carried.payload)

    def send(self, output: Output, record: Record, out: Outbox) -> None:
        """One output of the message in ``record``."""
        match output:
            case CorrelationMessage():
                self._message(output, record, out)
            case Exceeded():
                self.refuse(output, record, out)
            case Unplaced():
                self.tell(output, out)
            case _:
                self.hand_over(output, out)

    def _message(self, message: CorrelationMessage, record: Record, out: Outbox) -> None:
        """A search that begins anew, from the dead letters, began when it was sent again: the clock waits for it.

        Only records that were sent again have headers.
        """
        if message.type is MessageType.PARK and record.headers:
            message = replace(message, received_at=max(message.received_at, record.timestamp_us))
        out.send(self._topics.references, message.key, message)

    def refuse(self, output: Exceeded, record: Record, out: Outbox) -> None:
        """One message too many: kept for a person, who is told."""
        alert = self._limit_alert(output, record.value)
        self._raise(alert, out)
        out.dead_letter(record, BadRecord(alert.detail, "limit"))

    def hand_over(self, output: Deliver | Withdraw, out: Outbox) -> None:
        """The fact itself, under its payment's correlation id, on the topic that it belongs to."""
        fact = self.fact_of(output.fact)
        self.give(fact, output.payment, output.number, out, withdrawn=isinstance(output, Withdraw))

    def give(
        self, fact: Approval | BankAck, payment: str, number: int, out: Outbox, *, withdrawn: bool = False
    ) -> None:
        """As ``hand_over``, for a fact that is decoded already."""
        given = replace(fact, correlation_id=payment, delivery=number, withdrawn=withdrawn)
        if isinstance(given, Approval):
            out.send(self._topics.approvals, payment, given)
        else:
            out.send(self._topics.bank_acks, payment, given)

    def tell(self, output: Unplaced, out: Outbox) -> None:
        """An alert about a fact that no payment had at its due time; or none has to be told any more."""
        fact = self.fact_of(output.fact)
        alert = alert_about(
            fact.event_id,
            output.kind,
            f"{fact.source} message {fact.source_event_id}: {_said(output)}",
            alert_id=stable_id(output.kind, fact.event_id),
            cause_event_id=fact.event_id,
            at=output.at,
            generation=self._generation,
            trace_id=fact.trace_id,
            bank=fact.bank if isinstance(fact, BankAck) else None,
            state=output.state,
        )
        self._raise(alert, out)

    def _raise(self, alert: Alert, out: Outbox) -> None:
        out.send(self._topics.alerts, alert.correlation_id, alert)
        out.note(alert)

    def _limit_alert(self, output: Exceeded, cause: CorrelationMessage) -> Alert:
        return alert_about(
            cause.key,
            AlertKind.LIMIT_EXCEEDED,
            f"more than {output.limit} {output.what}: the rest are dead letters; look for a name that is none",
            alert_id=stable_id("limit", output.what),
            cause_event_id=cause.fact.event_id if cause.fact else cause.key,
            at=cause.received_at,
            generation=self._generation,
            trace_id=cause.trace_id,
        )


def _said(output: Unplaced) -> str:
    names = ", ".join(reference.key for reference in output.fact.references)
    if output.state is AlertState.WITHDRAWN:
        return f"found by {names} after all" + (f": {output.payments[0]}" if output.payments else "")
    if output.kind is AlertKind.ORPHAN:
        return f"no payment goes by {names}: have its release sent, or ask the bank whose payment it is"
    named = ", ".join(output.payments[:_NAMED])
    more = f" and {len(output.payments) - _NAMED} more" if len(output.payments) > _NAMED else ""
    return f"{named}{more} go by {names}, and no name is one payment's alone: say which one is meant"
