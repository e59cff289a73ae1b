"""Metrics count what the state accepted, under labels that are closed sets."""

from __future__ import annotations

import pytest

from streams.domain.fingerprints import Appearance, DuplicateAction, DuplicateAlert, DuplicateState, Liveness, Rule
from streams.domain.fold import fold
from streams.domain.state import Mode, Severity
from streams.domain.statuses import Status
from streams.settings import MetricsSettings
from tests.domain.given import (
    DEFAULT,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    ack,
    approval,
    release,
    submission,
)
from tests.observed import BANKX, Worker


def test_a_fact_moves_the_counters_of_its_outcome_and_of_the_status_it_reaches() -> None:
    worker = Worker().fold(approval("a"), release("r"), release("r"))
    assert worker.value("payments_events_total", source="ap", outcome="applied", mode="live") == 1
    assert worker.value("payments_events_total", source="erp", outcome="duplicate", mode="live") == 1
    assert worker.value("payments_transitions_total", **BANKX, to_status="RELEASED", mode="live") == 1
    assert worker.value("payments_transitions_total", **BANKX, to_status="REJECTED", mode="live") == 0


def test_a_transition_that_leaves_the_status_is_no_step_into_it() -> None:
    worker = Worker().fold(release("r"), submission("s"), ack("k", "RJCT"))
    told_late = fold(worker.payment, ack("late", "ACTC", at=25), DEFAULT)
    assert [step.to_status for step in told_late.transitions] == [Status.REJECTED]
    worker.fold(ack("late", "ACTC", at=25))
    assert worker.value("payments_transitions_total", **BANKX, to_status="REJECTED", mode="live") == 1


def test_an_alert_counts_when_it_opens() -> None:
    worker = Worker()
    assert worker.value("payments_alerts_total", kind="REJECTION", severity="warning", mode="live") == 0
    worker.fold(release("r"), submission("s"), ack("k", "RJCT", reason_codes=("AC04",)))
    opened = [
        sample.value
        for family in worker.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "payments_alerts_total" and sample.labels["kind"] == "REJECTION"
    ]
    assert sum(opened) == 1


def sla(worker: Worker, outcome: str, mode: str = "live") -> float | None:
    return worker.value("payments_ack_sla_total", bank="BANKX", rail="ach", outcome=outcome, mode=mode)


def test_a_bank_that_answers_in_time_met_its_deadline_whatever_came_first_and_only_once() -> None:
    assert sla(Worker().fold(submission("s"), ack("k", "RCVD"), ack("l", "ACCP")), "met") == 1
    early = Worker().fold(ack("k", "RCVD"), ack("l", "ACCP"), submission("s"))
    assert (sla(early, "met"), sla(early, "missed")) == (1, 0)


def test_a_miss_is_counted_when_the_deadline_passes_and_not_again_when_the_word_comes() -> None:
    worker = Worker().fold(submission("s", at=20)).clock(79)
    assert sla(worker, "missed") == 0
    worker.clock(81)
    assert (sla(worker, "met"), sla(worker, "missed")) == (0, 1)
    assert worker.value("payments_sla_timer_lateness_seconds_sum") == 60
    worker.fold(ack("k", "ACCP", at=90)).clock(99)
    assert (sla(worker, "met"), sla(worker, "missed")) == (0, 1)
    assert worker.value("payments_alerts_total", kind="SLA_MISSED", severity="warning", mode="live") == 1


def test_a_replayed_miss_is_counted_apart() -> None:
    worker = Worker().fold(submission("s"), mode=Mode.REPLAY).clock(81, mode=Mode.REPLAY)
    assert (sla(worker, "missed"), sla(worker, "missed", "replay")) == (0, 1)


def duplicate_alert(number: int, state: DuplicateState) -> DuplicateAlert:
    side = Appearance(
        Rule.EXACT_INVOICE, "f", "P1", 1, Liveness.PLANNED, Status.RELEASED, 0, None, None, None, None, None, (), ()
    )
    rules = (Rule.SAME_INSTRUCTION, Rule.EXACT_INVOICE)
    stop = DuplicateAction.STOP
    return DuplicateAlert(
        "d", rules, 990, side, side, (), Severity.CRITICAL, stop, state, None, None, number, 0, 1, Mode.LIVE, "t"
    )


def test_a_duplicate_alert_counts_once_for_each_of_its_rules() -> None:
    worker = Worker()
    told = [(1, DuplicateState.OPEN), (2, DuplicateState.OPEN), (3, DuplicateState.CONFIRMED)]
    worker.metrics.noted("duplicates", [duplicate_alert(*row) for row in told])
    for rule in ("SAME_INSTRUCTION", "EXACT_INVOICE"):
        assert worker.value("payments_duplicate_alerts_total", rule=rule, severity="critical", mode="live") == 1


def test_event_delay_is_measured_from_their_clock_to_ours_and_to_the_commit() -> None:
    worker = Worker()
    worker.now_us = NOON_US + 10 * MINUTE_US + 3 * SECOND_US
    worker.fold(release("r", at=10))  # received one second later
    assert worker.value("payments_event_delay_seconds_sum", source="erp", stage="ingest") == pytest.approx(1.0)
    assert worker.value("payments_event_delay_seconds_sum", source="erp", stage="publish") == pytest.approx(2.0)


def test_a_replay_is_counted_apart_and_measures_no_delay() -> None:
    worker = Worker().fold(release("r"), mode=Mode.REPLAY)
    assert worker.value("payments_events_total", source="erp", outcome="applied", mode="replay") == 1
    assert worker.value("payments_events_total", source="erp", outcome="applied", mode="live") == 0
    assert worker.value("payments_event_delay_seconds_count", source="erp", stage="publish") is None


def test_a_label_outside_of_the_configuration_becomes_other() -> None:
    worker = Worker(MetricsSettings(banks=("BANKA",), rails=("ach",), regions=("EU",), sources=("erp",)))
    worker.fold(approval("a"), release("r"))
    assert worker.value("payments_events_total", source="other", outcome="applied", mode="live") == 1
    route = {"bank": "other", "rail": "ach", "region": "EU"}
    assert worker.value("payments_transitions_total", **route, to_status="RELEASED", mode="live") == 1


def test_configured_label_sets_begin_at_zero() -> None:
    worker = Worker(MetricsSettings(banks=("BANKA",), rails=("ach",), regions=("EU",), sources=("erp",)))
    route = {"bank": "BANKA", "rail": "ach", "region": "EU", "mode": "live"}
    assert worker.value("payments_transitions_total", **route, to_status="SETTLED") == 0
    assert worker.value("payments_events_total", source="erp", outcome="conflict", mode="live") == 0
    assert worker.value("payments_dlq_records_total", topic="payments.releases.v1", reason_class="oversized") == 0
    assert worker.value("payments_rebalances_total") == 0
