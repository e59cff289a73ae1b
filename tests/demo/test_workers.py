"""Workers under supervision, and those that an earlier demo left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from streams.demo import workers as module
from streams.demo.errors import DemoError
from streams.demo.workers import Workers, stop_left_over, told_to_stop_later

UNUSABLE = {"PAYSTATE_NO_SUCH_SETTING": "1"}
"""Ends a worker at once."""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with ExitStack() as opened:
        opened.callback(process.wait)
        opened.callback(process.kill)
        yield process


def note(folder: Path, pid: int, started_at: float) -> None:
    (folder / "workers.json").write_text(json.dumps({str(pid): started_at}), encoding="ascii")


def test_a_worker_that_was_left_running_is_stopped(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    note(tmp_path, sleeper.pid, psutil.Process(sleeper.pid).create_time())
    assert stop_left_over(tmp_path) == 1
    assert not psutil.pid_exists(sleeper.pid)


def test_a_process_that_only_has_its_number_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    note(tmp_path, sleeper.pid, psutil.Process(sleeper.pid).create_time() - 3600)
    assert stop_left_over(tmp_path) == 0
    assert sleeper.poll() is None


def test_nothing_is_stopped_where_nothing_was_left(tmp_path: Path) -> None:
    assert stop_left_over(tmp_path) == 0


def test_a_worker_that_ends_again_and_again_ends_the_demo_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_RESTARTS", 1)
    workers = Workers(UNUSABLE, tmp_path)
    workers.start("demo-1")
    psutil.Process(workers.pids["demo-1"]).wait(60)
    assert workers.supervise() == ["demo-1"]
    psutil.Process(workers.pids["demo-1"]).wait(60)
    with pytest.raises(DemoError, match="NO_SUCH_SETTING: no such setting"):
        workers.supervise()


def test_a_worker_that_was_killed_is_started_again_under_its_name_and_told_apart_from_those_that_ended(
    tmp_path: Path,
) -> None:
    workers = Workers(UNUSABLE, tmp_path)
    workers.start("demo-1")
    killed = workers.kill("demo-1")
    workers.revive("demo-1")
    assert workers.pids.keys() == {"demo-1"}
    assert workers.pids["demo-1"] != killed
    workers.stop()
    assert (workers.kills, workers.restarts) == (1, 0)


def test_an_address_is_what_the_newest_start_told(tmp_path: Path) -> None:
    workers = Workers(UNUSABLE, tmp_path)
    (tmp_path / "demo-1.log").write_text("metrics and status at http://127.0.0.1:1\n", encoding="ascii")
    workers.start("demo-1")
    assert workers.addresses == {}
    with (tmp_path / "demo-1.log").open("a", encoding="ascii") as log:
        log.write("metrics and status at http://127.0.0.1:2\n")
    assert workers.addresses == {"demo-1": "http://127.0.0.1:2"}
    workers.stop()


def test_who_is_told_to_stop_while_a_worker_starts_hears_it_once_the_worker_is_noted() -> None:
    heard: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("stop"))
    try:
        with told_to_stop_later():
            signal.raise_signal(signal.SIGTERM)
            heard.append("noted")
        assert heard == ["noted", "stop"]
    finally:
        signal.signal(signal.SIGTERM, before)
