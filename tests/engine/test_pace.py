"""How long the folds of a unit may take, and who gets which part of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streams.engine import EngineSettings
from streams.engine.pace import Load, Pace


@dataclass
class Unit:
    """Units of work by a clock, and a time that the thread has worked, which only folds move."""

    pace: Pace
    now_s: list[float]
    worked_s: list[float]
    folded: list[int] = field(default_factory=list)

    def run(self, *loads: Load, takes_s: float = 0.0) -> list[float]:
        """The part of each task, in the order in which they are folded; each takes `takes_s`, or its part if less."""
        parts, self.folded = [], []
        for place, part in self.pace.parts(loads):
            part_s = part.seconds
            self.folded.append(place)
            parts.append(round(part.seconds, 6))
            self.worked_s[0] += min(takes_s, part_s)
            self.now_s[0] += 100 * min(takes_s, part_s)  # others have the processor most of the time
        return parts


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"},
        group_id="g",
        transactional_id="t",
        data_dir=tmp_path,
        partitions=4,
        unit_fold_ms=400,
        unit_beside_ms=40,
        unit_bytes=8_000,
    )
    now_s, worked_s = [100.0], [7.0]
    return Unit(Pace(settings, lambda: now_s[0], lambda: worked_s[0]), now_s, worked_s)


def test_where_all_are_behind_the_unit_is_long_and_shared_evenly(unit: Unit) -> None:
    everybody = [Load(partition, 500, True) for partition in range(4)]
    assert unit.run(*everybody, takes_s=1.0) == [0.1, 0.1, 0.1, 0.1]
    assert unit.worked_s[0] == pytest.approx(7.4)


def test_what_one_leaves_of_its_part_is_the_others(unit: Unit) -> None:
    everybody = [Load(partition, 500, True) for partition in range(4)]
    assert unit.run(*everybody, takes_s=0.04) == [0.1, 0.12, 0.16, 0.28]


def test_beside_partitions_that_keep_up_the_unit_is_short_and_they_come_first(unit: Unit) -> None:
    parts = unit.run(Load(0, 500, True), Load(1, 9, False), Load(2, 3, False), takes_s=0.002)
    assert unit.folded == [2, 1, 0]
    assert parts == [0.02, 0.019, 0.036]


def test_a_partition_that_keeps_up_shortens_the_units_between_its_records_too(unit: Unit) -> None:
    unit.run(Load(1, 1, False))
    assert unit.run(Load(0, 500, True)) == [0.04]
    unit.now_s[0] += 4.9
    assert unit.run(Load(0, 500, True)) == [0.04]
    unit.now_s[0] += 0.2
    assert unit.run(Load(0, 500, True)) == [0.4], "nobody else has had anything for five seconds"


def test_a_partition_is_behind_if_any_of_its_tasks_is(unit: Unit) -> None:
    assert unit.run(Load(0, 500, True), Load(0, 1, False)) == [0.2, 0.4]


def test_without_a_backlog_the_unit_has_all_its_time(unit: Unit) -> None:
    assert unit.run(Load(0, 5, False), Load(1, 0, False)) == [0.2, 0.4]


def test_the_bytes_of_a_unit_are_shared_as_its_time_is(unit: Unit) -> None:
    parts = []
    for _, part in unit.pace.parts([Load(0, 500, True), Load(1, 9, False), Load(2, 500, True)]):
        parts.append(part.most_bytes)
        unit.pace.used(600)
    assert parts == [4_000, 3_700, 6_800]
    assert next(unit.pace.parts([Load(0, 1, False)]))[1].most_bytes == 8_000, "the next unit has all of it"


def test_a_part_is_over_when_its_time_has_passed(unit: Unit) -> None:
    is_over = unit.pace.over_after(0.01)
    assert not is_over()
    unit.now_s[0] += 60
    assert not is_over(), "a thread that has no processor has not worked"
    unit.worked_s[0] += 0.02
    assert is_over()
