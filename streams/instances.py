"""A name and a number of its own for every worker of a machine, the same after a restart.

The name is the worker's transactional id and the folder of its stores: two workers that shared one would fence each
other. Without a configured name it is the host's with the number. Workers of one machine take their ports by number.
"""

from __future__ import annotations

import fcntl
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

MOST: Final = 256


class NoInstanceError(RuntimeError):
    """The name is taken by a running worker, or there are more workers than there can be partitions."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A claimed name and number (from 1); both are free again when the process ends."""

    name: str
    number: int
    locks: tuple[IO[str], ...]


def claim(folder: Path, configured: str = "") -> Instance:
    """The first number that no living process holds, and the configured name or the host's. Raises NoInstanceError."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST + 1):
        numbered = _locked(folder / f"number-{number}.lock")
        if numbered is None:
            continue
        name = configured or f"{socket.gethostname()}-{number}"
        named = _locked(folder / f"name-{name}.lock")
        if named is None:
            raise NoInstanceError(f"a worker named {name!r} runs already: choose another PAYSTATE_INSTANCE")
        return Instance(name, number, (numbered, named))
    raise NoInstanceError(f"{MOST} workers run in {folder} already: more than there can be partitions")


def _locked(path: Path) -> IO[str] | None:
    lock = path.open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
