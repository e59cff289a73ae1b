"""``paystate simulate``, a worker and ``paystate verify`` on a broker of their own, from the outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.codec import codec
from streams.broker.embedded import EmbeddedBroker
from streams.domain.state import State
from streams.verify.contracts import STATE
from streams.verify.read import KafkaLog

pytestmark = pytest.mark.kafka

PAYMENTS = 60
STOP_WITHIN_S = 60


class Installation:
    """One data folder, its broker, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PAYSTATE_DATA_DIR": str(folder),
            "PAYSTATE_PARTITIONS": "2",
            "PAYSTATE_WEB_PORT": "0",
        }
        self.environment.pop("PAYSTATE_KAFKA__BOOTSTRAP_SERVERS", None)
        self.servers = EmbeddedBroker(folder / "broker").start().bootstrap_servers

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(*arguments), env=self.environment, capture_output=True, text=True)

    def start_worker(self) -> subprocess.Popen[bytes]:
        with (self.folder / "worker.log").open("wb") as log:
            return subprocess.Popen(self._command("worker"), env=self.environment, stdout=log, stderr=log)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    try:
        yield Installation(folder)
    finally:
        EmbeddedBroker(folder / "broker").stop()


@pytest.fixture(scope="module")
def said(installation: Installation) -> dict[str, Any]:
    """The summary of ``paystate simulate``."""
    done = installation.run("simulate", "--payments", str(PAYMENTS), "--seed", "3", "--json")
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


@pytest.fixture(scope="module")
def early(installation: Installation, said: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """``paystate verify`` before any worker has run."""
    assert said["payments"] == PAYMENTS
    return installation.run("verify", "--json")


@pytest.fixture(scope="module")
def report(installation: Installation, early: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """``paystate verify --wait`` with a worker running; the worker is gone afterwards."""
    assert early.returncode == 1
    worker = installation.start_worker()
    try:
        done = installation.run("verify", "--wait", "--within", "120", "--json")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(STOP_WITHIN_S)
    assert done.stdout, done.stderr + (installation.folder / "worker.log").read_text(errors="replace")[-2_000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"status": done.returncode}


def test_simulate_says_what_it_published_and_keeps_the_truth(said: dict[str, Any]) -> None:
    truth = json.loads(Path(said["truth"]).read_text())
    assert len(truth["payments"]) == PAYMENTS == sum(said["expected"]["statuses"].values())
    assert said["records"] > said["bodies"] > PAYMENTS


def test_before_the_workers_have_taken_everything_verify_fails_and_says_so(
    early: subprocess.CompletedProcess[str], said: dict[str, Any]
) -> None:
    found = json.loads(early.stdout)
    assert (early.returncode, found["ok"]) == (1, False)
    assert found["lag"] >= said["records"] == found["inputs"]


def test_a_pipeline_at_rest_has_only_zeros(report: dict[str, Any], said: dict[str, Any]) -> None:
    assert report["findings"] == []
    assert (report["status"], report["ok"], report["lag"]) == (0, True, 0)
    assert report["inputs"] == said["records"]
    assert report["payments"] == PAYMENTS
    names = ("lost", "repeated", "reordered", "wrong_state", "store_mismatch")
    assert [report[name] for name in names] == [0] * len(names)


def test_every_payment_ended_as_the_truth_says(
    installation: Installation, report: dict[str, Any], said: dict[str, Any]
) -> None:
    assert report["ok"]
    truth = json.loads(Path(said["truth"]).read_text())["payments"]
    found = {state.correlation_id: state.status.value for state in _states(installation).values()}
    assert found == {name: row["status"] for name, row in truth.items()}


def test_the_stores_of_a_worker_that_has_stopped_are_compared(
    installation: Installation, report: dict[str, Any]
) -> None:
    assert report["ok"]
    found = json.loads(installation.run("verify", "--json").stdout)
    assert (found["stores"], found["store_mismatch"]) == (2, 0)
    assert found["store_rows"] > PAYMENTS


def test_a_state_that_somebody_forged_is_found(installation: Installation, report: dict[str, Any]) -> None:
    assert report["ok"]
    name, state = next((name, state) for name, state in _states(installation).items() if state.settled is not None)
    assert state.settled is not None
    forged = replace(state, settled=replace(state.settled, minor=state.settled.minor + 1))
    producer = Producer({"bootstrap.servers": installation.servers, "partitioner": "murmur2_random"})
    producer.produce(STATE, codec(STATE, State).encode(forged), name.encode())
    producer.flush()
    done = installation.run("verify")
    assert done.returncode == 1
    assert f"{name}: settled" in done.stdout
    assert "wrong_state" in done.stdout


def _states(installation: Installation) -> dict[str, State]:
    decode = codec(STATE, State).decode
    with KafkaLog({"bootstrap.servers": installation.servers}, 1, [STATE]) as log:
        return {row.key.decode(): decode(row.value) for row in log.rows(STATE) if row.key and row.value}
