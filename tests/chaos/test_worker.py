"""The saboteur carries out an order once, where and when it was told to, and says so before it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.engine import FaultPoint

from . import worker
from .worker import Saboteur, read_json, write_json


@pytest.fixture
def harmed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bool]:
    """For each time that harm was done, whether it had been told."""
    done: list[bool] = []
    monkeypatch.setitem(worker._HARM, "kill", lambda: done.append((tmp_path / "c1.fired").exists()))
    return done


def test_an_order_is_carried_out_once_at_its_point_when_it_is_passed_for_the_nth_time(
    tmp_path: Path, harmed: list[bool]
) -> None:
    saboteur = Saboteur(tmp_path, "c1")
    write_json(tmp_path / "c1.order", {"number": 4, "point": "flushed", "after": 2, "harm": "kill"})
    for point in (FaultPoint.FLUSHED, FaultPoint.COMMITTED):
        saboteur.reached(point)
    assert harmed == []
    for _ in range(3):
        saboteur.reached(FaultPoint.FLUSHED)
    assert harmed == [True]
    told = read_json(tmp_path / "c1.fired")
    assert told is not None
    assert (told["number"], told["partitions"]) == (4, [])


def test_a_new_order_is_counted_from_its_own_beginning(tmp_path: Path, harmed: list[bool]) -> None:
    saboteur = Saboteur(tmp_path, "c1")
    for number in (1, 2):
        write_json(tmp_path / "c1.order", {"number": number, "point": "done", "after": 2, "harm": "kill"})
        saboteur.reached(FaultPoint.DONE)
        assert len(harmed) == number - 1
        saboteur.reached(FaultPoint.DONE)
    assert harmed == [True, True]


def test_without_an_order_nothing_happens(tmp_path: Path, harmed: list[bool]) -> None:
    saboteur = Saboteur(tmp_path, "c1")
    for point in FaultPoint:
        saboteur.reached(point)
    assert harmed == []
    assert read_json(tmp_path / "c1.card") is not None
