"""How a process ends although Kafka does not answer: its clients wait in C, where no signal reaches them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")

LEFT_OPEN: Final = (
    "told to stop in the middle of a unit of work, and Kafka does not answer: whether it was committed, only Kafka "
    "knows. The next start asks, and goes on from there; nothing is lost or done twice"
)

_FAREWELL_S: Final = 2.0
_FAREWELLS: Final = 3


def end_process(status: int) -> NoReturn:
    """End now, with everything written that was logged.

    The interpreter would wait for every thread of a pool, and one that asks a broker that is away returns when its
    question has timed out: up to half a minute for an answer that nobody wants any more. What must be closed in order
    is closed before this is called.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def interruptibly(call: Callable[[], T]) -> T:
    """The call's result. For the main thread: what a signal's handler raises ends the waiting, not the call.

    Handlers run between two steps of Python; within a call to Kafka there is none. Waiting for a thread has some.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 -- it is raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="question", daemon=True).start()
    return done.result()


async def within(timeout_s: float | None, step: Awaitable[Any]) -> bool:
    """Whether the step ended in time. One that did not goes on by itself, and nobody hears of it."""
    try:
        await asyncio.wait_for(step, timeout_s)
    except TimeoutError:
        return False
    return True


async def left(leaving: Awaitable[Any], holds_stores: Callable[[], bool]) -> bool:
    """Whether the group has answered a farewell in time. The stores, which are closed in it, are waited for longer.

    ``leaving`` goes on by itself if it has not.
    """
    going = asyncio.ensure_future(leaving)
    for _ in range(_FAREWELLS):
        if await within(_FAREWELL_S, asyncio.shield(going)):
            return True
        if not holds_stores():
            return False
    return False
