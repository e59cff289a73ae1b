"""Worker processes under supervision: started, killed, and started again when they end on their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STOP_WITHIN_S: Final = 30.0


@dataclass(slots=True)
class Workers:
    """Workers named demo-1, demo-2, …; each keeps its name, and so its transactional id and stores, over restarts."""

    environment: Mapping[str, str]
    folder: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarts: int = 0

    def start(self, name: str) -> None:
        """Start the worker of that name; its log is ``<name>.log`` in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env={**os.environ, **self.environment, "PAYSTATE_INSTANCE": name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> int:
        """Kill the worker as a power cut would; returns its pid."""
        process = self._running[name]
        process.kill()
        process.wait()
        return process.pid

    def supervise(self) -> list[str]:
        """Start every worker again that has ended; returns their names."""
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        for name in ended:
            self.restarts += 1
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

    def last_words(self, name: str) -> str:
        """The end of a worker's log, for an error message."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-1_500:] if path.exists() else ""
