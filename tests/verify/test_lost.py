"""What left no trace is found as lost; what waits, was said twice or was buried is not."""

from __future__ import annotations

from dataclasses import replace

from streams.agents.payment_rows import packed
from streams.domain.facts import Approval, BankAck, Command, CommandAction, Precision
from streams.domain.fold import fold
from streams.domain.payment import Context, payment_of
from streams.domain.statuses import Status
from tests.verify.conftest import Judge, only
from tests.verify.pipeline import POLICY, Pipeline, raw_of
from tests.verify.tampering import (
    ENTRIES,
    RAW,
    acknowledgement,
    bury,
    payment_in,
    receive,
    republish,
    state_where,
    states,
    steps_of,
    write,
)


def test_a_record_that_left_no_trace_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, lambda state: state.status is Status.SUBMITTED)
    row = receive(pipeline, acknowledgement("LOST-1", correlation_id=state.correlation_id))
    report = judge(pipeline)
    assert only(report, "lost")
    assert row.place in report.findings[0].subject
    assert state.correlation_id in report.findings[0].expected


def test_a_record_whose_payment_has_no_state_at_all_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    receive(pipeline, acknowledgement("LOST-2", correlation_id="PAY-NOBODY"))
    assert only(judge(pipeline), "lost")


def test_a_fact_missing_in_the_payment_that_its_name_leads_to_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, lambda state: any(name.kind == "UETR" for name in state.references))
    uetr = next(name.value for name in state.references if name.kind == "UETR")
    receive(pipeline, acknowledgement("LOST-3", references={"uetr": uetr}))
    assert only(judge(pipeline), "lost")


def test_a_fact_that_fell_out_of_a_state_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, lambda state: state.status is Status.BANK_ACCEPTED)
    payment = payment_in(pipeline, state)
    rest = [row for row in payment.kept if not isinstance(row.fact, Approval)]
    assert len(rest) == len(payment.kept) - 1
    republish(pipeline, payment_of(state.correlation_id, rest, payment.envelope, Context(POLICY)), state)
    assert only(judge(pipeline), "lost")


def test_an_unmappable_record_without_a_dead_letter_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    body = acknowledgement("LOST-4", correlation_id="PAY-X")
    row = receive(pipeline, replace(body, payload=body.payload[:-5]))
    report = judge(pipeline)
    assert only(report, "lost")
    assert row.place == report.findings[0].subject
    assert "cannot be mapped" in report.findings[0].found


def test_a_nameless_word_of_a_bank_without_its_alert_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    receive(pipeline, acknowledgement("LOST-5"))
    assert only(judge(pipeline), "lost")


def test_an_account_entry_that_was_not_published_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    assert pipeline.log.topics[ENTRIES].pop() is not None
    assert only(judge(pipeline), "lost")


def test_a_payment_with_steps_and_no_state_is_lost(pipeline: Pipeline, judge: Judge) -> None:
    first = steps_of(pipeline, next(iter(states(pipeline))))[0]
    step = pipeline.topics.transitions.decode(first.value or b"")
    write(
        pipeline,
        pipeline.topics.transitions,
        "PAY-GHOST",
        replace(step, transition_id="ghost", correlation_id="PAY-GHOST"),
    )
    assert only(judge(pipeline), "lost")


# neither lost nor applied


def test_a_fact_whose_payment_nobody_knows_waits(pipeline: Pipeline, judge: Judge) -> None:
    before = judge(pipeline).waiting
    receive(pipeline, acknowledgement("WAITS", references={"end_to_end_id": "NOBODY-HAS-THIS"}))
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
    row = receive(pipeline, replace(acknowledgement("DEAD-1"), payload=b"{"))
    bury(pipeline, row, "normalise")
    before = judge(pipeline)
    assert before.ok
    assert before.dead_letters == 1


def test_a_fact_that_a_later_stage_buried_is_a_dead_letter_of_its_record(pipeline: Pipeline, judge: Judge) -> None:
    body = acknowledgement("DEAD-2", correlation_id="PAY-BURIED")
    raw = raw_of(body)
    row = receive(pipeline, body)
    (fact,) = pipeline.normaliser.facts_of(raw, row.timestamp_us)
    assert isinstance(fact, BankAck)
    buried = pipeline.log.append(
        "payments.bank-acks.v1", b"PAY-BURIED", pipeline.topics.bank_acks.encode(fact), row.timestamp_us
    )
    bury(pipeline, buried, "lifecycle")
    report = judge(pipeline)
    assert report.ok
    assert report.dead_letters == 1


def test_a_command_that_nobody_can_read_is_a_dead_letter_or_lost(pipeline: Pipeline, judge: Judge) -> None:
    row = pipeline.log.append("payments.commands.v1", b"PAY-X", b"no command", 2_000_000_000_000_000)
    assert only(judge(pipeline), "lost")
    bury(pipeline, row, "lifecycle")
    assert judge(pipeline).ok


def test_a_command_without_a_raw_record_must_reach_its_payment(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, lambda state: state.status is Status.SUBMITTED)
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
    payment = fold(payment_in(pipeline, state), command, Context(POLICY, pack=packed)).payment
    assert payment is not None
    republish(pipeline, payment, state)
    assert only(judge(pipeline), "wrong_state")  # a fact that nobody told
    write(pipeline, pipeline.topics.commands, command.correlation_id, command)
    assert judge(pipeline).ok
