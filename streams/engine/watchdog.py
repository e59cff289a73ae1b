"""The last resort: a process that should have ended and has not is ended hard, its threads' stacks on stderr."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading

#: The exit status of a process that had to be ended hard (EX_SOFTWARE of sysexits.h).
EXIT_HARD = 70


class Watchdog:
    """Once armed, ends the process after a time, whatever hangs. It cannot be disarmed."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def arm(self, timeout_s: float, why: str) -> None:
        """End the process in `timeout_s` seconds. The first arming counts: a later reason does not extend it."""
        if self._timer is None:
            self._timer = threading.Timer(timeout_s, _end, (why,))
            self._timer.daemon = True
            self._timer.start()


def _end(why: str) -> None:
    print(f"the process did not end by itself ({why}): ending it hard", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_HARD)
