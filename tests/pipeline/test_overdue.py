"""The deadline of the bank's first word on the real broker: never a false miss, never two, never none.

The bank has five seconds. The worker is started only when everything of the first round is in raw: it is down while the
time of some of it runs out, with the answers waiting.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.codec import codec
from schemas.records import ClockTick, Raw
from streams.domain.state import Alert, AlertKind, AlertState, State, Transition, TransitionKind
from streams.domain.statuses import Flag, Status
from streams.settings import PolicySettings
from streams.verify.report import Report
from tests.pipeline.installation import PARTITIONS, Installation, installed

pytestmark = pytest.mark.kafka

_WITHIN_S = 5
_PATIENCE_S = 120.0
_ENCODE = codec("payments.raw.v1", Raw).encode
SILENT, ANSWERED, LATE = "SILENT-1", "ANSWERED-1", "LATE-1"


def _raw(kind: str, payment: str, **said: Any) -> Raw:
    document = {
        "source": "sap" if kind == "release.json" else "BANKX",
        "source_event_id": f"{kind}/{payment}",
        "occurred_at": datetime.now(UTC).isoformat(),
        **said,
    }
    return Raw(
        message_id=str(document["source_event_id"]),
        source=document["source"],
        source_message_id=str(document["source_event_id"]),
        format=kind,
        kind=kind,
        profile="default",
        sender=document["source"],
        file_hash=None,
        position=None,
        records_in_file=None,
        payload=json.dumps(document).encode(),
        authentication="none",
        occurred_at=None,
        trace_id="t",
        correlation_id=None,
    )


def _publish(installation: Installation, *rows: Raw) -> None:
    producer = Producer(installation.client)
    for place, row in enumerate(rows):
        producer.produce("payments.raw.v1", _ENCODE(row), row.message_id.encode(), partition=place % PARTITIONS)
    assert producer.flush(60) == 0


def _submitted(payment: str) -> Raw:
    document = {"stage": "submitted", "bank": "BANKX", "amount": {"value": "9.00", "currency": "EUR"}}
    return _raw("release.json", payment, correlation_id=payment, references=_names(payment), **document)


def _accepted(payment: str) -> Raw:
    """The bank knows its name only: the answer goes round by correlate."""
    return _raw("acknowledgement.json", payment, status="ACCP", bank="BANKX", references=_names(payment))


def _names(payment: str) -> dict[str, str]:
    return {"end_to_end_id": f"E2E-{payment}"}


def _await(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"waited {_PATIENCE_S:.0f} s for {what}"
        time.sleep(0.5)


@dataclass(frozen=True)
class Seen:
    """What is there in the end."""

    sla: dict[str, list[Alert]]
    states: dict[str, State]
    steps: dict[str, list[Transition]]
    report: Report


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    policy = PolicySettings(acknowledgement_within_s=_WITHIN_S)
    with installed(tmp_path_factory.mktemp("overdue"), policy) as installation:
        _publish(installation, _submitted(ANSWERED), _accepted(ANSWERED), _submitted(SILENT), _submitted(LATE))
        over_us = time.time_ns() // 1_000 + 2 * _WITHIN_S * 1_000_000
        with installation.worker():
            installation.rest()
            _await(lambda: _open(installation) >= {SILENT, LATE}, "both alerts")
            _publish(installation, _accepted(LATE))
            _await(lambda: LATE not in _open(installation), "the late word's withdrawal")
            _await(lambda: _proved(installation) > over_us, "the clock to pass every deadline")
            installation.rest()
        yield _seen(installation)


def _sla(installation: Installation) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for alert in installation.values("payments.alerts.v1", Alert):
        if alert.kind is AlertKind.SLA_MISSED:
            found.setdefault(alert.correlation_id, []).append(alert)
    return found


def _open(installation: Installation) -> set[str]:
    return {payment for payment, rows in _sla(installation).items() if rows[-1].state is AlertState.OPEN}


def _proved(installation: Installation) -> int:
    """What the partition that lags most has been told."""
    last = dict.fromkeys(range(PARTITIONS), 0)
    decode = codec("payments.clock.v1", ClockTick).decode
    for row in installation.rows("payments.clock.v1"):
        if row.value is not None:
            last[row.partition] = max(last[row.partition], decode(row.value).at)
    return min(last.values())


def _seen(installation: Installation) -> Seen:
    steps: dict[str, list[Transition]] = {}
    for step in installation.values("payments.transitions.v1", Transition):
        steps.setdefault(step.correlation_id, []).append(step)
    states = {state.correlation_id: state for state in installation.values("payments.state.v1", State)}
    return Seen(_sla(installation), states, steps, installation.verified())


def test_a_submission_without_a_word_is_overdue_with_one_alert_stamped_with_its_deadline(seen: Seen) -> None:
    state, (alert,) = seen.states[SILENT], seen.sla[SILENT]
    assert [(flag.name, flag.detail) for flag in state.flags] == [(Flag.OVERDUE, "acknowledgement")]
    (submitted,) = state.milestones
    assert (state.status, state.deadlines) == (Status.SUBMITTED, ())
    assert alert.at == submitted.at + _WITHIN_S * 1_000_000
    assert state.open_alerts == (alert.alert_id,)
    assert [step.kind for step in seen.steps[SILENT]] == [TransitionKind.ADVANCE, TransitionKind.FLAG]
    assert seen.steps[SILENT][-1].evidence.topic == "payments.clock.v1"


def test_an_answer_that_waited_in_raw_while_its_time_ran_out_is_in_time(seen: Seen) -> None:
    assert ANSWERED not in seen.sla
    state = seen.states[ANSWERED]
    assert (state.status, state.flags) == (Status.BANK_ACCEPTED, ())
    assert [row.late_by_us for row in state.milestones] == [None, None]


def test_a_late_word_withdraws_the_alert_and_says_how_late_it_was(seen: Seen) -> None:
    opened, withdrawn = seen.sla[LATE]
    assert (opened.state, withdrawn.state) == (AlertState.OPEN, AlertState.WITHDRAWN)
    state = seen.states[LATE]
    assert (state.status, state.flags, state.open_alerts) == (Status.BANK_ACCEPTED, (), ())
    (late_by_us,) = [row.late_by_us for row in state.milestones if row.late_by_us is not None]
    assert late_by_us == withdrawn.at - opened.at > 0


def test_an_independent_reading_finds_nothing_wrong(seen: Seen) -> None:
    assert seen.report.ok, (seen.report.findings, seen.report.lag)
