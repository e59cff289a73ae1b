"""Worker processes under supervision: started, killed, and started again when they end on their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from streams.demo.errors import DemoError
from streams.settings import PREFIX

STOP_WITHIN_S: Final = 30.0
#: A worker that ends this often on its own does not get better by being started again.
MOST_RESTARTS: Final = 10
_PIDS: Final = "workers.json"
_LAST_BYTES: Final = 1_500
_ADDRESS: Final = re.compile(rb"metrics and status at (http://\S+)")


@dataclass(slots=True)
class Workers:
    """Workers named demo-1, demo-2, …; each keeps its name, and so its transactional id and stores, over restarts.

    ``restarts`` counts those that ended unasked, ``kills`` those that we killed.
    """

    environment: Mapping[str, str]
    folder: Path
    restarts: int = 0
    kills: int = 0
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _logs_begin: dict[str, int] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """The processes by name."""
        return {name: process.pid for name, process in self._running.items()}

    @property
    def addresses(self) -> dict[str, str]:
        """Where each serves its pages, as its log tells; a worker that is still starting is not among them."""
        told = {name: _ADDRESS.findall(self._log(name)) for name in self._running}
        return {name: found[-1].decode() for name, found in told.items() if found}

    def start(self, name: str) -> None:
        """Start the worker of that name; its log is ``<name>.log`` in the folder."""
        own = {f"{PREFIX}INSTANCE": name, f"{PREFIX}WEB_HOST": "127.0.0.1", f"{PREFIX}WEB_PORT": "0"}
        with told_to_stop_later(), self._log_path(name).open("ab") as log:
            self._logs_begin[name] = log.tell()
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env={**os.environ, **self.environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._note()

    def kill(self, name: str) -> int:
        """Kill the worker as a power cut would; returns its pid. ``revive`` starts it again."""
        process = self._running[name]
        process.kill()
        process.wait()
        self.kills += 1
        return process.pid

    def revive(self, name: str) -> None:
        """Start a worker again that we killed, under its name."""
        self.start(name)

    def supervise(self) -> list[str]:
        """Start every worker again that has ended; returns their names. Raises DemoError if that does not help."""
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        for name in ended:
            self.restarts += 1
            if self.restarts > MOST_RESTARTS:
                words = self._log(name)[-_LAST_BYTES:].decode(errors="replace")
                raise DemoError(f"{name} ended again, after {MOST_RESTARTS} restarts. Its log ends:\n{words}")
            self.start(name)
        return ended

    def stop(self) -> None:
        """Ask all to stop (SIGTERM), wait for them, kill what does not listen."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _log(self, name: str) -> bytes:
        """What it has said since it was started last."""
        with self._log_path(name).open("rb") as log:
            log.seek(self._logs_begin[name])
            return log.read()

    def _note(self) -> None:
        """Who runs, for the next demo: ``stop_left_over`` must not end a process that only has the same number."""
        started = {}
        for process in self._running.values():
            try:
                started[str(process.pid)] = psutil.Process(process.pid).create_time()
            except psutil.NoSuchProcess:
                continue  # ended already: nothing to be stopped
        (self.folder / _PIDS).write_text(json.dumps(started), encoding="ascii")


@contextmanager
def told_to_stop_later() -> Iterator[None]:
    """Who is told to stop between a worker's start and the note of it, and so would leave it running, hears it then."""
    told: list[int] = []
    ours = (signal.SIGTERM, signal.SIGINT)
    # Noted, not blocked: a blocked signal stays blocked in the worker.
    before = {number: signal.signal(number, lambda number, _frame: told.append(number)) for number in ours}
    try:
        yield
    finally:
        for ignored, handler in before.items():
            signal.signal(ignored, handler)
        for number in told:
            signal.raise_signal(number)


def stop_left_over(folder: Path) -> int:
    """Stop the workers that an earlier demo left running in the folder; returns how many there were."""
    path = folder / _PIDS
    if not path.exists():
        return 0
    found = []
    for pid, started_at in json.loads(path.read_text(encoding="ascii")).items():
        try:
            process = psutil.Process(int(pid))
            if abs(process.create_time() - started_at) < 1.0:
                process.terminate()
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(found, timeout=STOP_WITHIN_S)
    for process in alive:
        process.kill()
    return len(found)
