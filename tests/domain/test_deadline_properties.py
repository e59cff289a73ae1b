"""Once the clock has passed, it makes no difference when it came: absence is decided by what was received by then.

A tick at t is *legal* when all that was received at or before t is known: that is what the clock promises. It does not
promise that nothing later is known. Illegal ones happen too: a dead letter is sent again long after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.domain.facts import PaymentFact
from streams.domain.payment import Context, Payment, payment_of
from streams.domain.policy import Policy
from streams.domain.state import AlertKind, AlertState, State, TransitionKind
from streams.domain.statuses import Flag
from tests.domain.given import Told
from tests.domain.plausible import facts_of_a_payment, policies
from tests.domain.test_fold_properties import internal, packed, published, spread

_THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_NEVER = 1 << 62


@dataclass(frozen=True)
class Tick:
    """The clock at a time."""

    at: int


_Step = PaymentFact | Tick


def _context(policy: Policy) -> Context:
    return Context(policy=policy, pack=packed)


def _lived(steps: Sequence[_Step], context: Context) -> Told:
    told = Told()
    for step in steps:
        if isinstance(step, Tick):
            told.tick(step.at, context)
        else:
            told.tell(step, context)
    return told


def _times(facts: Sequence[PaymentFact], policy: Policy) -> list[int]:
    """The moments at which anything can change its meaning, and those just before."""
    within = {policy.acknowledgement_within_us(bank) for bank in (None, "BANKX")}
    ends = {time + wait for fact in facts for time in (fact.received_at, fact.occurred_at) for wait in (0, *within)}
    return sorted({at for end in ends for at in (end - 1, end)})


@st.composite
def _ticks(draw: st.DrawFn, facts: Sequence[PaymentFact], policy: Policy) -> list[Tick]:
    return [Tick(at) for at in sorted(draw(st.sets(st.sampled_from(_times(facts, policy)), max_size=4)))]


@st.composite
def _any_schedule(draw: st.DrawFn, facts: list[PaymentFact], policy: Policy) -> list[_Step]:
    """Any order, any repetition, the clock anywhere: only its own order is kept, it never goes back."""
    steps: list[_Step] = list(draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=3)))))
    places = sorted(draw(st.lists(st.integers(0, len(steps)), min_size=4, max_size=4)), reverse=True)
    for tick, place in zip(reversed(draw(_ticks(facts, policy))), places, strict=False):
        steps.insert(place, tick)
    return steps


@st.composite
def _legal_schedule(draw: st.DrawFn, facts: list[PaymentFact], policy: Policy) -> list[_Step]:
    """Any order; a tick only after all that was received by then, every word of its home about it included."""
    first: dict[str, int] = {}
    for fact in facts:
        first[fact.event_id] = min(fact.received_at, first.get(fact.event_id, _NEVER))
    steps: list[_Step] = list(draw(st.permutations(facts)))
    earliest = 0
    for tick in draw(_ticks(facts, policy)):
        known = [
            place for place, step in enumerate(steps) if not isinstance(step, Tick) and first[step.event_id] <= tick.at
        ]
        earliest = draw(st.integers(max(earliest, 1 + max(known, default=-1)), len(steps)))
        steps.insert(earliest, tick)
        earliest += 1
    return steps


def _opened(told: Told) -> list[str]:
    rows = [alert for alert in told.alerts if alert.kind is AlertKind.SLA_MISSED]
    return [row.alert_id for row in rows if row.state is AlertState.OPEN]


def _undisputed(facts: list[PaymentFact]) -> list[PaymentFact]:
    """One content an event: what two contents mean is for a person, not for the clock."""
    hashes = {fact.event_id: fact.payload_hash for fact in facts}
    return [fact for fact in facts if fact.payload_hash == hashes[fact.event_id]]


def _state(payment: Payment) -> tuple[State, bytes]:
    return published(payment), internal(payment)


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_wherever_the_clock_came_the_payment_is_the_same_once_it_has_passed(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    once = _lived([*facts, Tick(_NEVER)], context).known
    other = _lived([*data.draw(_any_schedule(facts, policy)), Tick(_NEVER)], context).known
    assert _state(other) == _state(once)
    assert spread(other.view) == spread(once.view)


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_between_two_ticks_only_what_is_not_received_yet_makes_a_difference(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    """The same facts and the same last tick, legally come by, are the same payment whatever ticks there were before."""
    facts, context = _undisputed(facts), _context(policy)
    steps = data.draw(_legal_schedule(facts, policy))
    last = max((step.at for step in steps if isinstance(step, Tick)), default=0)
    assert _state(_lived(steps, context).known) == _state(_lived([*facts, Tick(last)], context).known)


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_by_a_legal_clock_no_miss_is_false_and_none_has_to_be_corrected(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    facts, context = _undisputed(facts), _context(policy)
    told = Told()
    for step in [*data.draw(_legal_schedule(facts, policy)), Tick(_NEVER)]:
        marks = set(told.payment.marks) if told.payment is not None else set()
        if isinstance(step, Tick):
            told.tick(step.at, context)
        else:
            told.tell(step, context)
        assert marks <= (set(told.payment.marks) if told.payment is not None else set())


@_THOROUGH
@given(st.data(), facts_of_a_payment(hostile=False), policies())
def test_by_a_legal_clock_each_miss_is_announced_once_and_nothing_else_is(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    told = _lived([*data.draw(_legal_schedule(facts, policy)), Tick(_NEVER)], context)
    opened = _opened(told)
    assert len(opened) == len(set(opened)) == len(told.known.marks)
    up = {alert.alert_id for alert in told.alerts if alert.kind is AlertKind.SLA_MISSED}
    still_open = [alert_id for alert_id in told.known.view.alerts if alert_id in up]
    assert bool(still_open) == (Flag.OVERDUE in told.flags)


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_transitions_stay_a_chain_of_unique_ids_and_flags_add_up_wherever_the_clock_comes(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    told = _lived([*data.draw(_any_schedule(facts, policy)), Tick(_NEVER)], _context(policy))
    ids = [step.transition_id for step in told.transitions]
    assert len(set(ids)) == len(ids)
    assert [step.previous_id for step in told.transitions] == [None, *ids][: len(ids)]
    up: set[tuple[str, str | None]] = set()
    for step in told.transitions:
        up -= {(flag.name, flag.detail) for flag in step.flags_cleared}
        up |= {(flag.name, flag.detail) for flag in step.flags_raised}
    assert up == {(flag.name, flag.detail) for flag in told.known.view.flags}
    corrected = [step for step in told.transitions if step.kind is TransitionKind.CORRECTION]
    assert all(step.cause.type != "deadline" for step in corrected)


@_THOROUGH
@given(st.data(), facts_of_a_payment(), policies())
def test_restored_anywhere_the_payment_goes_on_as_if_it_had_not_been(
    data: st.DataObject, facts: list[PaymentFact], policy: Policy
) -> None:
    context = _context(policy)
    unbroken, broken = Told(), Told()
    for step in [*data.draw(_any_schedule(facts, policy)), Tick(_NEVER)]:
        for told in (unbroken, broken):
            if isinstance(step, Tick):
                told.tick(step.at, context)
            else:
                told.tell(step, context)
        if broken.payment is not None and data.draw(st.booleans()):
            broken.payment = _restored(broken.payment, context)
    assert (broken.transitions, broken.alerts) == (unbroken.transitions, unbroken.alerts)
    assert broken.payment == unbroken.payment or spread(broken.known.view) == spread(unbroken.known.view)


def _restored(payment: Payment, context: Context) -> Payment:
    rows = reversed(payment.kept)
    return payment_of(payment.correlation_id, rows, payment.envelope, context, payment.overflowed, payment.marks)
