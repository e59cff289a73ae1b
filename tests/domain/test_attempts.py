"""Submission attempts: which file a word of the bank is about, and which attempt the payment stands on."""

from __future__ import annotations

from itertools import permutations

import pytest

from streams.domain.facts import Level, ReleaseStage
from streams.domain.payment import Context, as_state
from streams.domain.state import AlertKind, ReasonClass
from streams.domain.statuses import Flag, Status
from tests.domain.given import FILE_A, FILE_B, Told, ack, after, after_all, booking, release, submission


def _attempt(told: Told) -> int:
    return as_state(told.known, b"").attempt


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_rejection_of_file_a_and_acceptance_of_the_repaired_file_b_is_accepted(order: tuple[int, ...]) -> None:
    facts = (
        submission("s1", FILE_A, 20),
        ack("k1", "RJCT", 30, file=FILE_A),
        submission("s2", FILE_B, 60),
        ack("k2", "ACCP", 70, file=FILE_B),
    )
    told = after_all(facts[place] for place in order)
    assert (told.status, told.flags, _attempt(told)) == (Status.BANK_ACCEPTED, set(), 2)


def test_two_live_attempts_are_a_conflict_and_the_further_one_counts() -> None:
    told = after(submission("s1", FILE_A, 20), submission("s2", FILE_B, 60), ack("k", "ACCP", 70, file=FILE_A))
    assert (told.status, told.flags, _attempt(told)) == (Status.BANK_ACCEPTED, {Flag.CONFLICT}, 1)
    assert told.open_alerts == [AlertKind.CONFLICT]
    resolved = told.tell(ack("k2", "RJCT", 80, file=FILE_B), Context())
    assert (resolved.status, resolved.flags, resolved.open_alerts) == (Status.BANK_ACCEPTED, set(), [])


def test_a_portal_upload_is_submitted_by_its_acknowledgement() -> None:
    told = after(release("r"), ack("k", "ACTC", file=FILE_A))
    assert (told.status, _attempt(told)) == (Status.BANK_RECEIVED, 1)
    assert Status.SUBMITTED not in told.milestones


def test_a_portal_upload_that_is_refused_is_rejected() -> None:
    assert after(release("r"), ack("k", "RJCT", file=FILE_A)).status is Status.REJECTED


def test_evidence_that_names_no_attempt_belongs_to_the_only_one() -> None:
    told = after(submission("s", FILE_A), ack("k", "ACSP", 30))
    assert (told.status, _attempt(told)) == (Status.IN_PROCESS, 1)


def test_evidence_that_names_no_attempt_belongs_to_the_last_one_begun_before_it() -> None:
    facts = (submission("s1", FILE_A, 20), ack("k1", "RJCT", 30, file=FILE_A), submission("s2", FILE_B, 60))
    assert after(*facts, ack("late", "RJCT", 40)).status is Status.SUBMITTED
    assert after(*facts, ack("new", "RJCT", 70)).status is Status.REJECTED


def test_half_a_name_means_the_only_attempt_that_it_fits() -> None:
    told = after(submission("s1", FILE_A, 20), submission("s2", FILE_B, 60), ack("k", "RJCT", 70, message_id=FILE_A))
    assert (told.status, told.flags) == (Status.SUBMITTED, set())


def test_our_own_failure_to_submit_counts_until_the_bank_speaks() -> None:
    failed = release("f", ReleaseStage.SUBMIT_FAILED, 21, message_id=FILE_A, payment_info_id="B1")
    assert after(submission("s", FILE_A, 20), failed).status is Status.SUBMIT_FAILED
    assert after(submission("s", FILE_A, 20), failed, ack("k", "ACTC", 30, file=FILE_A)).status is Status.BANK_RECEIVED


def test_submitted_again_after_the_failure_it_is_submitted() -> None:
    failed = release("f", ReleaseStage.SUBMIT_FAILED, 21, message_id=FILE_A, payment_info_id="B1")
    again = submission("s2", FILE_A, 25)
    assert after(submission("s", FILE_A, 20), failed, again).status is Status.SUBMITTED


def test_a_release_after_the_rejection_under_a_new_name_is_the_repaired_payment_on_its_way() -> None:
    told = after(
        submission("s1", FILE_A, 20),
        ack("k1", "RJCT", 30, file=FILE_A),
        release("r2", at=50, message_id=FILE_B, payment_info_id="B1"),
    )
    assert told.status is Status.RELEASED


@pytest.mark.parametrize("code", ["DU01", "DUPL", "DT04", "AM05"])
def test_a_second_sending_that_the_bank_refuses_as_a_copy_is_no_second_attempt(code: str) -> None:
    told = after(
        submission("s1", FILE_A, 20),
        ack("k1", "ACCP", 30, file=FILE_A),
        submission("s2", FILE_B, 60),
        ack("k2", "RJCT", 70, file=FILE_B, reason_codes=(code,)),
    )
    assert (told.status, told.flags) == (Status.BANK_ACCEPTED, {Flag.DUPLICATE_REJECTION})
    assert told.open_alerts == [AlertKind.DUPLICATE_REJECTION]


def test_a_copy_refused_by_group_level_leaves_the_original_alone() -> None:
    told = after(
        submission("s1", FILE_A, 20),
        ack("k1", "ACSP", 30, file=FILE_A),
        ack("g", "RJCT", 40, file=FILE_A, level=Level.GROUP, reason_codes=("DU01",)),
    )
    assert (told.status, told.flags) == (Status.IN_PROCESS, {Flag.DUPLICATE_REJECTION})


def test_a_booking_that_names_the_rejected_file_while_another_lives_is_a_conflict() -> None:
    told = after(
        submission("s1", FILE_A, 20),
        ack("k1", "RJCT", 30, file=FILE_A),
        submission("s2", FILE_B, 60),
        booking("b", at=70, message_id=FILE_A, payment_info_id="B1"),
    )
    assert (told.status, told.flags) == (Status.SETTLED, {Flag.CONFLICT})


def test_the_reason_of_the_last_rejection_is_the_payments() -> None:
    told = after(submission("s", FILE_A), ack("k", "RJCT", file=FILE_A, reason_codes=("AC04",), reason_text="closed"))
    reason = told.known.view.reason
    assert reason is not None
    assert (reason.reason_class, reason.codes, reason.text) == (ReasonClass.BUSINESS, ("AC04",), "closed")
    assert told.open_alerts == [AlertKind.REJECTION]


def test_each_rejected_attempt_has_an_alert_of_its_own() -> None:
    told = after(
        submission("s1", FILE_A, 20),
        ack("k1", "RJCT", 30, file=FILE_A),
        submission("s2", FILE_B, 60),
        ack("k2", "RJCT", 70, file=FILE_B),
    )
    opened = {alert.alert_id for alert in told.alerts}
    assert len(opened) == 2
    assert told.open_alerts == [AlertKind.REJECTION]


def test_a_file_that_instructs_under_one_name_twice_is_a_conflict_not_one_payment() -> None:
    first = submission("s1", file_id="F", source_event_id="MSG-1/CdtTrfTxInf[1]")
    again = submission("s2", file_id="F", source_event_id="MSG-1/CdtTrfTxInf[2]")
    told = after(first, again)
    assert told.flags == {Flag.CONFLICT}
    assert told.open_alerts == [AlertKind.CONFLICT]
    assert after(first, submission("s2", file_id="F", source_event_id="another event")).flags == set()
