"""A duration is told once, by their clocks, and only where both are exact."""

from __future__ import annotations

import pytest

from streams.domain.facts import Precision
from streams.domain.statuses import Status
from tests.domain.given import (
    DAY,
    ack,
    approval,
    booking,
    reconciliation,
    release,
    submission,
)
from tests.observed import Worker, labelled


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
