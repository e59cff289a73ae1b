"""A correct log has only zeros, and the pipeline ends where the simulator's own truth says."""

from __future__ import annotations

from streams.domain.fingerprints import DuplicateState
from streams.simulator.simulation import Simulation
from streams.simulator.truth import DuplicateScore, differences, score_duplicates
from tests.verify.conftest import LARGE, Judge
from tests.verify.pipeline import Pipeline


def test_a_correct_log_has_no_fault(told: Pipeline, judge: Judge) -> None:
    report = judge(told)
    assert report.findings == []
    assert report.ok


def test_every_input_is_exactly_one_of_its_fates(told: Pipeline, company: Simulation, judge: Judge) -> None:
    report = judge(told)
    fates = (report.applied, report.duplicates, report.dead_letters, report.waiting, report.silent, report.lost)
    assert sum(fates) == report.inputs == len(told.log.rows("payments.raw.v1"))
    assert report.applied > 4 * LARGE
    assert report.duplicates > 0
    assert report.waiting == company.truth.waiting > 0
    assert report.dead_letters == company.truth.dead_letters > 0


def test_everything_published_was_looked_at(told: Pipeline, judge: Judge) -> None:
    report = judge(told)
    assert report.payments == LARGE
    assert report.transitions == len(told.log.rows("payments.transitions.v1"))
    assert report.alerts == len(told.log.rows("payments.alerts.v1")) > 0
    assert report.duplicate_alerts == len(told.log.rows("payments.duplicate-alerts.v1")) > 0


def test_every_payment_ends_as_the_truth_says(told: Pipeline, company: Simulation) -> None:
    rows = [told.topics.state.decode(row.value) for row in told.log.rows("payments.state.v1") if row.value]
    assert differences(company.truth, {state.correlation_id: state for state in rows}) == []


def test_every_duplicate_is_found_and_no_lookalike_reported(told: Pipeline, company: Simulation) -> None:
    decode = told.topics.duplicate_alerts.decode
    alerts = [decode(row.value) for row in told.log.rows("payments.duplicate-alerts.v1") if row.value]
    newest = {alert.alert_id: alert for alert in alerts}
    reported = [
        frozenset({alert.first.correlation_id, alert.second.correlation_id})
        for alert in newest.values()
        if alert.state is DuplicateState.OPEN
    ]
    expected = DuplicateScore(found=len(company.truth.duplicates), missed=0, false=0)
    assert score_duplicates(company.truth, reported) == expected
    assert expected.found > 0
