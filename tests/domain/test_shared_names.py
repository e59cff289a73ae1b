"""A fact at a name that payments share: told of if no payment went by the name in time, and taken back by the first."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.domain.correlation import Unplaced
from streams.domain.shared_names import KeptFact, clock_at_shared_name, joined, kept, kept_due
from streams.domain.state import AlertKind, AlertState
from tests.domain.network import NAMES, fact_of

_AT, _GRACE, _DUE, _LAST = 2, 2, 4, 8
_FACT = fact_of("f", NAMES[:1], _AT)


def _run(order: Sequence[tuple[str, int]]) -> tuple[KeptFact, list[tuple[AlertState, int]]]:
    """A fact that is kept, and what happens to it: a payment joins, or the clock comes to a time."""
    row, told = kept(_FACT, _GRACE), []
    for what, at in order:
        if what == "join":
            row = joined(row, at)
            continue
        due = kept_due(row)
        if due is None or due > at:
            continue  # as the engine does: only a row that is due gets the tick, and must then be due later or never
        row, outputs = clock_at_shared_name(row, at)
        told += [(output.state, output.at) for output in outputs if isinstance(output, Unplaced)]
        again = kept_due(row)
        assert again is None or again > at
    return row, told


@st.composite
def _proved_orders(draw: st.DrawFn) -> list[tuple[str, int]]:
    """Joins and ticks, each join before the first tick that proves it."""
    joins = draw(st.lists(st.integers(0, _LAST), max_size=4))
    ticks = sorted(draw(st.sets(st.integers(0, _LAST))) | {_LAST})
    order: list[tuple[str, int]] = []
    left = list(joins)
    for tick in ticks:
        must = [since for since in left if since <= tick]
        may = [since for since in left if since > tick and draw(st.booleans())]
        for since in draw(st.permutations(must + may)):
            left.remove(since)
            order.append(("join", since))
        order.append(("tick", tick))
    return order


@given(_proved_orders())
def test_any_proved_order_tells_the_same(order: list[tuple[str, int]]) -> None:
    _, told = _run(order)
    first = min((at for what, at in order if what == "join"), default=None)
    if first is not None and first <= _DUE:
        assert told == []
    elif first is None:
        assert told == [(AlertState.OPEN, _DUE)]
    else:
        assert told == [(AlertState.OPEN, _DUE), (AlertState.WITHDRAWN, first)]


def test_a_fact_that_had_a_member_in_time_needs_no_clock() -> None:
    assert kept_due(joined(kept(_FACT, _GRACE), _DUE)) is None


def test_a_fact_without_a_grace_is_never_told_of() -> None:
    row = kept(_FACT, None)
    assert kept_due(row) is None
    assert joined(row, 1) is row
    assert clock_at_shared_name(row, 99) == (row, ())


def test_a_payment_that_joins_later_changes_nothing_for_the_clock() -> None:
    row = joined(kept(_FACT, _GRACE), 6)
    assert joined(row, 7) is row
    decided, _ = clock_at_shared_name(row, 6)
    assert joined(decided, 5) is decided


def test_an_alert_is_taken_back_as_of_the_first_member_whoever_joins_first() -> None:
    """So it waits for the clock: before that an earlier member may still be under way."""
    _, told = _run([("join", 7), ("tick", 5), ("join", 6), ("tick", 7)])
    assert told == [(AlertState.OPEN, _DUE), (AlertState.WITHDRAWN, 6)]


def test_an_old_member_that_turns_up_after_all_takes_the_alert_back_as_of_its_due_time() -> None:
    row, told = _run([("tick", 5), ("join", 1), ("tick", 9)])
    assert told == [(AlertState.OPEN, _DUE), (AlertState.WITHDRAWN, _DUE)]
    assert (row.alert, kept_due(row)) == (AlertKind.ORPHAN, None)
