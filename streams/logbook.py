"""What the workers of a machine last said of themselves, kept beside their locks for whoever asks from outside.

A worker that ends cannot be asked why, and one that hangs does not answer: what it wrote down before tells.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import psutil

log = logging.getLogger(__name__)

_KEPT: Final = 20
_SUFFIX: Final = ".worker.json"


class Failure(msgspec.Struct, frozen=True):
    """One end that was none as told: when (seconds since 1970), with which exit status, and why."""

    at_s: float
    status: int
    reason: str


class Entry(msgspec.Struct, frozen=True):
    """One worker by its name. ``pid`` with ``started_at_s`` is one process; ``ended`` if it said its last word."""

    name: str
    host: str
    pid: int
    started_at_s: float
    address: str
    ended: bool = False
    failures: tuple[Failure, ...] = ()

    @property
    def is_here(self) -> bool:
        """Whether its processes can be seen from this one."""
        return self.host == socket.gethostname()

    def process(self) -> psutil.Process | None:
        """The process, if it still is."""
        try:
            process = psutil.Process(self.pid)
            # Numbers are used again, and a process that nobody has waited for is none any more.
            same = abs(process.create_time() - self.started_at_s) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Logbook:
    """A worker's own entry. A disk that takes no entry stops no worker."""

    def __init__(self, folder: Path, name: str, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / f"{name}{_SUFFIX}"
        self._clock = clock
        before = _read(self._path)
        failures = () if before is None else before.failures
        own = psutil.Process(os.getpid())
        self._entry = Entry(name, socket.gethostname(), own.pid, own.create_time(), "", failures=failures)

    def serves(self, address: str) -> None:
        """The worker runs and answers there."""
        self._write(msgspec.structs.replace(self._entry, address=address))

    def ends(self, status: int, reason: str) -> None:
        """The worker's last word."""
        failures = self._entry.failures
        if status:
            failures = (*failures, Failure(self._clock(), status, reason))[-_KEPT:]
        self._write(msgspec.structs.replace(self._entry, ended=True, failures=failures))

    def _write(self, entry: Entry) -> None:
        self._entry = entry
        temporary = self._path.with_suffix(".new")
        try:
            temporary.write_bytes(msgspec.json.encode(entry))
            temporary.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written, `paystate doctor` will know less: %s", self._path, error.strerror)


def entries(folder: Path) -> list[Entry]:
    """All workers that ever ran with this folder, by name."""
    found = (_read(path) for path in sorted(folder.glob(f"*{_SUFFIX}")))
    return [entry for entry in found if entry is not None]


def _read(path: Path) -> Entry | None:
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Entry)
    return None
