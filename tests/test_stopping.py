"""A worker that is told to stop ends in time and well, whatever the broker does or does not do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.pipeline.installation import Installation, installed

_WITHIN_S: Final = 60.0
_BEFORE_IT_TIMES_OUT_S: Final = 20.0
_ADDRESS: Final = "metrics and status at "


class Worker:
    """A worker process and what it says."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"], env=environment, stdout=output, stderr=output
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def readiness(self) -> dict[str, Any]:
        """What /ready says; nothing if it does not answer yet."""
        address = self.said.rpartition(_ADDRESS)[2].split()
        if _ADDRESS not in self.said or not address:
            return {}
        try:
            answer = urllib.request.urlopen(f"{address[0]}/ready", timeout=10)  # noqa: S310 -- our own server
        except urllib.error.HTTPError as refused:
            answer = refused
        told: dict[str, Any] = json.loads(answer.read())
        return told

    def wait(self, until: Callable[[dict[str, Any]], bool]) -> None:
        """Until /ready says something of that kind."""
        give_up_s = time.monotonic() + _WITHIN_S
        while not (told := self.readiness()) or not until(told):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < give_up_s, (told, self.said)
            time.sleep(0.1)

    def stop(self, within_s: float = _WITHIN_S) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@contextmanager
def started(environment: dict[str, str], log: Path) -> Iterator[Worker]:
    """A worker that does not outlive the block."""
    worker = Worker(environment, log)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def test_a_worker_that_waits_for_its_first_answer_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """The broker takes connections and says nothing: the question that it was asked waits for half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as broker:
        environment = {
            **os.environ,
            "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.getsockname()[1]}",
            "PAYSTATE_DATA_DIR": str(tmp_path),
            "PAYSTATE_ACCOUNT_HASH_KEY": "a key of thirty-two characters or more",
        }
        with started(environment, tmp_path / "worker.log") as worker:
            broker.settimeout(_WITHIN_S)
            connection, _ = broker.accept()
            with connection:
                assert worker.stop(within_s=_BEFORE_IT_TIMES_OUT_S) == 0, worker.said


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


@pytest.mark.kafka
def test_a_worker_whose_broker_has_stopped_says_so_and_ends_well_when_it_is_told_to(
    installation: Installation, tmp_path: Path
) -> None:
    """Connections stay, answers do not come: every question that is asked now waits for its time-out."""
    broker = installation.broker.status()
    assert broker is not None
    with started(dict(installation.environment), tmp_path / "worker.log") as worker:
        worker.wait(lambda told: told["ok"])
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            # What it waits for when the broker stops is not ours to say: the end of a unit, or nothing.
            words = ("no broker has answered for", "Kafka has not ended their transaction", "returned from a poll")
            worker.wait(lambda told: any(each in told["reason"] for each in words))
            status = worker.stop()
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        last = worker.said.splitlines()[-1]
        assert "ending it hard" not in worker.said
        ends = {0: "the worker ends as it was told to: status 0", 1: "told to stop in the middle of a unit of work"}
        assert ends[status] in last, worker.said
