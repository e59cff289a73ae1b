"""What counts as the same in two generations, and what as different."""

from __future__ import annotations

from streams.replay.compare import Counted, _tally, _Told

UNTIL = 100


def tallied(live: dict[str, _Told], new: dict[str, _Told]) -> Counted:
    counted = Counted()
    _tally(counted, live, new, UNTIL)
    return counted


def test_what_is_said_alike_is_the_same_though_it_was_worded_otherwise() -> None:
    found = tallied(
        {"a": _Told("x", "one", 1), "b": _Told("y", "", 1)}, {"a": _Told("x", "two", 1), "b": _Told("y", "", 1)}
    )
    assert (found.same, found.otherwise, found.ok) == (2, 1, True)


def test_each_difference_has_its_name() -> None:
    live = {"other": _Told("x", "", 1), "gone": _Told("x", "", 1)}
    new = {"other": _Told("y", "", 1), "come": _Told("x", "", 1)}
    found = tallied(live, new)
    assert (found.different, found.only_live, found.only_new, found.ok) == (["other"], ["gone"], ["come"], False)


def test_what_was_received_after_the_comparison_began_is_not_judged() -> None:
    found = tallied({"a": _Told("x", "", UNTIL)}, {"a": _Told("y", "", UNTIL + 1), "b": _Told("x", "", UNTIL + 1)})
    assert (found.moving, found.ok) == (2, True)


def test_an_alert_that_was_taken_back_is_as_good_as_one_that_was_never_raised() -> None:
    found = tallied({}, {"a": _Told("x", "", 1, void=True)})
    assert (found.otherwise, found.ok) == (1, True)


def test_an_alert_that_only_one_took_back_is_a_difference() -> None:
    found = tallied({"a": _Told("open", "", 1)}, {"a": _Told("withdrawn", "", 1, void=True)})
    assert (found.different, found.ok) == (["a"], False)
