"""What must happen next and by whom, and what is still open: the question that people really ask."""

from __future__ import annotations

from typing import Final

from streams.domain.construction import quick
from streams.domain.deadlines import NO_DEADLINES, Deadlines
from streams.domain.judgement import Judgement, Known
from streams.domain.money import Money
from streams.domain.state import Awaiting, RaisedFlag, SettlementEvidence
from streams.domain.statuses import Flag, Status

_awaiting = quick(Awaiting)

_APPROVAL: Final = (Status.APPROVED, "approver")
_RELEASE: Final = (Status.RELEASED, "payer")
_BOOKING: Final = (Status.SETTLED, "bank")
_RECONCILIATION: Final = (Status.RECONCILED, "reconciliation")
_PROPOSED: Final = Status.PROPOSED
_SUBMITTED: Final = Status.SUBMITTED
_PAID: Final = frozenset({Status.SETTLED, Status.CREDITED})
_REPORTED: Final = SettlementEvidence.REPORTED
_BOOKED: Final = SettlementEvidence.BOOKED

_NEXT: Final[dict[Status, tuple[Status, str]]] = {
    Status.UNKNOWN: _APPROVAL,
    Status.PENDING_APPROVAL: _APPROVAL,
    Status.APPROVED: _RELEASE,
    Status.PROPOSED: _RELEASE,
    Status.RELEASED: (Status.SUBMITTED, "payer"),
    Status.SUBMITTED: (Status.BANK_RECEIVED, "bank"),
    Status.BANK_RECEIVED: (Status.BANK_ACCEPTED, "bank"),
    Status.BANK_ACCEPTED: _BOOKING,
    Status.IN_PROCESS: _BOOKING,
    Status.PARTIALLY_SETTLED: _BOOKING,
    Status.SETTLED: _BOOKING,
    Status.CREDITED: _BOOKING,
    Status.RETURNED: (Status.RETURN_RECONCILED, "reconciliation"),
}


def awaiting_of(
    known: Known, judgement: Judgement, flags: tuple[RaisedFlag, ...], deadlines: Deadlines
) -> Awaiting | None:
    """The next milestone, the party whose turn it is, and until when; None when nothing more is expected."""
    status = judgement.status
    expected = _NEXT.get(status)
    if expected is None:
        return None
    if status is _PROPOSED and known.approvals.asked and not known.approvals.complete:
        expected = _APPROVAL
    elif status in _PAID and judgement.evidence is _BOOKED:
        expected = _RECONCILIATION
    if flags:
        names = {flag.name for flag in flags}
        if Flag.AWAITING_BANK_AUTHORISATION in names:
            expected = (Status.BANK_ACCEPTED, "approver")
        elif Flag.RECALL_REQUESTED in names and judgement.settled_now:
            expected = (Status.RETURNED, "bank")
    due_at = deadlines.awaited_at if status is _SUBMITTED and deadlines is not NO_DEADLINES else None
    return _awaiting(expected[0], expected[1], due_at)


def settled_of(known: Known, judgement: Judgement) -> Money | None:
    """What was booked; where settlement is only reported, what was instructed."""
    if known.booked is not None and (judgement.settled_now or known.evidence.has_returns):
        return known.booked.total or known.instructed
    return known.instructed if judgement.evidence is _REPORTED else None


def open_of(known: Known, judgement: Judgement, settled: Money | None) -> Money | None:
    """Instructed less settled plus returned, never below zero. FX: a foreign booking settles all."""
    instructed = known.instructed
    if instructed is None:
        return None
    if settled is None and known.returned is None:
        return instructed
    paid = 0
    if settled is not None and judgement.status is not Status.REJECTED:
        paid = settled.minor if settled.currency == instructed.currency else instructed.minor
    returned = known.returned
    if returned is not None:
        back = returned.minor if returned.currency == instructed.currency else instructed.minor
        paid = min(paid, instructed.minor) - back
    return Money(min(max(instructed.minor - paid, 0), instructed.minor), instructed.currency, instructed.exponent)
