"""What fuzzing looks for in one input, and how a finding is made small and kept."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from tests.fuzz.promises import check
from tests.fuzz.seeds import HERE, REGRESSIONS

MOST_CPU_S: Final = 10.0
"""For one input, all promises checked."""
_MINIMISING_S: Final = 20.0
_SHOWN: Final = 200


class TooSlowError(Exception):
    """One input took more CPU time than any may."""


def failure(format_: str, data: bytes) -> str | None:
    """The promise that ``data`` breaks, in few words, or None. Only in the main thread: it sets a timer."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
    try:
        check(format_, data)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what we look for
        return f"{type(error).__name__} at {_place(error)}: {str(error)[:_SHOWN]}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlowError(f"over {MOST_CPU_S} s of CPU time")


def _place(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at is not None else "?"


def smallest(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """``data`` with everything left out that is not needed to fail, as far as that can be found in bounded time."""
    until = time.monotonic() + _MINIMISING_S
    size = max(1, len(data) // 2)
    while size:
        at = 0
        while at < len(data) and time.monotonic() < until:
            without = data[:at] + data[at + size :]
            if fails(without):
                data = without
            else:
                at += size
        size //= 2
    return data


def keep(format_: str, data: bytes) -> str | None:
    """Write a finding down: the promise that it breaks and its file; None if it keeps all (nothing is written)."""
    found = failure(format_, data)
    if found is None:
        return None
    kind = found.partition(": ")[0]
    small = smallest(data, lambda tried: (failure(format_, tried) or "").startswith(kind))
    path = REGRESSIONS / format_ / hashlib.sha256(small).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(small)
    return f"{failure(format_, small)}\n  {path.relative_to(HERE.parent.parent)}"
