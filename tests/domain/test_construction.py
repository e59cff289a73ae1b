"""What a quick constructor makes cannot be told from what the class makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from streams.domain.construction import quick


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 7


@dataclass(slots=True)
class Notes:
    owner: str
    rows: list[str] = field(default_factory=list)


def test_a_frozen_instance_is_equal_hashed_alike_and_frozen() -> None:
    made = quick(Point)(1, y=2)
    assert type(made) is Point
    assert (made, hash(made), repr(made)) == (Point(1, 2), hash(Point(1, 2)), repr(Point(1, 2)))
    with pytest.raises(FrozenInstanceError):
        made.x = 3  # type: ignore[misc]  # that is the point


def test_defaults_are_those_of_the_class() -> None:
    assert quick(Point)(1) == Point(1)
    assert quick(Notes)("anna") == Notes("anna")


def test_a_default_that_is_made_is_made_for_each() -> None:
    make = quick(Notes)
    first, second = make("anna"), make("bo")
    first.rows.append("called")
    assert second.rows == []
    assert make("cy", ["told"]).rows == ["told"]


def test_a_missing_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match="x"):
        quick(Point)()  # type: ignore[call-arg]  # that is the point
