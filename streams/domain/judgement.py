"""From what is known of a payment to where it stands. The merge rules of lifecycle.md, each in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streams.domain.approvals import ApprovalView
from streams.domain.attempts import SETTLED_RANK, Attempt, Attempts
from streams.domain.bank_evidence import BankEvidence
from streams.domain.bank_statuses import is_granted_recall
from streams.domain.bookings import Booked, booked_of
from streams.domain.construction import quick
from streams.domain.facts import ApprovalScope, BankAck, Fact, Reconciliation, Release
from streams.domain.instants import by_their_clock, end_of, surely_after
from streams.domain.money import Money
from streams.domain.policy import Policy
from streams.domain.reconciliation import Reconciled, reconciled_of
from streams.domain.releases import UNNAMED, ReleaseView, attempt_name, instructed_of
from streams.domain.state import SettlementEvidence
from streams.domain.statuses import Status

_RELEASED: Final = Status.RELEASED
_CREDITED: Final = Status.CREDITED
"""camt.029: cancelled as requested. It contradicts no booking: it promises a return."""


@dataclass(slots=True)
class Known:
    """All that the facts say, sorted, before anything is concluded. Read only."""

    policy: Policy
    approvals: ApprovalView
    releases: ReleaseView
    evidence: BankEvidence
    attempts: Attempts
    reconciled: Reconciled
    instructed_by: Release | None
    instructed: Money | None
    booked: Booked | None
    returned: Money | None


@dataclass(slots=True)
class Judgement:
    """Where the payment stands. ``decided_by``: the fact that says so.

    ``contradicted``: rejected (or cancelled) and booked, with no money back. ``report_contradicted``: rejected and
    reported as settled. ``cancel_requested``: voided by the ERP when only the bank could stop it any more.
    ``settled_now``: bookings stand (not returned, not taken back).
    """

    status: Status
    decided_by: Fact | None
    evidence: SettlementEvidence | None = None
    settled_now: bool = False
    contradicted: bool = False
    report_contradicted: bool = False
    cancel_requested: bool = False


_known = quick(Known)
_judgement = quick(Judgement)


def known_of(
    policy: Policy,
    approvals: ApprovalView,
    releases: ReleaseView,
    evidence: BankEvidence,
    attempts: Attempts,
    reconciled: Reconciled,
) -> Known:
    """Put the parts together and work out the amounts."""
    instructed_by = instructed_of(releases, attempts.best.name if attempts.best else None)
    instructed = instructed_by.amount if instructed_by is not None else approved_amount(approvals)
    booked = booked_of(evidence.debits, instructed) if evidence.debits else None
    returned = _returned(evidence, instructed, booked) if evidence.has_returns else None
    return _known(
        policy, approvals, releases, evidence, attempts, reconciled, instructed_by, instructed, booked, returned
    )


def approved_amount(approvals: ApprovalView) -> Money | None:
    """What was approved for the payment as a whole, before a release says what is instructed."""
    rows = [row for row in approvals.positive if row.amount is not None and row.scope is ApprovalScope.PAYMENT]
    return max(rows, key=by_their_clock).amount if rows else None


def _returned(evidence: BankEvidence, instructed: Money | None, booked: Booked | None) -> Money | None:
    """Booked and reported returns speak of the same money: the larger sum. Without any amount: all of it."""
    sums = [booked_of(rows, instructed).total for rows in (evidence.returns_booked, evidence.returns_reported) if rows]
    amounts = [amount for amount in sums if amount is not None]
    if amounts:
        return max((amount for amount in amounts if amount.currency == amounts[0].currency), key=_minor)
    return booked.total if booked is not None and booked.total is not None else instructed


def _minor(amount: Money) -> int:
    return amount.minor


def judge(known: Known) -> Judgement:
    """The strongest evidence first: money back, money out, the bank's word, ours, the approvers'."""
    evidence = known.evidence
    if evidence.has_returns and not _settled_again(known):
        return _unbooked(known) if _submitted_again(known) else _returned_to_us(known)
    if evidence.debits and not _taken_back(known):
        return _booked(known)
    return _unbooked(known)


def _settled_again(known: Known) -> bool:
    """Booked once more after the return: what was booked less what came back is again all that was instructed."""
    booked, returned, instructed = known.booked, known.returned, known.instructed
    if booked is None or booked.total is None or returned is None or instructed is None:
        return False
    if not booked.total.currency == returned.currency == instructed.currency:
        return False
    return booked.total.minor - returned.minor >= instructed.minor - known.policy.tolerance_minor


def _submitted_again(known: Known) -> bool:
    """A live attempt that surely began after the last return."""
    best = known.attempts.best
    return best is not None and best.start > max(end_of(row) for row in known.evidence.returns)


def _returned_to_us(known: Known) -> Judgement:
    evidence = SettlementEvidence.BOOKED if known.evidence.debits else None
    if known.reconciled.money_back is not None:
        return _judgement(Status.RETURN_RECONCILED, known.reconciled.money_back, evidence)
    return _judgement(Status.RETURNED, min(known.evidence.returns, key=by_their_clock), evidence)


def _taken_back(known: Known) -> bool:
    """Rejected, booked all the same, and booked back: the money never left."""
    evidence, booked = known.evidence, known.booked
    if booked is None or not evidence.credits or known.attempts.best is not None or _ended_by_bank(known) is None:
        return False
    back = booked_of(evidence.credits, known.instructed).total
    if back is None or booked.total is None or back.currency != booked.total.currency:
        return back is not None or booked.total is None
    return back.minor >= booked.total.minor - known.policy.tolerance_minor


def _ended_by_bank(known: Known) -> BankAck | None:
    """The rejection or cancellation of the last attempt, if no attempt lives."""
    dead = known.attempts.last_dead
    if known.attempts.best is None and dead is not None and isinstance(dead.ended, BankAck):
        return dead.ended
    return None


def _booked(known: Known) -> Judgement:
    """An account entry proves it (merge rule 2); with a rejection beside it, it is a contradiction (rule 3)."""
    status, decided_by = _how_far_booked(known)
    ended = _ended_by_bank(known)
    granted = ended is not None and is_granted_recall(ended.bank_status)
    return _judgement(
        status,
        decided_by,
        SettlementEvidence.BOOKED,
        settled_now=True,
        contradicted=(ended is not None and not granted) or _booked_on_a_rejected_attempt(known),
        cancel_requested=_voided_too_late(known),
    )


def _how_far_booked(known: Known) -> tuple[Status, Fact]:
    debits = known.evidence.debits
    last = max(debits, key=by_their_clock) if len(debits) > 1 else debits[0]
    if known.instructed is not None and known.booked is not None:
        booked = known.booked
        if not known.evidence.has_returns and booked.short_of(known.instructed, known.policy.tolerance_minor):
            return Status.PARTIALLY_SETTLED, last
    if known.reconciled.payment is not None:
        return Status.RECONCILED, known.reconciled.payment
    credited = credited_of(known.evidence)
    return (Status.CREDITED, credited) if credited is not None else (Status.SETTLED, last)


def credited_of(evidence: BankEvidence) -> BankAck | None:
    """The earliest report that the creditor's account was credited."""
    rows = [row for row in (*evidence.reports, *evidence.debits) if row.milestone is _CREDITED]
    return min(rows, key=by_their_clock, default=None)


def _booked_on_a_rejected_attempt(known: Known) -> bool:
    """A booking that names an attempt which the bank rejected, while another attempt lives."""
    if len(known.attempts.all) < 2:
        return False
    named = (known.attempts.named(attempt_name(row.message_id, row.payment_info_id)) for row in known.evidence.debits)
    return any(attempt is not None and attempt.rejections and not attempt.live for attempt in named)


def _unbooked(known: Known) -> Judgement:
    best = known.attempts.best
    if best is not None:
        return _on_its_way(known, best)
    dead = known.attempts.last_dead
    if dead is not None and dead.ended is not None:
        return _ended(known, dead, dead.ended)
    return _before_submission(known)


def _on_its_way(known: Known, best: Attempt) -> Judgement:
    """The best live attempt counts; what a report says of settlement is a report."""
    reported = SettlementEvidence.REPORTED if best.rank >= SETTLED_RANK else None
    return _judgement(best.status, best.leading, reported, cancel_requested=_voided_too_late(known))


def _ended(known: Known, dead: Attempt, ended: BankAck | Release) -> Judgement:
    """No attempt lives: as the last one ended, unless the payment was released again since."""
    if isinstance(ended, Release):
        void = _void_in_force(known)
        if void is not None:
            return _judgement(Status.VOIDED, void)
    again = _released_again(known, ended)
    if again is not None:
        return _judgement(Status.RELEASED, again)
    if isinstance(ended, Release):
        return _judgement(Status.SUBMIT_FAILED, ended)
    status = Status.CANCELLED if ended.milestone is Status.CANCELLED else Status.REJECTED
    settled = dead.settled_by_report
    return _judgement(
        status,
        ended,
        SettlementEvidence.REPORTED if settled is not None else None,
        report_contradicted=settled is not None,
    )


def _released_again(known: Known, ended: Fact) -> Release | None:
    """A release under a name that no attempt had, surely after the end: the repaired payment on its way."""
    attempted = {attempt.name for attempt in known.attempts.all}
    for row in reversed(known.releases.released):
        name = attempt_name(row.message_id, row.payment_info_id)
        if name not in attempted and name != UNNAMED and surely_after(row, ended):
            return row
    return None


def _before_submission(known: Known) -> Judgement:
    void = _void_in_force(known)
    if void is not None:
        return _judgement(Status.VOIDED, void)
    if known.releases.released:
        return _judgement(_RELEASED, known.releases.released[0])
    approvals = known.approvals
    if approvals.rejected is not None:
        return _judgement(Status.APPROVAL_REJECTED, approvals.rejected)
    if known.releases.proposed:
        return _judgement(Status.PROPOSED, known.releases.proposed[0])
    if approvals.complete:
        return _judgement(Status.APPROVED, approvals.completed)
    if approvals.asked:
        return _judgement(Status.PENDING_APPROVAL, approvals.pending)
    return _judgement(Status.UNKNOWN, None)


def _void_in_force(known: Known) -> Release | None:
    """The ERP's void, unless a proposal, a release or a new round of approval came surely after it."""
    releases = known.releases
    if not releases.voided:
        return None
    void = releases.voided[-1]
    if any(surely_after(row, void) for row in (*releases.proposed, *releases.released, *releases.submitted)):
        return None
    earlier = max((row.round for row in known.approvals.in_force if not surely_after(row, void)), default=1)
    again = any(row.round > earlier and surely_after(row, void) for row in known.approvals.in_force)
    return None if again else void


def _voided_too_late(known: Known) -> bool:
    """Void at or past SUBMITTED: only the bank can stop it (merge rule 8), unless it was submitted anew after it."""
    void = _void_in_force(known)
    if void is None:
        return False
    best = known.attempts.best
    return best is None or not best.submitted or not all(surely_after(row, void) for row in best.submitted)


def reconciled_for(facts: tuple[Reconciliation, ...], evidence: BankEvidence, policy: Policy) -> Reconciled:
    """Whether the payment, and its return, are reconciled as the policy wants it."""
    return reconciled_of(facts, evidence.debits, evidence.returns, policy.reconciliation)
