"""The merge rules of lifecycle.md, by number, and every status of the path."""

from __future__ import annotations

from itertools import permutations

import pytest

from streams.domain.facts import Decision, Level, PaymentFact, Precision, ReleaseStage
from streams.domain.fold import Outcome
from streams.domain.payment import Context, as_state
from streams.domain.policy import Policy
from streams.domain.state import AlertKind, AlertState, Awaiting, SettlementEvidence, TransitionKind
from streams.domain.statuses import Flag, Status
from tests.domain.given import (
    DAY,
    FILE_A,
    FILE_B,
    INSTRUCTED,
    MINUTE_US,
    NOON_US,
    ack,
    after,
    after_all,
    approval,
    booking,
    eur,
    money_back,
    recall_answer,
    reconciliation,
    release,
    return_report,
    submission,
    usd,
)

_LIFE: list[tuple[PaymentFact, Status, tuple[Status, str] | None]] = [
    (
        approval("a0", 0, decision=Decision.REQUESTED, step=0),
        Status.PENDING_APPROVAL,
        (Status.APPROVED, "approver"),
    ),
    (approval("a1", 1), Status.APPROVED, (Status.RELEASED, "payer")),
    (release("p", ReleaseStage.PROPOSED, 5), Status.PROPOSED, (Status.RELEASED, "payer")),
    (release("r", ReleaseStage.RELEASED, 10), Status.RELEASED, (Status.SUBMITTED, "payer")),
    (submission("s", at=20), Status.SUBMITTED, (Status.BANK_RECEIVED, "bank")),
    (ack("k1", "ACTC", 30), Status.BANK_RECEIVED, (Status.BANK_ACCEPTED, "bank")),
    (ack("k2", "ACCP", 31), Status.BANK_ACCEPTED, (Status.SETTLED, "bank")),
    (ack("k3", "ACSP", 32), Status.IN_PROCESS, (Status.SETTLED, "bank")),
    (booking("b1", usd(40_000), 40), Status.PARTIALLY_SETTLED, (Status.SETTLED, "bank")),
    (booking("b2", usd(60_000), 50), Status.SETTLED, (Status.RECONCILED, "reconciliation")),
    (ack("k4", "ACCC", 60), Status.CREDITED, (Status.RECONCILED, "reconciliation")),
    (reconciliation("m"), Status.RECONCILED, None),
    (money_back("x", at=5 * DAY), Status.RETURNED, (Status.RETURN_RECONCILED, "reconciliation")),
    (reconciliation("n", at=6 * DAY, entry_ref="ref-x"), Status.RETURN_RECONCILED, None),
]


def test_a_whole_life_step_by_step_with_what_is_awaited_at_each() -> None:
    for count, (_fact, status, awaited) in enumerate(_LIFE, 1):
        told = after_all(fact for fact, _, _ in _LIFE[:count])
        due_at = NOON_US + 80 * MINUTE_US if status is Status.SUBMITTED else None
        awaiting = None if awaited is None else Awaiting(awaited[0], awaited[1], due_at)
        assert (told.status, told.known.view.awaiting) == (status, awaiting)
        assert told.flags == set()


def test_a_whole_life_backwards_ends_in_the_same_place_with_the_same_milestones() -> None:
    facts = [fact for fact, _, _ in _LIFE]
    forward, backward = after_all(facts), after_all(reversed(facts))
    assert backward.status is forward.status is Status.RETURN_RECONCILED
    assert backward.milestones == forward.milestones
    assert list(forward.milestones) == [status for status in Status if status in forward.milestones]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((approval("a", decision=Decision.REJECTED),), Status.APPROVAL_REJECTED),
        ((release("v", ReleaseStage.VOIDED),), Status.VOIDED),
        ((release("r"), release("v", ReleaseStage.VOIDED, 11)), Status.VOIDED),
        ((submission("s"), release("f", ReleaseStage.SUBMIT_FAILED, 21)), Status.SUBMIT_FAILED),
        ((submission("s"), ack("k", "RJCT")), Status.REJECTED),
        ((submission("s"), ack("k", "CANC")), Status.CANCELLED),
        ((submission("s"), booking("b"), money_back("m")), Status.RETURNED),
        ((ack("k", "XXXX"),), Status.UNKNOWN),
    ],
)
def test_statuses_off_the_path_close_the_payment(facts: tuple[PaymentFact, ...], status: Status) -> None:
    state = as_state(after(*facts).known, b"")
    assert state.status is status
    assert state.closed is (status is not Status.UNKNOWN)


# rule 1


def test_1_late_weaker_evidence_fills_its_milestone_and_nothing_else() -> None:
    told = after(submission("s"), ack("k", "ACSP", 32), ack("late", "ACTC", 25))
    assert told.status is Status.IN_PROCESS
    assert told.milestones[Status.BANK_RECEIVED] == "late"
    assert told.outcomes[-1] is Outcome.LATE
    assert told.transitions[-1].kind is TransitionKind.MILESTONE_FILLED


def test_1_stages_may_be_skipped() -> None:
    told = after(booking("b"))
    assert told.status is Status.SETTLED
    assert list(told.milestones) == [Status.SETTLED]


# rule 2


def test_2_a_report_of_settlement_does_not_reconcile_until_it_is_booked() -> None:
    reported = after(submission("s"), ack("k", "ACSC"), reconciliation("m"))
    assert reported.status is Status.SETTLED
    assert reported.known.view.awaiting == Awaiting(Status.SETTLED, "bank", None)
    booked = reported.tell(booking("b"), Context())
    assert booked.status is Status.RECONCILED


def test_2_the_booking_sets_the_time_of_settlement() -> None:
    assert after(ack("k", "ACSC", 35), booking("b", at=40)).milestones[Status.SETTLED] == "b"


def test_2_credited_without_a_debit_still_awaits_the_booking() -> None:
    told = after(submission("s"), ack("k", "ACCC"))
    assert told.status is Status.CREDITED
    assert told.known.view.judgement.evidence is SettlementEvidence.REPORTED
    assert told.known.view.awaiting == Awaiting(Status.SETTLED, "bank", None)


# rule 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_3_rejected_and_booked_is_settled_in_conflict_in_any_order(order: tuple[int, ...]) -> None:
    facts = (submission("s"), ack("k", "RJCT", 30, file=FILE_A), booking("b", at=40))
    told = after_all(facts[place] for place in order)
    assert told.status is Status.SETTLED
    assert told.flags == {Flag.CONFLICT}
    assert AlertKind.CONFLICT in told.open_alerts


def test_3_the_conflict_ends_with_a_booked_credit_or_a_return() -> None:
    facts = (submission("s"), ack("k", "RJCT", 30, file=FILE_A), booking("b", at=40))
    credited = after(*facts, money_back("m", milestone=None, reason_codes=(), at=DAY))
    assert (credited.status, credited.flags) == (Status.REJECTED, set())
    assert AlertKind.CONFLICT not in credited.open_alerts
    returned = after(*facts, money_back("m", at=DAY))
    assert (returned.status, returned.flags) == (Status.RETURNED, set())


def test_3_rejected_and_only_reported_as_settled_is_rejected_in_conflict() -> None:
    for first, second in ((30, 31), (31, 30)):
        told = after(submission("s"), ack("r", "RJCT", first, file=FILE_A), ack("k", "ACSC", second, file=FILE_A))
        assert (told.status, told.flags) == (Status.REJECTED, {Flag.CONFLICT})


# rule 4: a time-out is a fact of the clock, which is not in this fold yet; no fact of any kind lowers a status by time


# rule 5


def test_5_an_acknowledgement_before_its_release_counts() -> None:
    told = after(ack("k", "ACCP"))
    assert told.status is Status.BANK_ACCEPTED
    assert told.flags == set()
    assert told.tell(release("r"), Context()).status is Status.BANK_ACCEPTED


# rule 6


def test_6_another_content_under_a_known_event_id_is_a_conflict_and_the_smallest_hash_is_kept() -> None:
    one = ack("k", "ACCP", payload_hash="b")
    other = ack("k", "RJCT", payload_hash="a")
    told = after(submission("s"), one, other)
    assert told.outcomes[-1] is Outcome.CONFLICT
    assert told.flags == {Flag.CONFLICT}
    assert told.status is Status.REJECTED
    swapped = after(submission("s"), other, one)
    assert swapped.outcomes[-1] is Outcome.CONFLICT
    assert as_state(swapped.known, b"").flags == as_state(told.known, b"").flags
    assert swapped.status is Status.REJECTED
    assert [alert.kind for alert in swapped.alerts if alert.state is AlertState.OPEN][-1] is AlertKind.CONFLICT


def test_6_the_same_content_again_is_a_redelivery_and_keeps_the_earliest_receipt() -> None:
    fact = ack("k", "ACCP", received=31)
    told = after(submission("s"), fact)
    assert told.tell(fact, Context()).outcomes[-1] is Outcome.DUPLICATE
    earlier = ack("k", "ACCP", received=30.5)
    assert told.tell(earlier, Context()).outcomes[-1] is Outcome.DUPLICATE
    assert min(row.received_at for row in told.known.facts if row.event_id == "k") == earlier.received_at


# rule 7


def test_7_a_return_is_a_new_fact_that_reopens_even_what_was_reconciled() -> None:
    told = after(submission("s"), booking("b"), reconciliation("m"), money_back("x", at=60 * DAY))
    assert told.status is Status.RETURNED
    assert told.transitions[-1].kind is TransitionKind.REOPEN
    assert told.milestones[Status.SETTLED] == "b"
    assert told.milestones[Status.RECONCILED] == "m"


def test_7_returns_may_be_partial_and_add_up() -> None:
    told = after(submission("s"), booking("b"), money_back("x", usd(30_000)), money_back("y", usd(20_000), 9 * DAY))
    assert told.status is Status.RETURNED
    state = as_state(told.known, b"")
    assert (state.returned, state.open) == (usd(50_000), usd(50_000))


def test_7_the_same_return_reported_and_booked_counts_once() -> None:
    told = after(submission("s"), booking("b"), return_report("p"), money_back("x"))
    assert told.known.view.known.returned == INSTRUCTED


def test_7_a_refused_recall_resumes_the_status_before() -> None:
    told = after(submission("s"), booking("b"), recall_answer("p", "PDCR"), recall_answer("r", "RJCR", 90))
    assert (told.status, told.flags) == (Status.SETTLED, set())


# rule 8


@pytest.mark.parametrize("status", ["ACTC", "ACCP", "ACSP", "ACSC"])
def test_8_a_void_at_or_past_submitted_is_a_request_to_cancel(status: str) -> None:
    void = release("v", ReleaseStage.VOIDED, 50)
    submitted = after(submission("s"), void)
    assert (submitted.status, submitted.flags) == (Status.SUBMITTED, {Flag.CANCEL_REQUESTED})
    told = after(submission("s"), ack("k", status), void)
    assert told.flags == {Flag.CANCEL_REQUESTED}
    assert Status.VOIDED not in told.milestones
    assert told.known.view.closed is False


def test_8_a_void_before_submission_voids_and_a_rejection_after_the_void_rejects() -> None:
    assert after(release("r"), release("v", ReleaseStage.VOIDED, 12)).status is Status.VOIDED
    told = after(submission("s"), release("v", ReleaseStage.VOIDED, 50), ack("k", "RJCT", 60))
    assert told.status is Status.REJECTED


def test_8_a_submission_that_nobody_told_us_of_shows_by_its_acknowledgement() -> None:
    told = after(release("r"), release("v", ReleaseStage.VOIDED, 12), ack("k", "ACCP", 30))
    assert (told.status, told.flags) == (Status.BANK_ACCEPTED, {Flag.CANCEL_REQUESTED})


# rule 9


def test_9_amounts_are_compared_within_the_policys_tolerance() -> None:
    facts = (submission("s"), approval("a", amount=usd(100_050)))
    assert after(*facts).flags == {Flag.AMOUNT_MISMATCH}
    assert after(*facts, context=Context(policy=Policy(tolerance_minor=50))).flags == set()


def test_9_another_currency_is_a_mismatch_unless_an_equivalent_amount_was_instructed() -> None:
    assert after(submission("s"), approval("a", amount=eur(90_000))).flags == {Flag.CURRENCY_MISMATCH}
    assert after(submission("s", equivalent_amount=True), approval("a", amount=eur(90_000))).flags == set()


def test_9_a_debit_in_the_accounts_currency_is_no_mismatch_and_settles_all() -> None:
    told = after(submission("s"), booking("b", eur(91_234)))
    assert (told.status, told.flags) == (Status.SETTLED, set())
    assert told.known.view.open == usd(0)


def test_9_charges_are_neither_short_nor_beyond() -> None:
    short = after(submission("s"), booking("b", usd(99_500), charges=usd(500)))
    beyond = after(submission("s"), booking("b", usd(100_500), charges=usd(500)))
    for told in (short, beyond):
        assert (told.status, told.flags) == (Status.SETTLED, set())


def test_9_booked_for_more_than_instructed_is_a_mismatch() -> None:
    told = after(submission("s"), booking("b", usd(100_001)))
    assert told.flags == {Flag.AMOUNT_MISMATCH}
    assert told.open_alerts == [AlertKind.MISMATCH]


def test_9_what_a_confirmation_credited_is_not_what_was_instructed() -> None:
    told = after(submission("s"), ack("k", "ACCC", amount=usd(98_000), format="gpi"))
    assert told.flags == set()


def test_9_a_report_that_states_another_instructed_amount_is_a_mismatch() -> None:
    assert after(submission("s"), ack("k", "ACCP", amount=usd(99_999))).flags == {Flag.AMOUNT_MISMATCH}


# rule 10


def test_10_the_debit_of_a_whole_batch_moves_no_child_but_a_batch_of_one_is_its_only_member() -> None:
    many = after(submission("s"), booking("b", usd(900_000), level=Level.BATCH, batch_count=9))
    assert (many.status, many.flags) == (Status.SUBMITTED, set())
    alone = after(submission("s"), booking("b", level=Level.BATCH, batch_count=1))
    assert alone.status is Status.SETTLED


# rule 11


def test_11_evidence_with_a_date_only_keeps_that_precision_everywhere() -> None:
    told = after(submission("s"), booking("b", precision=Precision.DATE))
    milestone = next(row for row in told.known.view.milestones if row.name is Status.SETTLED)
    assert milestone.precision is Precision.DATE
    assert told.transitions[-1].precision is Precision.DATE


# reopening and transitions


def test_a_rejected_payment_reopens_with_a_new_attempt() -> None:
    told = after(submission("s"), ack("k", "RJCT", 30, file=FILE_A), submission("s2", FILE_B, 60))
    assert told.status is Status.SUBMITTED
    assert told.transitions[-1].kind is TransitionKind.REOPEN
    assert AlertKind.REJECTION not in told.open_alerts


def test_a_voided_payment_reopens_with_a_new_release() -> None:
    told = after(release("r"), release("v", ReleaseStage.VOIDED, 12), release("r2", at=30))
    assert told.status is Status.RELEASED
    assert told.transitions[-1].kind is TransitionKind.REOPEN


def test_transitions_tell_the_step_its_cause_and_its_time() -> None:
    told = after(release("r"), submission("s"), ack("k", "ACCP", 30, received=33))
    step = told.transitions[-1]
    assert (step.from_status, step.to_status, step.kind) == (
        Status.SUBMITTED,
        Status.BANK_ACCEPTED,
        TransitionKind.ADVANCE,
    )
    assert (step.cause.event_id, step.cause.type, step.cause.source) == ("k", "bank_ack", "bankx")
    assert (step.occurred_at, step.recorded_at) == (NOON_US + 30 * 60_000_000, NOON_US + 33 * 60_000_000)
    assert (step.seq, step.previous_id) == (3, told.transitions[1].transition_id)


def test_a_fact_of_another_payment_is_refused_with_both_names() -> None:
    told = after(release("r"))
    told.tell(release("x", correlation_id="P9"), Context())
    assert told.last is not None
    assert told.outcomes[-1] is Outcome.INVALID
    assert told.last.detail is not None
    assert "'P9'" in told.last.detail
    assert "'P1'" in told.last.detail


def test_alerts_of_a_return_and_a_rejection_are_opened_once_and_withdrawn_when_their_reason_goes() -> None:
    told = after(submission("s"), ack("k", "RJCT", 30, file=FILE_A), ack("k2", "RJCT", 31, file=FILE_A))
    assert [alert.state for alert in told.alerts] == [AlertState.OPEN]
    told.tell(submission("s2", FILE_B, 60), Context())
    assert [alert.state for alert in told.alerts] == [AlertState.OPEN, AlertState.WITHDRAWN]
    assert told.alerts[0].alert_id == told.alerts[1].alert_id
