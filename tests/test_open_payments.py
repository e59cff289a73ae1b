"""Open payments are counted right after a takeover, and follow every fold from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

from rocksdict import Options, Rdict

from streams.domain.payment import as_state
from streams.domain.statuses import Status
from streams.metrics import PipelineMetrics
from streams.settings import MetricsSettings
from tests.domain.given import (
    NOON_US,
    SECOND_US,
    ack,
    release,
    submission,
)
from tests.observed import ROUTE, Worker, await_count, labelled, row_of


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


def test_payments_that_wait_for_the_clock_are_counted_closed_ones_too() -> None:
    waiting = Worker().fold(release("r"), submission("s"))
    closed = Worker().fold(submission("a"), submission("b", "FILE-B"), ack("k", "RJCT", file="FILE-A"))
    answered = Worker().fold(submission("s"), ack("k", "ACCP"))
    successor = Worker().own(waiting.payment, closed.payment, answered.payment)
    assert successor.value("payments_sla_timers", partition="0") == 2
    successor.payment = waiting.payment
    successor.clock(81)
    assert successor.value("payments_sla_timers", partition="0") == 1
    successor.payment = None
    successor.fold(submission("s"))
    assert successor.value("payments_sla_timers", partition="0") == 2


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
