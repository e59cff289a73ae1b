"""The last resort: a process that should have ended and has not is ended hard, its threads' stacks on stderr."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable

#: The exit status of a process that had to be ended hard (EX_SOFTWARE of sysexits.h).
EXIT_HARD = 70

_LOOK_EVERY_S = 1.0


class Turns:
    """Counts looks at which the loop's last turn was the same one.

    Looks, not seconds: a process that was stopped for an hour has not stalled.
    """

    def __init__(self, last_turn: Callable[[], object]) -> None:
        self._last_turn = last_turn
        self._seen = last_turn()
        self._same = 0

    def look(self) -> int:
        """How many looks in a row have found the same turn."""
        now = self._last_turn()
        self._same, self._seen = (self._same + 1 if now == self._seen else 0), now
        return self._same


class Watchdog:
    """Once armed, ends the process after a time, whatever hangs. It cannot be disarmed."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def watch(self, last_turn: Callable[[], object], most: int) -> None:
        """End the process when `last_turn` says the same in so many looks, a second apart.

        For what holds the event loop, an agent that computes for ever: nothing else runs then.
        """
        threading.Thread(target=_watch, args=(Turns(last_turn), most), name="watchdog", daemon=True).start()

    def arm(self, timeout_s: float, why: str) -> None:
        """End the process in `timeout_s` seconds. The first arming counts: a later reason does not extend it."""
        if self._timer is None:
            self._timer = threading.Timer(timeout_s, _end, (why,))
            self._timer.daemon = True
            self._timer.start()


def _watch(turns: Turns, most: int) -> None:
    pause = threading.Event()
    while turns.look() < most:
        pause.wait(_LOOK_EVERY_S)
    _end(f"no unit of work has ended for {most * _LOOK_EVERY_S:.0f} s: an agent or a call does not return")


def _end(why: str) -> None:
    print(f"the process did not end by itself ({why}): ending it hard", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_HARD)
