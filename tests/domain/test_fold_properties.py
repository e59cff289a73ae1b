"""The fold is a function of the set of facts: whatever their order, repetition or batching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.domain.facts import PaymentFact
from streams.domain.fold import Outcome
from streams.domain.payment import Context, Payment, as_state, payment_of
from streams.domain.policy import Policy
from streams.domain.state import Alert, AlertKind, AlertState, State
from streams.domain.statuses import STATUSES
from tests.domain.given import Told, after_all
from tests.domain.plausible import facts_of_a_payment, policies


def packed(fact: PaymentFact) -> bytes:
    return repr(fact).encode()


def _context(policy: Policy) -> Context:
    return Context(policy=policy, pack=packed)


def internal(payment: Payment) -> bytes:
    rows = [(row.event_id, row.packed, row.rivals) for row in payment.kept]
    return repr((payment.overflowed, rows, payment.marks)).encode()


def published(payment: Payment) -> State:
    """The state without its envelope."""
    state = as_state(payment, internal(payment))
    return replace(state, version=0, last_transition_id=None, last_transition_seq=0, updated_at=0, generation=0)


def spread(value: Any) -> Any:
    """A value as plain data, so that two views can be compared field by field whatever their classes' equality."""
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, [(row.name, spread(getattr(value, row.name))) for row in fields(value)])
    if isinstance(value, (tuple, list)):
        return [spread(item) for item in value]
    if isinstance(value, dict):
        return {key: spread(item) for key, item in value.items()}
    return value


def _open(alerts: Sequence[Alert]) -> set[str]:
    last = {alert.alert_id: alert.state for alert in alerts}
    return {alert_id for alert_id, state in last.items() if state is AlertState.OPEN}


#: No limit of time: how long a machine under load takes says nothing about the fold.
_THOROUGH = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: About a bank and a code, not about this payment alone: opened by every payment that meets it, withdrawn by none.
_SHARED = AlertKind.UNKNOWN_BANK_STATUS


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_any_order_and_any_repetition_give_the_same_payment(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    once = after_all(facts, context).known
    repeated = facts + data.draw(st.lists(st.sampled_from(facts), max_size=5))
    other = after_all(data.draw(st.permutations(repeated)), context).known
    assert other.kept == once.kept
    assert published(other) == published(once)
    assert spread(other.view) == spread(once.view)


@_THOROUGH
@given(st.data(), facts_of_a_payment(hostile=False, most=10), policies(fact_cap=4))
def test_beyond_the_cap_the_facts_received_first_are_kept_in_any_order(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    redelivered = [replace(fact, received_at=fact.received_at + 5_000_000) for fact in facts]
    once = after_all(facts, context)
    other = after_all(data.draw(st.permutations([*facts, *redelivered])), context)
    first = sorted(facts, key=lambda fact: (fact.received_at, fact.event_id))[:4]
    assert {row.event_id for row in other.known.kept} == {fact.event_id for fact in first}
    assert published(other.known) == published(once.known)
    assert other.known.overflowed == (len(facts) > 4)


@_THOROUGH
@given(facts_of_a_payment(), policies())
def test_a_view_built_on_the_one_before_equals_a_view_built_anew(facts: list[PaymentFact], policy: Policy) -> None:
    context = _context(policy)
    told = Told()
    for fact in facts:
        told.tell(fact, context)
        payment = told.known
        anew = payment_of(payment.correlation_id, reversed(payment.kept), payment.envelope, context, payment.overflowed)
        assert spread(anew.view) == spread(payment.view)
        assert as_state(anew, b"") == as_state(payment, b"")


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_restored_between_any_two_facts_the_payment_goes_on_as_if_it_had_not_been(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    unbroken, broken = Told(), Told()
    for fact in facts:
        unbroken.tell(fact, context)
        broken.tell(fact, context)
        payment = broken.known
        if data.draw(st.booleans()):
            broken.payment = payment_of(
                payment.correlation_id, payment.kept, payment.envelope, context, payment.overflowed
            )
    assert broken.transitions == unbroken.transitions
    assert broken.alerts == unbroken.alerts
    assert broken.appearances == unbroken.appearances


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_transitions_are_one_gapless_chain_of_unique_ids_to_the_status_of_the_state(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    told = after_all(facts + data.draw(st.lists(st.sampled_from(facts), max_size=3)), _context(policy))
    chain, state = told.transitions, as_state(told.known, b"")
    ids = [step.transition_id for step in chain]
    assert [step.seq for step in chain] == list(range(1, len(chain) + 1))
    assert len(set(ids)) == len(ids)
    assert [step.previous_id for step in chain] == [None, *ids][: len(ids)]
    assert [step.from_status for step in chain] == [None, *[step.to_status for step in chain]][: len(chain)]
    assert (state.last_transition_id, state.last_transition_seq) == (ids[-1], len(ids))
    assert chain[-1].to_status is state.status


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_alerts_open_and_close_in_turn_and_end_as_the_facts_say(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    told = after_all(data.draw(st.permutations(facts)), context)
    last: dict[str, AlertState] = {}
    for alert in told.alerts:
        assert last.get(alert.alert_id) is not alert.state or alert.kind is _SHARED
        assert alert.state is AlertState.OPEN or alert.alert_id in last
        last[alert.alert_id] = alert.state
    assert set(told.known.view.alerts) <= _open(told.alerts)
    stale = _open(told.alerts) - set(told.known.view.alerts)
    shared = {alert.alert_id for alert in told.alerts if alert.kind is _SHARED}
    assert stale <= shared


@_THOROUGH
@given(facts_of_a_payment(), policies())
def test_flags_in_the_chain_add_up_to_the_flags_of_the_state(facts: list[PaymentFact], policy: Policy) -> None:
    told = after_all(facts, _context(policy))
    up: set[tuple[str, str | None]] = set()
    for transition in told.transitions:
        raised = {(flag.name.value, flag.detail) for flag in transition.flags_raised}
        cleared = {(flag.name.value, flag.detail) for flag in transition.flags_cleared}
        assert cleared <= up
        assert not raised & up
        up = (up - cleared) | raised
    assert up == {(flag.name.value, flag.detail) for flag in told.known.view.flags}


@_THOROUGH
@given(facts_of_a_payment(), policies())
def test_amounts_are_conserved(facts: list[PaymentFact], policy: Policy) -> None:
    """What is open, what was paid and what came back never say more than what was instructed and booked."""
    payment = after_all(facts, _context(policy)).known
    view = payment.view
    instructed, settled, returned, still_open = view.instructed, view.settled, view.known.returned, view.open
    if instructed is None:
        assert still_open is None
        return
    assert still_open is not None
    assert still_open.currency == instructed.currency
    assert 0 <= still_open.minor <= instructed.minor
    if settled is not None and settled.currency == instructed.currency and returned is None:
        paid = settled.minor if view.status.value != "REJECTED" else 0
        assert still_open.minor + min(paid, instructed.minor) == instructed.minor
    if settled is None and returned is None:
        assert still_open.minor == instructed.minor


@_THOROUGH
@given(facts_of_a_payment(), policies())
def test_a_copy_changes_nothing_and_says_nothing(facts: list[PaymentFact], policy: Policy) -> None:
    context = _context(policy)
    told = after_all(facts, context)
    payment, spoken = told.known, len(told.transitions) + len(told.alerts) + len(told.appearances)
    for row in payment.kept:
        told.tell(row.fact, context)
        assert told.payment is payment
        assert told.outcomes[-1] is Outcome.DUPLICATE
    assert len(told.transitions) + len(told.alerts) + len(told.appearances) == spoken


@_THOROUGH
@given(facts_of_a_payment(), policies())
def test_closed_and_rank_are_those_of_the_status_table(facts: list[PaymentFact], policy: Policy) -> None:
    state = as_state(after_all(facts, _context(policy)).known, b"")
    assert state.closed is STATUSES[state.status].closed
    assert [row.name for row in state.milestones] == sorted(
        (row.name for row in state.milestones), key=list(STATUSES).index
    )
