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


def supervised(command: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Run ``command`` until it ends with status 0 or we are told to stop; returns its last exit status.

    SIGTERM and SIGINT are handed on. Pauses between failures grow from half a second to half a minute.
    """
    stopping = False
    process: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if process is not None:
            process.send_signal(number)

    handlers = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    pause_s = FIRST_PAUSE_S
    try:
        while True:
            started_s = time.monotonic()
            process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- our own command
            status = process.wait()
            if status == 0 or stopping:
                return status
            if time.monotonic() - started_s > HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            log.warning("the worker ended with status %d: it is started again in %.1f s", status, pause_s)
            pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
