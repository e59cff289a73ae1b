"""How alive a payment is for the duplicate rules: a payment counts as dead only if that is proved."""

from __future__ import annotations

from typing import Final

from streams.domain.bank_evidence import RANKS
from streams.domain.bank_statuses import is_granted_recall
from streams.domain.bookings import booked_of
from streams.domain.facts import BankAck
from streams.domain.fingerprints import Liveness
from streams.domain.judgement import Judgement, Known
from streams.domain.statuses import Status

_ON_THE_PATH: Final[dict[Status, Liveness]] = {
    status: Liveness.PLANNED
    if rank < RANKS[Status.SUBMITTED]
    else Liveness.SUBMITTED
    if rank < RANKS[Status.PARTIALLY_SETTLED]
    else Liveness.SETTLED
    for status, rank in RANKS.items()
}
_BOOKED_BACK: Final = frozenset({Status.RETURNED, Status.RETURN_RECONCILED})


def liveness_of(known: Known, judgement: Judgement) -> Liveness:
    """Proved dead: booked back in full, cancelled as asked (CNCL), rejected without a debit, or never submitted."""
    status = judgement.status
    if status in _ON_THE_PATH:
        return _ON_THE_PATH[status]
    if status in _BOOKED_BACK:
        return Liveness.DEAD if _back_in_full(known) else Liveness.SETTLED
    if status is Status.REJECTED:
        return Liveness.SUBMITTED if judgement.report_contradicted else Liveness.DEAD
    if status is Status.CANCELLED:
        ended = judgement.decided_by
        granted = isinstance(ended, BankAck) and is_granted_recall(ended.bank_status)
        return Liveness.DEAD if granted else Liveness.SUBMITTED
    if status in (Status.VOIDED, Status.APPROVAL_REJECTED):
        return Liveness.DEAD if not known.attempts.all else Liveness.SUBMITTED
    return Liveness.SUBMITTED


def _back_in_full(known: Known) -> bool:
    """Booked, not only reported, and as much as left (or as was instructed, if we never saw it leave)."""
    if not known.evidence.returns_booked:
        return False
    left = known.booked.total if known.booked is not None else None
    left = left or known.instructed
    back = booked_of(known.evidence.returns_booked, known.instructed).total
    if back is None or left is None:
        return True
    return back.currency == left.currency and back.minor >= left.minor - known.policy.tolerance_minor
