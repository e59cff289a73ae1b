"""Told to end, by SIGTERM or Ctrl-C: at once where nothing is half done, else as soon as it is done."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StoppedError(BaseException):
    """Told to stop. Not an Exception: whoever handles errors of files must not take it for one."""


class Stop:
    """Whether to end. Taking a file in may be broken off anywhere, as by kill -9; moving it may not."""

    def __init__(self) -> None:
        self.requested = False
        self._breakable = False

    def request(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End, and break off what may be broken off. Raises StoppedError there."""
        self.requested = True
        if self._breakable:
            self._breakable = False  # a second signal lets what is unwinding unwind
            raise StoppedError

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """What is in this block is given up when the end is requested. Raises StoppedError."""
        self._breakable = True
        try:
            if self.requested:
                raise StoppedError
            yield
        finally:
            self._breakable = False

    def pause(self, seconds: float) -> None:
        """Do nothing for so long. Raises StoppedError."""
        with self.breakable():
            time.sleep(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT request the end while the block runs, and end it quietly."""
        before = {number: signal.signal(number, self.request) for number in _SIGNALS}
        try:
            yield
        except StoppedError:
            return
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
