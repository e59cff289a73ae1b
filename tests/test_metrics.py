"""Metrics count what the state accepted, under labels that are closed sets, and report only what the worker owns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from rocksdict import Options, Rdict

from schemas.codec import codec
from streams.accumulators import MOST_LEARNT, ClosedSet
from streams.domain.facts import PaymentFact, Precision
from streams.domain.fingerprints import Appearance, DuplicateAction, DuplicateAlert, DuplicateState, Liveness, Rule
from streams.domain.fold import fold
from streams.domain.payment import Payment, as_state
from streams.domain.state import Mode, Severity, State
from streams.domain.statuses import Status
from streams.metric_catalogue import CATALOGUE, LABELS, REASON_CLASSES, Kind
from streams.metrics import PipelineMetrics
from streams.observations import fact_folded
from streams.settings import MetricsSettings
from tests.domain.given import (
    DAY,
    DEFAULT,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    ack,
    approval,
    booking,
    reconciliation,
    release,
    submission,
)

BANKX = {"region": "EU", "bank": "BANKX", "rail": "ach"}
ROUTE = {"partition": "0", **BANKX}


class Worker:
    """A worker's metrics and one payment that it folds."""

    def __init__(self, settings: MetricsSettings | None = None) -> None:
        self.now_us = NOON_US
        self.metrics = PipelineMetrics(
            settings or MetricsSettings(), ("payments.releases.v1",), wall_clock_us=lambda: self.now_us
        )
        self.payment: Payment | None = None

    def fold(self, *facts: PaymentFact, partition: int = 0, mode: Mode = Mode.LIVE) -> Worker:
        """Fold facts into the payment and commit each."""
        for fact in facts:
            before, folded = self.payment, fold(self.payment, fact, DEFAULT)
            self.payment = folded.payment
            self.metrics.noted("lifecycle", [fact_folded(partition, fact, before, folded, mode)])
        return self

    def own(self, *payments: Payment | None, partition: int = 0) -> Worker:
        """Take over a partition that holds these payments; returns when they are counted."""
        self.metrics.holds(
            partition, lambda _table: iter([row_of(payment) for payment in payments if payment is not None])
        )
        self.metrics.owns(partition, 7)
        await_count(self.metrics, partition)
        return self

    def value(self, name: str, **labels: str) -> float | None:
        """One sample as Prometheus reads it."""
        return self.metrics.registry.get_sample_value(name, labels)

    def open(self, status: Status) -> float | None:
        """The open payments of partition 0 on the route of the examples."""
        return self.value("payments_open", **ROUTE, status=status.value)


def row_of(payment: Payment) -> bytes:
    """The payment as the store has it."""
    return codec("payments.state.v1", State).encode(as_state(payment, b"opaque"))


def await_count(metrics: PipelineMetrics, partition: int) -> None:
    census = metrics._open._censuses[partition]
    census.join(10)
    assert not census.is_alive()


def labelled(registry: CollectorRegistry) -> Iterator[tuple[str, tuple[str, ...]]]:
    for family in registry.collect():
        for sample in family.samples:
            yield sample.name, tuple(sample.labels)


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


def test_latency_histograms_hold_each_payment_once() -> None:
    worker = Worker().fold(
        approval("q", at=0, decision=approval("q").decision.REQUESTED),
        approval("a", at=5),
        release("r", at=10),
        submission("s", at=20),
        ack("k", "ACCP", at=23),
        ack("early", "ACTC", at=21),  # earlier evidence that comes later: not told again
        booking("b", at=40),
        reconciliation("m", at=DAY),
    )
    acknowledged = {"bank": "BANKX", "rail": "ach", "region": "EU", "mode": "live"}
    assert worker.value("payments_bank_ack_latency_seconds_count", **acknowledged) == 1
    assert worker.value("payments_bank_ack_latency_seconds_sum", **acknowledged) == pytest.approx(180)
    for name, minutes in (
        ("payments_approval_duration_seconds", 5),
        ("payments_cycle_time_seconds", 40),
        ("payments_reconciliation_duration_seconds", DAY - 40),
    ):
        assert worker.value(f"{name}_count", region="EU") == 1
        assert worker.value(f"{name}_sum", region="EU") == pytest.approx(minutes * 60)


def test_evidence_that_carries_only_a_date_enters_no_latency_histogram() -> None:
    worker = Worker().fold(release("r"), submission("s"), ack("k", "ACCP", precision=Precision.DATE))
    assert worker.payment is not None
    assert worker.payment.view.status is Status.BANK_ACCEPTED
    assert not [name for name, _ in labelled(worker.metrics.registry) if name.startswith("payments_bank_ack")]


def test_open_payments_follow_every_fold() -> None:
    worker = Worker().own()
    worker.fold(release("r"))
    assert worker.open(Status.RELEASED) == 1
    worker.fold(submission("s"))
    assert (worker.open(Status.RELEASED), worker.open(Status.SUBMITTED)) == (None, 1)
    worker.fold(ack("k", "RJCT"))
    assert worker.open(Status.SUBMITTED) is None


def test_the_oldest_open_payment_is_known_by_the_hour() -> None:
    worker = Worker().own().fold(release("r", at=90))
    oldest = worker.value("payments_oldest_open_timestamp_seconds", **ROUTE, status="RELEASED")
    assert oldest == NOON_US / SECOND_US + 3600


def test_a_partition_taken_over_is_counted_from_its_rows() -> None:
    predecessor = Worker().fold(release("r"), submission("s"))
    closed = Worker().fold(release("r"), submission("s"), ack("k", "RJCT"))
    successor = Worker().own(predecessor.payment, closed.payment)
    assert successor.open(Status.SUBMITTED) == 1
    successor.payment = predecessor.payment
    successor.fold(ack("k", "ACCP"))
    assert (successor.open(Status.SUBMITTED), successor.open(Status.BANK_ACCEPTED)) == (None, 1)


def test_rows_of_an_earlier_schema_are_counted_too() -> None:
    predecessor = Worker().fold(release("r"))
    assert predecessor.payment is not None
    state = as_state(predecessor.payment, b"opaque")
    metrics = PipelineMetrics(MetricsSettings(), decode_state=lambda data: replace(state, internal=data))
    metrics.holds(0, lambda _table: iter([b"\xc3\x01 of an earlier release"]))
    await_count(metrics, 0)
    assert metrics.registry.get_sample_value("payments_open", {**ROUTE, "status": "RELEASED"}) == 1


def test_what_is_folded_while_the_rows_are_counted_is_not_lost() -> None:
    """The snapshot is older than the folds: the payment is in it as SUBMITTED, and moves on before it is counted."""
    predecessor = Worker().fold(release("r"), submission("s"))
    assert predecessor.payment is not None
    may_read = Event()

    def rows() -> Iterator[bytes]:
        assert may_read.wait(10)
        assert predecessor.payment is not None
        yield snapshot

    snapshot = row_of(predecessor.payment)
    successor = Worker()
    successor.metrics.holds(0, lambda _table: rows())
    successor.payment = predecessor.payment
    successor.fold(ack("k", "ACCP"))
    assert successor.open(Status.BANK_ACCEPTED) is None  # not exported before it is complete
    may_read.set()
    await_count(successor.metrics, 0)
    assert (successor.open(Status.SUBMITTED), successor.open(Status.BANK_ACCEPTED)) == (None, 1)


def test_a_partition_that_is_given_up_takes_its_gauges_with_it() -> None:
    worker = Worker().own().fold(release("r"))
    worker.metrics.progress("payments.releases.v1", 0, 5, NOON_US)
    worker.metrics.progress("payments.releases.v1", 1, 6, NOON_US)
    worker.metrics.recovery(0, "payments", 9)
    worker.metrics.owns(0, None)
    gone = {name for name, labels in labelled(worker.metrics.registry) if "partition" in labels}
    assert gone == {"payments_consumer_lag_records", "payments_watermark_timestamp_seconds"}
    assert worker.value("payments_consumer_lag_records", topic="payments.releases.v1", partition="0") is None
    assert worker.value("payments_consumer_lag_records", topic="payments.releases.v1", partition="1") == 6
    worker.fold(submission("s"))
    assert worker.open(Status.SUBMITTED) is None


def test_giving_a_partition_up_in_the_middle_of_the_count_releases_its_store(tmp_path: Path) -> None:
    """An iterator that lives keeps RocksDB's lock, and the next owner in this process could not open the store."""
    payment = Worker().fold(release("r")).payment
    assert payment is not None
    store = Rdict(str(tmp_path), Options(raw_mode=True))
    for number in range(5_000):
        store[b"%05d" % number] = row_of(payment)
    metrics = PipelineMetrics(MetricsSettings())
    metrics.holds(0, lambda _table: store.values())
    metrics.owns(0, None)
    store.close()
    Rdict(str(tmp_path), Options(raw_mode=True)).close()
    assert metrics.registry.get_sample_value("payments_open", {**ROUTE, "status": "RELEASED"}) is None


def test_rows_that_cannot_be_read_leave_the_partition_out_and_everything_else_as_it_is() -> None:
    worker = Worker()
    worker.metrics.holds(0, lambda _table: iter([b"no state"]))
    await_count(worker.metrics, 0)
    worker.fold(release("r"))
    assert worker.open(Status.RELEASED) is None
    assert worker.value("payments_events_total", source="erp", outcome="applied", mode="live") == 1


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


def test_learnt_labels_end_at_their_bound() -> None:
    learnt = ClosedSet()
    assert learnt(None) == learnt("") == "unknown"
    assert [learnt(f"bank {n}") for n in range(MOST_LEARNT)] == [f"bank {n}" for n in range(MOST_LEARNT)]
    assert learnt("one more") == "other"
    assert learnt("bank 3") == "bank 3"


def test_buckets_are_cumulative_and_their_bounds_belong_to_them() -> None:
    worker = Worker()
    for seconds in (0.001, 0.002, 99.0):
        worker.metrics.unit_committed(0.0, seconds, 3)
    buckets = {
        bound: worker.value("payments_commit_duration_seconds_bucket", le=bound)
        for bound in ("0.001", "0.0025", "+Inf")
    }
    assert buckets == {"0.001": 1, "0.0025": 2, "+Inf": 3}
    assert worker.value("payments_commit_duration_seconds_count") == 3


def everything_moved() -> PipelineMetrics:
    """A worker of which every family of the catalogue has a sample."""
    worker = Worker().own()
    worker.fold(
        approval("q", at=0, decision=approval("q").decision.REQUESTED),
        approval("a", at=5),
        release("r"),
        submission("s"),
        ack("k", "ACCP"),
        booking("b"),
        reconciliation("m"),
    )
    worker.payment = None
    worker.fold(release("r2"))
    metrics = worker.metrics
    metrics.unit_committed(0.1, 0.05, 3)
    metrics.unit_aborted("a rebalance")
    metrics.agent_folded("lifecycle", 0.01, 3)
    metrics.dead_letter("payments.releases.v1", "a class that nobody declared")
    metrics.rebalanced(4, 0, 0)
    metrics.recovery(1, "payments", 5)
    metrics.recovered(2, 0.5, 10)
    metrics.progress("payments.releases.v1", 0, 5, NOON_US)
    return metrics


def family_names(names: Iterable[str]) -> set[str]:
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def test_what_is_exported_is_the_catalogue() -> None:
    exported = {name for name, _ in labelled(everything_moved().registry) if name.startswith("payments_")}
    assert family_names(exported) == {metric.name for metric in CATALOGUE}


def test_every_sample_has_the_labels_of_the_catalogue() -> None:
    expected = {metric.name: set(metric.labels) for metric in CATALOGUE}
    for name, labels in labelled(everything_moved().registry):
        if name.startswith("payments_"):
            (family,) = family_names([name])
            assert set(labels) - {"le"} == expected[family], name


def test_an_undeclared_class_of_dead_letters_is_other() -> None:
    value = everything_moved().registry.get_sample_value(
        "payments_dlq_records_total", {"topic": "payments.releases.v1", "reason_class": "other"}
    )
    assert value == 1


def test_no_creation_times_are_exported() -> None:
    registry = everything_moved().registry
    texts: list[bytes] = [
        generate_latest(registry),
        generate_openmetrics(registry),  # type: ignore[no-untyped-call]  # prometheus_client left it untyped
    ]
    ours = [line for text in texts for line in text.decode().splitlines() if line.startswith("payments_")]
    assert ours
    assert not [line for line in ours if "_created" in line]


def test_the_catalogue_names_follow_prometheus() -> None:
    for metric in CATALOGUE:
        assert metric.name.startswith("payments_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")
        assert set(metric.labels) <= set(LABELS)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def reason_classes(path: Path) -> Iterator[str]:
    """The classes that a module gives to BadRecord(message, "class") or reason_class="class"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            is_bad_record = isinstance(node.func, ast.Name) and node.func.id == "BadRecord"
            said = [keyword.value for keyword in node.keywords if keyword.arg == "reason_class"]
            said += node.args[1:2] if is_bad_record else []
            yield from (str(value.value) for value in said if isinstance(value, ast.Constant))


def test_every_reason_class_in_the_code_is_declared() -> None:
    root = Path(__file__).resolve().parent.parent / "streams"
    found = {name for path in root.rglob("*.py") for name in reason_classes(path)}
    assert {"oversized", "null_key", "wrong_key"} <= found
    assert found <= set(REASON_CLASSES)
