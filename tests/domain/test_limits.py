"""What a payment and a fact's home keep is bounded, and so is what one more fact costs, whatever came before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.payment_rows import PaymentRows, packed
from streams.domain import attempts, deadlines
from streams.domain.correlation import PAYMENTS_KEPT, CorrelationMessage, MessageType, Registration
from streams.domain.duplicates import MEMBERS_KEPT
from streams.domain.facts import BankAck, Reference, ReferenceKind, Release
from streams.domain.fold import Outcome
from streams.domain.homes import HomeRow, correlate_home
from streams.domain.kept import RIVALS_KEPT
from streams.domain.payment import Context
from streams.domain.policy import FACT_CAP
from streams.domain.releases import UNNAMED, AttemptName
from streams.topics import topics_of
from tests.domain.given import Told, ack, after, after_all, submission
from tests.domain.network import fact_of

PACKING = Context(pack=packed)
ROWS = PaymentRows(topics_of(1).state, PACKING)


def _attempts(count: int) -> Iterator[Release | BankAck]:
    """Submissions of an attempt each, and the bank's word about each."""
    for number in range(count // 2):
        yield submission(f"s{number:05}", f"FILE-{number}", at=number)
        yield ack(f"k{number:05}", "ACCP", at=number + 0.5, file=f"FILE-{number}")


def test_a_row_does_not_grow_beyond_the_cap() -> None:
    full = after_all(_attempts(FACT_CAP), PACKING)
    size = len(ROWS.encode(full.known))
    told = after_all(_attempts(4 * FACT_CAP), PACKING)
    assert len(told.known.kept) == FACT_CAP
    assert len(ROWS.encode(told.known)) <= size + 200  # one alert more, that there were too many
    assert told.outcomes.count(Outcome.INVALID) == 3 * FACT_CAP


def test_what_was_received_before_takes_the_place_of_what_came_first_and_the_row_stays_as_large() -> None:
    size = len(ROWS.encode(after_all(_attempts(FACT_CAP), PACKING).known))
    told = after_all(reversed(list(_attempts(FACT_CAP + 40))), PACKING)
    assert len(told.known.kept) == FACT_CAP
    assert len(ROWS.encode(told.known)) <= size + 200
    assert told.last is not None
    assert told.last.evicted is not None


def test_one_more_attempt_costs_a_few_comparisons_a_fact_kept_not_one_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one for each pair a payment of 256 attempts took 50 ms a fact, and a unit of them minutes."""
    compared = 0

    def counting(function: object) -> object:
        def counted(*arguments: object) -> bool:
            nonlocal compared
            compared += 1
            return bool(function(*arguments))  # type: ignore[operator]  # one of the two below

        return counted

    monkeypatch.setattr(attempts, "_fits", counting(attempts._fits))
    monkeypatch.setattr(deadlines, "_speak_of_one", counting(deadlines._speak_of_one))
    told = after_all(submission(f"s{number:05}", f"FILE-{number}", at=number) for number in range(FACT_CAP - 1))
    compared = 0
    told.tell(submission("s-last", "FILE-last", at=FACT_CAP), Context())
    assert compared <= 4 * FACT_CAP


_NAMES = st.tuples(st.sampled_from(("A", "B", "C", None)), st.sampled_from(("1", "2", None)))


@given(st.sets(_NAMES))
def test_half_a_name_means_the_only_whole_one_that_it_fits(names: set[AttemptName]) -> None:
    names -= {UNNAMED}
    meant = attempts._resolved(names)
    for name in names:
        fitting = [other for other in names if None not in other and attempts._fits(name, other)]
        if None in name and (fitting or name[0] is None):
            assert meant[name] == (fitting[0] if len(fitting) == 1 else UNNAMED)
        else:
            assert meant[name] == name


@given(st.lists(_NAMES, max_size=8), _NAMES)
def test_submissions_of_one_attempt_are_found_without_asking_all(names: list[AttemptName], name: AttemptName) -> None:
    def named(number: int, given_name: AttemptName) -> Release:
        return replace(submission(f"s{number}"), message_id=given_name[0], payment_info_id=given_name[1])

    opened, asked = deadlines._Opened(), named(99, name)
    for number, each in enumerate(names):
        opened.add(named(number, each))
    near = {row.event_id for row in opened.near(asked) if deadlines._speak_of_one(asked, row)}
    assert near == {row.event_id for row in opened.rows if deadlines._speak_of_one(asked, row)}


def _contents(count: int) -> list[BankAck]:
    """One event told with so many contents."""
    return [ack("k", "ACCP", at=number, payload_hash=f"{number * 7919 % 1000:03}") for number in range(count)]


def test_of_one_event_told_with_ever_other_contents_a_few_traces_are_kept_and_each_is_a_conflict() -> None:
    told = after_all(_contents(100))
    (row,) = told.known.kept
    assert len(row.rivals) == RIVALS_KEPT
    assert row.fact.payload_hash == min(fact.payload_hash for fact in _contents(100))
    assert told.outcomes == [Outcome.APPLIED, *[Outcome.CONFLICT] * 99]


@given(st.permutations(_contents(RIVALS_KEPT + 8)), st.data())
def test_the_traces_kept_do_not_depend_on_order(contents: list[BankAck], data: st.DataObject) -> None:
    repeated = [*contents, *data.draw(st.lists(st.sampled_from(contents), max_size=5))]
    once, other = after_all(_contents(RIVALS_KEPT + 8)), after_all(repeated)
    assert other.known.kept == once.known.kept
    assert other.flags == once.flags


def test_a_trace_told_again_is_a_copy_and_one_that_was_not_kept_is_a_conflict_again() -> None:
    told: Told = after_all(_contents(RIVALS_KEPT + 8))
    (row,) = told.known.kept
    kept = {rival.payload_hash for rival in row.rivals} | {row.fact.payload_hash}
    for fact in _contents(RIVALS_KEPT + 8):
        told.tell(fact, Context())
        expected = Outcome.DUPLICATE if fact.payload_hash in kept else Outcome.CONFLICT
        assert told.outcomes[-1] is expected
    assert after(*_contents(2)).known.kept[0].conflict_since is not None


def test_a_home_keeps_so_many_payments_a_name_the_earliest() -> None:
    name = Reference(ReferenceKind.END_TO_END_ID, "x")
    fact = fact_of("f", (name,), 1_000)
    row, _ = correlate_home(HomeRow(), CorrelationMessage(MessageType.PARK, "home:f", 1_000, (), fact, None, "t"))
    for since in range(500, 0, -1):
        registrations = (Registration(name.key, f"P{since}", since),)
        row, _ = correlate_home(
            row, CorrelationMessage(MessageType.ANSWER, "home:f", 1_000, registrations, None, None, "t")
        )
    assert [known.since for known in row.known] == list(range(1, PAYMENTS_KEPT + 1))
    assert row.payment is None


def test_pairs_of_one_mark_leave_a_payment_room_for_what_its_bank_says() -> None:
    assert 4 * (MEMBERS_KEPT - 1) < FACT_CAP
