"""What the engine runs beside itself: real threads, or what a test puts in their place to choose who runs next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any


@dataclass(frozen=True)
class Threads:
    """Makes executors (of so many threads, with a name) and events, and waits for jobs. Never used for a lock."""

    executor: Callable[[int, str], Executor] = ThreadPoolExecutor
    event: Callable[[], Event] = Event
    wait: Callable[[Sequence[Future[Any]]], object] = wait
    #: How long the calling thread has worked, in seconds: what it had to wait for a processor does not count.
    worked_s: Callable[[], float] = time.thread_time
