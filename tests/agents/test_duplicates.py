"""The duplicates agent: rows, hits to the pair's home, alerts and verdicts sent, and its bound."""

from __future__ import annotations

import pytest

from streams.agents.duplicates import ROWS, duplicates
from streams.domain.duplicates import MEMBERS_KEPT, pair_of
from streams.domain.facts import VerdictAction
from streams.domain.fingerprints import DuplicateState, FingerprintMessage, FingerprintMessageType, Liveness
from streams.domain.state import AlertKind
from streams.topics import topics_of
from tests.agents.desk import Rows, Sent, handled
from tests.domain.test_duplicates import appearance, ruling, told

TOPICS = topics_of(1)
DUPLICATES = duplicates(TOPICS, 1)


def _run(*messages: FingerprintMessage, rows: Rows | None = None) -> tuple[Rows, Sent]:
    """Every message and all that follows from it, in order."""
    rows, out = rows or Rows(ROWS), Sent()
    todo = list(messages)
    while todo:
        sent = Sent()
        handled(DUPLICATES, todo.pop(0), rows, sent)
        todo = [*sent.to(TOPICS.fingerprints), *todo]
        out.records += sent.records
        out.notes += sent.notes
    return rows, out


def test_a_payment_alone_under_its_mark_is_one_row_and_says_nothing() -> None:
    rows, out = _run(told(appearance("P1")))
    assert (list(rows.stored), out.records) == (["EXACT_INVOICE:f"], [])


def test_a_pair_makes_one_alert_under_its_id_and_a_verdict_for_each_payment() -> None:
    _, out = _run(told(appearance("P1")), told(appearance("P2")))
    alert_id = pair_of("P1", "P2")
    assert [(name, key) for name, key, _value in out.records] == [
        ("payments.fingerprints.v1", f"pair:{alert_id}"),
        ("payments.duplicate-alerts.v1", alert_id),
        ("payments.verdicts.v1", "P1"),
        ("payments.verdicts.v1", "P2"),
    ]
    assert [(row.correlation_id, row.action, row.hold) for row in out.to(TOPICS.verdicts)] == [
        ("P1", VerdictAction.SUSPECT, False),
        ("P2", VerdictAction.SUSPECT, True),
    ]
    assert out.notes == out.to(TOPICS.duplicate_alerts)


def test_a_death_withdraws_the_alert_and_clears_both() -> None:
    rows, _ = _run(told(appearance("P1")), told(appearance("P2")))
    _, out = _run(told(appearance("P1", Liveness.DEAD, 2)), rows=rows)
    assert [alert.state for alert in out.to(TOPICS.duplicate_alerts)] == [DuplicateState.WITHDRAWN]
    assert {(row.action, row.number) for row in out.to(TOPICS.verdicts)} == {(VerdictAction.CLEAR, 2)}


def test_a_ruling_reaches_the_pair_and_a_repeat_of_it_says_nothing() -> None:
    rows, _ = _run(told(appearance("P1")), told(appearance("P2")))
    word = ruling(pair_of("P1", "P2"), confirmed=False)
    rows, out = _run(word, rows=rows)
    assert [alert.state for alert in out.to(TOPICS.duplicate_alerts)] == [DuplicateState.DISMISSED]
    assert {row.action for row in out.to(TOPICS.verdicts)} == {VerdictAction.CLEAR}
    assert _run(word, rows=rows)[1].records == []


def test_everybody_at_a_mark_is_compared_with_everybody_else() -> None:
    _, out = _run(*(told(appearance(f"P{number}")) for number in range(5)))
    assert len({alert.alert_id for alert in out.to(TOPICS.duplicate_alerts)}) == 10


def test_a_mark_of_too_many_payments_compares_no_more_and_tells_so_once() -> None:
    rows = Rows(ROWS)
    for number in range(MEMBERS_KEPT):
        handled(DUPLICATES, told(appearance(f"P{number:03}")), rows, Sent())
    out = Sent()
    for number in range(3):
        handled(DUPLICATES, told(appearance(f"Q{number}")), rows, out)
    assert [(alert.kind, alert.correlation_id) for alert in out.to(TOPICS.alerts)] == [
        (AlertKind.LIMIT_EXCEEDED, "Q0"),
    ]
    assert out.to(TOPICS.fingerprints) == []
    known = Sent()
    handled(DUPLICATES, told(appearance("P000", Liveness.DEAD, 2)), rows, known)
    assert len(known.to(TOPICS.fingerprints)) == MEMBERS_KEPT - 1


@pytest.mark.parametrize("kind", [FingerprintMessageType.APPEARANCE, FingerprintMessageType.HIT])
def test_a_message_without_its_content_changes_nothing(kind: FingerprintMessageType) -> None:
    rows, out = _run(FingerprintMessage(kind, "pair:x", 1, None, None, None, "t"))
    assert (rows.stored, out.records) == ({}, [])
