"""When a file that could not be read or published is tried again: later each time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FIRST_S: Final = 2.0
_LONGEST_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Postponed:
    delay_s: float
    until_s: float


class Patience:
    """Remembers the files that failed; a file that is gone is forgotten."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._postponed: dict[Path, _Postponed] = {}

    def postpone(self, path: Path) -> float:
        """Not before so many seconds from now: twice as many each time."""
        before = self._postponed.get(path)
        delay_s = _FIRST_S if before is None else min(before.delay_s * 2, _LONGEST_S)
        self._postponed[path] = _Postponed(delay_s, self._monotonic_s() + delay_s)
        return delay_s

    def allows(self, path: Path) -> bool:
        """Whether its time has come."""
        known = self._postponed.get(path)
        return known is None or self._monotonic_s() >= known.until_s

    def forget_what_is_gone(self) -> None:
        """A file that lies there no longer is new when it comes again."""
        self._postponed = {path: row for path, row in self._postponed.items() if os.path.lexists(path)}
