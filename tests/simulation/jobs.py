"""Pools of strands and the jobs that they run: what concurrent.futures is among threads."""

# ruff: noqa: ARG002 -- the parameters are those of what it stands for

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from .strands import Killed, Owner, Scheduler


class Job(Future[Any]):
    """A future without locks, which cost more than most jobs: one strand runs at a time.

    Nobody waits for its result: it is asked for when the job is done.
    """

    def __init__(self) -> None:
        self._is_running = self._is_cancelled = self._is_done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._told: list[Callable[[Future[Any]], object]] = []

    def cancel(self) -> bool:
        if self._is_running or (self._is_done and not self._is_cancelled):
            return False
        self._is_cancelled = True
        self._end()
        return True

    def cancelled(self) -> bool:
        return self._is_cancelled

    def running(self) -> bool:
        return self._is_running

    def done(self) -> bool:
        return self._is_done

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        if self._is_done:
            fn(self)
        else:
            self._told.append(fn)

    def result(self, timeout: float | None = None) -> Any:
        if (error := self.exception()) is not None:
            raise error
        return self._value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        assert self._is_done, "nobody waits for a job here"
        if self._is_cancelled:
            raise CancelledError
        return self._error

    def set_running_or_notify_cancel(self) -> bool:
        self._is_running = not self._is_cancelled
        return self._is_running

    def set_result(self, result: Any) -> None:
        self._value = result
        self._end()

    def set_exception(self, exception: BaseException | None) -> None:
        self._error = exception
        self._end()

    def _end(self) -> None:
        if not self._is_done:
            self._is_running, self._is_done = False, True
            told, self._told = self._told, []
            for tell in told:
                tell(self)


class SimulatedExecutor(Executor):
    """A pool of `workers` strands."""

    def __init__(self, scheduler: Scheduler, owner: Owner, workers: int) -> None:
        self._scheduler = scheduler
        self._owner = owner
        self._idle = workers
        self._queue: deque[tuple[Job, Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Job:
        job = Job()
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
