"""When a failed file is tried again."""

from __future__ import annotations

from pathlib import Path

from connectors.watch.patience import Patience


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_each_failure_doubles_the_wait_up_to_five_minutes(tmp_path: Path) -> None:
    patience = Patience(Clock())
    assert [patience.postpone(tmp_path) for _ in range(9)] == [2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_a_file_is_tried_again_when_its_time_has_come(tmp_path: Path) -> None:
    clock = Clock()
    patience = Patience(clock)
    assert patience.allows(tmp_path)
    patience.postpone(tmp_path)
    clock.now_s = 1.9
    assert not patience.allows(tmp_path)
    clock.now_s = 2.0
    assert patience.allows(tmp_path)


def test_a_file_that_went_away_and_came_back_is_tried_at_once(tmp_path: Path) -> None:
    patience, path = Patience(Clock()), tmp_path / "a.xml"
    path.touch()
    patience.postpone(path)
    patience.forget_what_is_gone()
    assert not patience.allows(path)
    path.unlink()
    patience.forget_what_is_gone()
    assert patience.allows(path)
