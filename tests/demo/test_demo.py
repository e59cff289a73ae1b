"""The whole demo, small, as a command in a process of its own, on a broker of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.kafka

SECONDS = 280
DEMO = [sys.executable, "-m", "streams.cli", "demo", "--payments", "300", "--seed", "7"]


def environment(folder: Path) -> dict[str, str]:
    """Ours without settings of the run: the demo starts its own broker in the folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYSTATE_")}
    cache = {name: value for name, value in os.environ.items() if name == "PAYSTATE_CACHE_DIR"}
    return kept | cache | {"PAYSTATE_DATA_DIR": str(folder), "COLUMNS": "160"}


def left_running(folder: Path) -> list[str]:
    """Processes that work in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            speaks_of_it = str(folder) in " ".join([*process.cmdline(), *process.environ().values()])
            if speaks_of_it and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[-200:])
        except psutil.Error:
            continue
    return found


def test_a_run_with_two_kills_ends_in_zeros_and_leaves_nothing_running(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    done = subprocess.run(
        [*DEMO, "--kill", "--json", str(summary)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(summary.read_text(encoding="utf-8"))
    assert said["ok"]
    assert said["payments"] == said["expected"]["payments"] == 315
    assert said["statuses"] == said["expected"]["statuses"]
    assert [said[fault] for fault in ("lost", "repeated", "reordered", "wrong_state", "store_mismatch")] == [0] * 5
    assert said["duplicates"]["found"] > 0
    for what in ("duplicates", "late", "orphans"):
        assert (said[what]["missed"], said[what]["false"]) == (0, 0)
    assert said["late"]["found"] >= 5  # four answered late and one never, whatever else the machine made late
    assert said["orphans"]["found"] >= 4  # three words about strangers, one whose payment was known late
    assert said["transitions"] > said["payments"]
    assert 0 < said["latency"]["p50_ms"] <= said["latency"]["p99_ms"]
    assert said["events_per_s"] > 0
    assert said["killed"] == 2
    assert said["stores"] >= 4
    assert "one payment, known by five names" in done.stdout
    assert "what a downstream consumer decodes: payments.state.v1" in done.stdout
    assert "PAY-2020-0131" in done.stdout
    assert "after the deadline" in done.stdout
    assert left_running(tmp_path) == []


def test_a_demo_that_is_told_to_stop_leaves_nothing_running(tmp_path: Path) -> None:
    with (tmp_path / "said.txt").open("wb") as said:
        demo = subprocess.Popen(DEMO, env=environment(tmp_path), stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + SECONDS / 2
        while not (tmp_path / "demo" / "demo-2.log").exists():
            assert demo.poll() is None, (tmp_path / "said.txt").read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "no worker was started"
            time.sleep(0.05)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(SECONDS / 2) == 128 + signal.SIGTERM
    finally:
        demo.kill()
        demo.wait()
    assert left_running(tmp_path) == []
