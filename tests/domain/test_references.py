"""The correlation protocol: whatever the order of messages, the same deliveries stand in the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain.correlation import (
    PAYMENTS_KEPT,
    CarriedFact,
    CorrelationMessage,
    Deliver,
    Exceeded,
    MessageType,
    Registration,
    Withdraw,
)
from streams.domain.facts import Reference, ReferenceKind
from streams.domain.homes import HomeRow, choose, correlate_home, home_of, is_home
from streams.domain.references import (
    WAITING_KEPT,
    ReferenceRow,
    correlate_unique,
    lookup_of,
    registers_of,
)
from streams.domain.shared_names import is_shared_key
from tests.domain.given import release
from tests.domain.network import (
    NAMES,
    Network,
    ends_of,
    expected,
    fact_of,
    facts_with_names,
    is_residue,
    lookups_of,
    network_of,
    register_of,
    registers_until,
)

_X, _Y, _Z = NAMES
_INVOICE = Reference(ReferenceKind.INVOICE, "V1:INV-7")


def _check(facts: Sequence[CarriedFact], registers: Sequence[CorrelationMessage], network: Network) -> None:
    end = network.end()
    for fact in facts:
        has = end.get(fact.event_id, frozenset())
        assert len(has) <= 1
        if not is_residue(fact, registers):
            assert has == expected(fact, registers)


_REGISTERS = [register_of(name, payment, since) for name, payment, since in product((_X, _Y), "AB", (1, 3))]


@pytest.mark.parametrize("names", [(_X,), (_X, _Y)], ids=["one name", "two names"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_every_interleaving_ends_as_complete_knowledge_says(names: tuple[Reference, ...], count: int) -> None:
    """Two payments, two names, registered before (1) and after (3) the fact (2): all sets of registers, all orders."""
    fact = fact_of("f", names, 2)
    ends = 0
    for registers in combinations(_REGISTERS, count):
        for end in ends_of(network_of([*registers, *lookups_of([fact])])):
            _check([fact], registers, end)
            ends += 1
    assert ends >= 1


def test_every_interleaving_of_three_names_and_late_better_names() -> None:
    """A weaker name answers first, a better one comes later: the fact moves, and moves once."""
    fact = fact_of("f", (_X, _Y, _Z), 2)
    registers = [register_of(_Z, "C", 1), register_of(_Y, "B", 3), register_of(_X, "A", 2)]
    ends = [end.end()["f"] for end in ends_of(network_of([*registers, *lookups_of([fact])]))]
    assert set(ends) == {frozenset({"A"})} == {expected(fact, registers)}


def test_every_interleaving_with_a_repeat_of_everything() -> None:
    fact = fact_of("f", (_X, _Y), 2)
    registers = [register_of(_X, "A", 3), register_of(_Y, "B", 1)]
    for end in ends_of(network_of([*registers, *registers, *lookups_of([fact, fact])])):
        _check([fact], registers, end)


def test_every_interleaving_of_two_facts_that_share_a_name() -> None:
    facts = [fact_of("f", (_X,), 2), fact_of("g", (_Y, _X), 2)]
    registers = [register_of(_X, "A", 1), register_of(_Y, "B", 3)]
    for end in ends_of(network_of([*registers, *lookups_of(facts)])):
        _check(facts, registers, end)


@settings(max_examples=300, deadline=None)
@given(st.data(), facts_with_names(), registers_until(5))
def test_any_schedule_of_larger_sets_ends_as_complete_knowledge_says(
    data: st.DataObject, facts: list[CarriedFact], registers: list[CorrelationMessage]
) -> None:
    repeatable = [*registers, *lookups_of(fact for fact in facts if not is_residue(fact, registers))]
    repeats = data.draw(st.lists(st.sampled_from(repeatable), max_size=3)) if repeatable else []
    network = network_of([*registers, *lookups_of(facts), *repeats])
    choose_by = data.draw(st.randoms(use_true_random=False))
    while ready := network.ready:
        network = network.step(choose_by.choice(ready))
    _check(facts, registers, network)


def test_the_usual_lookup_is_one_hop_and_writes_no_row() -> None:
    row, _ = correlate_unique(ReferenceRow(), register_of(_X, "A", 1))
    (lookup,) = lookups_of([fact_of("f", (_X, _Y), 2)])
    after, outputs = correlate_unique(row, lookup)
    assert after is row
    assert outputs == (Deliver("A", lookup.fact or fact_of("f", (), 0), 1),)


def test_a_fact_that_finds_nobody_parks_at_home_and_subscribes_to_its_other_names() -> None:
    (lookup,) = lookups_of([fact_of("f", (_X, _Y), 2)])
    row, outputs = correlate_unique(ReferenceRow(), lookup)
    assert row.waiting == (home_of("f"),)
    assert [(out.type, out.key) for out in outputs if isinstance(out, CorrelationMessage)] == [
        (MessageType.PARK, home_of("f")),
        (MessageType.SUBSCRIBE, _Y.key),
    ]


def test_a_repeated_register_says_nothing_and_an_earlier_one_answers_those_who_wait() -> None:
    row = ReferenceRow((Registration(_X.key, "A", 3),), ("home:f",))
    assert correlate_unique(row, register_of(_X, "A", 3)) == (row, ())
    assert correlate_unique(row, register_of(_X, "A", 4)) == (row, ())
    after, (answer,) = correlate_unique(row, register_of(_X, "A", 1))
    assert after.registrations == (Registration(_X.key, "A", 1),)
    assert isinstance(answer, CorrelationMessage)
    assert (answer.type, answer.key) == (MessageType.ANSWER, "home:f")


def test_an_answer_may_come_before_its_park() -> None:
    fact = fact_of("f", (_X,), 2)
    answer = CorrelationMessage(MessageType.ANSWER, "home:f", 3, (Registration(_X.key, "A", 3),), None, None, "t")
    row, outputs = correlate_home(HomeRow(), answer)
    assert outputs == ()
    park = CorrelationMessage(MessageType.PARK, "home:f", 2, (), fact, None, "t")
    _, outputs = correlate_home(row, park)
    assert outputs == (Deliver("A", fact, 1),)


def test_a_changed_choice_is_withdrawn_and_delivered_under_higher_numbers() -> None:
    fact = fact_of("f", (_X, _Y), 2)
    row = HomeRow(fact, (Registration(_Y.key, "B", 1),), "B", 1)
    answer = CorrelationMessage(MessageType.ANSWER, "home:f", 3, (Registration(_X.key, "A", 2),), None, None, "t")
    row, outputs = correlate_home(row, answer)
    assert outputs == (Withdraw("B", fact, 2), Deliver("A", fact, 3))
    assert (row.payment, row.number) == ("A", 3)
    assert correlate_home(row, answer) == (row, ())


def test_two_payments_by_one_name_are_nobody_and_the_next_name_decides() -> None:
    fact = fact_of("f", (_X, _Y), 5)
    both = (Registration(_X.key, "A", 1), Registration(_X.key, "B", 2))
    assert choose(fact, both) is None
    assert choose(fact, (*both, Registration(_Y.key, "B", 3))) == "B"


def test_who_took_the_name_after_the_fact_came_is_not_meant() -> None:
    fact = fact_of("f", (_X,), 2)
    assert choose(fact, (Registration(_X.key, "A", 1), Registration(_X.key, "B", 3))) == "A"


def test_if_nobody_had_the_name_yet_the_first_to_take_it_is_meant() -> None:
    fact = fact_of("f", (_X,), 2)
    assert choose(fact, (Registration(_X.key, "B", 7), Registration(_X.key, "A", 4))) == "A"


def test_at_most_so_many_payments_go_by_one_name_the_earliest() -> None:
    row = ReferenceRow()
    outputs: tuple[object, ...] = ()
    for since in range(PAYMENTS_KEPT + 1, 0, -1):
        row, outputs = correlate_unique(row, register_of(_X, f"P{since}", since))
    assert [known.since for known in row.registrations] == list(range(1, PAYMENTS_KEPT + 1))
    assert outputs == (Exceeded(f"payments by {_X.key}", PAYMENTS_KEPT),)


def test_at_most_so_many_facts_wait_at_one_name() -> None:
    row = ReferenceRow()
    for number in range(WAITING_KEPT):
        (lookup,) = lookups_of([fact_of(f"f{number}", (_X,), 2)])
        row, outputs = correlate_unique(row, lookup)
        assert not any(isinstance(output, Exceeded) for output in outputs)
    (lookup,) = lookups_of([fact_of("one-more", (_X,), 2)])
    after, outputs = correlate_unique(row, lookup)
    assert after.waiting == row.waiting
    assert outputs == (Exceeded(f"facts waiting at {_X.key}", WAITING_KEPT),)


def test_a_fact_is_looked_up_by_its_unique_names_best_first_or_by_one_shared_name() -> None:
    uetr = Reference(ReferenceKind.UETR, "u")
    group = Reference(ReferenceKind.MESSAGE_ID, "m")
    mixed = lookup_of(fact_of("f", (group, _X, uetr, _X), 2), "t")
    assert mixed is not None
    assert mixed.key == uetr.key
    assert mixed.fact is not None
    assert mixed.fact.references == (uetr, _X)
    shared = lookup_of(fact_of("f", (group, _INVOICE), 2), "t")
    assert shared is not None
    assert shared.key == _INVOICE.key
    assert lookup_of(fact_of("f", (), 2), "t") is None


def test_a_release_registers_each_of_its_names_once_as_of_its_receipt() -> None:
    fact = release("r", references=(_X, _INVOICE, _X))
    assert [(message.key, message.registrations) for message in registers_of(fact)] == [
        (name.key, (Registration(name.key, "P1", fact.received_at),)) for name in (_X, _INVOICE)
    ]


def test_keys_tell_homes_shared_and_unique_names_apart() -> None:
    assert is_home(home_of("f"))
    assert not is_home(_X.key)
    assert is_shared_key(_INVOICE.key)
    assert not is_shared_key(_X.key)
    assert not is_shared_key(home_of("f"))
