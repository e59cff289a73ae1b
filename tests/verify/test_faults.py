"""Every kind of fault is planted in a correct log, and found under its own name and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.records import DeadLetter
from streams.agents.payment_rows import PaymentRows, internal_of, packed
from streams.domain.duplicates import pair_of
from streams.domain.facts import Approval, BankAck, Command, CommandAction, Precision
from streams.domain.fold import fold
from streams.domain.money import Money
from streams.domain.payment import Context, Payment, as_state, payment_of
from streams.domain.state import AlertKind, State
from streams.domain.statuses import Status
from streams.engine import Topic
from streams.simulator.said import Body
from streams.verify.read import Row
from tests.verify.conftest import Judge, only
from tests.verify.pipeline import POLICY, Pipeline, raw_of

RAW = "payments.raw.v1"
STATE = "payments.state.v1"
TRANSITIONS = "payments.transitions.v1"
ALERTS = "payments.alerts.v1"
DUPLICATE_ALERTS = "payments.duplicate-alerts.v1"
DEAD_LETTERS = "payments.dead-letters.v1"
ENTRIES = "payments.statement-entries.v1"


def _acknowledgement(own_id: str, **fields: Any) -> Body:
    document = {
        "source": "FIRSTWIRE",
        "source_event_id": own_id,
        "occurred_at": "2026-01-05T10:00:00+00:00",
        "bank": "FIRSTWIRE",
        "status": "ACSP",
        **fields,
    }
    return Body(0.0, "FIRSTWIRE", own_id, "acknowledgement.json", json.dumps(document).encode(), "FIRSTWIRE")


def _write(pipeline: Pipeline, topic: Topic[Any], key: str, value: Any) -> None:
    pipeline.log.append(topic.name, key.encode(), topic.encode(value), 2_000_000_000_000_000)


def _receive(pipeline: Pipeline, body: Body) -> Row:
    """A record that came in and that nobody has worked on."""
    raw = raw_of(body)
    key = f"{raw.source}/{raw.source_message_id}".encode()
    return pipeline.log.append(RAW, key, pipeline.topics.raw.encode(raw), 2_000_000_000_000_000)


def _states(pipeline: Pipeline) -> dict[str, State]:
    decode = pipeline.topics.state.decode
    return {
        state.correlation_id: state for state in (decode(row.value) for row in pipeline.log.rows(STATE) if row.value)
    }


def _state(pipeline: Pipeline, wanted: Callable[[State], bool]) -> State:
    return next(state for state in _states(pipeline).values() if wanted(state))


def _settled(state: State) -> bool:
    return state.status is Status.SETTLED and state.settled is not None


def _publish(pipeline: Pipeline, state: State) -> None:
    _write(pipeline, pipeline.topics.state, state.correlation_id, state)


def _rows(pipeline: Pipeline) -> PaymentRows:
    return PaymentRows(pipeline.topics.state, Context(POLICY, 1))


def _payment(pipeline: Pipeline, state: State) -> Payment:
    return _rows(pipeline).decode(pipeline.topics.state.encode(state))


def _republish(pipeline: Pipeline, payment: Payment, before: State) -> None:
    """A payment with other facts under the envelope that it had: its chain of steps stays true."""
    state = as_state(payment, internal_of(payment))
    _publish(
        pipeline,
        replace(
            state,
            version=before.version,
            last_transition_id=before.last_transition_id,
            last_transition_seq=before.last_transition_seq,
        ),
    )


def _steps(pipeline: Pipeline, correlation_id: str) -> list[Row]:
    return [row for row in pipeline.log.rows(TRANSITIONS) if row.key == correlation_id.encode()]


# lost


def test_a_record_that_left_no_trace_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, lambda state: state.status is Status.SUBMITTED)
    row = _receive(pipeline, _acknowledgement("LOST-1", correlation_id=state.correlation_id))
    report = judge(pipeline)
    assert only(report, "lost")
    assert row.place in report.findings[0].subject
    assert state.correlation_id in report.findings[0].expected


def test_a_record_whose_payment_has_no_state_at_all_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    _receive(pipeline, _acknowledgement("LOST-2", correlation_id="PAY-NOBODY"))
    assert only(judge(pipeline), "lost")


def test_a_fact_missing_in_the_payment_that_its_name_leads_to_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, lambda state: any(name.kind == "UETR" for name in state.references))
    uetr = next(name.value for name in state.references if name.kind == "UETR")
    _receive(pipeline, _acknowledgement("LOST-3", references={"uetr": uetr}))
    assert only(judge(pipeline), "lost")


def test_a_fact_that_fell_out_of_a_state_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, lambda state: state.status is Status.BANK_ACCEPTED)
    payment = _payment(pipeline, state)
    rest = [row for row in payment.kept if not isinstance(row.fact, Approval)]
    assert len(rest) == len(payment.kept) - 1
    _republish(pipeline, payment_of(state.correlation_id, rest, payment.envelope, Context(POLICY)), state)
    assert only(judge(pipeline), "lost")


def test_an_unmappable_record_without_a_dead_letter_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    body = _acknowledgement("LOST-4", correlation_id="PAY-X")
    row = _receive(pipeline, replace(body, payload=body.payload[:-5]))
    report = judge(pipeline)
    assert only(report, "lost")
    assert row.place == report.findings[0].subject
    assert "cannot be mapped" in report.findings[0].found


def test_a_nameless_word_of_a_bank_without_its_alert_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    _receive(pipeline, _acknowledgement("LOST-5"))
    assert only(judge(pipeline), "lost")


def test_an_account_entry_that_was_not_published_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    assert pipeline.log.topics[ENTRIES].pop() is not None
    assert only(judge(pipeline), "lost")


def test_a_payment_with_steps_and_no_state_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    first = _steps(pipeline, next(iter(_states(pipeline))))[0]
    step = pipeline.topics.transitions.decode(first.value or b"")
    _write(
        pipeline,
        pipeline.topics.transitions,
        "PAY-GHOST",
        replace(step, transition_id="ghost", correlation_id="PAY-GHOST"),
    )
    assert only(judge(pipeline), "lost")


# neither lost nor applied


def test_a_fact_whose_payment_nobody_knows_waits(pipeline: Pipeline, judge: Judge) -> None:
    before = judge(pipeline).waiting
    _receive(pipeline, _acknowledgement("WAITS", references={"end_to_end_id": "NOBODY-HAS-THIS"}))
    report = judge(pipeline)
    assert report.ok
    assert report.waiting == before + 1


def test_a_copy_of_a_record_is_a_duplicate(pipeline: Pipeline, judge: Judge) -> None:
    before = judge(pipeline)
    row = pipeline.log.rows(RAW)[0]
    pipeline.log.append(RAW, row.key or b"", row.value, row.timestamp_us + 10**9)
    report = judge(pipeline)
    assert report.ok
    assert (report.inputs, report.duplicates) == (before.inputs + 1, before.duplicates + 1)


def test_a_record_among_the_dead_letters_is_not_lost(pipeline: Pipeline, judge: Judge) -> None:
    row = _receive(pipeline, replace(_acknowledgement("DEAD-1"), payload=b"{"))
    _bury(pipeline, row, "normalise")
    before = judge(pipeline)
    assert before.ok
    assert before.dead_letters == 1


def test_a_fact_that_a_later_stage_buried_is_a_dead_letter_of_its_record(pipeline: Pipeline, judge: Judge) -> None:
    body = _acknowledgement("DEAD-2", correlation_id="PAY-BURIED")
    raw = raw_of(body)
    row = _receive(pipeline, body)
    (fact,) = pipeline.normaliser.facts_of(raw, row.timestamp_us)
    assert isinstance(fact, BankAck)
    buried = pipeline.log.append(
        "payments.bank-acks.v1", b"PAY-BURIED", pipeline.topics.bank_acks.encode(fact), row.timestamp_us
    )
    _bury(pipeline, buried, "lifecycle")
    report = judge(pipeline)
    assert report.ok
    assert report.dead_letters == 1


def test_a_command_that_nobody_can_read_is_a_dead_letter_or_lost(pipeline: Pipeline, judge: Judge) -> None:
    row = pipeline.log.append("payments.commands.v1", b"PAY-X", b"no command", 2_000_000_000_000_000)
    assert only(judge(pipeline), "lost")
    _bury(pipeline, row, "lifecycle")
    assert judge(pipeline).ok


def test_a_command_without_a_raw_record_must_reach_its_payment(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, lambda state: state.status is Status.SUBMITTED)
    command = Command(
        event_id="by-hand",
        payload_hash="said-once",
        correlation_id=state.correlation_id,
        source="desk",
        source_event_id="1",
        occurred_at=1,
        precision=Precision.TIME,
        received_at=2,
        trace_id="",
        action=CommandAction.NOTE,
        hold=None,
        alert_id=None,
        case_id=None,
        actor="a.lindqvist",
        reason="called the vendor",
        sequence=1,
    )
    payment = fold(_payment(pipeline, state), command, Context(POLICY, pack=packed)).payment
    assert payment is not None
    _republish(pipeline, payment, state)
    assert only(judge(pipeline), "wrong_state")  # a fact that nobody told
    _write(pipeline, pipeline.topics.commands, command.correlation_id, command)
    assert judge(pipeline).ok


def _bury(pipeline: Pipeline, row: Row, stage: str) -> None:
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
    _write(pipeline, pipeline.topics.dead_letters, "any", letter)


# repeated


def test_a_transition_that_is_there_twice_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    row = pipeline.log.rows(TRANSITIONS)[5]
    pipeline.log.append(TRANSITIONS, row.key or b"", row.value, row.timestamp_us)
    assert only(judge(pipeline), "repeated")


def test_a_fact_twice_in_one_payment_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, _settled)
    payment = _payment(pipeline, state)
    doubled = replace(payment, kept=(*payment.kept, payment.kept[0]))
    _publish(pipeline, replace(state, internal=internal_of(doubled)))
    assert only(judge(pipeline), "repeated")


def test_a_fact_in_a_payment_that_it_does_not_belong_to_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, lambda state: state.status is Status.SUBMITTED)
    other = _payment(pipeline, _state(pipeline, _settled))
    stray = next(row.fact for row in other.kept if isinstance(row.fact, BankAck))
    rows = {row.event_id: row for row in (*_payment(pipeline, state).kept, *other.kept)}
    folded = fold(
        _payment(pipeline, state), replace(stray, correlation_id=state.correlation_id), Context(POLICY)
    ).payment
    assert folded is not None
    kept = tuple(rows[row.event_id] for row in folded.kept)
    moved = replace(folded, kept=kept)
    _republish(pipeline, moved, state)
    steps = _steps(pipeline, state.correlation_id)
    last = pipeline.topics.transitions.decode(steps[-1].value or b"")
    at = pipeline.log.topics[TRANSITIONS].index(steps[-1])
    honest = replace(last, to_status=folded.view.status)
    pipeline.log.topics[TRANSITIONS][at] = replace(steps[-1], value=pipeline.topics.transitions.encode(honest))
    report = judge(pipeline)
    assert only(report, "repeated")
    assert stray.event_id in report.findings[0].subject


def test_an_alert_opened_twice_in_a_row_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    decode = pipeline.topics.alerts.decode
    row = next(
        row for row in pipeline.log.rows(ALERTS) if decode(row.value or b"").kind is not AlertKind.UNKNOWN_BANK_STATUS
    )
    pipeline.log.topics[ALERTS].insert(pipeline.log.topics[ALERTS].index(row), row)
    assert only(judge(pipeline), "repeated")


def test_a_version_of_a_duplicate_alert_told_again_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    rows = pipeline.log.topics[DUPLICATE_ALERTS]
    rows.append(rows[-1])
    assert only(judge(pipeline), "repeated")


def test_a_record_buried_twice_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    row = _receive(pipeline, replace(_acknowledgement("DEAD-3"), payload=b"{"))
    _bury(pipeline, row, "normalise")
    _bury(pipeline, row, "normalise")
    assert only(judge(pipeline), "repeated")


# reordered


def _long_chain(pipeline: Pipeline) -> list[Row]:
    return next(steps for steps in (_steps(pipeline, name) for name in _states(pipeline)) if len(steps) > 4)


def test_a_gap_in_a_chain_is_reordered(pipeline: Pipeline, judge: Judge) -> None:
    pipeline.log.topics[TRANSITIONS].remove(_long_chain(pipeline)[2])
    assert only(judge(pipeline), "reordered")


def test_a_chain_without_its_last_step_is_reordered(pipeline: Pipeline, judge: Judge) -> None:
    pipeline.log.topics[TRANSITIONS].remove(_long_chain(pipeline)[-1])
    assert only(judge(pipeline), "reordered")


def test_steps_in_another_order_are_reordered(pipeline: Pipeline, judge: Judge) -> None:
    rows, chain = pipeline.log.topics[TRANSITIONS], _long_chain(pipeline)
    first, second = rows.index(chain[1]), rows.index(chain[2])
    rows[first], rows[second] = rows[second], rows[first]
    assert only(judge(pipeline), "reordered", 3)  # both, and the one behind them


def test_a_step_in_another_partition_is_reordered(pipeline: Pipeline, judge: Judge) -> None:
    rows, last = pipeline.log.topics[TRANSITIONS], _long_chain(pipeline)[-1]
    rows[rows.index(last)] = replace(last, partition=last.partition + 1)
    assert only(judge(pipeline), "reordered")


def test_a_state_that_names_another_step_than_its_last_is_reordered(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, _settled)
    _publish(pipeline, replace(state, last_transition_seq=state.last_transition_seq - 1))
    assert only(judge(pipeline), "reordered")


# wrong state


def test_a_wrong_amount_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, _settled)
    assert state.settled is not None
    _publish(pipeline, replace(state, settled=replace(state.settled, minor=state.settled.minor + 1)))
    report = judge(pipeline)
    assert only(report, "wrong_state")
    assert report.findings[0].subject == f"{state.correlation_id}: settled"


@pytest.mark.parametrize(
    "change",
    [
        {"closed": True},
        {"flags": ()},
        {"instructed": Money(1, "EUR", 2)},
        {"milestones": ()},
        {"open_alerts": ("none-of-ours",)},
        {"as_of": 7},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_public_field_that_the_facts_do_not_come_to_is_a_wrong_state(
    pipeline: Pipeline, judge: Judge, change: dict[str, Any]
) -> None:
    flagged = "flags" in change
    state = _state(pipeline, lambda state: _settled(state) and (not flagged or bool(state.flags)))
    _publish(pipeline, replace(state, **change))
    assert only(judge(pipeline), "wrong_state")


def test_a_status_that_the_facts_do_not_come_to_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    state = _state(pipeline, _settled)
    _publish(pipeline, replace(state, status=Status.CREDITED))
    report = judge(pipeline)
    assert only(report, "wrong_state", 2)  # not what its facts say, and not where its last step led
    assert {finding.subject.partition(":")[0] for finding in report.findings} == {state.correlation_id}


def test_a_fact_that_nobody_told_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    row = next(row for row in pipeline.log.rows(RAW) if b"recon/" in (row.key or b""))
    assert [other for other in pipeline.log.rows(RAW) if other.key == row.key] == [row]
    pipeline.log.topics[RAW].remove(row)
    assert only(judge(pipeline), "wrong_state")


def test_a_pair_of_duplicates_without_an_alert_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    assert pipeline.log.topics[DUPLICATE_ALERTS]
    pipeline.log.topics[DUPLICATE_ALERTS].clear()
    report = judge(pipeline)
    assert report.wrong_state > 0
    assert report.faults == report.wrong_state
    assert all(finding.expected == "an open duplicate alert" for finding in report.findings)


def test_an_alert_about_two_payments_that_share_nothing_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    alert = pipeline.topics.duplicate_alerts.decode(pipeline.log.rows(DUPLICATE_ALERTS)[-1].value or b"")
    pair = {alert.first.correlation_id, alert.second.correlation_id}
    stranger = next(name for name in _states(pipeline) if name not in pair)
    false = replace(
        alert,
        alert_id=pair_of(alert.first.correlation_id, stranger),
        second=replace(alert.second, correlation_id=stranger),
        number=1,
    )
    _write(pipeline, pipeline.topics.duplicate_alerts, false.alert_id, false)
    assert only(judge(pipeline), "wrong_state")


def test_an_alert_about_a_payment_that_does_not_exist_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    alert = pipeline.topics.duplicate_alerts.decode(pipeline.log.rows(DUPLICATE_ALERTS)[-1].value or b"")
    false = replace(alert, alert_id="ghost", second=replace(alert.second, correlation_id="PAY-GHOST"), number=1)
    _write(pipeline, pipeline.topics.duplicate_alerts, false.alert_id, false)
    assert only(judge(pipeline), "wrong_state")
