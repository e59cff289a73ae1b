"""Where a file goes once its fate is known: archive/, or rejected/ with the reason beside it."""

from __future__ import annotations

import filecmp
import itertools
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from connectors.watch.listing import ARCHIVE, REJECTED, Found, found_at

REASON_ENDING: Final = ".reason.json"
_HASH_SHOWN: Final = 16


class ChangedError(Exception):
    """The name no longer stands for the bytes that were read: what is there now is looked at again."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a file was refused, for a person and for a script. ``when`` is ISO 8601, UTC.

    ``where``, ``expected`` and ``found`` are None if another process refused it; ``detail`` is always there.
    """

    name: str
    file_hash: str
    size_bytes: int
    reason: str
    where: str | None
    expected: str | None
    found: str | None
    detail: str
    format: str | None
    profile: str
    message_id: str | None
    when: str
    advice: str


class Filing:
    """Moves files within ``root``, sub-folders kept. A name that is taken by other bytes gets the file's hash in it.

    One process a folder: who holds the folder's lock moves.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def archive(self, found: Found, file_hash: str) -> Path:
        """Move a file that was taken in, or was known. Raises ChangedError, OSError: then it stays where it is."""
        return self._moved(found, self._place(ARCHIVE, found, file_hash))

    def reject(self, found: Found, reason: Reason) -> Path:
        """Move a refused file. The reason is on disk before it, so that none ever lies there without one."""
        place = self._place(REJECTED, found, reason.file_hash)
        _write(place.with_name(place.name + REASON_ENDING), reason)
        return self._moved(found, place)

    def _place(self, shelf: str, found: Found, file_hash: str) -> Path:
        wanted = self._root / shelf / found.path.relative_to(self._root)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        return next(name for name in _names(wanted, file_hash) if _is_free(name, found.path))

    def _moved(self, found: Found, place: Path) -> Path:
        if found_at(found.path).identity != found.identity:
            raise ChangedError(_CHANGED)
        found.path.rename(place)
        if found_at(place).identity != found.identity:  # another file took the name in between: it has not been read
            place.rename(next(name for name in _names(found.path, "again") if not name.exists()))
            raise ChangedError(_CHANGED)
        return place


_CHANGED: Final = "it changed while it was read: left in place and taken again when it has settled"


def _names(wanted: Path, file_hash: str) -> itertools.chain[Path]:
    """The name itself, then with the hash, then with a number as well."""
    marked = f"{wanted.stem}-{file_hash[:_HASH_SHOWN]}"
    numbered = (wanted.with_name(f"{marked}-{number}{wanted.suffix}") for number in itertools.count(2))
    return itertools.chain((wanted, wanted.with_name(f"{marked}{wanted.suffix}")), numbered)


def _is_free(place: Path, path: Path) -> bool:
    """Whether nothing is there, or the same bytes: one copy of what came twice is enough."""
    return not os.path.lexists(place) or (place.is_file() and filecmp.cmp(place, path, shallow=False))


def _write(path: Path, reason: Reason) -> None:
    """Whole or not at all, also when the power goes."""
    half = path.with_name(f".{path.name}.tmp")
    with half.open("w", encoding="utf-8") as file:
        json.dump(asdict(reason), file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
