"""A cluster as a user has it: commands run in this process, a worker in one of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner, Result

from streams.cli.main import build
from streams.cluster import Cluster
from streams.lookup.log import CommittedLog
from streams.lookup.pipeline import input_topics, look
from streams.settings import Settings
from tests.conftest import Kafka
from tests.generation import SAMPLES, Generation, new_generation

Run = Callable[..., Result]
_WITHIN_S = 120.0


@pytest.fixture(scope="session")
def generation(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Generation:
    """What is on raw already was written by other tests: this generation's group begins after it."""
    made = new_generation(kafka.bootstrap_servers, tmp_path_factory.mktemp("cli"))
    log, admin = CommittedLog(made.client), AdminClient(made.client)
    ends = log.ends(log.places(made.topics.raw.kafka_name))
    offsets = [TopicPartition(*place, end) for place, end in ends.items()]
    for answer in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(made.group, offsets)]).values():
        answer.result(30)
    return made


@pytest.fixture
def run(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("show", ID)``: the command's output and exit status; terminal width of a wide window."""
    for name, value in {**generation.environment, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str | Path) -> Result:
        given = [str(argument) for argument in arguments]
        return CliRunner().invoke(build(given), given)

    return command


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real bank files; a comment makes their bytes, and so their hashes, this run's own."""
    folder, token = tmp_path_factory.mktemp("samples"), secrets.token_hex(8)
    for kind in ("pain001", "pain002", "camt054"):
        (folder / kind).mkdir()
        for path in sorted((SAMPLES / kind).iterdir()):
            (folder / kind / path.name).write_bytes(path.read_bytes() + f"\n<!-- {token} -->\n".encode())
    return folder


@pytest.fixture(scope="session")
def worker(generation: Generation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], None]]:
    """A running worker; call it to wait until it has taken everything that came in."""
    path = tmp_path_factory.mktemp("worker") / "log"
    with path.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "worker"],
            env={**os.environ, **generation.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    cluster, log = Cluster(Settings(), dict(generation.client)), CommittedLog(generation.client)

    def settled() -> None:
        deadline = time.monotonic() + _WITHIN_S
        while True:
            now = look(cluster, log, generation.group, input_topics(generation.topics))
            if now.members and not now.behind:
                return
            assert process.poll() is None, path.read_text(errors="replace")[-4_000:]
            assert time.monotonic() < deadline, f"{now}\n{path.read_text(errors='replace')[-4_000:]}"

    yield settled
    process.terminate()
    process.wait(60)
