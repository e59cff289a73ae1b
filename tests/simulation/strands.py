"""Threads as strands that one scheduler switches between: who runs next is a drawn number.

A strand is a greenlet: engine code that blocks in a call to Kafka or waits for a job gives way there and nowhere else.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """Unwinds the strands of a process that was killed. Nothing that they do on their way out has an effect."""


class Owner(Protocol):
    """The process that a strand belongs to."""

    is_dead: bool
    is_frozen: bool


class Strand:
    """One line of execution."""

    __slots__ = ("_greenlet", "listens", "loop", "owner", "wake_s")

    def __init__(self, owner: Owner, run: Callable[[], None], hub: Any, loop: Any) -> None:
        self.owner = owner
        self.loop = loop
        self.wake_s = 0.0
        #: Whether news from the broker wake it.
        self.listens = False
        self._greenlet: Any = greenlet(run, hub)

    def run(self) -> None:
        """Let it run until it gives way."""
        if self.loop is None:
            self._greenlet.switch()
            return
        asyncio._set_running_loop(self.loop)
        try:
            self._greenlet.switch()
        finally:
            asyncio._set_running_loop(None)

    def kill(self) -> None:
        """Unwind it, if it has begun."""
        if self._greenlet:
            self._greenlet.throw(Killed)

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to run."""
        return bool(self._greenlet.dead)


class Scheduler:
    """Runs strands one at a time, in virtual time (seconds, monotonic)."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now_s = 1000.0
        self.strands: list[Strand] = []
        self.current: Strand | None = None
        #: Counts what happens on the broker: who has seen nothing new at this count will see nothing new.
        self.news_count = 0
        self._hub: Any = getcurrent()

    def spawn(self, owner: Owner, run: Callable[[], None], loop: Any = None) -> Strand:
        """A new strand; it runs when it is chosen."""

        def guarded() -> None:
            with suppress(Killed):
                run()

        strand = Strand(owner, guarded, self._hub, loop)
        self.strands.append(strand)
        return strand

    def runnable(self) -> list[Strand]:
        """Those that could run now."""
        now = self.now_s
        return [strand for strand in self.strands if strand.wake_s <= now and not strand.owner.is_frozen]

    def run(self, strand: Strand) -> None:
        """Let one run until it gives way, and forget it when it has ended."""
        self.current = strand
        try:
            strand.run()
        finally:
            self.current = None
        if strand.has_ended:
            self.strands.remove(strand)

    def give_way(self, until_s: float = 0.0, *, listens: bool = False) -> None:
        """Called within a strand: let others run; it may go on from `until_s` on, or (`listens`) at the next news."""
        strand = self.current
        assert strand is not None
        if strand.owner.is_dead:
            raise Killed
        strand.wake_s, strand.listens = until_s, listens
        self._hub.switch()
        # Whoever resumed us has set `current`; news may have come.
        strand.wake_s, strand.listens = 0.0, False

    def news(self) -> None:
        """Something happened on the broker that waiting consumers may see."""
        self.news_count += 1
        for strand in self.strands:
            if strand.listens:
                strand.wake_s = 0.0

    def next_wake_s(self) -> float:
        """When the next strand wakes by itself."""
        return min((strand.wake_s for strand in self.strands if not strand.owner.is_frozen), default=math.inf)

    def end(self, owner: Owner) -> None:
        """Unwind all strands of a process. Called outside of strands only: a greenlet that ends goes on in the hub."""
        assert self.current is None
        owner.is_dead = True
        for strand in [strand for strand in self.strands if strand.owner is owner]:
            self.current = strand
            strand.kill()
            self.strands.remove(strand)
        self.current = None


class SimulatedEvent:
    """threading.Event among strands."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: list[Strand] = []
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        for strand in self._waiting:
            strand.wake_s = 0.0

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        scheduler = self._scheduler
        give_up_s = math.inf if timeout is None else scheduler.now_s + timeout
        strand = scheduler.current
        assert strand is not None
        self._waiting.append(strand)
        try:
            while not self._is_set and scheduler.now_s < give_up_s:
                scheduler.give_way(give_up_s)
        finally:
            self._waiting.remove(strand)
        return self._is_set
