"""An event loop in a strand, in virtual time. It runs a callback to its end before it gives way."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from .strands import Killed, Owner, Scheduler, Strand


class Turn:
    """A callback that is to be run: asyncio.Handle without its traces, of which nobody reads any here."""

    __slots__ = ("_args", "_callback", "_context", "is_cancelled")

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> None:
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def run(self) -> None:
        """An exception is its callback's own, as in asyncio."""
        with suppress(Exception, asyncio.CancelledError):
            self._context.run(self._callback, *self._args)


class SimulatedLoop:
    """An event loop in a strand, in virtual time: what asyncio and mode need of one, and no more."""

    def __init__(self, scheduler: Scheduler, owner: Owner) -> None:
        self._scheduler = scheduler
        self._owner = owner
        self._ready: deque[Turn] = deque()
        self._timers: list[tuple[float, int, Turn]] = []
        self._numbers = itertools.count()
        self._strand: Strand | None = None
        self._tasks: list[asyncio.Task[Any]] = []
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
        while self._timers and self._timers[0][2].is_cancelled:
            heapq.heappop(self._timers)
        for _ in range(len(self._ready)):
            turn = self._ready.popleft()
            if not turn.is_cancelled:
                turn.run()
            if self._owner.is_dead:
                raise Killed

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Turn:
        turn = Turn(callback, args, context)
        self._ready.append(turn)
        if self._strand is not None:
            self._strand.wake_s = 0.0
        return turn

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Turn:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Turn:
        turn = Turn(callback, args, context)
        heapq.heappush(self._timers, (when, next(self._numbers), turn))
        return turn

    def time(self) -> float:
        return self._scheduler.now_s

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._self)

    def create_task(self, coro: Any, *, name: str | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self._self, name=name)
        self._tasks.append(task)
        return task

    def close(self) -> None:
        """Its process has ended: unwind what its tasks were at, now and not whenever somebody collects garbage.

        A task that was never run has a coroutine that nobody awaited, and says so when it goes.
        """
        self._ready.clear()
        self._timers.clear()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            if not task.done():
                coroutine: Any = task.get_coro()
                coroutine.close()
        self._ready.clear()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """As asyncio does it, with one turn of the loop between the job's end and its news."""
        future, job = self.create_future(), executor.submit(func, *args)

        def settle() -> None:
            if future.done():
                return
            if job.cancelled():
                future.cancel()
            elif (error := job.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(job.result())

        job.add_done_callback(lambda _: self.call_soon(settle))
        future.add_done_callback(lambda settled: settled.cancelled() and job.cancel())
        return future

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Of tasks that a killed process leaves behind there is nothing to say."""
