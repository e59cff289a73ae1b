"""When each status was first reached, by their clock. Late, weaker evidence ends up here and moves nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from streams.domain.approvals import ApprovalView
from streams.domain.bank_evidence import SILENCE
from streams.domain.construction import quick
from streams.domain.deadlines import Miss
from streams.domain.facts import (
    Approval,
    BankAck,
    Decision,
    Fact,
    Happened,
    Reconciliation,
    ReconciliationKind,
    Release,
    ReleaseStage,
)
from streams.domain.instants import by_their_clock
from streams.domain.judgement import Judgement, Known, credited_of
from streams.domain.releases import ReleaseView
from streams.domain.state import Milestone
from streams.domain.statuses import Status

_milestone = quick(Milestone)
_PENDING: Final = Status.PENDING_APPROVAL
_APPROVED: Final = Status.APPROVED
_NOT_APPROVED: Final = Status.APPROVAL_REJECTED
_PROPOSED: Final = Status.PROPOSED
_RELEASED: Final = Status.RELEASED
_SUBMITTED: Final = Status.SUBMITTED
_FAILED: Final = Status.SUBMIT_FAILED
_VOIDED: Final = Status.VOIDED
_SETTLED: Final = Status.SETTLED
_ORDER: Final = {status: place for place, status in enumerate(Status)}


def our_milestones(approvals: ApprovalView, releases: ReleaseView) -> dict[Status, Milestone]:
    """What our own side reached, on the path and off it."""
    reached: dict[Status, Milestone] = {}
    decided = ((_PENDING, approvals.pending), (_APPROVED, approvals.completed), (_NOT_APPROVED, approvals.rejected))
    for status, fact in decided:
        if fact is not None:
            reached[status] = _row(status, fact)
    first = ((_PROPOSED, releases.proposed), (_RELEASED, releases.released), (_SUBMITTED, releases.submitted))
    for status, facts in (*first, (_FAILED, releases.failed), (_VOIDED, releases.voided[-1:])):
        if facts:
            reached[status] = _row(status, facts[0])
    return reached


def milestones_of(ours: dict[Status, Milestone], known: Known, judgement: Judgement) -> tuple[Milestone, ...]:
    """In the order of the path; a status that was skipped has no milestone."""
    reached = ours.copy()
    if judgement.cancel_requested:
        reached.pop(Status.VOIDED, None)
    evidence = known.evidence
    if evidence is not SILENCE:
        for status, fact in _reached_at_the_bank(known).items():
            reached[status] = _row(status, fact)
    return tuple([reached[status] for status in sorted(reached, key=_ORDER.__getitem__)])


#: The bank has spoken: by a status report of any kind or, where it sends none, by the booking.
ACKNOWLEDGED: Final = (
    Status.BANK_RECEIVED,
    Status.BANK_ACCEPTED,
    Status.IN_PROCESS,
    Status.PARTIALLY_SETTLED,
    Status.SETTLED,
    Status.CREDITED,
    Status.REJECTED,
)


def with_lateness(milestones: tuple[Milestone, ...], misses: Iterable[Miss]) -> tuple[Milestone, ...]:
    """A deadline missed shows at the milestone that the late word reached, else at the bank's first; the longest."""
    late: dict[Status, int] = {}
    for miss in misses:
        if miss.late_by_us is not None:
            named = miss.ended_by.milestone if isinstance(miss.ended_by, BankAck) else None
            rows = [row for row in milestones if row.name is named]
            rows = rows or sorted((row for row in milestones if row.name in ACKNOWLEDGED), key=_at)
            if rows:
                late[rows[0].name] = max(miss.late_by_us, late.get(rows[0].name, 0))
    return tuple([replace(row, late_by_us=late[row.name]) if row.name in late else row for row in milestones])


def _at(milestone: Milestone) -> int:
    return milestone.at


def _reached_at_the_bank(known: Known) -> dict[Status, Fact]:
    evidence = known.evidence
    reached: dict[Status, Fact] = {}
    if known.releases.submitted:
        reached[_SUBMITTED] = known.releases.submitted[0]
    for ack in evidence.reports:
        if ack.milestone is not None:
            _keep_first(reached, ack.milestone, ack)
    _keep_earliest(reached, Status.REJECTED, evidence.rejections)
    _keep_earliest(reached, Status.CANCELLED, evidence.cancellations)
    if evidence.debits:
        _booked(reached, known)
    if evidence.has_returns:
        _keep_earliest(reached, Status.RETURNED, evidence.returns)
        if known.reconciled.money_back is not None:
            reached[Status.RETURN_RECONCILED] = known.reconciled.money_back
    return reached


def _row(status: Status, fact: Fact) -> Milestone:
    return _milestone(status, fact.occurred_at, fact.precision, fact.source, fact.event_id, None)


def _keep_first(reached: dict[Status, Fact], status: Status, fact: Fact) -> None:
    other = reached.get(status)
    if other is None or by_their_clock(fact) < by_their_clock(other):
        reached[status] = fact


def _keep_earliest(reached: dict[Status, Fact], status: Status, facts: Iterable[Fact]) -> None:
    for fact in facts:
        _keep_first(reached, status, fact)


def _booked(reached: dict[Status, Fact], known: Known) -> None:
    """Booked outranks reported: the booking that completed the amount is the time of settlement."""
    debits = known.evidence.debits
    ordered = sorted(debits, key=by_their_clock) if len(debits) > 1 else debits
    short = (
        known.instructed is not None
        and known.booked is not None
        and known.booked.short_of(known.instructed, known.policy.tolerance_minor)
    )
    if short or len(ordered) > 1:
        reached[Status.PARTIALLY_SETTLED] = ordered[0]
    if short:
        reached.pop(_SETTLED, None)
        return
    reached[_SETTLED] = ordered[-1]
    credited = credited_of(known.evidence)
    if credited is not None:
        _keep_first(reached, Status.CREDITED, credited)
    if known.reconciled.payment is not None:
        reached[Status.RECONCILED] = known.reconciled.payment


_STAGES: Final = {
    ReleaseStage.PROPOSED: Status.PROPOSED,
    ReleaseStage.RELEASED: Status.RELEASED,
    ReleaseStage.SUBMITTED: Status.SUBMITTED,
    ReleaseStage.SUBMIT_FAILED: Status.SUBMIT_FAILED,
    ReleaseStage.VOIDED: Status.VOIDED,
}
_DECISIONS: Final = {
    Decision.REQUESTED: Status.PENDING_APPROVAL,
    Decision.STEP_APPROVED: Status.APPROVED,
    Decision.APPROVED: Status.APPROVED,
    Decision.REJECTED: Status.APPROVAL_REJECTED,
    Decision.WITHDRAWN: Status.PENDING_APPROVAL,
}


def milestone_named_by(fact: Happened) -> Status | None:
    """The status that this fact speaks of, alone; None: it speaks of none."""
    if isinstance(fact, BankAck):
        return fact.milestone
    if isinstance(fact, Release):
        return _STAGES.get(fact.stage)
    if isinstance(fact, Approval):
        return _DECISIONS.get(fact.decision)
    if isinstance(fact, Reconciliation):
        return Status.RECONCILED if fact.kind is not ReconciliationKind.UNMATCHED else None
    return None
