"""How long the folds of one unit may take, and how much they may hold: who waits for the next unit waits no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from streams.engine.settings import EngineSettings

#: So long a partition that kept up counts as one that others must not make wait.
_REMEMBERED_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one task has to fold in a unit, 0: nothing but ticks. `is_behind`: it has more than a unit takes."""

    partition: int
    records: int
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one task may use of a unit."""

    seconds: float
    most_bytes: int


class Pace:
    """The time and the bytes of a unit, and each task's part of them.

    While everybody is behind, long units are cheapest: a commit costs much the same for few records and for many. While
    some partitions are behind and others keep up, units are short, so that these do not wait for a backlog that is not
    theirs. Nothing that is decided depends on where a unit ends, so nothing does on the clock either.

    Time is the time that the folding thread works (`worked_s`): on a machine that is overloaded, a unit that ended by
    the clock would do next to nothing, and commit that.
    """

    def __init__(self, settings: EngineSettings, clock: Callable[[], float], worked_s: Callable[[], float]) -> None:
        self._fold_s = settings.unit_fold_ms / 1000
        self._beside_s = settings.unit_beside_ms / 1000
        self._clock = clock
        self._worked_s = worked_s
        self._most_bytes = settings.unit_bytes
        self._used_bytes = 0
        self._kept_up_s: dict[int, float] = {}

    def parts(self, loads: Sequence[Load]) -> Iterator[tuple[int, Part]]:
        """The places of the tasks in the order in which to fold them, each with what it may take; see ``used``.

        Light ones come first, and may take what they need: what they leave is shared by those that are behind.
        """
        self._used_bytes = 0
        end_s = self._worked_s() + (self._beside_s if self._is_mixed(loads) else self._fold_s)
        order = sorted(range(len(loads)), key=lambda place: (loads[place].is_behind, loads[place].records))
        for done, place in enumerate(order):
            left_s = max(0.0, end_s - self._worked_s())
            left_bytes = max(0, self._most_bytes - self._used_bytes)
            waiting = len(order) - done
            sharing = waiting if loads[place].is_behind else min(waiting, 2)
            yield place, Part(left_s / sharing, left_bytes // sharing)

    def used(self, size_bytes: int) -> None:
        """The task whose part was given out last has used so much."""
        self._used_bytes += size_bytes

    def over_after(self, part_s: float) -> Callable[[], bool]:
        """Tells when the thread has worked for so long from now on."""
        worked_s, until_s = self._worked_s, self._worked_s() + part_s
        return lambda: worked_s() >= until_s

    def _is_mixed(self, loads: Sequence[Load]) -> bool:
        """Whether some partitions are behind and others are not, or were not a moment ago."""
        now, kept_up_s = self._clock(), self._kept_up_s
        behind = {load.partition for load in loads if load.is_behind}
        for load in loads:
            if load.records:
                kept_up_s[load.partition] = now
        self._kept_up_s = {
            partition: at_s
            for partition, at_s in kept_up_s.items()
            if partition not in behind and now - at_s <= _REMEMBERED_S
        }
        return bool(behind and self._kept_up_s)
