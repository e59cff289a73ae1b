"""Where a replay may begin, as a person writes it."""

from __future__ import annotations

import pytest

from streams.replay.points import Point, PointError, point


def test_the_beginning_is_all_that_is_kept() -> None:
    assert point("beginning") == Point("beginning")


def test_a_time_is_taken_with_its_offset_from_utc() -> None:
    assert point("2026-01-05T01:00:00+01:00").time_ms == point("2026-01-05T00:00:00Z").time_ms == 1_767_571_200_000


def test_offsets_are_named_by_partition() -> None:
    assert point("0=1200,3=7").offsets == {0: 1200, 3: 7}


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-05T00:00:00", "0=", "0=-1", "a=1", "1=2,"])
def test_what_could_mean_two_places_is_refused(text: str) -> None:
    with pytest.raises(PointError, match="expected beginning, a time with its offset from UTC"):
        point(text)
