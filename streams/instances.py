"""A name of its own for every worker of a machine, the same after a restart.

The name is the worker's transactional id and the folder of its stores: two workers that shared one would fence each
other. Without a configured name a worker takes the first number that no living process holds.
"""

from __future__ import annotations

import fcntl
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

MOST: Final = 256


class NoInstanceError(RuntimeError):
    """The name is taken by a running worker."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A claimed name; it is free again when the process ends. ``number`` counts the workers of a machine from 1."""

    name: str
    number: int
    lock: IO[str]


def claim(folder: Path, configured: str = "") -> Instance:
    """The configured name, or the host's with the first free number. Raises NoInstanceError."""
    folder.mkdir(parents=True, exist_ok=True)
    if configured:
        lock = _locked(folder / f"{configured}.lock")
        if lock is None:
            raise NoInstanceError(
                f"a worker named {configured!r} runs already: give this one another PAYSTATE_INSTANCE"
            )
        return Instance(configured, 1, lock)
    for number in range(1, MOST + 1):
        name = f"{socket.gethostname()}-{number}"
        lock = _locked(folder / f"{name}.lock")
        if lock is not None:
            return Instance(name, number, lock)
    raise NoInstanceError(f"{MOST} workers run in {folder} already: more than there can be partitions")


def _locked(path: Path) -> IO[str] | None:
    lock = path.open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
