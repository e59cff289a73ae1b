"""Every row of lifecycle.md, "Bank status to lifecycle", alone on a submitted payment."""

from __future__ import annotations

import pytest

from streams.domain.bank_statuses import PAYMENT_STATUSES, RECALL_ANSWERS, RECALL_STATUSES, entry_meaning, meaning
from streams.domain.facts import Direction, Level
from streams.domain.payment import Context
from streams.domain.policy import Policy
from streams.domain.state import AlertKind, SettlementEvidence
from streams.domain.statuses import Flag, Status
from tests.domain.given import (
    FILE_A,
    ack,
    after,
    booking,
    money_back,
    recall_answer,
    release,
    return_report,
    submission,
    usd,
)

_AUTHORISE = {Flag.AWAITING_BANK_AUTHORISATION}


@pytest.mark.parametrize(
    ("code", "status", "flags"),
    [
        ("RCVD", Status.BANK_RECEIVED, set()),
        ("ACTC", Status.BANK_RECEIVED, set()),
        ("PATC", Status.BANK_RECEIVED, _AUTHORISE),
        ("ACFW", Status.BANK_RECEIVED, _AUTHORISE),
        ("RCVC", Status.BANK_RECEIVED, _AUTHORISE),
        ("RVCM", Status.BANK_RECEIVED, _AUTHORISE),
        ("RVNC", Status.BANK_RECEIVED, _AUTHORISE),
        ("ACCP", Status.BANK_ACCEPTED, set()),
        ("ACFC", Status.BANK_ACCEPTED, set()),
        ("ACWC", Status.BANK_ACCEPTED, set()),
        ("PDNG", Status.SUBMITTED, {Flag.BANK_PENDING}),
        ("ACSP", Status.IN_PROCESS, set()),
        ("ACPD", Status.IN_PROCESS, set()),
        ("ACWP", Status.IN_PROCESS, set()),
        ("ACIS", Status.IN_PROCESS, set()),
        ("ACSC", Status.SETTLED, set()),
        ("ACCC", Status.CREDITED, set()),
        ("BLCK", Status.SUBMITTED, {Flag.BLOCKED}),
        ("RJCT", Status.REJECTED, set()),
        ("CANC", Status.CANCELLED, set()),
        ("PART", Status.SUBMITTED, set()),
        ("ACK", Status.SUBMITTED, set()),
        ("ATX", Status.SUBMITTED, set()),
    ],
)
def test_a_status_report_moves_a_submitted_payment_as_its_row_says(code: str, status: Status, flags: set[Flag]) -> None:
    told = after(release("r"), submission("s"), ack("a", code, file=FILE_A))
    assert told.status is status
    assert told.flags == flags


def test_every_code_of_the_table_is_covered_above() -> None:
    assert len(PAYMENT_STATUSES) == 23


def test_settled_by_a_report_is_reported_and_by_an_entry_booked() -> None:
    reported = after(submission("s"), ack("a", "ACSC", file=FILE_A)).known.view.judgement
    booked = after(submission("s"), booking("b")).known.view.judgement
    assert (reported.status, reported.evidence) == (Status.SETTLED, SettlementEvidence.REPORTED)
    assert (booked.status, booked.evidence) == (Status.SETTLED, SettlementEvidence.BOOKED)


def test_a_pending_entry_is_in_process_and_an_information_entry_nothing() -> None:
    pending = after(submission("s"), booking("b", status="PDNG"))
    assert (pending.status, pending.flags) == (Status.IN_PROCESS, {Flag.BANK_PENDING})
    assert after(submission("s"), booking("b", status="INFO")).status is Status.SUBMITTED


def test_a_short_booking_settles_in_part() -> None:
    told = after(submission("s"), booking("b", usd(40_000)))
    assert told.status is Status.PARTIALLY_SETTLED
    assert told.known.view.open == usd(60_000)


def test_gpi_reasons_of_a_payment_in_process_are_kept() -> None:
    told = after(submission("s"), ack("a", "ACSP", reason_codes=("G002",)))
    assert told.known.view.reason is not None
    assert told.known.view.reason.codes == ("G002",)


@pytest.mark.parametrize("code", ["DU01", "DUPL", "DT04", "AM05"])
def test_a_rejection_as_a_copy_never_moves_what_the_bank_has(code: str) -> None:
    told = after(
        submission("s"), ack("a", "ACCP", 30, file=FILE_A), ack("d", "RJCT", 31, reason_codes=(code,), file=FILE_A)
    )
    assert told.status is Status.BANK_ACCEPTED
    assert told.flags == {Flag.DUPLICATE_REJECTION}
    assert told.open_alerts == [AlertKind.DUPLICATE_REJECTION]


def test_a_recall_that_is_pending_is_a_flag_and_one_that_is_refused_resumes() -> None:
    asked = after(submission("s"), ack("a", "ACSP"), recall_answer("p", "PDCR"))
    assert (asked.status, asked.flags) == (Status.IN_PROCESS, {Flag.RECALL_REQUESTED})
    refused = after(submission("s"), ack("a", "ACSP"), recall_answer("p", "PDCR"), recall_answer("r", "RJCR", 90))
    assert (refused.status, refused.flags) == (Status.IN_PROCESS, set())


@pytest.mark.parametrize("granted", ["CNCL", "ACCR"])
def test_a_granted_cancellation_cancels_below_settled_and_waits_for_the_return_above(granted: str) -> None:
    assert after(submission("s"), ack("a", "ACSP"), recall_answer("c", granted)).status is Status.CANCELLED
    settled = after(submission("s"), booking("b"), recall_answer("c", granted))
    assert (settled.status, settled.flags) == (Status.SETTLED, {Flag.RECALL_REQUESTED})
    reported = after(submission("s"), ack("a", "ACSC"), recall_answer("c", granted))
    assert (reported.status, reported.flags) == (Status.SETTLED, {Flag.RECALL_REQUESTED})
    returned = after(submission("s"), booking("b"), recall_answer("c", granted), money_back("m"))
    assert returned.status is Status.RETURNED
    assert returned.flags == set()


@pytest.mark.parametrize("code", sorted(RECALL_STATUSES.keys() - RECALL_ANSWERS.keys()))
def test_other_answers_of_an_investigation_are_kept_and_change_nothing(code: str) -> None:
    told = after(submission("s"), ack("a", "ACSP"), recall_answer("i", code))
    assert (told.status, told.flags, told.alerts) == (Status.IN_PROCESS, set(), [])


def test_a_reported_and_a_booked_return_both_return_the_payment() -> None:
    for back in (return_report("p"), money_back("m")):
        told = after(submission("s"), booking("b"), back)
        assert told.status is Status.RETURNED
        assert told.open_alerts == [AlertKind.RETURN]


def test_a_notification_of_change_leaves_the_status_alone() -> None:
    """The mapper gives it no milestone; its reason is known, so that nobody is alerted about the code."""
    told = after(submission("s"), ack("a", "ACCP"), ack("n", "NOC", milestone=None, reason_codes=("C01",), flags=()))
    assert told.status is Status.BANK_ACCEPTED


def test_a_booked_debit_without_a_milestone_is_no_evidence_about_the_instruction() -> None:
    """A fee, a sweep or a direct debit: its code says that it pays nothing of ours."""
    told = after(submission("s"), booking("fee", usd(500), milestone=None))
    assert (told.status, told.known.view.settled) == (Status.SUBMITTED, None)


def test_a_booked_credit_without_return_information_is_no_settlement() -> None:
    told = after(submission("s"), booking("c", direction=Direction.CREDIT))
    assert told.status is Status.SUBMITTED


def test_an_unknown_code_changes_nothing_and_raises_one_alert_for_a_bank_and_code() -> None:
    one = after(submission("s"), ack("a", "XYZZ"), ack("b", "XYZZ", 35))
    assert one.status is Status.SUBMITTED
    assert one.open_alerts == [AlertKind.UNKNOWN_BANK_STATUS]
    other = after(submission("s", correlation_id="P2"), ack("a", "XYZZ", correlation_id="P2"))
    assert other.alerts[0].alert_id == one.alerts[0].alert_id
    elsewhere = after(submission("s"), ack("a", "XYZZ", bank="BANKY"))
    assert elsewhere.alerts[0].alert_id != one.alerts[0].alert_id


def test_a_code_that_the_profile_knows_alerts_nobody() -> None:
    context = Context(policy=Policy(silent_statuses=frozenset({"XYZZ"}), known_reasons=frozenset({"Q1"})))
    assert after(submission("s"), ack("a", "XYZZ", reason_codes=("Q1",)), context=context).alerts == []


def test_an_unknown_reason_alerts_too() -> None:
    told = after(submission("s"), ack("a", "RJCT", reason_codes=("Q1",), file=FILE_A))
    assert told.open_alerts == [AlertKind.REJECTION, AlertKind.UNKNOWN_BANK_STATUS]


def test_a_bank_profile_overrides_by_level_and_code_before_code() -> None:
    overrides = {"GROUP:ACCP": Status.BANK_RECEIVED, "ACCP": Status.IN_PROCESS, "ACSP": None}
    assert meaning("ACCP", Level.GROUP, overrides).milestone is Status.BANK_RECEIVED
    assert meaning("ACCP", Level.TRANSACTION, overrides).milestone is Status.IN_PROCESS
    assert meaning("ACSP", Level.TRANSACTION, overrides).milestone is None
    assert meaning("ACSP", Level.TRANSACTION, overrides).known
    assert entry_meaning("BOOK", Level.TRANSACTION, {}).milestone is Status.SETTLED
    assert not meaning("XYZZ", Level.TRANSACTION).known


@pytest.mark.parametrize("code", ["PATC", "BLCK", "PDNG"])
def test_a_flag_of_a_bank_goes_when_the_bank_says_more(code: str) -> None:
    told = after(submission("s"), ack("a", code, 30), ack("b", "ACSP", 40))
    assert (told.status, told.flags) == (Status.IN_PROCESS, set())
    assert after(submission("s"), ack("b", "ACSP", 40), ack("a", code, 30)).flags == set()


def test_the_lowest_level_of_one_message_wins_even_against_the_rules() -> None:
    """A bank sends GrpSts ACTC above RJCT transactions, another RJCT above transactions it accepted."""
    told = after(
        submission("s"),
        ack("g", "ACTC", level=Level.GROUP, source_message_id="M", file=FILE_A),
        ack("t", "RJCT", level=Level.TRANSACTION, source_message_id="M", file=FILE_A),
    )
    assert told.status is Status.REJECTED
    told = after(
        submission("s"),
        ack("g", "RJCT", level=Level.GROUP, source_message_id="M", file=FILE_A),
        ack("t", "ACCP", level=Level.TRANSACTION, source_message_id="M", file=FILE_A),
    )
    assert told.status is Status.BANK_ACCEPTED


def test_a_batch_between_group_and_transaction_counts_where_no_transaction_speaks() -> None:
    told = after(
        submission("s"),
        ack("g", "ACTC", level=Level.GROUP, source_message_id="M", file=FILE_A),
        ack("b", "ACCP", level=Level.BATCH, source_message_id="M", file=FILE_A),
    )
    assert told.status is Status.BANK_ACCEPTED


def test_a_child_that_is_not_named_inherits_its_parent() -> None:
    assert after(submission("s"), ack("g", "RJCT", level=Level.GROUP, file=FILE_A)).status is Status.REJECTED


def test_levels_are_compared_within_one_message_only() -> None:
    told = after(
        submission("s"),
        ack("g", "ACSP", 50, level=Level.GROUP, source_message_id="M2", file=FILE_A),
        ack("t", "ACTC", 30, level=Level.TRANSACTION, source_message_id="M1", file=FILE_A),
    )
    assert told.status is Status.IN_PROCESS
