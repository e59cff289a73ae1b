"""What is said of this machine's workers: running ones are asked, others have left their last word."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams.doctor.finding import Finding, Level
from streams.doctor.workers import workers_here
from streams.logbook import Logbook, entries
from tests.doctor.test_running import answering

WELL = {"ready": True, "reason": "", "release": "0.1.0", "form": {"writes": 1, "reads": 2}}
LEAVES = """
import sys, pathlib
from streams.logbook import Logbook
book = Logbook(pathlib.Path(sys.argv[1]), "w")
book.serves(sys.argv[2])
if len(sys.argv) > 3:
    book.ends(int(sys.argv[3]), sys.argv[4])
"""


def found_in(folder: Path, clock: float | None = None) -> Finding:
    (found,) = workers_here(folder, clock)
    return found


def a_worker_was_here(folder: Path, *last_word: str, address: str = "http://127.0.0.1:1") -> None:
    """A process that wrote its entry and is gone."""
    subprocess.run([sys.executable, "-c", LEAVES, str(folder), address, *last_word], check=True)


def running(folder: Path, status: dict[str, Any]) -> Finding:
    """A worker whose page says so; it is this process."""
    with answering(200, json.dumps(status).encode()) as port:
        Logbook(folder, "w").serves(f"http://127.0.0.1:{port}")
        return found_in(folder)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_worker_that_runs_says_what_it_writes(tmp_path: Path) -> None:
    found = running(tmp_path, WELL)
    assert (found.name, found.level) == ("worker w", Level.OK)
    assert "paystate 0.1.0, writes form 1: ready" in found.found


def test_one_that_is_not_ready_says_why_and_what_to_do(tmp_path: Path) -> None:
    reason = "ProducerFenced: the producer cannot go on"
    found = running(tmp_path, {**WELL, "ready": False, "reason": reason})
    assert found.level is Level.FAIL
    assert f"not ready: {reason}" in found.found
    assert "a second worker of that name" in found.advice


def test_one_that_is_stopped_is_called_a_zombie(tmp_path: Path) -> None:
    waits = [sys.executable, "-c", f"{LEAVES}\nsys.stdin.read()", str(tmp_path), "http://127.0.0.1:1"]
    child = subprocess.Popen(waits, stdin=subprocess.PIPE)
    try:
        while not (known := entries(tmp_path)) or not known[0].address:
            time.sleep(0.02)
        with stopped(child.pid):
            while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
                time.sleep(0.02)
            found = found_in(tmp_path)
        assert found.level is Level.FAIL
        assert f"process {child.pid} is stopped" in found.found
        assert f"kill -CONT {child.pid}" in found.advice
    finally:
        child.kill()
        child.communicate()


def test_one_that_does_not_answer_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.doctor.workers._ANSWERS_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        Logbook(tmp_path, "w").serves(f"http://127.0.0.1:{silent.getsockname()[1]}")
        found = found_in(tmp_path)
    assert found.level is Level.FAIL
    assert "does not answer" in found.found


def test_one_that_has_no_pages_yet_is_starting(tmp_path: Path) -> None:
    Logbook(tmp_path, "w").serves("")
    found = found_in(tmp_path)
    assert (found.level, "is starting" in found.found) == (Level.WARN, True)


def test_a_breaker_that_has_opened_is_told_by_what_the_worker_said_last(tmp_path: Path) -> None:
    a_worker_was_here(tmp_path, "1", "BreakerOpen: agent lifecycle: 120 of the last 200 keys would have dead letters")
    (entry,) = entries(tmp_path)
    found = found_in(tmp_path, entry.failures[-1].at_s + 40)
    assert found.level is Level.FAIL
    assert "does not run: 40 s ago with status 1: BreakerOpen: agent lifecycle" in found.found
    assert "PAYSTATE_ENGINE__BREAKER_PERCENT" in found.advice


def test_one_that_is_started_again_and_again_is_told_of_while_it_runs(tmp_path: Path) -> None:
    for _ in range(2):
        a_worker_was_here(tmp_path, "1", "BreakerOpen: too many")
    found = running(tmp_path, WELL)
    assert found.level is Level.WARN
    assert "ready, but it ended 2 times in the last 10 minutes" in found.found


def test_one_that_said_no_last_word_was_killed(tmp_path: Path) -> None:
    a_worker_was_here(tmp_path)
    found = found_in(tmp_path)
    assert (found.level, "said no last word" in found.found) == (Level.WARN, True)


def test_one_that_ended_as_told_or_long_ago_is_not_spoken_of(tmp_path: Path) -> None:
    a_worker_was_here(tmp_path, "0", "")
    assert list(workers_here(tmp_path)) == []
    a_worker_was_here(tmp_path, "1", "StoreError: no space left")
    assert "store folder" in found_in(tmp_path).advice
    assert list(workers_here(tmp_path, time.time() + 2 * 86_400)) == []


def test_an_entry_that_cannot_be_read_is_none_and_one_that_cannot_be_written_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "w.worker.json").write_bytes(b'{"name": 1')
    assert entries(tmp_path) == []
    Logbook(tmp_path / "nowhere", "w").serves("http://127.0.0.1:1")
    assert "will know less" in caplog.text
