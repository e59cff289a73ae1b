"""When a file in the drop folder is whole: nobody writes to it and nothing about it changes any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from connectors.watch.listing import Found, Identity
from connectors.watch.writers import Writers, writers_of


@dataclass(frozen=True, slots=True)
class _Still:
    """Since when (monotonic, seconds) a file has been the same."""

    identity: Identity
    since_s: float


class Settling:
    """Remembers one look until the next. ``monotonic_s`` measures the waiting, ``now_ns`` is the files' own clock.

    Where the kernel proves that nobody writes, two kinds of file need no second look: one that was renamed into place
    (or given its times) after its last byte, and one that nobody has touched for ``settle_s``. A file that was closed
    just now is watched all the same: its writer may come back for more.
    """

    def __init__(
        self,
        settle_s: float,
        monotonic_s: Callable[[], float],
        now_ns: Callable[[], int],
        writers: Callable[[Path], Writers] = writers_of,
    ) -> None:
        self._settle_s = settle_s
        self._monotonic_s = monotonic_s
        self._now_ns = now_ns
        self._writers = writers
        self._still: dict[Path, _Still] = {}

    def settled(self, files: Iterable[Found]) -> list[Found]:
        """Those of ``files`` that are whole, in their order; the others are remembered."""
        whole: list[Found] = []
        still: dict[Path, _Still] = {}
        for found in files:
            same = self._since(found)
            if self._is_whole(found, same):
                whole.append(found)
            else:
                still[found.path] = same
        self._still = still
        return whole

    def _since(self, found: Found) -> _Still:
        before = self._still.get(found.path)
        if before is not None and before.identity == found.identity:
            return before
        return _Still(found.identity, self._monotonic_s())

    def _is_whole(self, found: Found, same: _Still) -> bool:
        writers = self._writers(found.path)
        if writers is Writers.SOME:
            return False
        if writers is Writers.NONE and (_is_placed(found) or self._is_old(found)):
            return True
        return self._monotonic_s() - same.since_s >= self._settle_s

    def _is_old(self, found: Found) -> bool:
        return self._now_ns() - found.changed_ns >= self._settle_s * 1e9


def _is_placed(found: Found) -> bool:
    """Writing changes both times to the same moment; renaming, a new mode or given times come after it."""
    return found.changed_ns > found.identity.modified_ns
