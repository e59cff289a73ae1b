"""Threads and event loops as strands that one scheduler switches between: who runs next is a drawn number.

A strand is a greenlet: engine code that blocks in a call to Kafka or waits for a job gives way there and nowhere else.
Event loops run a callback to its end before they give way.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
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


class SimulatedExecutor(Executor):
    """A pool of `workers` strands."""

    def __init__(self, scheduler: Scheduler, owner: Owner, workers: int) -> None:
        self._scheduler = scheduler
        self._owner = owner
        self._idle = workers
        self._queue: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        job: Future[Any] = Future()
        self._queue.append((job, lambda: fn(*args, **kwargs)))
        self._next()
        return job

    def _next(self) -> None:
        if self._idle and self._queue and not self._owner.is_dead:
            self._idle -= 1
            self._scheduler.spawn(self._owner, self._run)

    def _run(self) -> None:
        while self._queue:
            job, call = self._queue.popleft()
            if not job.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except Killed:
                raise
            except BaseException as error:  # noqa: BLE001 - as a real executor does
                job.set_exception(error)
            else:
                job.set_result(result)
        self._idle += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        assert not wait
        if cancel_futures:
            for job, _ in self._queue:
                job.cancel()


def wait_for(scheduler: Scheduler, jobs: Sequence[Future[Any]]) -> None:
    """concurrent.futures.wait among strands."""
    while not all(job.done() for job in jobs):
        scheduler.give_way(scheduler.now_s + 0.01)


class SimulatedLoop:
    """An event loop in a strand, in virtual time: what asyncio and mode need of one, and no more."""

    def __init__(self, scheduler: Scheduler, owner: Owner) -> None:
        self._scheduler = scheduler
        self._owner = owner
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._strand: Strand | None = None
        #: asyncio is told that it is a loop of its own kind.
        self._self: Any = self

    def start(self, main: Callable[[], Any], ended: Callable[[], None]) -> None:
        """Run a coroutine to its end, then call `ended`."""

        def run() -> None:
            task = self.create_task(main())
            while True:
                self._turn()
                if task.done():
                    break
                if not self._ready:
                    self._scheduler.give_way(self._timers[0][0] if self._timers else math.inf)
            ended()

        self._strand = self._scheduler.spawn(self._owner, run, self)

    def _turn(self) -> None:
        now = self._scheduler.now_s
        while self._timers and self._timers[0][0] <= now:
            self._ready.append(heapq.heappop(self._timers)[2])
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
            if self._owner.is_dead:
                raise Killed

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._self, context)
        self._ready.append(handle)
        if self._strand is not None:
            self._strand.wake_s = 0.0
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def time(self) -> float:
        return self._scheduler.now_s

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._self)

    def create_task(self, coro: Any, *, name: str | None = None) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self._self, name=name)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        return asyncio.wrap_future(executor.submit(func, *args), loop=self._self)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        del handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Of tasks that a killed process leaves behind there is nothing to say."""
