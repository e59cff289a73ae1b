"""A supervised process is started again when it fails, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from streams.supervisor import FIRST_PAUSE_S, supervised

FAILS_UNTIL = """
import pathlib, sys
runs = pathlib.Path(sys.argv[1])
count = int(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text(str(count))
sys.exit(0 if count == int(sys.argv[2]) else 3)
"""
WAITS = """
import pathlib, signal, sys, threading
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
pathlib.Path(sys.argv[1]).touch()
threading.Event().wait()
"""


def test_a_failed_process_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    pauses: list[float] = []
    status = supervised([sys.executable, "-c", FAILS_UNTIL, str(tmp_path / "runs"), "4"], pauses.append)
    assert status == 0
    assert (tmp_path / "runs").read_text() == "4"
    assert pauses == [FIRST_PAUSE_S, FIRST_PAUSE_S * 2, FIRST_PAUSE_S * 4]


def test_a_process_that_says_that_a_restart_cannot_help_is_not_started_again() -> None:
    pauses: list[float] = []
    assert supervised([sys.executable, "-c", "raise SystemExit(78)"], pauses.append) == 78
    assert pauses == []


def test_sigterm_is_handed_on_and_nothing_is_started_again(tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    def stop_when_ready() -> None:
        while not ready.exists():
            os.sched_yield()
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop_when_ready)
    stopper.start()
    status = supervised([sys.executable, "-c", WAITS, str(ready)], lambda _: None)
    stopper.join()
    assert status == 5


STILL_LOADING = """
import os, pathlib, signal, sys, threading
if len(sys.argv) > 2:
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
pathlib.Path(sys.argv[1]).touch()
threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("dies", "status"), [([], 0), (["by another"], 128 + signal.SIGKILL)], ids=["by ours", "by another"]
)
def test_what_a_signal_kills_ends_with_a_status_that_a_process_can_have(
    tmp_path: Path, dies: list[str], status: int
) -> None:
    """Told to stop before it knows what to do about it, it has done nothing yet: that is an end as told."""
    ready = tmp_path / "ready"

    def stop_when_ready() -> None:
        while not ready.exists():
            os.sched_yield()
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop_when_ready)
    stopper.start()
    assert supervised([sys.executable, "-c", STILL_LOADING, str(ready), *dies], lambda _: None) == status
    stopper.join()


def test_sigterm_between_two_runs_ends_the_pause_and_nothing_is_started_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    pauses: list[float] = []

    def told_to_stop(pause_s: float) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        pauses.append(pause_s)  # not reached: the signal has ended the pause

    status = supervised([sys.executable, "-c", FAILS_UNTIL, str(runs), "9"], told_to_stop)
    assert (status, runs.read_text(), pauses) == (3, "1", [])
