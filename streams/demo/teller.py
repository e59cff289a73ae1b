"""The simulated company as the demo sees it: a process that plans, is told to begin, and says how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from streams.demo.errors import DemoError
from streams.demo.truth_file import read_truth
from streams.simulator.truth import Truth

_STOP_WITHIN_S: Final = 10.0


@dataclass(slots=True)
class Progress:
    """How far the company is. ``planned``: messages to be said, 0 until that is known; ``records``: on raw."""

    planned: int = 0
    said: int = 0
    records: int = 0
    done: bool = False

    @property
    def share(self) -> float:
        """What has been said, from 0 to 1."""
        return self.said / self.planned if self.planned else 0.0


class Teller:
    """Starts planning when it is made. Its complaints are in ``simulator.log`` of the folder."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], seed: int, payments: int, rate: float, patience_s: float
    ) -> None:
        self.progress = Progress()
        self._log = folder / "simulator.log"
        self._truth = folder / "truth.json"
        arguments = {
            "--seed": seed,
            "--payments": payments,
            "--rate": rate,
            "--patience-s": patience_s,
            "--truth": self._truth,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own command line
                [sys.executable, "-m", "streams.demo.told", *(str(part) for row in arguments.items() for part in row)],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._listener = threading.Thread(target=self._listen, name="teller", daemon=True)
        self._listener.start()

    def begin(self) -> None:
        """Publish, as soon as the plan is made. Raises DemoError if the process has ended."""
        try:
            _pipe(self._process.stdin).write("begin\n")
            _pipe(self._process.stdin).flush()
        except BrokenPipeError:
            self.check()
            raise

    def check(self) -> None:
        """Raises DemoError if the process has ended without having said everything."""
        if self._process.poll() is None:
            return
        self._listener.join(_STOP_WITHIN_S)
        if not self.progress.done:
            words = self._log.read_text(encoding="utf-8", errors="replace")[-1_500:].strip()
            raise DemoError(
                f"the simulated company fell silent (exit status {self._process.returncode}) after "
                f"{self.progress.said} of {self.progress.planned} messages: {words or 'it gave no reason'}"
            )

    def truth(self) -> Truth:
        """How every payment must end; only after all has been said."""
        return read_truth(self._truth)

    def stop(self) -> None:
        """End the process, if it has not ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join(_STOP_WITHIN_S)
        for pipe in (self._process.stdin, self._process.stdout):
            _pipe(pipe).close()

    def _listen(self) -> None:
        for line in _pipe(self._process.stdout):
            for name, value in json.loads(line).items():
                setattr(self.progress, name, value)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("the process was started with pipes")
    return pipe
