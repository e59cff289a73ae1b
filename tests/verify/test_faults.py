"""Every fault but loss (test_lost.py) is planted in a correct log, and found under its own name and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.agents.payment_rows import internal_of
from streams.domain.duplicates import pair_of
from streams.domain.facts import BankAck
from streams.domain.fold import fold
from streams.domain.money import Money
from streams.domain.payment import Context
from streams.domain.state import AlertKind
from streams.domain.statuses import Status
from streams.verify.read import Row
from tests.verify.conftest import Judge, only
from tests.verify.pipeline import POLICY, Pipeline
from tests.verify.tampering import (
    ALERTS,
    DUPLICATE_ALERTS,
    RAW,
    TRANSITIONS,
    acknowledgement,
    bury,
    is_settled,
    payment_in,
    publish,
    receive,
    republish,
    state_where,
    states,
    steps_of,
    write,
)

# repeated


def test_a_transition_that_is_there_twice_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    row = pipeline.log.rows(TRANSITIONS)[5]
    pipeline.log.append(TRANSITIONS, row.key or b"", row.value, row.timestamp_us)
    assert only(judge(pipeline), "repeated")


def test_a_fact_twice_in_one_payment_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, is_settled)
    payment = payment_in(pipeline, state)
    doubled = replace(payment, kept=(*payment.kept, payment.kept[0]))
    publish(pipeline, replace(state, internal=internal_of(doubled)))
    assert only(judge(pipeline), "repeated")


def test_a_fact_in_a_payment_that_it_does_not_belong_to_is_repeated(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, lambda state: state.status is Status.BANK_ACCEPTED)
    other = payment_in(pipeline, state_where(pipeline, is_settled))
    stray = next(row.fact for row in other.kept if isinstance(row.fact, BankAck))
    rows = {row.event_id: row for row in (*payment_in(pipeline, state).kept, *other.kept)}
    folded = fold(
        payment_in(pipeline, state), replace(stray, correlation_id=state.correlation_id), Context(POLICY)
    ).payment
    assert folded is not None
    kept = tuple(rows[row.event_id] for row in folded.kept)
    moved = replace(folded, kept=kept)
    republish(pipeline, moved, state)
    steps = steps_of(pipeline, state.correlation_id)
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
    row = receive(pipeline, replace(acknowledgement("DEAD-3"), payload=b"{"))
    bury(pipeline, row, "normalise")
    bury(pipeline, row, "normalise")
    assert only(judge(pipeline), "repeated")


# reordered


def _long_chain(pipeline: Pipeline) -> list[Row]:
    return next(steps for steps in (steps_of(pipeline, name) for name in states(pipeline)) if len(steps) > 4)


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
    state = state_where(pipeline, is_settled)
    publish(pipeline, replace(state, last_transition_seq=state.last_transition_seq - 1))
    assert only(judge(pipeline), "reordered")


# wrong state


def test_a_wrong_amount_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, is_settled)
    assert state.settled is not None
    publish(pipeline, replace(state, settled=replace(state.settled, minor=state.settled.minor + 1)))
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
    state = state_where(pipeline, lambda state: is_settled(state) and (not flagged or bool(state.flags)))
    publish(pipeline, replace(state, **change))
    assert only(judge(pipeline), "wrong_state")


def test_a_status_that_the_facts_do_not_come_to_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    state = state_where(pipeline, is_settled)
    publish(pipeline, replace(state, status=Status.CREDITED))
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
    stranger = next(name for name in states(pipeline) if name not in pair)
    false = replace(
        alert,
        alert_id=pair_of(alert.first.correlation_id, stranger),
        second=replace(alert.second, correlation_id=stranger),
        number=1,
    )
    write(pipeline, pipeline.topics.duplicate_alerts, false.alert_id, false)
    assert only(judge(pipeline), "wrong_state")


def test_an_alert_about_a_payment_that_does_not_exist_is_a_wrong_state(pipeline: Pipeline, judge: Judge) -> None:
    alert = pipeline.topics.duplicate_alerts.decode(pipeline.log.rows(DUPLICATE_ALERTS)[-1].value or b"")
    false = replace(alert, alert_id="ghost", second=replace(alert.second, correlation_id="PAY-GHOST"), number=1)
    write(pipeline, pipeline.topics.duplicate_alerts, false.alert_id, false)
    assert only(judge(pipeline), "wrong_state")
