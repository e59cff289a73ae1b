"""What the clock says is missing: told too early, never, twice, of another time or not taken back, it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.domain.deadlines import Mark
from streams.domain.payment import Context, payment_of
from streams.domain.state import Alert, AlertKind, AlertState, State
from streams.domain.statuses import Flag
from streams.score import Score
from tests.verify.conftest import Judge, only, with_a_log_of_its_own
from tests.verify.pipeline import CLOCK, POLICY, Pipeline
from tests.verify.tampering import ALERTS, payment_in, republish, state_where, write

CLOCKED = [AlertKind.SLA_MISSED, AlertKind.ORPHAN]


def alerts(pipeline: Pipeline, kind: AlertKind) -> dict[str, list[Alert]]:
    """By id, in order."""
    found: dict[str, list[Alert]] = {}
    for row in pipeline.log.rows(ALERTS):
        alert = pipeline.topics.alerts.decode(row.value or b"")
        if alert.kind is kind:
            found.setdefault(alert.alert_id, []).append(alert)
    return found


def alter(pipeline: Pipeline, victim: Alert, change: Callable[[Alert], Alert | None]) -> None:
    """Another alert in the place of the first such one; None: none."""
    decode, encode = pipeline.topics.alerts.decode, pipeline.topics.alerts.encode
    rows = pipeline.log.topics[ALERTS]
    place = next(place for place, row in enumerate(rows) if decode(row.value or b"") == victim)
    changed = change(victim)
    if changed is None:
        del rows[place]
    else:
        rows[place] = replace(rows[place], value=encode(changed))


def lasting(pipeline: Pipeline, kind: AlertKind) -> Alert:
    """One that nothing has taken back."""
    return next(told[0] for told in alerts(pipeline, kind).values() if len(told) == 1)


def taken_back(pipeline: Pipeline, kind: AlertKind) -> list[Alert]:
    """One that was opened and withdrawn."""
    return next(told for told in alerts(pipeline, kind).values() if len(told) == 2)


def is_overdue(state: State) -> bool:
    return any(raised.name is Flag.OVERDUE for raised in state.flags)


def score_of(judge: Judge, pipeline: Pipeline, kind: AlertKind) -> Score:
    report = judge(pipeline)
    return report.late if kind is AlertKind.SLA_MISSED else report.orphans


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_that_was_never_told_is_wrong_and_missed(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    before, pipeline = score_of(judge, overdue, kind), with_a_log_of_its_own(overdue)
    alter(pipeline, lasting(pipeline, kind), lambda _: None)
    assert only(judge(pipeline), "wrong_state")
    assert score_of(judge, pipeline, kind) == replace(before, found=before.found - 1, missed=1)


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_false_miss_is_wrong_and_false(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    before, pipeline = score_of(judge, overdue, kind), with_a_log_of_its_own(overdue)
    invented = replace(lasting(pipeline, kind), alert_id="invented", cause_event_id="invented")
    write(pipeline, pipeline.topics.alerts, invented.correlation_id, invented)
    assert only(judge(pipeline), "wrong_state")
    assert score_of(judge, pipeline, kind) == replace(before, false=1)


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_told_twice_is_repeated(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    victim = lasting(pipeline, kind)
    write(pipeline, pipeline.topics.alerts, victim.correlation_id, victim)
    assert only(judge(pipeline), "repeated")


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_that_is_opened_taken_back_and_opened_again_is_repeated(
    overdue: Pipeline, judge: Judge, kind: AlertKind
) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    for alert in taken_back(pipeline, kind):
        write(pipeline, pipeline.topics.alerts, alert.correlation_id, alert)
    assert only(judge(pipeline), "repeated")


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_of_another_time_than_its_due_time_is_wrong(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    alter(pipeline, lasting(pipeline, kind), lambda alert: replace(alert, at=alert.at + 1))
    assert only(judge(pipeline), "wrong_state")


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_that_is_over_must_have_been_taken_back(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    alter(pipeline, taken_back(pipeline, kind)[1], lambda _: None)
    assert only(judge(pipeline), "wrong_state")


@pytest.mark.parametrize("kind", CLOCKED)
def test_a_miss_that_lasts_must_not_have_been_taken_back(overdue: Pipeline, judge: Judge, kind: AlertKind) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    victim = replace(lasting(pipeline, kind), state=AlertState.WITHDRAWN)
    write(pipeline, pipeline.topics.alerts, victim.correlation_id, victim)
    assert only(judge(pipeline), "wrong_state")


def test_a_deadline_that_has_not_fired_though_the_clock_has_passed_it_is_wrong(overdue: Pipeline, judge: Judge) -> None:
    pipeline = with_a_log_of_its_own(overdue)
    state = state_where(pipeline, is_overdue)
    payment = payment_in(pipeline, state)
    unfired = payment_of(state.correlation_id, payment.kept, payment.envelope, Context(POLICY))
    republish(pipeline, unfired, state)
    report = judge(pipeline)
    assert only(report, "wrong_state")
    assert "deadlines that have fired" in report.findings[0].subject


def test_a_deadline_that_has_fired_before_the_clock_has_passed_it_is_wrong(waiting: Pipeline, judge: Judge) -> None:
    pipeline = with_a_log_of_its_own(waiting)
    state = state_where(pipeline, lambda state: bool(state.deadlines))
    payment = payment_in(pipeline, state)
    submission = payment.view.parts.deadlines.armed[0]
    mark = Mark(submission.submission.event_id, submission.due_at, POLICY.version)
    fired = payment_of(state.correlation_id, payment.kept, payment.envelope, Context(POLICY), marks=(mark,))
    republish(pipeline, fired, state)
    report = judge(pipeline)
    assert only(report, "wrong_state")
    assert "deadlines that have fired" in report.findings[0].subject


def test_a_tick_that_the_workers_had_not_surely_taken_may_have_had_its_effects_or_not(
    overdue: Pipeline, judge: Judge
) -> None:
    taken = {row.partition: row.offset for row in overdue.log.rows(CLOCK)}
    pipeline = with_a_log_of_its_own(overdue)
    alter(pipeline, lasting(pipeline, AlertKind.ORPHAN), lambda _: None)
    assert judge(pipeline, taken=dict.fromkeys(taken, 0)).ok
    assert judge(overdue, taken=taken).ok


def test_without_a_tick_nothing_is_missing(waiting: Pipeline, judge: Judge) -> None:
    pipeline = with_a_log_of_its_own(waiting)
    pipeline.log.topics[CLOCK] = []
    report = judge(pipeline)
    assert report.ok
    assert (report.late, report.orphans, report.proved_at) == (Score(), Score(), 0)
