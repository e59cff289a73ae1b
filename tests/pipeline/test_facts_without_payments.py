"""A word of the bank that has no payment, through the whole pipeline and a real clock: told once, when it is proved."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.codec import codec
from schemas.records import Raw
from streams.domain.state import Alert, AlertKind, AlertState, State
from streams.domain.statuses import Status
from streams.settings import EngineTuning, PolicySettings
from tests.engine.arena import wait_until
from tests.pipeline.installation import Installation, installed

pytestmark = pytest.mark.kafka

RAW = "payments.raw.v1"
ENCODE = codec(RAW, Raw).encode
GRACE_S = 2
_MICROSECONDS = 1_000_000


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    policy = PolicySettings(orphan_grace_s=GRACE_S)
    engine = EngineTuning(clock_interval_ms=100, clock_allowance_ms=200)
    with installed(tmp_path_factory.mktemp("facts-without-payments"), policy=policy, engine=engine) as made:
        yield made


def _say(installation: Installation, source: str, kind: str, **document: Any) -> None:
    """One message, in the log when this returns."""
    own_id = f"{document['source_event_id']}"
    content = {"source": source, "occurred_at": "2026-01-05T12:00:00+01:00", **document}
    raw = Raw(
        message_id=own_id,
        source=source,
        source_message_id=own_id,
        format=kind,
        kind=kind,
        profile="default",
        sender=source,
        file_hash=None,
        position=None,
        records_in_file=None,
        payload=json.dumps(content).encode(),
        authentication="none",
        occurred_at=None,
        trace_id="t",
        correlation_id=None,
    )
    producer = Producer({**installation.client, "partitioner": "murmur2_random"})
    producer.produce(RAW, ENCODE(raw), f"{source}/{own_id}".encode())
    assert producer.flush(60) == 0


def _accepted(installation: Installation, own_id: str, level: str = "transaction", **names: str) -> None:
    _say(
        installation,
        "NORDBANK",
        "acknowledgement.json",
        source_event_id=own_id,
        bank="NORDBANK",
        status="ACCP",
        level=level,
        references=names,
    )


def _submitted(installation: Installation, payment: str, **names: str) -> None:
    _say(
        installation,
        "sap",
        "release.json",
        source_event_id=f"{payment}-submitted",
        correlation_id=payment,
        stage="submitted",
        amount={"value": "10.00", "currency": "EUR"},
        references=names,
    )


def _told(installation: Installation, own_id: str) -> list[Alert]:
    """The alerts about one of the bank's messages."""
    alerts = installation.values("payments.alerts.v1", Alert)
    return [alert for alert in alerts if f"message {own_id}:" in alert.detail]


def _has_told(installation: Installation, own_id: str, count: int) -> Callable[[], list[Alert] | None]:
    def look() -> list[Alert] | None:
        told = _told(installation, own_id)
        return told if len(told) >= count else None

    return look


def _status(installation: Installation, payment: str) -> Status | None:
    states = installation.values("payments.state.v1", State)
    return next((state.status for state in reversed(states) if state.correlation_id == payment), None)


def _received_at(installation: Installation, own_id: str) -> int:
    (row,) = [row for row in installation.rows(RAW) if row.key == f"NORDBANK/{own_id}".encode()]
    return row.timestamp_us


def test_what_nobody_places_is_an_orphan_once_and_a_release_that_comes_later_takes_it_back(
    installation: Installation,
) -> None:
    with installation.worker():
        _accepted(installation, "K-LOST", end_to_end_id="E2E-LOST")
        installation.rest()
        (opened,) = wait_until(_has_told(installation, "K-LOST", 1), "the orphan is told")
        assert (opened.kind, opened.state, opened.bank) == (AlertKind.ORPHAN, AlertState.OPEN, "NORDBANK")
        assert opened.at == _received_at(installation, "K-LOST") + GRACE_S * _MICROSECONDS
        _submitted(installation, "PAY-LOST", end_to_end_id="E2E-LOST")
        _, ended = wait_until(_has_told(installation, "K-LOST", 2), "the alert is withdrawn")
        assert (ended.alert_id, ended.state) == (opened.alert_id, AlertState.WITHDRAWN)
        assert _status(installation, "PAY-LOST") is Status.BANK_ACCEPTED
        installation.rest()
    assert len(_told(installation, "K-LOST")) == 2


def test_a_name_that_two_payments_have_is_told_with_both(installation: Installation) -> None:
    with installation.worker():
        for payment in ("PAY-TWIN-1", "PAY-TWIN-2"):
            _submitted(installation, payment, end_to_end_id="E2E-TWIN")
        installation.rest()
        _accepted(installation, "K-TWIN", end_to_end_id="E2E-TWIN")
        (opened,) = wait_until(_has_told(installation, "K-TWIN", 1), "the ambiguity is told")
    assert opened.kind is AlertKind.AMBIGUOUS
    assert "PAY-TWIN-1, PAY-TWIN-2 go by END_TO_END_ID:E2E-TWIN" in opened.detail


def test_what_was_placed_in_time_is_told_of_by_no_worker_that_comes_long_after(installation: Installation) -> None:
    """Both wait in raw, over the due time; a fact that nobody places shows when the clock has passed it."""
    _accepted(installation, "K-IN-TIME", end_to_end_id="E2E-IN-TIME")
    _accepted(installation, "K-GROUP", level="group", message_id="FILE-IN-TIME")
    _submitted(installation, "PAY-IN-TIME", end_to_end_id="E2E-IN-TIME", message_id="FILE-IN-TIME")
    _accepted(installation, "K-MARK", end_to_end_id="E2E-MARK")
    due_us = _received_at(installation, "K-MARK") + GRACE_S * _MICROSECONDS
    wait_until(lambda: time.time_ns() // 1_000 > due_us, "the due time is over, and no worker has run")
    with installation.worker():
        wait_until(_has_told(installation, "K-MARK", 1), "the orphan is told")
        installation.rest()
    assert _status(installation, "PAY-IN-TIME") is Status.BANK_ACCEPTED
    assert _told(installation, "K-IN-TIME") == []
    assert _told(installation, "K-GROUP") == []


def test_an_independent_reading_agrees(installation: Installation) -> None:
    report = installation.verified()
    assert report.ok, report.findings
