"""Add one fact to a payment. Pure; the order of facts, their repetition and their batching do not change the result."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import Final, TypeVar

from streams.domain.announcements import alerts_between, alerts_of_a_miss, appearances_between, transition_between
from streams.domain.bank_evidence import RANKS
from streams.domain.construction import quick
from streams.domain.deadlines import Armed, Mark, missed
from streams.domain.facts import Approval, BankAck, Command, Fact, Happened, PaymentFact, Reconciliation, Release
from streams.domain.fingerprints import Appearance
from streams.domain.kept import Kept, by_event_id, delivery_of, merged, place_of
from streams.domain.milestones import milestone_named_by
from streams.domain.payment import Context, Envelope, Payment
from streams.domain.state import Alert, Transition
from streams.domain.view import NOTHING_LIVE, Live, View, derived, live_of


class Outcome(StrEnum):
    """What became of one fact.

    APPLIED: kept, and not late. LATE: kept, but the payment was already further. DUPLICATE: told again; at most an
    earlier time of receipt was learnt. CONFLICT: another content under a known event id; the caller keeps the record
    for a person. INVALID: not kept (``detail`` says why); the caller makes it a dead letter.
    """

    APPLIED = "applied"
    LATE = "late"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Folded:
    """The payment after the fact (the same object if nothing changed) and what to publish.

    ``evicted``: a fact that was kept until now and gave way to one received earlier: a dead letter now.
    """

    payment: Payment | None
    outcome: Outcome
    transitions: tuple[Transition, ...] = ()
    alerts: tuple[Alert, ...] = ()
    appearances: tuple[Appearance, ...] = ()
    evicted: PaymentFact | None = None
    detail: str | None = None


_payment = quick(Payment)
_folded = quick(Folded)
_live = quick(Live)
_kept = quick(Kept)
_envelope = quick(Envelope)


def fold(payment: Payment | None, fact: PaymentFact, context: Context) -> Folded:
    """Add one fact. ``payment`` None: the first fact of its payment. Never raises on what a fact says."""
    if payment is None:
        row = _kept(fact.event_id, fact, context.pack(fact))
        return _published(None, fact, context, (row,), _joined(NOTHING_LIVE, row), Outcome.APPLIED)
    if fact.correlation_id != payment.correlation_id:
        detail = f"fact {fact.event_id} is of payment {fact.correlation_id!r}, folded into {payment.correlation_id!r}"
        return _folded(payment, Outcome.INVALID, detail=detail)
    place, row_before = place_of(payment.kept, fact.event_id)
    if row_before is not None:
        return _told_again(payment, place, row_before, fact, context)
    if len(payment.kept) >= context.policy.fact_cap:
        return _crowded(payment, fact, context)
    row = _kept(fact.event_id, fact, context.pack(fact))
    kept = (*payment.kept[:place], row, *payment.kept[place:])
    return _published(payment, fact, context, kept, _joined(payment.view.parts.live, row), Outcome.APPLIED)


def elapse(payment: Payment, at: int, context: Context) -> Folded:
    """It is proved that all that was received at or before ``at`` is known: whatever is missing by now, is missing.

    Every deadline that is due by then fires, in the order in which they are due; what is published is stamped with the
    deadline. The payment is the same object if none fires. Facts received later may be known already: they do not
    count, so when the clock comes makes no difference. How the payment looks to the duplicate rules does not change.
    """
    steps = [Folded(payment, Outcome.APPLIED)]
    for armed in payment.view.parts.deadlines.armed:
        if armed.fires_at <= at:
            steps.append(_fired(steps[-1].payment or payment, armed, context))
    return Folded(
        steps[-1].payment,
        Outcome.APPLIED,
        tuple(transition for step in steps for transition in step.transitions),
        tuple(alert for step in steps for alert in step.alerts),
    )


def _fired(payment: Payment, armed: Armed, context: Context) -> Folded:
    """One deadline has passed."""
    view = payment.view
    mark = Mark(armed.submission.event_id, armed.due_at, view.policy_version)
    marks = tuple(sorted((*payment.marks, mark), key=attrgetter("armed_by")))
    fact = missed(armed.submission, mark)
    step = _published(payment, fact, context, payment.kept, view.parts.live, Outcome.APPLIED, marks=marks)
    after = step.payment.view if step.payment is not None else view
    (miss,) = [miss for miss in after.parts.deadlines.misses if miss.fact == fact]
    return replace(step, alerts=(*step.alerts, *alerts_of_a_miss(miss, after, context)))


def _told_again(payment: Payment, place: int, row: Kept, fact: PaymentFact, context: Context) -> Folded:
    """The same event once more: a copy, a contradiction, or a newer word of its home."""
    outcome = Outcome.DUPLICATE
    if fact.payload_hash != row.fact.payload_hash:
        outcome = Outcome.CONFLICT
    elif delivery_of(fact) > delivery_of(row.fact):
        outcome = Outcome.APPLIED
    new = merged(row, fact, context.pack)
    if new is row:
        return _folded(payment, Outcome.DUPLICATE if row.knows(fact) else Outcome.CONFLICT)
    kept = (*payment.kept[:place], new, *payment.kept[place + 1 :])
    return _published(payment, fact, context, kept, live_of(kept), outcome)


def _crowded(payment: Payment, fact: PaymentFact, context: Context) -> Folded:
    """One fact too many: those received first stay, so that which ones stay does not depend on their order."""
    last = max(payment.kept, key=_received)
    row = Kept(fact.event_id, fact, context.pack(fact))
    detail = f"payment {payment.correlation_id!r} keeps {context.policy.fact_cap} facts, those received first"
    if _received(row) >= _received(last):
        if payment.overflowed:
            return _folded(payment, Outcome.INVALID, detail=detail)
        live = payment.view.parts.live
        return _published(payment, fact, context, payment.kept, live, Outcome.INVALID, detail=detail, overflowed=True)
    kept = tuple(sorted((*(old for old in payment.kept if old is not last), row), key=by_event_id))
    return _published(
        payment, fact, context, kept, live_of(kept), Outcome.APPLIED, evicted=last.fact, detail=detail, overflowed=True
    )


def _received(row: Kept) -> tuple[int, str]:
    return (row.fact.received_at, row.event_id)


_F = TypeVar("_F", bound=Fact)


def _joined(live: Live, row: Kept) -> Live:
    """One more fact in force; the kinds that it does not belong to stay the same objects."""
    approvals, releases, acks, reconciliations, commands, verdicts = (
        live.approvals,
        live.releases,
        live.bank_acks,
        live.reconciliations,
        live.commands,
        live.verdicts,
    )
    fact = row.fact
    if not row.live:
        return live
    if isinstance(fact, BankAck):
        acks = _inserted(acks, fact)
    elif isinstance(fact, Release):
        releases = _inserted(releases, fact)
    elif isinstance(fact, Approval):
        approvals = _inserted(approvals, fact)
    elif isinstance(fact, Reconciliation):
        reconciliations = _inserted(reconciliations, fact)
    elif isinstance(fact, Command):
        commands = _inserted(commands, fact)
    else:
        verdicts = _inserted(verdicts, fact)
    return _live(approvals, releases, acks, reconciliations, commands, verdicts)


def _inserted(rows: tuple[_F, ...], fact: _F) -> tuple[_F, ...]:
    if not rows or rows[-1].event_id < fact.event_id:
        return (*rows, fact)
    place = bisect_left(rows, fact.event_id, key=by_event_id)
    return (*rows[:place], fact, *rows[place:])


def _published(
    payment: Payment | None,
    fact: Happened,
    context: Context,
    kept: tuple[Kept, ...],
    live: Live,
    outcome: Outcome,
    evicted: PaymentFact | None = None,
    detail: str | None = None,
    overflowed: bool = False,
    marks: tuple[Mark, ...] | None = None,
) -> Folded:
    """Derive the view of the new set of facts and say what is different from the view before."""
    before = payment.view if payment is not None else None
    crowded = overflowed or (payment is not None and payment.overflowed)
    if marks is None:
        marks = before.parts.deadlines.marks if before is not None else ()
    view = derived(fact.correlation_id, kept, live, crowded, context.policy, marks, before)
    last = payment.envelope if payment is not None else None
    transition = transition_between(last, before, view, fact, context)
    envelope = _next_envelope(last, transition, fact, context.generation)
    after = _payment(fact.correlation_id, kept, crowded, envelope, view)
    if outcome is Outcome.APPLIED and before is not None and _came_late(before, view, fact):
        outcome = Outcome.LATE
    return _folded(
        after,
        outcome,
        (transition,) if transition is not None else (),
        alerts_between(before, view, fact, context) if view.alerts or (before is not None and before.alerts) else (),
        appearances_between(before, after),
        evicted,
        detail,
    )


def _next_envelope(last: Envelope | None, transition: Transition | None, fact: Happened, generation: int) -> Envelope:
    """One more published state, and one more transition if there is one."""
    version = last.version + 1 if last is not None else 1
    if transition is not None:
        return _envelope(version, transition.seq, transition.transition_id, fact.received_at, generation)
    if last is not None:
        return _envelope(version, last.seq, last.last_transition_id, fact.received_at, generation)
    return _envelope(version, 0, None, fact.received_at, generation)


def _came_late(before: View, view: View, fact: Happened) -> bool:
    """Nothing moved, and the fact speaks of a place that the payment had already passed."""
    if view.status is not before.status or view.flags != before.flags:
        return False
    named = milestone_named_by(fact)
    return named is not None and RANKS.get(named, _OFF_THE_PATH) < RANKS.get(before.status, _OFF_THE_PATH)


_OFF_THE_PATH: Final = 1000
