"""The workers of a run: supervised processes that can be killed at a point, stopped, continued, and told to leave."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from streams.engine import FaultPoint

from .worker import FOLDER, NAME, RELEASE, read_json

STOP_WITHIN_S: Final = 60.0
_POLL_S: Final = 0.05
_ENDED: Final = re.compile(r"the worker ended with status (-?\d+)")
_ASSIGNED: Final = re.compile(r"assigned: partitions \[\d")


@dataclass(frozen=True, slots=True)
class Card:
    """What a worker last said of itself: ``partitions`` that it was given, those among them that it works on."""

    pid: int
    partitions: tuple[int, ...]
    active: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A worker that was killed or stopped: when (monotonic clock of the machine), and what it had then."""

    at_s: float
    partitions: tuple[int, ...]


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether the condition became true in time."""
    give_up_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(_POLL_S)
    return True


def _workers_of(supervisor: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The worker that it runs now; none between two runs, and none when it has ended."""
    try:
        return list(psutil.Process(supervisor.pid).children())
    except psutil.NoSuchProcess:
        return []


@dataclass
class Crew:
    """Workers by name; each keeps its name, and so its transactional id and stores. ``environment`` is a name's own."""

    folder: Path
    environment: Callable[[str], Mapping[str, str]]
    release: str = "current"
    """Of the workers that are started from now on (tests/evolution/releases.py); those that run stay what they are."""
    kills: Counter[str] = field(default_factory=Counter)
    """By the point at which they happened; "" for any moment."""
    bad_exits: list[str] = field(default_factory=list)
    """Workers that were told to stop and did not end well."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _orders: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _placed: dict[str, tuple[int, FaultPoint, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def names(self) -> list[str]:
        """Those that are meant to run."""
        return list(self._running)

    def start(self, name: str) -> None:
        """Start a worker under its supervisor; its log is ``NAME.log``."""
        self._path(name, "card").unlink(missing_ok=True)
        own = {**self.environment(name), FOLDER: str(self.folder), RELEASE: self.release, NAME: name}
        with self._path(name, "log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.supervised_worker"],
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def card(self, name: str) -> Card | None:
        """Who the worker is now; None before its first word."""
        told = read_json(self._path(name, "card"))
        return None if told is None else Card(told["pid"], tuple(told["partitions"]), tuple(told["active"]))

    def is_active(self, name: str) -> bool:
        """Whether it works on partitions."""
        card = self.card(name)
        return card is not None and bool(card.active) and psutil.pid_exists(card.pid)

    def await_active(self, names: Iterable[str], within_s: float) -> bool:
        """Whether all of them work on partitions in time."""
        wanted = list(names)
        return wait_until(lambda: all(self.is_active(name) for name in wanted), within_s)

    # -- harm

    def order(self, name: str, point: FaultPoint, harm: str, after: int = 1) -> None:
        """Have the worker kill or freeze itself when it comes by ``point`` for the ``after``-th time."""
        number = next(self._orders)
        self._placed[name] = (number, point, harm)
        path = self._path(name, "order")
        temporary = path.with_suffix(".new")
        temporary.write_text(f'{{"number": {number}, "point": "{point}", "harm": "{harm}", "after": {after}}}')
        temporary.replace(path)

    def outcome(self, name: str) -> Hit | None:
        """What became of the last order; None if it has not been carried out."""
        told = read_json(self._path(name, "fired"))
        number, point, harm = self._placed.get(name, (0, None, ""))
        if told is None or told["number"] != number:
            return None
        if harm == "kill":
            self.kills[str(point)] += 1
        del self._placed[name]
        return Hit(told["at_s"], tuple(told["partitions"]))

    def take_back(self, name: str) -> None:
        """The order is not to be carried out any more."""
        self._path(name, "order").unlink(missing_ok=True)
        if self.outcome(name) is None:
            self._placed.pop(name, None)

    def kill(self, name: str) -> Hit | None:
        """SIGKILL, at any moment; its supervisor starts it again. None if there is nothing to kill."""
        hit = self._signal(name, signal.SIGKILL)
        self.kills[""] += hit is not None
        return hit

    def look(self, name: str) -> Hit | None:
        """What a blow would strike now."""
        card = self.card(name)
        return None if card is None else Hit(time.monotonic(), card.partitions)

    def freeze(self, name: str) -> Hit | None:
        """SIGSTOP."""
        return self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._signal(name, signal.SIGCONT)

    def tell_to_stop(self, name: str) -> Hit | None:
        """SIGTERM to the worker, not to its supervisor."""
        return self._signal(name, signal.SIGTERM)

    def _signal(self, name: str, number: signal.Signals) -> Hit | None:
        card = self.card(name)
        if card is None:
            return None
        at_s = time.monotonic()
        try:
            os.kill(card.pid, number)
        except ProcessLookupError:
            return None
        return Hit(at_s, card.partitions)

    def fell(self, name: str) -> Hit | None:
        """Kill supervisor and worker: it stays away until it is started again."""
        supervisor = self._running.pop(name)
        own = _workers_of(supervisor)
        supervisor.kill()
        supervisor.wait()
        hit = self.kill(name)
        # One that was only being started has not introduced itself.
        for worker in own:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        return hit

    def stop(self, name: str) -> None:
        """SIGTERM to the supervisor, which hands it on; a worker that does not end well is noted.

        Between two runs of its worker a supervisor ends with the status of the one that failed: that is not asked for.
        """
        supervisor = self._running.pop(name)
        wait_until(lambda: bool(_workers_of(supervisor)), STOP_WITHIN_S)
        supervisor.terminate()
        try:
            status = supervisor.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.bad_exits.append(f"{name} did not stop within {STOP_WITHIN_S:.0f} s")
            supervisor.kill()
            self._signal(name, signal.SIGKILL)
            return
        if status != 0:
            self.bad_exits.append(f"{name} ended with status {status} when it was told to stop")

    def end(self) -> None:
        """Kill whatever is left."""
        for name in list(self._running):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.fell(name)

    # -- what their logs tell

    def exits(self) -> Counter[str]:
        """Exit statuses of workers that ended unasked or by our hand, and were started again."""
        return Counter(status for text in self._texts() for status in _ENDED.findall(text))

    def handovers(self) -> int:
        """How often a worker was given partitions."""
        return sum(len(_ASSIGNED.findall(text)) for text in self._texts())

    def _texts(self) -> Iterable[str]:
        return (path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _path(self, name: str, what: str) -> Path:
        return self.folder / f"{name}.{what}"
