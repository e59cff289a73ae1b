"""What lies in the drop folder: regular files under names that are meant to be taken, the oldest first."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ARCHIVE: Final = "archive"
REJECTED: Final = "rejected"
MOST_FILES: Final = 10_000
"""Of one look: the memory of a look is bounded, the others are seen when these are gone."""
_TEMPORARY_ENDINGS: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp", "~")
_TEMPORARY_BEGINNINGS: Final = (".", "~")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which bytes a name stood for: equal before and after means that they were the same in between."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the drop folder. ``changed_ns``: when its inode changed, by writing, renaming or a new mode."""

    path: Path
    identity: Identity
    changed_ns: int


def is_temporary(name: str) -> bool:
    """Whether the name says that its writer has not finished. Hidden files are nobody's to take either."""
    return name.startswith(_TEMPORARY_BEGINNINGS) or name.lower().endswith(_TEMPORARY_ENDINGS)


def found_at(path: Path) -> Found:
    """The file of that name now; a symbolic link is not followed. Raises OSError."""
    return _found(path, path.lstat())


def files_below(root: Path, wanted: Callable[[Path], bool], most: int = MOST_FILES) -> list[Found]:
    """The ``wanted`` files, oldest first, ``most`` at a time; none of archive/ and rejected/ in ``root`` itself.

    Links, pipes and devices are left alone: who drops files must not choose which other file of this machine is read.
    What vanishes meanwhile is not there; a folder below that cannot be read has no files. Raises OSError for ``root``.
    """
    return heapq.nsmallest(most, (found for found in _walk(root, top=True) if wanted(found.path)), key=_age)


def _age(found: Found) -> tuple[int, str]:
    return found.identity.modified_ns, str(found.path)


def _walk(folder: Path, *, top: bool) -> Iterator[Found]:
    try:
        entries = os.scandir(folder)
    except OSError:
        if top:
            raise
        return
    with entries:
        for entry in entries:
            if is_temporary(entry.name) or (top and entry.name in (ARCHIVE, REJECTED)):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from _walk(Path(entry.path), top=False)
            elif stat.S_ISREG(status.st_mode):
                yield _found(Path(entry.path), status)


def _found(path: Path, status: os.stat_result) -> Found:
    identity = Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return Found(path, identity, status.st_ctime_ns)
