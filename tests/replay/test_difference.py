"""Two accounts of a payment, field by field."""

from __future__ import annotations

from dataclasses import replace

from streams.domain.fold import fold
from streams.domain.payment import Payment, as_state
from streams.domain.state import State
from streams.replay.difference import Difference, core, differences, text_of
from tests.domain.given import DEFAULT, ack, submission


def state() -> State:
    payment: Payment | None = None
    for fact in (submission("s1"), ack("a1", "ACSC")):
        payment = fold(payment, fact, DEFAULT).payment
    assert payment is not None
    return as_state(payment, b"")


def test_the_envelope_is_no_difference() -> None:
    told = state()
    again = replace(
        told, version=99, last_transition_id="another", last_transition_seq=7, updated_at=1, generation=2, internal=b"x"
    )
    assert core(again) == core(told)


def test_every_other_field_is_one() -> None:
    told = state()
    assert core(replace(told, as_of=told.as_of + 1)) != core(told)
    assert core(replace(told, closed=not told.closed)) != core(told)


def test_a_difference_is_told_where_it_is() -> None:
    live = {"status": "PAID", "amount": {"minor": 100, "currency": "EUR"}}
    new = {"status": "PAID", "amount": {"minor": 101, "currency": "EUR"}}
    assert list(differences(live, new)) == [Difference("amount.minor", 100, 101)]


def test_rows_of_a_list_meet_by_their_name_wherever_they_are() -> None:
    live = {"flags": [{"name": "CONFLICT", "since": 1}, {"name": "MISMATCH", "since": 2}]}
    new = {"flags": [{"name": "MISMATCH", "since": 3}]}
    assert list(differences(live, new)) == [
        Difference("flags[CONFLICT]", {"name": "CONFLICT", "since": 1}, None),
        Difference("flags[MISMATCH].since", 2, 3),
    ]


def test_rows_of_one_name_meet_by_their_place() -> None:
    live = {"references": [{"kind": "INVOICE", "value": "1"}, {"kind": "INVOICE", "value": "2"}]}
    new = {"references": [{"kind": "INVOICE", "value": "1"}, {"kind": "INVOICE", "value": "3"}]}
    assert list(differences(live, new)) == [Difference("references[1].value", "2", "3")]


def test_a_long_value_is_cut() -> None:
    assert text_of(None) == "nothing"
    assert text_of("x" * 500) == "x" * 120 + "…"
