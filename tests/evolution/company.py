"""An installation whose workers are of several releases."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schemas.codec import codec
from streams.app import group_of
from streams.domain.state import State
from streams.forms import Forms
from streams.upgrade.finish import Standing, standing
from tests.evolution.releases import RELEASES
from tests.pipeline.installation import Installation

STATE = "payments.state.v1"
RECORDS_A_SECOND = 120
_WITHIN_S = 90.0


@dataclass
class Company:
    """Workers by name, each of some release."""

    installation: Installation
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _loads: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def group(self) -> str:
        return group_of(self.installation.settings)

    def start(self, name: str, release: str) -> None:
        """Start a worker and return when it is in the group and takes part."""
        self._running[name] = self._launched(name, release)
        self.wait(lambda: self.release_of(name) == RELEASES[release].release, f"{name} of {release} in the group")

    def stop(self, name: str) -> None:
        """As a supervisor stops one: it finishes its unit and leaves."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_WITHIN_S) == 0, self.log(name)

    def replace(self, name: str, release: str) -> None:
        """One step of a rolling upgrade; returns when the new one has its partitions."""
        self.stop(name)
        self.start(name, release)
        self.wait(lambda: self.log(name).count("is active") > 0, f"{name} of {release} runs a partition")

    def refused(self, name: str, release: str) -> tuple[int, str]:
        """Start one that is expected to end by itself: its exit status, and what it said."""
        return self._launched(name, release).wait(_WITHIN_S), self.log(name)

    def load(self, seed: int, payments: int) -> subprocess.Popen[str]:
        """What a company and its banks say about so many payments, spread over some time."""
        arguments = ("--seed", str(seed), "--payments", str(payments), "--rate", str(RECORDS_A_SECOND))
        self._loads.append(self.installation.start("simulate", *arguments))
        return self._loads[-1]

    def standing(self, forms: Forms) -> Standing:
        return standing(self.installation.client, self.group, 1, forms)

    def release_of(self, name: str) -> str | None:
        found = {member.instance: member.release for member in self.standing(RELEASES["current"]).members}
        return found.get(name)

    def forms_written(self) -> Counter[int]:
        """How many states are in which form, of all that were ever published."""
        decode = codec(STATE, State).decode
        rows = self.installation.rows(STATE)
        return Counter(decode(row.value).internal[0] for row in rows if row.value is not None)

    def wait(self, until: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not until():
            for name, process in self._running.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"waited in vain: {what}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        """What the newest worker of that name has said."""
        return self._path(name).read_text(errors="replace")

    def _path(self, name: str) -> Path:
        return self.installation.folder / f"{name}.log"

    def _launched(self, name: str, release: str) -> subprocess.Popen[bytes]:
        with self._path(name).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.evolution.releases", release],
                env={**self.installation.environment, "PAYSTATE_INSTANCE": name},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """Kill what is left."""
        left: list[subprocess.Popen[bytes] | subprocess.Popen[str]] = [*self._running.values(), *self._loads]
        for process in left:
            process.kill()
            process.wait()


@contextmanager
def staffed(installation: Installation) -> Iterator[Company]:
    """No worker outlives the block."""
    company = Company(installation)
    try:
        yield company
    finally:
        company.end()
