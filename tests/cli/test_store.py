"""`paystate store`: what is wrong with a store is said, whoever holds it is named, and it can be made anew at will."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.app import engine_settings
from streams.cli.main import build
from streams.domain.facts import Approval
from streams.engine import EngineSettings, partition_of
from streams.engine.store import Stores
from streams.settings import load
from tests.conftest import Kafka
from tests.generation import PARTITIONS, Generation, example, new_generation

pytestmark = pytest.mark.kafka

PAYMENTS = 300
WORKER = "keeper"
#: The partition whose store is harmed.
HARMED = 1


def command(*arguments: str) -> Result:
    return CliRunner().invoke(build(arguments), list(arguments))


def checked(*options: str) -> tuple[int, dict[int, dict[str, Any]]]:
    """Exit status, and what is said of each partition's store."""
    result = command("store", "check", "--json", *options)
    assert result.stdout, result.exception
    return result.exit_code, {row["partition"]: row for row in json.loads(result.stdout)["stores"]}


@contextmanager
def worker(generation: Generation, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has taken all that came in; stopped in order at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "worker"],
            env={**os.environ, **generation.environment, "PAYSTATE_INSTANCE": WORKER},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 90
        while log.read_text(errors="replace").count("is active") < PARTITIONS:
            assert process.poll() is None, log.read_text(errors="replace")[-3_000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3_000:]
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0, log.read_text(errors="replace")[-3_000:]


@pytest.fixture
def generation(kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generation:
    made = new_generation(kafka.bootstrap_servers, tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    approval = example("payments.approvals.v1", Approval)
    for number in range(PAYMENTS):
        key = f"kept-{number:04d}"
        fact = replace(approval, correlation_id=key, event_id=f"{number:032x}")
        topic = made.topics.approvals
        made.producer.produce(
            topic.kafka_name, topic.encode(fact), key.encode(), partition_of(key.encode(), PARTITIONS)
        )
    assert made.producer.flush(30) == 0
    return made


@pytest.fixture
def stores(generation: Generation) -> Stores:
    settings: EngineSettings = engine_settings(load(), generation.client, WORKER)
    return Stores(settings)


def flip_a_bit(stores: Stores, partition: int) -> None:
    (table,) = stores.path(partition).glob("*.sst")
    data = bytearray(table.read_bytes())
    data[len(data) // 3] ^= 1
    table.write_bytes(data)


def test_a_store_is_checked_when_its_worker_has_stopped_and_made_anew_when_it_is_damaged(
    generation: Generation, stores: Stores, tmp_path: Path
) -> None:
    assert command("store", "check").output.startswith("no worker has kept a store here yet")
    assert command("store", "rebuild", "0").exit_code == 1

    with worker(generation, tmp_path / "first.log") as process:
        assert command("verify", "--wait", "--json").stdout
        status, found = checked()
        assert (status, {row["held_by"] for row in found.values()}) == (0, {process.pid})
        held = command("store", "rebuild", str(HARMED))
        assert f"process {process.pid} has it open" in held.output

    status, found = checked()
    assert status == 1
    assert {partition for partition, row in found.items() if row["wrong"]} == {HARMED}
    assert "paystate store rebuild" in found[HARMED]["wrong"]

    rebuilt = command("store", "rebuild", str(HARMED), "--json")
    assert rebuilt.exit_code == 0, rebuilt.exception
    assert json.loads(rebuilt.stdout)["stores"][0]["records"] > 0
    status, found = checked("--deep")
    assert (status, sorted(found)) == (0, list(range(PARTITIONS)))
    assert sum(row["rows"] for row in found.values()) >= PAYMENTS

    flip_a_bit(stores, HARMED)
    status, found = checked()
    assert status == 1
    assert "checksum" in found[HARMED]["wrong"]
    assert command("store", "rebuild", str(HARMED), "--worker", WORKER).exit_code == 0

    store = stores.open(HARMED)
    store.write([(b"payments\x00ghost", b"a row that nobody published")], {}, store.as_of_ms() or 0)
    store.close()
    assert checked()[0] == 0
    status, found = checked("--deep")
    assert status == 1
    assert "ghost" in found[HARMED]["wrong"]
