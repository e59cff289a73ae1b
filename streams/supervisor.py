"""Keeps one process running: started again when it fails, told to end when we are."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
#: A process that lived this long has recovered: the next failure is a new one.
HEALTHY_AFTER_S: Final = 60.0
#: EX_CONFIG of sysexits.h: the process says that starting it again cannot help.
NEVER_AGAIN: Final = 78
_KILLED_BY: Final = 128


def supervised(command: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Run ``command`` until it ends with status 0 or 78, or we are told to stop; returns its last exit status.

    SIGTERM and SIGINT are handed on; between two runs they end the pause, and nothing is started again. A process that
    the signal we hand on kills was still loading: it ends as it was told to, with status 0. Killed by another, it has
    status 128 and the signal's number, as in a shell. Pauses between failures grow from half a second to half a minute.
    """
    supervisor = _Supervisor(command, pause)
    handlers = {number: signal.signal(number, supervisor.hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return supervisor.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _ToldToStop(BaseException):
    """Ends a pause. No error: whoever catches errors must not keep it."""


class _Supervisor:
    def __init__(self, command: Sequence[str], pause: Callable[[float], None]) -> None:
        self._command = command
        self._pause = pause
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: int | None = None
        self._pausing = False

    def hand_on(self, number: int, _frame: FrameType | None) -> None:
        """The handler of the signals that tell us to stop."""
        self._stopping = number
        if self._pausing:
            self._pausing = False  # once: a second signal has nothing to end any more
            raise _ToldToStop
        if self._process is not None:
            self._process.send_signal(number)

    def run(self) -> int:
        """Until it ends well or we are told to stop."""
        pause_s = FIRST_PAUSE_S
        while True:
            started_s = time.monotonic()
            status = self._run_once()
            if status in (0, NEVER_AGAIN) or self._stopping is not None:
                return self._as_told(status)
            if time.monotonic() - started_s > HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            log.warning("the worker ended with status %d: it is started again in %.1f s", status, pause_s)
            if self._told_while_pausing(pause_s):
                return _status(status)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _run_once(self) -> int:
        self._process = subprocess.Popen(self._command, start_new_session=True)  # noqa: S603 -- our own command
        if self._stopping is not None:  # told while it was being started, when there was nobody to hand it on to
            self._process.send_signal(self._stopping)
        return self._process.wait()

    def _as_told(self, status: int) -> int:
        """A worker knows from its start on what to do about the signal; what the signal kills is still loading."""
        return 0 if self._stopping is not None and status == -self._stopping else _status(status)

    def _told_while_pausing(self, pause_s: float) -> bool:
        try:
            self._pausing = True
            self._pause(pause_s)
            self._pausing = False
        except _ToldToStop:
            return True
        return self._stopping is not None


def _status(returned: int) -> int:
    """What a process can end with: a negative status means a signal, and would come out as 256 less it."""
    return returned if returned >= 0 else _KILLED_BY - returned
