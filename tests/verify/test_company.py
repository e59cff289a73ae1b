"""A correct log has only zeros, and the pipeline ends where the simulator's own truth says."""

from __future__ import annotations

from streams.demo.judgement import is_late
from streams.domain.fingerprints import DuplicateState
from streams.domain.state import State
from streams.score import Score, score
from streams.simulator.company import BANKS, Channel
from streams.simulator.punctuality import Punctuality, Silence, unanswered
from streams.simulator.simulation import Simulation
from streams.simulator.truth import differences, with_overdue
from tests.verify.conftest import LARGE, Judge
from tests.verify.pipeline import WITHIN_S, Pipeline


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


def states(told: Pipeline) -> dict[str, State]:
    rows = [told.topics.state.decode(row.value) for row in told.log.rows("payments.state.v1") if row.value]
    return {state.correlation_id: state for state in rows}


HEARD = {bank.name for bank in BANKS if bank.channel is Channel.CALLBACK}
"""Banks whose answers can be read without mapping them."""


def silences(told: Pipeline, until: int) -> list[Silence]:
    heard = Punctuality(dict.fromkeys(HEARD, WITHIN_S * 1000000))
    for row in told.log.rows("payments.raw.v1"):
        heard.note(told.topics.raw.decode(row.value or b""), row.timestamp_us)
    return list(heard.silences(until))


def test_every_payment_ends_as_the_truth_says(told: Pipeline, company: Simulation, judge: Judge) -> None:
    waited_for = unanswered(silences(told, judge(told).proved_at))
    assert len(waited_for) > 5
    heard = {payment.names.correlation_id for payment in company.payments if payment.bank.name in HEARD}
    found = differences(with_overdue(company.truth, waited_for), states(told))
    assert [row for row in found if row.correlation_id in heard or "OVERDUE" not in row.found] == []


def test_who_is_late_is_what_the_raw_records_say_by_themselves(told: Pipeline, judge: Judge) -> None:
    report = judge(told)
    late = {row.payment for row in silences(told, report.proved_at)}
    reported = {name for name, state in states(told).items() if is_late(state)}
    assert {payment for payment in reported if states(told)[payment].bank in HEARD} == late
    assert any(row.answered_at for row in silences(told, report.proved_at))


def test_what_the_clock_has_passed_is_told_once(told: Pipeline, company: Simulation, judge: Judge) -> None:
    report = judge(told)
    held_back = [payment.story.name for payment in company.payments if payment.story.held_back]
    assert report.late.perfect
    assert report.late.found > held_back.count("answered_late") > 0
    assert report.orphans.perfect
    assert report.orphans.found >= company.truth.waiting + held_back.count("known_late") > company.truth.waiting


def test_every_duplicate_is_found_and_no_lookalike_reported(told: Pipeline, company: Simulation) -> None:
    decode = told.topics.duplicate_alerts.decode
    alerts = [decode(row.value) for row in told.log.rows("payments.duplicate-alerts.v1") if row.value]
    newest = {alert.alert_id: alert for alert in alerts}
    reported = {
        frozenset({alert.first.correlation_id, alert.second.correlation_id})
        for alert in newest.values()
        if alert.state is DuplicateState.OPEN
    }
    assert company.truth.duplicates
    assert score(company.truth.duplicates, reported) == Score(found=len(company.truth.duplicates))
