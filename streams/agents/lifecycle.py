"""Joins what is known about each payment, and publishes what changed: its state, a step, alerts, how it looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.records import DeadLetter
from streams.agents.payment_rows import Packer
from streams.domain.construction import quick
from streams.domain.facts import (
    Approval,
    BankAck,
    Command,
    CommandAction,
    PaymentFact,
    Reconciliation,
    Release,
    Verdict,
)
from streams.domain.fingerprints import Appearance, FingerprintMessage, FingerprintMessageType, PairVerdict
from streams.domain.fold import Folded, Outcome, elapse, fold
from streams.domain.payment import Context, Payment
from streams.domain.policy import Policy
from streams.domain.state import Evidence, Mode
from streams.engine import BadRecord, Outbox, Record, Table, Topic
from streams.forms import Writing
from streams.observations import ClockPassed, fact_folded
from streams.topics import Topics

Handler = Callable[[Record, "Table[Payment]", Outbox], None]
DueHandler = Callable[[str, Record, "Table[Payment]", Outbox], None]

_context = quick(Context)
_evidence = quick(Evidence)
_message = quick(FingerprintMessage)
#: What is replayed is marked where it is written, by when it was received (streams/topics.py).
_LIVE: Final = Mode.LIVE
_JUDGED: Final = {CommandAction.CONFIRM_DUPLICATE: True, CommandAction.DISMISS_DUPLICATE: False}
_KEPT_FOR_A_PERSON: Final = frozenset({Outcome.CONFLICT, Outcome.INVALID})


def lifecycle(topics: Topics, policy: Policy, generation: int, writing: Writing | None = None) -> Handler:
    """The handler of everything that is said about payments whose correlation id is known."""
    pack = Packer(writing)
    tell = _Teller(topics, pack)

    def join(record: Record, payments: Table[Payment], out: Outbox) -> None:
        fact: PaymentFact = record.value
        key = record.key
        if fact.correlation_id != key:
            raise BadRecord(
                f"{record.place()}: expected the correlation id as key, found key {key!r} and correlation id "
                f"{fact.correlation_id!r}: send the fact again under its correlation id",
                "wrong_key",
            )
        pack.fact, pack.data = fact, record.message.value() or b""
        before = payments.get(key)
        folded = fold(before, fact, _context(policy, generation, _LIVE, _where(record, fact), pack))
        if folded.payment is not None and folded.payment is not before:
            payments[key] = folded.payment
        tell(folded, record, fact, out)
        out.note(fact_folded(record.partition, fact, before, folded, _LIVE))

    return join


def overdue(topics: Topics, policy: Policy, generation: int, writing: Writing | None = None) -> DueHandler:
    """What is called for a payment that proved time finds due: what has not come by now has not come in time."""
    pack = Packer(writing)
    tell = _Teller(topics, pack)

    def pass_by(key: str, tick: Record, payments: Table[Payment], out: Outbox) -> None:
        before = payments.get(key)
        if before is None:
            return
        at = tick.value.at
        evidence = _evidence(tick.topic, tick.partition, tick.offset, None, None)
        folded = elapse(before, at, _context(policy, generation, _LIVE, evidence, pack))
        # written even if nothing fired: another policy may have moved the deadline since the row was
        payments[key] = folded.payment or before
        tell.steps(key, folded, out)
        if folded.payment is not before:
            out.note(ClockPassed(tick.partition, at, before, folded, _LIVE))

    return pass_by


def _where(record: Record, fact: PaymentFact) -> Evidence:
    """Where the fact can be read: the record, and the place in the file that brought it."""
    if isinstance(fact, BankAck):
        return _evidence(record.topic, record.partition, record.offset, fact.file_hash, fact.position)
    return _evidence(record.topic, record.partition, record.offset, None, None)


class _Teller:
    """Publishes what one fold says."""

    def __init__(self, topics: Topics, pack: Packer) -> None:
        self._topics = topics
        self._pack = pack

    def __call__(self, folded: Folded, record: Record, fact: PaymentFact, out: Outbox) -> None:
        """Transitions, alerts and appearances under the payment's key; what was not kept goes to the dead letters."""
        topics = self._topics
        self.steps(record.key, folded, out)
        for appearance in folded.appearances:
            message = _appeared(appearance, fact)
            out.send(topics.fingerprints, message.key, message)
        if folded.outcome in _KEPT_FOR_A_PERSON:
            out.dead_letter(record, BadRecord(_why(folded, fact), folded.outcome.value))
        elif isinstance(fact, Command) and fact.action in _JUDGED and folded.outcome is not Outcome.DUPLICATE:
            self._judge(fact, _JUDGED[fact.action], out)
        if folded.evicted is not None:
            self._put_out(folded.evicted, folded, record, out)

    def steps(self, key: str, folded: Folded, out: Outbox) -> None:
        """Transitions and alerts."""
        topics = self._topics
        for transition in folded.transitions:
            out.send(topics.transitions, key, transition)
        for alert in folded.alerts:
            out.send(topics.alerts, key, alert)

    def _judge(self, command: Command, confirmed: bool, out: Outbox) -> None:
        """A person's word about a pair goes to the pair's home; the latest by their clock wins there."""
        if command.alert_id is None:
            return
        verdict = PairVerdict(command.alert_id, confirmed, command.actor, command.reason, command.occurred_at)
        key = f"pair:{command.alert_id}"
        kind = FingerprintMessageType.VERDICT
        message = FingerprintMessage(kind, key, command.received_at, None, None, verdict, command.trace_id)
        out.send(self._topics.fingerprints, key, message)

    def _put_out(self, evicted: PaymentFact, folded: Folded, record: Record, out: Outbox) -> None:
        """A fact that gave way to one received earlier: kept whole, as it would be sent again."""
        kind, topic = _topic_of(self._topics, evicted)
        letter = DeadLetter(
            stage="lifecycle",
            error_class="Evicted",
            reason_class="limit",
            message=f"{folded.detail}: {kind} {evicted.event_id} gave way to an earlier fact",
            source_topic=topic.kafka_name,
            source_partition=record.partition,
            source_offset=-1,
            source_timestamp_ms=evicted.received_at // 1000,
            key=record.key.encode(),
            value=self._pack(evicted)[1:],
            headers=(),
            attempts=1,
            failed_at=record.timestamp_us,
            trace_id=evicted.trace_id,
        )
        out.send(self._topics.dead_letters, record.key, letter)
        out.count_dead_letter(topic.name, letter.reason_class, record.key)


def _appeared(appearance: Appearance, fact: PaymentFact) -> FingerprintMessage:
    key = f"{appearance.rule}:{appearance.fingerprint}"
    kind = FingerprintMessageType.APPEARANCE
    return _message(kind, key, fact.received_at, appearance, None, None, fact.trace_id)


def _why(folded: Folded, fact: PaymentFact) -> str:
    if folded.outcome is Outcome.CONFLICT:
        return (
            f"event {fact.event_id} of {fact.source} ({fact.source_event_id}) was told with another content: expected "
            f"the same payload hash, found {fact.payload_hash}; ask the source which one is meant"
        )
    return folded.detail or f"fact {fact.event_id} was not kept"


def _topic_of(topics: Topics, fact: PaymentFact) -> tuple[str, Topic[Any]]:
    by_kind: dict[type[Any], Topic[Any]] = {
        Approval: topics.approvals,
        Release: topics.releases,
        BankAck: topics.bank_acks,
        Reconciliation: topics.reconciliations,
        Command: topics.commands,
        Verdict: topics.verdicts,
    }
    return type(fact).__name__, by_kind[type(fact)]
