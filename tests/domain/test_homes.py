"""What only the clock can say of a fact that waits: in any interleaving of messages and ticks it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain.correlation import CarriedFact, CorrelationMessage, MessageType, Registration, Unplaced
from streams.domain.facts import Reference
from streams.domain.homes import HomeRow, clock_at_home, correlate_home, home_due
from streams.domain.state import AlertKind, AlertState
from tests.domain.network import (
    NAMES,
    ROUNDS,
    Network,
    Told,
    ends_of,
    expected,
    expected_alerts,
    fact_of,
    facts_with_names,
    is_residue,
    lookups_of,
    network_of,
    register_of,
    registers_until,
)

_X, _Y, _Z = NAMES
#: A fact comes at 2 and is due at 4; names come before it, in time, and too late.
_AT, _GRACE, _DUE = 2, 2, 4
_BEFORE, _IN_TIME, _LATE = 1, 3, 6
_LAST = 7
_ORPHAN = (AlertKind.ORPHAN, AlertState.OPEN)
_FOUND = (AlertKind.ORPHAN, AlertState.WITHDRAWN)
_AMBIGUOUS = (AlertKind.AMBIGUOUS, AlertState.OPEN)


def _check(facts: Sequence[CarriedFact], registers: Sequence[CorrelationMessage], end: Network) -> None:
    assert not end.ticks
    for fact in facts:
        if not is_residue(fact, registers):
            assert end.end().get(fact.event_id, frozenset()) == expected(fact, registers)
            assert end.told(fact.event_id) == expected_alerts(fact, registers, _GRACE, _LAST)


_REGISTERS = [
    register_of(name, payment, since) for name, payment, since in product((_X, _Y), "AB", (_BEFORE, _IN_TIME, _LATE))
]


@pytest.mark.parametrize("names", [(_X,), (_X, _Y)], ids=["one name", "two names"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_every_interleaving_with_the_clock_ends_as_complete_knowledge_says(
    names: tuple[Reference, ...], count: int
) -> None:
    """All sets of registers, all orders: the same deliveries and the same alerts, each once, in one order."""
    fact = fact_of("f", names, _AT)
    ends = 0
    for registers in combinations(_REGISTERS, count):
        start = network_of([*registers, *lookups_of([fact])], [_DUE, _LAST], _GRACE)
        for end in ends_of(start):
            _check([fact], registers, end)
            ends += 1
    assert ends >= 1


def test_every_interleaving_of_three_names_that_come_too_late() -> None:
    """A weaker name answers first, a better one at the same moment: the fact moves, and is told of once."""
    fact = fact_of("f", (_X, _Y, _Z), _AT)
    registers = [register_of(_Z, "C", 5), register_of(_Y, "B", 6), register_of(_X, "A", 5)]
    for end in ends_of(network_of([*registers, *lookups_of([fact])], [_DUE, 5, _LAST], _GRACE)):
        assert end.end()["f"] == {"A"}
        assert [(alert.state, alert.at) for alert in end.alerts] == [(AlertState.OPEN, 4), (AlertState.WITHDRAWN, 5)]


def test_every_interleaving_of_two_payments_that_take_the_name_at_once() -> None:
    """Whoever registers first has the fact for a while; the alert does not come and go with it."""
    fact = fact_of("f", (_X,), _AT)
    registers = [register_of(_X, "A", _LATE), register_of(_X, "B", _LATE)]
    for end in ends_of(network_of([*registers, *lookups_of([fact])], [_DUE, _LAST], _GRACE)):
        assert end.end().get("f", frozenset()) == frozenset()
        assert end.told("f") == [_ORPHAN]


@settings(max_examples=400, deadline=None)
@given(st.data(), facts_with_names(), registers_until(_LAST), st.sets(st.integers(0, _LAST)))
def test_any_schedule_of_larger_sets_with_the_clock_ends_as_complete_knowledge_says(
    data: st.DataObject, facts: list[CarriedFact], registers: list[CorrelationMessage], ticks: set[int]
) -> None:
    messages = [*registers, *lookups_of(facts)]
    repeatable = [*registers, *lookups_of(fact for fact in facts if not is_residue(fact, registers))]
    repeats = data.draw(st.lists(st.sampled_from(repeatable), max_size=3)) if repeatable else []
    network = network_of([*messages, *repeats], sorted(ticks | {_LAST}), _GRACE)
    choose_by = data.draw(st.randoms(use_true_random=False))
    while ready := network.ready:
        network = network.step(choose_by.choice(ready))
    _check(facts, registers, network)


def _told(rounds: int, names: Sequence[Reference], *registers: CorrelationMessage) -> set[tuple[object, ...]]:
    """Everything that may be told of one fact if the keeper waits for so many rounds at the names."""
    start = network_of([*registers, *lookups_of([fact_of("f", names, _AT)])], [_DUE], _GRACE, rounds)
    return {tuple(end.told("f")) for end in ends_of(start)}


def test_three_rounds_are_enough_and_two_are_not() -> None:
    """Lookup; subscribe at the second name; its answer: a tick after two rounds overtakes the answer."""
    in_time = register_of(_Y, "A", _BEFORE)
    assert _told(ROUNDS, (_X, _Y), in_time) == {()}
    assert _told(2, (_X, _Y), in_time) == {(), (_ORPHAN,)}


def test_a_tick_after_one_round_overtakes_even_the_answer_to_a_fact_that_waits() -> None:
    in_time = register_of(_X, "A", _IN_TIME)
    assert _told(2, (_X,), in_time) == {()}
    assert _told(1, (_X,), in_time) == {(), (_ORPHAN,)}


def test_too_few_rounds_settle_a_fact_with_the_wrong_payment_for_good() -> None:
    """Not only the alert depends on them: what is decided stays."""
    fact = fact_of("f", (_X, _Y, _Z), _AT)
    registers = [register_of(_Y, "A", _BEFORE), register_of(_Z, "B", _BEFORE)]

    def placed(rounds: int) -> set[frozenset[str]]:
        start = network_of([*registers, *lookups_of([fact])], [_DUE], _GRACE, rounds)
        return {end.end()["f"] for end in ends_of(start)}

    assert placed(ROUNDS) == {frozenset({"A"})}
    assert placed(2) == {frozenset({"A"}), frozenset({"B"})}


def test_the_known_residue_depends_on_who_comes_first() -> None:
    """contracts.md names it: a reused first name, the second register of which comes after the lookup was answered.

    Both payments had the name when the fact came, so it is nobody's; who asked before the second one was known has got
    it. ``same_instruction`` reports the pair, and no alert of ours may depend on it: told if nobody has it, once.
    """
    fact = fact_of("f", (_X,), _AT)
    registers = [register_of(_X, "A", _BEFORE), register_of(_X, "B", _BEFORE)]
    assert is_residue(fact, registers)
    ends = {
        (end.end().get("f", frozenset()), tuple(end.told("f")))
        for end in ends_of(network_of([*registers, *lookups_of([fact])], [_DUE, _LAST], _GRACE))
    }
    nobody: frozenset[str] = frozenset()
    assert ends == {(frozenset({"A"}), ()), (frozenset({"B"}), ()), (nobody, (_AMBIGUOUS,))}


def _answer(*registrations: Registration) -> CorrelationMessage:
    since = registrations[0].since
    return CorrelationMessage(MessageType.ANSWER, "home:f", since, registrations, None, None, "t")


def _parked(
    fact: CarriedFact, *known: Registration, grace: int | None = _GRACE, received_at: int | None = None
) -> HomeRow:
    at = fact.received_at if received_at is None else received_at
    park = CorrelationMessage(MessageType.PARK, "home:f", at, known, fact, None, "t")
    return correlate_home(HomeRow(), park, grace)[0]


def _tick(row: HomeRow, at: int) -> tuple[HomeRow, Told]:
    now, outputs = clock_at_home(row, at)
    return now, [(output.kind, output.state) for output in outputs if isinstance(output, Unplaced)]


def test_a_fact_whose_name_came_too_late_is_told_of_and_taken_back_by_one_tick() -> None:
    """Never none: the miss is a fact, also when the clock comes only after the name."""
    row = _parked(fact_of("f", (_X,), _AT), Registration(_X.key, "A", 6))
    assert (row.payment, home_due(row)) == ("A", 4)
    now, outputs = clock_at_home(row, 9)
    assert [(output.state, output.payments, output.at) for output in outputs if isinstance(output, Unplaced)] == [
        (AlertState.OPEN, (), 4),
        (AlertState.WITHDRAWN, ("A",), 6),
    ]
    assert home_due(now) is None


def test_an_ambiguous_fact_names_who_may_be_meant_as_of_the_moment_that_counts() -> None:
    known = (Registration(_X.key, "B", 1), Registration(_X.key, "A", 2), Registration(_X.key, "C", 4))
    _, (alert,) = clock_at_home(_parked(fact_of("f", (_X,), _AT), *known), 4)
    assert isinstance(alert, Unplaced)
    assert (alert.kind, alert.payments, alert.at) == (AlertKind.AMBIGUOUS, ("A", "B"), 4)


def test_a_payment_that_the_clock_has_settled_is_not_moved_by_what_turns_up_later() -> None:
    """A dead letter that was sent again brings an old name: better, and too late."""
    row, _ = _tick(_parked(fact_of("f", (_X, _Y), _AT), Registration(_Y.key, "B", 1)), 2)
    assert correlate_home(row, _answer(Registration(_X.key, "A", 1))) == (row, ())


def test_until_the_clock_has_passed_the_moment_that_counts_a_better_name_moves_the_fact() -> None:
    row, told = _tick(_parked(fact_of("f", (_X, _Y), _AT), Registration(_Y.key, "B", 5)), 4)
    assert told == [_ORPHAN]
    row, _ = correlate_home(row, _answer(Registration(_X.key, "A", 5)))
    row, told = _tick(row, 5)
    assert (row.payment, row.decided, told) == ("A", True, [_FOUND])


def test_an_ambiguous_fact_is_not_settled_and_an_old_name_that_turns_up_places_it() -> None:
    known = (Registration(_X.key, "A", 1), Registration(_X.key, "B", 1))
    row, told = _tick(_parked(fact_of("f", (_X, _Y), _AT), *known), 4)
    assert (told, home_due(row)) == ([_AMBIGUOUS], None)
    row, _ = correlate_home(row, _answer(Registration(_Y.key, "B", 2)))
    assert (row.payment, home_due(row)) == ("B", 2)
    row, (alert,) = clock_at_home(row, 9)
    assert isinstance(alert, Unplaced)
    assert (alert.kind, alert.state, alert.at) == (AlertKind.AMBIGUOUS, AlertState.WITHDRAWN, 4)
    assert home_due(row) is None


def test_a_fact_without_a_grace_is_never_told_of_but_settled() -> None:
    row = _parked(fact_of("f", (_X,), _AT), grace=None)
    assert home_due(row) is None
    row, _ = correlate_home(row, _answer(Registration(_X.key, "A", 6)))
    assert home_due(row) == 6
    row, told = _tick(row, 6)
    assert (told, row.decided) == ([], True)


def test_a_search_that_begins_anew_is_not_judged_by_ticks_from_before_it() -> None:
    """The answers of a lookup that was sent again are under way when the clock is long past the due time."""
    row = _parked(fact_of("f", (_X, _Y), _AT), received_at=50)
    assert home_due(row) == 50
    assert clock_at_home(row, 49) == (row, ())
    row, _ = correlate_home(row, _answer(Registration(_Y.key, "A", 1)))
    assert home_due(row) == 50
    assert _tick(row, 50)[1] == []


def test_an_answer_before_its_park_needs_no_clock() -> None:
    row, _ = correlate_home(HomeRow(), _answer(Registration(_X.key, "A", 1)), _GRACE)
    assert home_due(row) is None
    assert clock_at_home(row, 99) == (row, ())
