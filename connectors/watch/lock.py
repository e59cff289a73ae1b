"""One watch a folder: two would move each other's files."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_FILE: Final = ".paystate-watch.lock"


class FolderError(RuntimeError):
    """The folder cannot be watched; the message says why."""


@contextmanager
def watched_alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it is free again when the process ends, however it ends. Raises FolderError."""
    if not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder, found {'a file' if folder.exists() else 'nothing'}: make it")
    try:
        lock = (folder / LOCK_FILE).open("w", encoding="ascii")
    except OSError as error:
        raise FolderError(f"{folder}: files are moved within it, so it must be writable: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"{folder}: another `paystate watch` has it: one process a folder") from None
        yield
