"""Approvals: scopes, rounds, sequences, withdrawals, content and who may not release."""

from __future__ import annotations

import pytest

from streams.domain.facts import ApprovalScope, Decision, InvoiceAllocation, PaymentFact, ReleaseStage
from streams.domain.payment import Context, as_state
from streams.domain.policy import Policy, Route
from streams.domain.state import AlertKind, ApprovalSummary, TransitionKind
from streams.domain.statuses import Flag, Status
from tests.domain.given import CONTENT, Told, ack, after, approval, invoice_approval, release, submission, usd

_SEVEN = InvoiceAllocation("V1:INV-7", "INV-7", usd(40_000))
_EIGHT = InvoiceAllocation("V1:INV-8", "INV-8", usd(60_000))
_STRICT = Context(policy=Policy(required_scopes=frozenset({ApprovalScope.PAYMENT})))
_NO, _YES, _STEP, _ASK, _BACK = (
    Decision.REJECTED,
    Decision.APPROVED,
    Decision.STEP_APPROVED,
    Decision.REQUESTED,
    Decision.WITHDRAWN,
)


def _summary(told: Told) -> ApprovalSummary:
    return as_state(told.known, b"").approvals


def test_fewer_approvals_than_required_are_pending_and_all_of_them_approve() -> None:
    told = after(approval("a", step=1, steps_required=2, decision=_STEP))
    assert (told.status, _summary(told)) == (Status.PENDING_APPROVAL, ApprovalSummary(2, 1, None))
    told.tell(approval("b", 5, step=2, steps_required=2, actor="bob"), Context())
    assert (told.status, _summary(told)) == (Status.APPROVED, ApprovalSummary(2, 2, None))
    assert told.milestones == {Status.PENDING_APPROVAL: "a", Status.APPROVED: "b"}


def test_two_yeses_of_one_step_are_one() -> None:
    told = after(
        approval("a", step=1, steps_required=2, decision=_STEP),
        approval("b", step=1, steps_required=2, decision=_STEP, actor="bob"),
    )
    assert told.status is Status.PENDING_APPROVAL


def test_no_approvals_are_needed_where_the_policy_requires_none() -> None:
    told = after(release("r"))
    assert (told.status, told.flags) == (Status.RELEASED, set())


def test_a_required_scope_without_any_decision_is_missing() -> None:
    told = after(approval("a", scope=ApprovalScope.RUN, scope_key="RUN-1"), context=_STRICT)
    assert told.status is Status.PENDING_APPROVAL
    assert _summary(told) == ApprovalSummary(1, 0, None)
    assert told.tell(approval("b"), _STRICT).status is Status.APPROVED


def test_every_scope_that_was_asked_must_say_yes() -> None:
    told = after(approval("a"), approval("b", scope=ApprovalScope.RUN, scope_key="RUN-1", decision=_ASK, step=0))
    assert told.status is Status.PENDING_APPROVAL


def test_the_latest_sequence_of_a_decision_wins_whatever_came_first() -> None:
    yes, no = approval("a", 0, sequence=1), approval("b", 5, sequence=2, decision=_NO)
    assert after(yes, no).status is after(no, yes).status is Status.APPROVAL_REJECTED
    again = approval("c", 3, sequence=3)
    assert after(no, yes, again).status is Status.APPROVED


def test_a_new_round_reopens_what_was_rejected() -> None:
    told = after(approval("a", decision=_NO), approval("b", 60, round=2))
    assert told.status is Status.APPROVED
    assert told.transitions[-1].kind is TransitionKind.REOPEN


def test_a_withdrawal_lowers_a_payment_below_released_without_a_flag() -> None:
    told = after(approval("a"), approval("w", 5, sequence=2, decision=_BACK))
    assert (told.status, told.flags) == (Status.PENDING_APPROVAL, set())
    assert told.transitions[-1].kind is TransitionKind.CORRECTION


def test_a_withdrawal_after_the_release_is_a_flag_and_an_alert() -> None:
    told = after(approval("a"), release("r"), approval("w", 30, sequence=2, decision=_BACK))
    assert (told.status, told.flags) == (Status.RELEASED, {Flag.APPROVAL_WITHDRAWN})
    assert told.open_alerts == [AlertKind.SOD]


def test_a_release_after_the_withdrawal_is_also_unapproved() -> None:
    told = after(approval("a"), approval("w", 5, sequence=2, decision=_BACK), release("r"))
    assert told.flags == {Flag.APPROVAL_WITHDRAWN, Flag.UNAPPROVED_RELEASE}


def test_a_release_that_somebody_refused_is_unapproved() -> None:
    told = after(approval("a", decision=_NO), release("r"))
    assert (told.status, told.flags) == (Status.RELEASED, {Flag.UNAPPROVED_RELEASE})
    assert told.open_alerts == [AlertKind.SOD]


def test_a_release_before_its_approval_is_judged_only_by_the_clock() -> None:
    """Absence is no finding of the fold: the approval may be on its way."""
    assert after(release("r"), approval("a", 30, decision=_ASK, step=0)).flags == set()


def test_who_approved_may_not_release() -> None:
    told = after(approval("a", actor="rob"), release("r", actor="rob"))
    assert told.flags == {Flag.SOD_VIOLATION}
    assert told.open_alerts == [AlertKind.SOD]


@pytest.mark.parametrize("first", ["release", "approval"])
def test_another_content_at_release_than_approved_is_changed_after_approval(first: str) -> None:
    facts: list[PaymentFact] = [release("r", content_hash="other"), approval("a", content_hash=CONTENT)]
    told = after(*(facts if first == "release" else facts[::-1]))
    assert told.flags == {Flag.CHANGED_AFTER_APPROVAL}
    assert told.open_alerts == [AlertKind.MISMATCH]


def test_the_same_content_and_a_content_that_nobody_hashed_are_no_change() -> None:
    assert after(approval("a", content_hash=CONTENT), release("r", content_hash=CONTENT)).flags == set()
    assert after(approval("a", content_hash=CONTENT), release("r")).flags == set()


def test_an_invoice_approval_hashes_something_else_than_the_payment() -> None:
    told = after(
        invoice_approval("a", "V1:INV-7", content_hash="of-the-invoice"),
        release("r", content_hash=CONTENT, invoices=(_SEVEN,)),
    )
    assert told.flags == set()


def test_a_new_yes_to_the_changed_content_clears_the_flag() -> None:
    told = after(
        approval("a", content_hash=CONTENT),
        release("r", content_hash="other"),
        approval("b", 30, content_hash="other", sequence=2),
    )
    assert told.flags == set()


def test_a_payment_of_many_invoices_is_approved_when_all_of_them_are() -> None:
    proposal = release("p", ReleaseStage.PROPOSED, invoices=(_SEVEN, _EIGHT))
    told = after(proposal, invoice_approval("a", "V1:INV-7"))
    assert _summary(told) == ApprovalSummary(2, 1, None)
    assert told.known.view.awaiting is not None
    assert told.known.view.awaiting.party == "approver"
    told.tell(invoice_approval("b", "V1:INV-8", 7), Context())
    assert _summary(told) == ApprovalSummary(2, 2, None)
    assert told.milestones[Status.APPROVED] == "b"


def test_an_invoice_that_the_payment_does_not_pay_does_not_count() -> None:
    told = after(
        release("r", invoices=(_SEVEN,)),
        invoice_approval("a", "V1:INV-7"),
        invoice_approval("n", "V1:INV-9", decision=_ASK, step=0),
    )
    assert _summary(told) == ApprovalSummary(1, 1, None)


def test_an_approval_taken_back_by_its_home_counts_no_more() -> None:
    """The home found that the invoice belongs to another payment: the highest number wins, in any order."""
    given = invoice_approval("a", "V1:INV-7", delivery=1)
    back = invoice_approval("a", "V1:INV-7", delivery=2, withdrawn=True)
    told = after(given, back)
    assert told.status is Status.UNKNOWN
    assert told.transitions[-1].kind is TransitionKind.CORRECTION
    assert after(back, given).status is Status.UNKNOWN
    assert after(given, back, invoice_approval("a", "V1:INV-7", delivery=3)).status is Status.APPROVED


def test_an_acknowledgement_taken_back_counts_no_more() -> None:
    told = after(submission("s"), ack("k", "ACCP", delivery=1), ack("k", "ACCP", delivery=2, withdrawn=True))
    assert told.status is Status.SUBMITTED
    assert told.transitions[-1].kind is TransitionKind.CORRECTION


def test_a_proposal_may_come_before_its_approval() -> None:
    proposal = release("p", ReleaseStage.PROPOSED)
    told = after(proposal, approval("a", 30, scope=ApprovalScope.RUN, scope_key="RUN-1", decision=_ASK, step=0))
    assert told.status is Status.PROPOSED
    told.tell(approval("b", 40, scope=ApprovalScope.RUN, scope_key="RUN-1", sequence=2), Context())
    assert told.status is Status.PROPOSED
    assert told.milestones[Status.APPROVED] == "b"


def test_alerts_go_where_the_policy_routes_their_kind() -> None:
    context = Context(policy=Policy(routes={AlertKind.SOD: Route("controller", "pager")}))
    told = after(approval("a", actor="rob"), release("r", actor="rob"), context=context)
    assert [(alert.owner, alert.route) for alert in told.alerts] == [("controller", "pager")]
