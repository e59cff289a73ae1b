"""The deadline of the bank's first word: what arms it, what meets it, what is said when it has passed.

The submission is at 12:20 and the bank has an hour unless a test says otherwise: the deadline is 13:20, minute 80.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.domain.facts import PaymentFact, Precision, ReleaseStage
from streams.domain.payment import Context, as_state
from streams.domain.policy import Policy
from streams.domain.state import Alert, AlertKind, AlertState, Deadline, Severity, TransitionKind
from streams.domain.statuses import Flag, Status
from tests.domain.given import (
    FILE_A,
    FILE_B,
    HOUR,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    Told,
    ack,
    after,
    booking,
    release,
    submission,
)

_OPEN, _GONE = AlertState.OPEN, AlertState.WITHDRAWN
_DUE = 80.0


def _us(minutes: float) -> int:
    return NOON_US + int(minutes * MINUTE_US)


def _sla(told: Told) -> list[Alert]:
    return [alert for alert in told.alerts if alert.kind is AlertKind.SLA_MISSED]


def _states(told: Told) -> list[AlertState]:
    return [alert.state for alert in _sla(told)]


def _waits(told: Told) -> list[int]:
    return [row.due_at for row in as_state(told.known, b"").deadlines]


def _late(told: Told) -> dict[Status, int]:
    return {row.name: row.late_by_us for row in told.known.view.milestones if row.late_by_us is not None}


# -- what arms it


def test_a_submission_arms_one_deadline_and_the_state_says_who_is_awaited_until_when() -> None:
    told = after(submission("s"))
    state = as_state(told.known, b"")
    assert state.deadlines == (Deadline("acknowledgement", _us(_DUE), "default"),)
    assert state.awaiting is not None
    assert (state.awaiting.party, state.awaiting.due_at) == ("bank", _us(_DUE))
    assert told.known.due_at == _us(_DUE)


@pytest.mark.parametrize(
    ("stage", "file"), [(ReleaseStage.PROPOSED, None), (ReleaseStage.RELEASED, None), (ReleaseStage.SUBMIT_FAILED, "F")]
)
def test_nothing_but_a_submission_arms_it(stage: ReleaseStage, file: str | None) -> None:
    assert after(release("r", stage, message_id=file)).clock(99 * HOUR).known.due_at is None


def test_a_portal_upload_has_no_submission_and_no_deadline() -> None:
    told = after(release("r"), ack("k", "ACCP", 30)).clock(99 * HOUR)
    assert (told.status, _waits(told), _sla(told)) == (Status.BANK_ACCEPTED, [], [])


@pytest.mark.parametrize(
    ("told", "due"),
    [
        pytest.param(submission("s", at=20, received=25), 80, id="by their clock"),
        pytest.param(submission("s", at=20, received=15), 75, id="nothing happens after we heard of it"),
        pytest.param(submission("s", at=0, received=25, precision=Precision.DATE), 85, id="a date has no time of day"),
    ],
)
def test_the_wait_begins_at_the_submission(told: PaymentFact, due: float) -> None:
    assert _waits(after(told)) == [_us(due)]


@pytest.mark.parametrize(("bank", "due"), [("BANKX", 50), ("BANKY", None), ("BANKZ", 80), (None, 50)])
def test_how_long_is_the_banks_and_of_an_unnamed_bank_that_of_the_release(bank: str | None, due: float | None) -> None:
    policy = Policy(acknowledgement_within_s_by_bank={"BANKX": 30 * 60, "BANKY": 0})
    told = after(release("r"), submission("s", bank=bank), context=Context(policy))
    assert _waits(told) == ([] if due is None else [_us(due)])
    assert told.clock(99 * HOUR, Context(policy)).flags == (set() if due is None else {Flag.OVERDUE})


def test_told_twice_a_submission_is_waited_for_once_from_when_it_was_heard_first() -> None:
    erp, gateway = submission("s1", at=20), submission("s2", at=21)
    for facts in ((erp, gateway), (gateway, erp)):
        assert _waits(after(*facts)) == [_us(80)]
    assert _waits(after(submission("s1", None, at=20), gateway)) == [_us(80)]


def test_each_attempt_has_a_deadline_of_its_own() -> None:
    told = after(submission("a", FILE_A, 20), submission("b", FILE_B, 40))
    assert _waits(told) == [_us(80), _us(100)]
    told.clock(101)
    assert len({alert.alert_id for alert in _sla(told)}) == 2
    assert _states(told) == [_OPEN, _OPEN]


def test_submitted_again_after_it_failed_it_is_waited_for_anew() -> None:
    failed = release("f", ReleaseStage.SUBMIT_FAILED, 30, message_id=FILE_A, payment_info_id="B1")
    told = after(submission("a", at=20), failed)
    assert _waits(told) == []
    again = submission("b", at=40)
    for facts in ((submission("a", at=20), failed, again), (again, failed, submission("a", at=20))):
        assert _waits(after(*facts)) == [_us(100)]


def test_a_failure_that_was_not_known_by_then_makes_no_second_attempt_of_what_is_told_again() -> None:
    """Nothing that is received after a deadline has a part in it."""
    failed = release("f", ReleaseStage.SUBMIT_FAILED, 30, 200, message_id=FILE_A, payment_info_id="B1")
    assert _waits(after(submission("a", at=20), submission("b", at=40), failed)) == [_us(80)]


def test_a_bank_that_is_named_later_makes_no_difference() -> None:
    context = Context(Policy(acknowledgement_within_s_by_bank={"BANKX": 30 * 60}))
    assert _waits(after(submission("s", bank=None), release("r", at=30), context=context)) == [_us(_DUE)]


def test_of_two_attempts_the_one_that_was_heard_of_late_fires_later() -> None:
    told = after(submission("a", FILE_A, 20, received=200), submission("b", FILE_B, 21))
    assert told.known.due_at == _us(81)
    assert told.clock(199).known.due_at == _us(200)


def test_a_submission_of_two_contents_is_for_a_person_not_for_the_clock() -> None:
    told = after(submission("s", payload_hash="b")).clock(81)
    assert told.flags == {Flag.OVERDUE}
    told.tell(submission("s", at=21, payload_hash="a"), Context())
    assert told.flags == {Flag.CONFLICT}
    assert told.transitions[-1].kind is TransitionKind.CORRECTION
    assert told.clock(99 * HOUR).flags == {Flag.CONFLICT}


# -- what meets it


@pytest.mark.parametrize(
    "word",
    [
        ack("k", "RCVD", 30),
        ack("k", "PDNG", 30),
        ack("k", "RJCT", 30, reason_codes=("AC04",)),
        ack("k", "RJCT", 30, reason_codes=("DU01",)),
        ack("k", "ZZZZ", 30),
        ack("k", "ACSP", 30, file=FILE_A),
        booking("k", at=30),
    ],
    ids=lambda word: f"{word.bank_status} {word.reason_codes}",
)
def test_any_word_of_the_bank_in_time_meets_it_before_or_after_the_clock_is_known(word: PaymentFact) -> None:
    for facts in ((submission("s"), word), (word, submission("s"))):
        told = after(*facts)
        assert _waits(told) == []
        assert told.clock(99 * HOUR).known.due_at is None
        assert _sla(told) == []


def test_received_at_the_deadline_is_in_time_and_a_microsecond_later_is_late() -> None:
    for late_us in (0, 1):
        word = replace(ack("k", "ACCP", 30), received_at=_us(_DUE) + late_us)
        told = after(submission("s"), word).clock(99 * HOUR)
        assert _states(told) == ([_OPEN, _GONE] if late_us else [])


def test_received_at_the_deadline_but_known_after_it_has_fired_it_is_in_time_all_the_same() -> None:
    word = replace(ack("k", "ACCP", 30), received_at=_us(_DUE))
    told = after(submission("s")).clock(81).tell(word, Context())
    assert (told.transitions[-1].kind, _late(told)) == (TransitionKind.CORRECTION, {})


def test_between_the_deadline_and_when_we_heard_of_the_submission_the_bank_was_late() -> None:
    told = after(submission("s", at=20, received=200), ack("k", "ACCP", 100, received=150)).clock(200)
    assert _states(told) == [_OPEN, _GONE]


def test_of_two_contents_one_that_was_taken_back_was_no_word() -> None:
    first = ack("k", "ACCP", 30, payload_hash="b", delivery=1)
    other = ack("k", "ACCP", 30, received=90, payload_hash="a", delivery=1)
    assert _sla(after(submission("s"), first, other).clock(99 * HOUR)) == []
    told = after(submission("s"), first, replace(first, delivery=2, withdrawn=True), other)
    assert _states(told.clock(99 * HOUR)) == [_OPEN, _GONE]


def test_it_is_when_we_received_the_word_that_counts_not_when_the_bank_says_that_it_said_it() -> None:
    assert _states(after(submission("s"), ack("k", "ACCP", 30, received=90)).clock(99 * HOUR)) == [_OPEN, _GONE]


def test_a_word_about_another_attempt_is_none_about_this_one() -> None:
    told = after(submission("a", FILE_A, 20), submission("b", FILE_B, 21), ack("k", "ACCP", 30, file=FILE_A))
    assert _waits(told) == [_us(81)]


def test_a_word_taken_back_was_none() -> None:
    said = ack("k", "ACCP", 30, delivery=1)
    told = after(submission("s"), said, replace(said, delivery=2, withdrawn=True))
    assert _states(told.clock(81)) == [_OPEN]


def test_a_repeated_word_counts_from_when_it_was_received_first() -> None:
    told = after(submission("s"), ack("k", "ACCP", 30, received=90), ack("k", "ACCP", 30, received=70))
    assert _sla(told.clock(99 * HOUR)) == []


# -- when it has passed


def test_it_fires_at_the_first_tick_at_or_after_it_and_once() -> None:
    told = after(submission("s")).clock(79.999)
    assert told.flags == set()
    told.clock(_DUE)
    assert told.flags == {Flag.OVERDUE}
    told.clock(81).clock(99 * HOUR)
    assert _states(told) == [_OPEN]


def test_what_it_says_is_stamped_with_the_deadline_whenever_the_clock_came() -> None:
    prompt, outage = after(submission("s")).clock(_DUE), after(submission("s")).clock(99 * HOUR)
    assert prompt.known == outage.known
    assert (prompt.transitions, prompt.alerts) == (outage.transitions, outage.alerts)
    step, (alert,) = outage.transitions[-1], _sla(outage)
    assert (step.occurred_at, step.recorded_at, alert.at) == (_us(_DUE),) * 3
    assert (step.kind, step.cause.type, step.from_status, step.to_status) == (
        TransitionKind.FLAG,
        "deadline",
        Status.SUBMITTED,
        Status.SUBMITTED,
    )
    assert (alert.severity, alert.cause_event_id) == (Severity.WARNING, step.cause.event_id)
    (flag,) = outage.known.view.flags
    assert (flag.name, flag.detail, flag.since) == (Flag.OVERDUE, "acknowledgement", _us(_DUE))
    assert outage.known.view.awaiting is not None
    assert outage.known.view.awaiting.due_at == _us(_DUE)


def test_a_submission_heard_of_after_its_deadline_fires_when_it_is_heard_of_not_before() -> None:
    told = after(submission("s", at=20, received=200))
    assert told.known.due_at == _us(200)
    assert told.clock(199).flags == set()
    assert told.clock(200).flags == {Flag.OVERDUE}
    assert _sla(told)[0].at == _us(_DUE)


def test_the_late_word_clears_the_flag_withdraws_the_alert_and_says_how_late() -> None:
    told = after(submission("s")).clock(81).tell(ack("k", "ACCP", 90), Context())
    assert (told.status, told.flags) == (Status.BANK_ACCEPTED, set())
    assert _states(told) == [_OPEN, _GONE]
    assert _late(told) == {Status.BANK_ACCEPTED: 10 * MINUTE_US + SECOND_US}
    step = told.transitions[-1]
    assert (step.kind, [flag.name for flag in step.flags_cleared]) == (TransitionKind.ADVANCE, [Flag.OVERDUE])


def test_a_late_word_that_is_there_before_the_clock_is_no_excuse_and_no_flag() -> None:
    """What is published is the same whichever came first."""
    clock_first = after(submission("s")).clock(81).tell(ack("k", "ACCP", 90), Context())
    word_first = after(submission("s"), ack("k", "ACCP", 90))
    assert (word_first.flags, _waits(word_first), _sla(word_first)) == (set(), [_us(_DUE)], [])
    word_first.clock(81)
    assert _waits(word_first) == []
    assert word_first.known.view.milestones == clock_first.known.view.milestones
    assert [(row.alert_id, row.state, row.at, row.cause_event_id) for row in _sla(word_first)] == [
        (row.alert_id, row.state, row.at, row.cause_event_id) for row in _sla(clock_first)
    ]


@pytest.mark.parametrize("status", ["PDNG", "ZZZZ"])
def test_a_late_word_that_reaches_nothing_clears_the_flag_and_lateness_shows_at_the_next_that_does(status: str) -> None:
    told = after(submission("s")).clock(81).tell(ack("k", status, 90), Context())
    assert Flag.OVERDUE not in told.flags
    assert _late(told) == {}
    assert _late(told.tell(ack("l", "ACSP", 95), Context())) == {Status.IN_PROCESS: 10 * MINUTE_US + SECOND_US}


def test_a_late_failure_of_our_own_ends_the_wait_and_no_bank_was_late() -> None:
    failed = release("f", ReleaseStage.SUBMIT_FAILED, 90, message_id=FILE_A, payment_info_id="B1")
    for told in (
        after(submission("s")).clock(81).tell(failed, Context()),
        after(submission("s"), failed).clock(81),
    ):
        assert (told.status, told.flags, _late(told)) == (Status.SUBMIT_FAILED, set(), {})
        assert _states(told) == [_OPEN, _GONE]


def test_a_word_in_time_that_turns_up_after_all_is_a_correction_and_there_was_no_miss() -> None:
    word = ack("k", "ACCP", 30)
    told = after(submission("s")).clock(81).tell(word, Context())
    step = told.transitions[-1]
    assert (step.kind, step.to_status) == (TransitionKind.CORRECTION, Status.BANK_ACCEPTED)
    assert [flag.name for flag in step.flags_cleared] == [Flag.OVERDUE]
    assert _states(told) == [_OPEN, _GONE]
    assert (_late(told), told.known.marks) == ({}, ())
    in_order = after(submission("s"), word).clock(81)
    assert told.known.view.milestones == in_order.known.view.milestones
    assert told.known.kept == in_order.known.kept


def test_a_word_in_time_after_a_late_one_takes_the_lateness_back() -> None:
    told = after(submission("s"), ack("l", "ACSP", 90)).clock(81)
    assert _late(told) == {Status.IN_PROCESS: 10 * MINUTE_US + SECOND_US}
    told.tell(ack("k", "ACCP", 30), Context())
    assert _late(told) == {}
    assert told.transitions[-1].kind is TransitionKind.CORRECTION
    assert _states(told) == [_OPEN, _GONE]


def test_said_taken_back_and_said_again_by_the_clock_no_two_steps_have_one_id() -> None:
    word = ack("k", "ACCP", 30, delivery=1)
    told = after(submission("s")).clock(81).tell(word, Context())
    told.tell(replace(word, delivery=2, withdrawn=True), Context()).clock(82)
    assert _states(told) == [_OPEN, _GONE, _OPEN]
    ids = [step.transition_id for step in told.transitions]
    assert len(set(ids)) == len(ids)


def test_what_has_fired_stays_when_the_policy_gives_more_time() -> None:
    told, patient = after(submission("s")).clock(81), Context(Policy(acknowledgement_within_s=7_200))
    told.tell(ack("k", "ACCP", 90), patient)
    assert _late(told) == {Status.BANK_ACCEPTED: 10 * MINUTE_US + SECOND_US}


def test_a_missed_deadline_takes_no_place_among_the_facts() -> None:
    context = Context(Policy(fact_cap=2))
    told = after(release("r"), submission("s"), context=context).clock(81, context)
    assert not told.known.overflowed
    assert len(told.known.kept) == 2
