"""How far proved time had come: the ticks of payments.clock.v1, and which of them the workers had surely taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.records import ClockTick

_NEVER: Final = -1


@dataclass(frozen=True, slots=True)
class Passed:
    """Microseconds UTC. What is due by ``surely`` must have been told, what is due after ``possibly`` must not."""

    surely: int
    possibly: int


class Told(Protocol):
    """A record of the clock, whoever read it."""

    @property
    def partition(self) -> int:
        """Whose clock it is."""

    @property
    def offset(self) -> int:
        """Where it stands."""

    @property
    def value(self) -> bytes | None:
        """The tick."""


@dataclass(slots=True)
class Proved:
    """The clock of every partition. ``taken``: below which offset the workers had taken it before the log's ends were
    asked for; without it they had taken all.
    """

    taken: Mapping[int, int] | None = None
    _clocks: dict[int, Passed] = field(default_factory=dict)

    def read(self, rows: Iterable[Told], decode: Callable[[bytes], ClockTick]) -> None:
        """All ticks; one that is no later than one before it changes nothing."""
        for row in rows:
            if row.value is not None:
                at, before = decode(row.value).at, self.of(row.partition)
                is_taken = self.taken is None or row.offset < self.taken.get(row.partition, 0)
                surely = max(before.surely, at) if is_taken else before.surely
                self._clocks[row.partition] = Passed(surely, max(before.possibly, at))

    def of(self, partition: int | None) -> Passed:
        """The clock of one partition; None: of whichever it may be."""
        if partition is not None:
            return self._clocks.get(partition, Passed(_NEVER, _NEVER))
        surely = min((row.surely for row in self._clocks.values()), default=_NEVER)
        return Passed(surely, max((row.possibly for row in self._clocks.values()), default=_NEVER))
