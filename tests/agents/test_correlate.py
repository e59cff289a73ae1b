"""The correlate agent: rows written, messages sent, and shared names served in slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.correlate import ROWS, SLICE, correlate, on_tick
from streams.domain.correlation import CarriedFact, CarriedType, CorrelationMessage, MessageType
from streams.domain.facts import Approval, BankAck, Reference, ReferenceKind
from streams.domain.references import WAITING_KEPT, lookup_of
from streams.domain.shared_names import FACTS_KEPT
from streams.domain.state import Alert, AlertKind, AlertState
from streams.engine import AGAIN
from streams.topics import topics_of
from tests.agents.desk import Arrived, Rows, Sent, fold, handled, once, tick
from tests.domain.given import ack, invoice_approval
from tests.domain.network import register_of

TOPICS = topics_of(1)
GRACE_US = 3_600_000_000
CORRELATE = correlate(TOPICS, 1, GRACE_US)
ON_TICK = on_tick(TOPICS, 1)
E2E = Reference(ReferenceKind.END_TO_END_ID, "E2E-1")
INVOICE = Reference(ReferenceKind.INVOICE, "V1:INV-7")
GROUP = Reference(ReferenceKind.MESSAGE_ID, "BANKX/FILE-A")


def _carried(fact: Approval | BankAck, *names: Reference) -> CarriedFact:
    if isinstance(fact, Approval):
        payload, kind = TOPICS.approvals.encode(fact), CarriedType.APPROVAL
    else:
        payload, kind = TOPICS.bank_acks.encode(fact), CarriedType.BANK_ACK
    return CarriedFact(fact.event_id, fact.received_at, kind, payload, names)


def _lookup(fact: Approval | BankAck, *names: Reference) -> CorrelationMessage:
    message = lookup_of(_carried(replace(fact, correlation_id=""), *names), fact.trace_id)
    assert message is not None
    return message


def _run(messages: Iterable[CorrelationMessage], rows: Rows | None = None) -> tuple[Rows, Sent]:
    """Every message and all that follows from it, in the order of one partition."""
    rows, out = rows or Rows(ROWS), Sent()
    todo = list(messages)
    while todo:
        sent = Sent()
        handled(CORRELATE, todo.pop(0), rows, sent)
        todo.extend(sent.to(TOPICS.references))
        out.records += sent.records
        out.dead += sent.dead
    return rows, out


def _given(out: Sent) -> dict[str, set[str]]:
    """Event id to the payments that have it in the end."""
    last: dict[tuple[str, str], BankAck | Approval] = {}
    for fact in (*out.to(TOPICS.bank_acks), *out.to(TOPICS.approvals)):
        before = last.get((fact.event_id, fact.correlation_id))
        if before is None or fact.delivery >= before.delivery:
            last[fact.event_id, fact.correlation_id] = fact
    given: dict[str, set[str]] = {}
    for (event_id, payment), fact in last.items():
        given.setdefault(event_id, set())
        if not fact.withdrawn:
            given[event_id].add(payment)
    return given


def test_the_usual_lookup_delivers_in_one_hop_and_writes_nothing() -> None:
    rows, _ = _run([register_of(E2E, "P1", 1)])
    written = len(rows.written)
    fact = ack("k", "ACCP")
    rows, out = _run([_lookup(fact, E2E)], rows)
    assert len(rows.written) == written
    assert out.records == [("payments.bank-acks.v1", "P1", replace(fact, correlation_id="P1", delivery=1))]


def test_a_fact_before_its_release_is_parked_and_delivered_by_the_register() -> None:
    fact = ack("k", "ACCP")
    rows, out = _run([_lookup(fact, E2E)])
    assert out.to(TOPICS.bank_acks) == []
    _, out = _run([register_of(E2E, "P1", fact.received_at + 5)], rows)
    assert out.to(TOPICS.bank_acks) == [replace(fact, correlation_id="P1", delivery=1)]


def test_a_better_name_takes_the_fact_from_the_payment_that_had_it() -> None:
    uetr = Reference(ReferenceKind.UETR, "u-1")
    fact = ack("k", "ACCP")
    rows, out = _run([_lookup(fact, uetr, E2E), register_of(E2E, "P2", fact.received_at - 2)])
    assert _given(out) == {"k": {"P2"}}
    _, more = _run([register_of(uetr, "P1", fact.received_at - 1)], rows)
    out.records += more.records
    assert _given(out) == {"k": {"P1"}}
    assert [(row.correlation_id, row.delivery, row.withdrawn) for row in out.to(TOPICS.bank_acks)] == [
        ("P2", 1, False),
        ("P2", 2, True),
        ("P1", 3, False),
    ]


@pytest.mark.parametrize("name", [E2E, GROUP])
def test_another_content_of_a_fact_that_waits_is_kept_for_a_person(name: Reference) -> None:
    """Where the payment is known at once the fold finds it out; here nobody else would."""
    fact = ack("k", "ACCP")
    rows, _ = _run([_lookup(fact, name)])
    _, again = _run([_lookup(replace(fact, received_at=fact.received_at + 9), name)], rows)
    assert not again.dead
    _, out = _run([_lookup(replace(fact, payload_hash="another"), name)], rows)
    ((_, error),) = out.dead
    assert "told with another content" in str(error)
    _, out = _run([register_of(name, "P1", 1)], rows)
    assert [row.payload_hash for row in out.to(TOPICS.bank_acks)] == [fact.payload_hash]


def test_an_approval_travels_as_what_it_is() -> None:
    fact = invoice_approval("a", INVOICE.value, delivery=0)
    _, out = _run([register_of(INVOICE, "P1", 1), _lookup(fact, INVOICE)])
    assert out.to(TOPICS.approvals) == [replace(fact, correlation_id="P1", delivery=1)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_shared_name_reaches_every_member_in_any_order_once(data: st.DataObject) -> None:
    facts = [ack(f"k{number}", "ACTC") for number in range(data.draw(st.integers(1, 3)))]
    members = data.draw(st.lists(st.sampled_from(["P1", "P2", "P3"]), min_size=1, max_size=5))
    messages = [
        *(_lookup(fact, GROUP) for fact in facts),
        *(register_of(GROUP, payment, since) for since, payment in enumerate(members)),
    ]
    _, out = _run(data.draw(st.permutations(messages)))
    assert _given(out) == {fact.event_id: set(members) for fact in facts}
    delivered = [(row.event_id, row.correlation_id) for row in out.to(TOPICS.bank_acks)]
    assert len(delivered) == len(set(delivered))


def _members(count: int) -> Rows:
    rows = Rows(ROWS)
    for number in range(count):
        handled(CORRELATE, register_of(GROUP, f"P{number:05}", 1), rows, Sent())
    return rows


@pytest.mark.parametrize(("members", "units"), [(0, 1), (1, 1), (SLICE, 1), (SLICE + 1, 2), (5_000, 3)])
def test_a_large_group_is_served_in_slices_and_each_member_once(members: int, units: int) -> None:
    rows, out = _members(members), Sent()
    assert handled(CORRELATE, _lookup(ack("k", "ACTC"), GROUP), rows, out) == units
    delivered = [row.correlation_id for row in out.to(TOPICS.bank_acks)]
    assert delivered == [f"P{number:05}" for number in range(members)]


def test_a_large_fact_is_given_to_fewer_members_a_unit() -> None:
    rows, lookup = _members(25), _lookup(ack("k", "ACTC"), GROUP)
    units: list[list[str]] = []
    outcome = None
    while not units or outcome is AGAIN:
        out = Sent(most=10)
        outcome = once(CORRELATE, lookup, rows, out)
        units.append([row.correlation_id for row in out.to(TOPICS.bank_acks)])
    assert [len(unit) for unit in units] == [10, 10, 5]
    assert [payment for unit in units for payment in unit] == [f"P{number:05}" for number in range(25)]


def test_a_slice_served_again_after_a_crash_goes_on_at_its_cursor() -> None:
    """Rows and messages of a slice are committed together: the next worker finds the cursor in the row."""
    rows, first = _members(SLICE + 10), Sent()
    lookup = _lookup(ack("k", "ACTC"), GROUP)
    assert once(CORRELATE, lookup, rows, first) is AGAIN
    second = Sent()
    restored = Rows(ROWS)
    restored.stored = dict(rows.stored)
    assert handled(correlate(topics_of(1), 1), lookup, restored, second) == 1
    delivered = [row.correlation_id for row in (*first.to(TOPICS.bank_acks), *second.to(TOPICS.bank_acks))]
    assert delivered == [f"P{number:05}" for number in range(SLICE + 10)]


def test_who_joins_later_gets_what_is_kept_and_a_repeated_register_gets_nothing() -> None:
    rows, _ = _run([_lookup(ack("k1", "ACTC"), GROUP), _lookup(ack("k2", "ACTC"), GROUP)])
    rows, out = _run([register_of(GROUP, "P1", 5)], rows)
    assert _given(out) == {"k1": {"P1"}, "k2": {"P1"}}
    written = len(rows.written)
    _, again = _run([register_of(GROUP, "P1", 5), register_of(GROUP, "P1", 7)], rows)
    assert (again.records, len(rows.written)) == ([], written)


def test_names_that_begin_alike_do_not_share_members() -> None:
    longer = Reference(ReferenceKind.MESSAGE_ID, GROUP.value + "B")
    _, out = _run([register_of(longer, "P1", 1), _lookup(ack("k", "ACTC"), GROUP)])
    assert out.to(TOPICS.bank_acks) == []


def _limit_alerts(out: Sent) -> Sequence[Alert]:
    return [alert for alert in out.to(TOPICS.alerts) if alert.kind is AlertKind.LIMIT_EXCEEDED]


def test_one_fact_too_many_at_a_shared_name_is_a_dead_letter_and_an_alert() -> None:
    rows, _ = _run([register_of(GROUP, "P1", 1), *(_lookup(ack(f"k{n}", "ACTC"), GROUP) for n in range(FACTS_KEPT))])
    one_more = _lookup(ack("one-more", "ACTC"), GROUP)
    _, out = _run([one_more], rows)
    assert [value for value, _error in out.dead] == [one_more]
    assert len(_limit_alerts(out)) == 1
    assert out.to(TOPICS.bank_acks) == []


def test_one_fact_too_many_that_waits_is_a_dead_letter_and_an_alert_and_the_others_wait_on() -> None:
    rows, _ = _run(_lookup(ack(f"k{number}", "ACCP"), E2E) for number in range(WAITING_KEPT))
    one_more = _lookup(ack("one-more", "ACCP"), E2E)
    rows, out = _run([one_more], rows)
    assert [value for value, _error in out.dead] == [one_more]
    assert GROUP.key not in rows
    assert [alert.correlation_id for alert in _limit_alerts(out)] == [E2E.key]
    _, out = _run([register_of(E2E, "P1", 1)], rows)
    assert len(_given(out)) == WAITING_KEPT


def test_what_a_shared_name_cannot_be_asked_changes_nothing() -> None:
    message = CorrelationMessage(MessageType.SUBSCRIBE, GROUP.key, 1, (), None, "home:k", "t")
    rows, out = _run([message])
    assert (rows.stored, out.records) == ({}, [])


def _alerts(out: Sent) -> list[tuple[AlertKind, AlertState, int]]:
    assert [note for note in out.notes if isinstance(note, Alert)] == out.to(TOPICS.alerts)
    return [(alert.kind, alert.state, alert.at) for alert in out.to(TOPICS.alerts)]


def _tick(rows: Rows, at: int) -> Sent:
    out = Sent()
    tick(ON_TICK, ROWS, at, rows, out)
    return out


@pytest.mark.parametrize("name", [E2E, GROUP])
def test_a_word_of_the_bank_that_nobody_can_place_in_time_is_an_orphan_until_a_release_comes(name: Reference) -> None:
    fact = ack("k", "ACCP")
    due = fact.received_at + GRACE_US
    rows, _ = _run([_lookup(fact, name)])
    assert _tick(rows, due - 1).records == []
    out = _tick(rows, due)
    (alert,) = out.to(TOPICS.alerts)
    assert _alerts(out) == [(AlertKind.ORPHAN, AlertState.OPEN, due)]
    assert (alert.correlation_id, alert.cause_event_id, alert.bank) == ("k", "k", fact.bank)
    assert name.key in alert.detail
    assert _tick(rows, due + GRACE_US).records == []
    rows, out = _run([register_of(name, "P1", due + 5)], rows)
    assert out.to(TOPICS.bank_acks) == [replace(fact, correlation_id="P1", delivery=1)]
    assert _tick(rows, due + 4).records == []
    out = _tick(rows, due + 5)
    assert _alerts(out) == [(AlertKind.ORPHAN, AlertState.WITHDRAWN, due + 5)]
    assert [row.alert_id for row in out.to(TOPICS.alerts)] == [alert.alert_id]
    assert tick(ON_TICK, ROWS, 2 * due, rows, Sent()) == []


def test_a_word_that_two_payments_may_own_is_told_with_both() -> None:
    fact = ack("k", "ACCP")
    rows, _ = _run([register_of(E2E, "P2", 1), register_of(E2E, "P1", 2), _lookup(fact, E2E)])
    out = _tick(rows, fact.received_at + GRACE_US)
    (alert,) = out.to(TOPICS.alerts)
    assert alert.kind is AlertKind.AMBIGUOUS
    assert "P1, P2 go by END_TO_END_ID:E2E-1" in alert.detail


@pytest.mark.parametrize("name", [E2E, GROUP])
def test_what_was_placed_in_time_is_never_told_of(name: Reference) -> None:
    fact = ack("k", "ACCP")
    due = fact.received_at + GRACE_US
    rows, _ = _run([_lookup(fact, name), register_of(name, "P1", due)])
    assert _tick(rows, due + 1).records == []
    assert tick(ON_TICK, ROWS, 2 * due, rows, Sent()) == []


@pytest.mark.parametrize("name", [E2E, INVOICE])
def test_an_approval_may_be_long_before_the_release_that_names_its_payment(name: Reference) -> None:
    rows, _ = _run([_lookup(invoice_approval("a", INVOICE.value, delivery=0), name)])
    assert tick(ON_TICK, ROWS, 1 << 60, rows, Sent()) == []


@pytest.mark.parametrize("name", [E2E, GROUP])
def test_what_is_about_no_payment_of_ours_is_no_orphan(name: Reference) -> None:
    fee = replace(ack("k", "BOOK", booked=True), milestone=None, flags=())
    rows, _ = _run([_lookup(fee, name)])
    assert tick(ON_TICK, ROWS, 1 << 60, rows, Sent()) == []


@pytest.mark.parametrize("name", [E2E, GROUP])
def test_without_a_grace_nothing_is_told_of(name: Reference) -> None:
    rows = Rows(ROWS)
    handled(correlate(TOPICS, 1, 0), _lookup(ack("k", "ACCP"), name), rows, Sent())
    assert tick(ON_TICK, ROWS, 1 << 60, rows, Sent()) == []


def test_a_group_that_had_a_member_in_time_somewhere_in_its_slices_is_no_orphan() -> None:
    fact = ack("k", "ACTC")
    due = fact.received_at + GRACE_US
    rows = Rows(ROWS)
    for number in range(SLICE + 10):
        since = due if number in {7, SLICE + 7} else due + 1
        handled(CORRELATE, register_of(GROUP, f"P{number:05}", since), rows, Sent())
    assert handled(CORRELATE, _lookup(fact, GROUP), rows, Sent()) == 2
    assert tick(ON_TICK, ROWS, due, rows, Sent()) == []


def test_a_lookup_that_was_sent_again_is_judged_by_the_clock_from_then_on() -> None:
    """Its answers are under way; a tick that was proved before it knows nothing of them."""
    fact = ack("k", "ACCP")
    again_at = fact.received_at + 5 * GRACE_US
    rows, sent = Rows(ROWS), Sent()
    lookup = _lookup(fact, E2E)
    fold(CORRELATE, Arrived(lookup, lookup.key, timestamp_us=again_at, headers=(("attempts", b"1"),)), rows, sent)
    (park,) = sent.to(TOPICS.references)
    once(CORRELATE, park, rows, Sent())
    assert _tick(rows, again_at - 1).records == []
    assert _alerts(_tick(rows, again_at)) == [(AlertKind.ORPHAN, AlertState.OPEN, fact.received_at + GRACE_US)]
