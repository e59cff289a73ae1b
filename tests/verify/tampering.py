"""Planting faults: records, states and steps that a correct pipeline would not have left in its log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from schemas.records import DeadLetter
from streams.agents.payment_rows import PaymentRows, internal_of
from streams.domain.payment import Context, Payment, as_state
from streams.domain.state import State
from streams.domain.statuses import Status
from streams.engine import Topic
from streams.simulator.said import Body
from streams.verify.read import Row
from tests.verify.pipeline import POLICY, Pipeline, raw_of

RAW = "payments.raw.v1"
STATE = "payments.state.v1"
TRANSITIONS = "payments.transitions.v1"
ALERTS = "payments.alerts.v1"
DUPLICATE_ALERTS = "payments.duplicate-alerts.v1"
DEAD_LETTERS = "payments.dead-letters.v1"
ENTRIES = "payments.statement-entries.v1"


def acknowledgement(own_id: str, **fields: Any) -> Body:
    """What a bank says in canonical JSON, with other fields where given."""
    document = {
        "source": "FIRSTWIRE",
        "source_event_id": own_id,
        "occurred_at": "2026-01-05T10:00:00+00:00",
        "bank": "FIRSTWIRE",
        "status": "ACSP",
        **fields,
    }
    return Body(0.0, "FIRSTWIRE", own_id, "acknowledgement.json", json.dumps(document).encode(), "FIRSTWIRE")


def write(pipeline: Pipeline, topic: Topic[Any], key: str, value: Any) -> None:
    """One more record at the end of a topic."""
    pipeline.log.append(topic.name, key.encode(), topic.encode(value), 2_000_000_000_000_000)


def receive(pipeline: Pipeline, body: Body) -> Row:
    """A record that came in and that nobody has worked on."""
    raw = raw_of(body)
    key = f"{raw.source}/{raw.source_message_id}".encode()
    return pipeline.log.append(RAW, key, pipeline.topics.raw.encode(raw), 2_000_000_000_000_000)


def states(pipeline: Pipeline) -> dict[str, State]:
    """The newest state of every payment."""
    decode = pipeline.topics.state.decode
    return {
        state.correlation_id: state for state in (decode(row.value) for row in pipeline.log.rows(STATE) if row.value)
    }


def state_where(pipeline: Pipeline, wanted: Callable[[State], bool]) -> State:
    """The first payment that will do."""
    return next(state for state in states(pipeline).values() if wanted(state))


def is_settled(state: State) -> bool:
    """Settled, with the amount."""
    return state.status is Status.SETTLED and state.settled is not None


def publish(pipeline: Pipeline, state: State) -> None:
    """A newer state of its payment."""
    write(pipeline, pipeline.topics.state, state.correlation_id, state)


def rows_of(pipeline: Pipeline) -> PaymentRows:
    """The codec of the payments table."""
    return PaymentRows(pipeline.topics.state, Context(POLICY, 1))


def payment_in(pipeline: Pipeline, state: State) -> Payment:
    """The payment that a state holds, with its facts."""
    return rows_of(pipeline).decode(pipeline.topics.state.encode(state))


def republish(pipeline: Pipeline, payment: Payment, before: State) -> None:
    """A payment with other facts under the envelope that it had: its chain of steps stays true."""
    state = as_state(payment, internal_of(payment))
    publish(
        pipeline,
        replace(
            state,
            version=before.version,
            last_transition_id=before.last_transition_id,
            last_transition_seq=before.last_transition_seq,
        ),
    )


def steps_of(pipeline: Pipeline, correlation_id: str) -> list[Row]:
    """The transitions of a payment, in order."""
    return [row for row in pipeline.log.rows(TRANSITIONS) if row.key == correlation_id.encode()]


def bury(pipeline: Pipeline, row: Row, stage: str) -> None:
    """A dead letter of the record."""
    letter = DeadLetter(
        stage=stage,
        error_class="BadRecord",
        reason_class="test",
        message="as it was",
        source_topic=row.topic,
        source_partition=row.partition,
        source_offset=row.offset,
        source_timestamp_ms=0,
        key=row.key,
        value=row.value,
        headers=(),
        attempts=1,
        failed_at=0,
        trace_id="",
    )
    write(pipeline, pipeline.topics.dead_letters, "any", letter)
