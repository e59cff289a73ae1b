"""Every metric that paystate exports, once: name, kind, labels with their closed sets, buckets, what it means.

Dashboards, rules and docs/metrics.md are held to this catalogue by a test. Names follow Prometheus: base units,
``_total`` on counters. Correlation ids never become labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """The Prometheus type."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. ``buckets`` are upper bounds in seconds, for histograms only."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


#: Every label, and the closed set that its values come from.
LABELS: Final[dict[str, str]] = {
    "agent": "the agents of the app: normalise, correlate, lifecycle, duplicates",
    "bank": "PAYSTATE_METRICS__BANKS, else the first 64 seen; any other is `other`, none is `unknown`",
    "kind": "the alert kinds of payments.alerts.v1",
    "mode": "live, replay",
    "outcome": "applied, late, duplicate, conflict, invalid; of payments_ack_sla_total: met, missed",
    "partition": "partition numbers",
    "rail": "PAYSTATE_METRICS__RAILS, else the first 64 seen; any other is `other`, none is `unknown`",
    "reason_class": "why a record cannot be folded, see the runbook of the dead letters; any other is `other`",
    "region": "PAYSTATE_METRICS__REGIONS, else the first 64 seen; any other is `other`, none is `unknown`",
    "rule": "the duplicate rules of payments.duplicate-alerts.v1",
    "severity": "info, warning, critical",
    "source": "PAYSTATE_METRICS__SOURCES, else the first 64 seen; any other is `other`",
    "stage": "ingest, publish",
    "status": "the statuses of payments.state.v1",
    "table": "the tables of the app",
    "to_status": "the statuses of payments.state.v1",
    "topic": "the topics of the app",
}
#: Why a record became a dead letter; the code that raises BadRecord is held to this set by a test.
REASON_CLASSES: Final = (
    "conflict",
    "handler_error",
    "invalid",
    "limit",
    "null_key",
    "null_value",
    "oversized",
    "rejected",
    "undecodable",
    "unencodable",
    "unmappable",
    "wrong_key",
)

PROCESSING_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
DELAY_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
ACK_S: Final = (
    1.0,
    5.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    14400.0,
    43200.0,
    86400.0,
)
DAYS_S: Final = (300.0, 900.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 172800.0, 259200.0, 432000.0, 864000.0)

EVENTS: Final = Metric(
    "payments_events_total",
    Kind.COUNTER,
    ("source", "outcome", "mode"),
    "Facts folded, by what became of them: applied, late, duplicate, conflict or invalid.",
)
TRANSITIONS: Final = Metric(
    "payments_transitions_total",
    Kind.COUNTER,
    ("bank", "rail", "region", "to_status", "mode"),
    "Steps of payments into a status; a transition that leaves the status as it is (flag, late milestone) is none.",
)
ALERTS: Final = Metric(
    "payments_alerts_total", Kind.COUNTER, ("kind", "severity", "mode"), "Alerts raised (withdrawals not counted)."
)
DUPLICATE_ALERTS: Final = Metric(
    "payments_duplicate_alerts_total",
    Kind.COUNTER,
    ("rule", "severity", "mode"),
    "Duplicate-payment alerts opened, by each rule that they list.",
)
EVENT_DELAY: Final = Metric(
    "payments_event_delay_seconds",
    Kind.HISTOGRAM,
    ("source", "stage"),
    "Age of an event: ingest = received minus occurred, publish = committed by the lifecycle minus received.",
    DELAY_S,
)
PROCESSING: Final = Metric(
    "payments_processing_duration_seconds",
    Kind.HISTOGRAM,
    ("agent",),
    "Fold time of one agent in one unit.",
    PROCESSING_S,
)
COMMIT: Final = Metric(
    "payments_commit_duration_seconds", Kind.HISTOGRAM, (), "One Kafka transaction, begin to commit.", PROCESSING_S
)
ABORTS: Final = Metric(
    "payments_aborted_units_total",
    Kind.COUNTER,
    (),
    "Units of work whose transaction was aborted; their records are folded again.",
)
BATCH: Final = Metric("payments_batch_records", Kind.GAUGE, (), "Input records in the last unit of work.")
WATERMARK: Final = Metric(
    "payments_watermark_timestamp_seconds",
    Kind.GAUGE,
    ("topic", "partition"),
    "Log-append time of the newest record folded from a partition.",
)
LAG: Final = Metric(
    "payments_consumer_lag_records",
    Kind.GAUGE,
    ("topic", "partition"),
    "Records between the next offset to fold and the end of the partition.",
)
CLOCK: Final = Metric(
    "payments_clock_timestamp_seconds",
    Kind.GAUGE,
    (),
    "Proved time: everything received by then has gone through all stages. Told by the worker that keeps it.",
)
RECOVERY_REMAINING: Final = Metric(
    "payments_recovery_remaining_records",
    Kind.GAUGE,
    ("table", "partition"),
    "Changelog records still to be replayed into a store.",
)
RECOVERY_DURATION: Final = Metric(
    "payments_recovery_duration_seconds", Kind.HISTOGRAM, (), "Time from assignment to a restored partition.", DELAY_S
)
REBALANCES: Final = Metric("payments_rebalances_total", Kind.COUNTER, (), "Assignments and revocations seen.")
OWNER: Final = Metric(
    "payments_partition_owner_generation",
    Kind.GAUGE,
    ("partition",),
    "When this worker got the partition (milliseconds since 1970); keep the newest to drop a zombie's gauges.",
)
DLQ: Final = Metric(
    "payments_dlq_records_total",
    Kind.COUNTER,
    ("topic", "reason_class"),
    "Records put into the dead letters, by the topic that they came from.",
)
OPEN: Final = Metric(
    "payments_open",
    Kind.GAUGE,
    ("partition", "region", "bank", "rail", "status"),
    "Payments that are not closed, by status; roll-ups of the owned partitions.",
)
OLDEST_OPEN: Final = Metric(
    "payments_oldest_open_timestamp_seconds",
    Kind.GAUGE,
    ("partition", "region", "bank", "rail", "status"),
    "First milestone of the oldest payment that is not closed, rounded down to the hour.",
)
ACK_LATENCY: Final = Metric(
    "payments_bank_ack_latency_seconds",
    Kind.HISTOGRAM,
    ("bank", "rail", "region", "mode"),
    "From submission to the bank's first word, a status report or the booking, by their clocks; exact times only.",
    ACK_S,
)
ACK_SLA: Final = Metric(
    "payments_ack_sla_total",
    Kind.COUNTER,
    ("bank", "rail", "outcome", "mode"),
    "Submissions by the bank's first word: met when it is kept in time, missed when its deadline has passed. A word in "
    "time that turns up after all is counted as met too: the miss is not taken back.",
)
TIMERS: Final = Metric(
    "payments_sla_timers", Kind.GAUGE, ("partition",), "Payments that wait for the clock, of the owned partitions."
)
TIMER_LATENESS: Final = Metric(
    "payments_sla_timer_lateness_seconds",
    Kind.HISTOGRAM,
    (),
    "From when a deadline was due to fire to the proved time that it fired at.",
    DELAY_S,
)
APPROVAL_DURATION: Final = Metric(
    "payments_approval_duration_seconds",
    Kind.HISTOGRAM,
    ("region",),
    "From the request for approval to full approval, by their clocks; exact times only.",
    DAYS_S,
)
CYCLE_TIME: Final = Metric(
    "payments_cycle_time_seconds",
    Kind.HISTOGRAM,
    ("region",),
    "From the first milestone known to the booked debit, by their clocks; exact times only.",
    DAYS_S,
)
RECONCILIATION: Final = Metric(
    "payments_reconciliation_duration_seconds",
    Kind.HISTOGRAM,
    ("region",),
    "From booking to reconciliation, by their clocks; exact times only.",
    DAYS_S,
)

CATALOGUE: Final[tuple[Metric, ...]] = (
    EVENTS,
    TRANSITIONS,
    ALERTS,
    DUPLICATE_ALERTS,
    EVENT_DELAY,
    PROCESSING,
    COMMIT,
    ABORTS,
    BATCH,
    WATERMARK,
    CLOCK,
    LAG,
    RECOVERY_REMAINING,
    RECOVERY_DURATION,
    REBALANCES,
    OWNER,
    DLQ,
    OPEN,
    OLDEST_OPEN,
    ACK_LATENCY,
    ACK_SLA,
    TIMERS,
    TIMER_LATENESS,
    APPROVAL_DURATION,
    CYCLE_TIME,
    RECONCILIATION,
)
