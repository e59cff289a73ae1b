"""A worker's metrics, and one payment that it folds."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry

from schemas.codec import codec
from streams.agents.payment_rows import internal_of
from streams.domain.facts import PaymentFact
from streams.domain.fold import elapse, fold
from streams.domain.payment import Payment, as_state
from streams.domain.state import Mode, State
from streams.domain.statuses import Status
from streams.metrics import PipelineMetrics
from streams.observations import ClockPassed, fact_folded
from streams.settings import MetricsSettings
from tests.domain.given import (
    DEFAULT,
    MINUTE_US,
    NOON_US,
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

    def clock(self, minutes: float, partition: int = 0, mode: Mode = Mode.LIVE) -> Worker:
        """The clock reaches this many minutes after noon, and that is committed."""
        before, at = self.payment, NOON_US + int(minutes * MINUTE_US)
        assert before is not None
        folded = elapse(before, at, DEFAULT)
        self.payment = folded.payment
        self.metrics.noted("lifecycle", [ClockPassed(partition, at, before, folded, mode)])
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
    return codec("payments.state.v1", State).encode(as_state(payment, internal_of(payment)))


def await_count(metrics: PipelineMetrics, partition: int) -> None:
    census = metrics._open._censuses[partition]
    census.join(10)
    assert not census.is_alive()


def labelled(registry: CollectorRegistry) -> Iterator[tuple[str, tuple[str, ...]]]:
    for family in registry.collect():
        for sample in family.samples:
            yield sample.name, tuple(sample.labels)
