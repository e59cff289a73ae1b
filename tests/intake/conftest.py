"""A line-by-line file format for tests of the intake, and eyes on the real topics that it writes to."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.contract import DEFAULT_PROFILE, BankProfile, Connector, FileEnd, ProviderRecord, ReaderOutput, Refusal
from connectors.intake.archive import Archive
from connectors.intake.ingest import Intake
from schemas.apply import apply
from schemas.codec import codec
from schemas.records import FileEntry, Raw
from streams.domain.state import Alert
from tests.conftest import Kafka
from tests.generation import PARTITIONS

KINDS: dict[str, Any] = {"payments.raw.v1": Raw, "payments.files.v1": FileEntry, "payments.alerts.v1": Alert}


def _read_lines(stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """``LINES <message id>``, then one record a line, then ``END <count>``."""
    message_id = stream.readline().decode().split()[1]
    for number in itertools.count():
        line = stream.readline().decode().strip()
        if line.startswith("END "):
            yield _last_word(message_id, number, int(line[4:]))
            return
        if not line:
            yield Refusal("truncated", f"line {number + 2}", "END", "end of file", "lines", message_id)
            return
        yield ProviderRecord("line", f"line {number + 2}", {"text": line})


def _last_word(message_id: str, found: int, declared: int) -> FileEnd | Refusal:
    if found == declared:
        return FileEnd("lines", message_id, "TESTBANK", found, declared)
    return Refusal("count_mismatch", "END", f"{declared} records", f"{found}", "lines", message_id)


class LineFormats:
    """Knows one format, and the profiles "default" and "lenient"."""

    def connector(self, format_: str, head: bytes) -> Connector | Refusal:  # noqa: ARG002 -- Formats names it
        if head.startswith(b"LINES "):
            return Connector("lines", lambda _: True, _read_lines, lambda *_: ())
        return Refusal("unknown_format", "first bytes", "LINES", repr(head[:8]))

    def profile(self, name: str) -> BankProfile | Refusal:
        return DEFAULT_PROFILE if name == "default" else BankProfile(name)


def lines(count: int, message_id: str, declared: int | None = None) -> bytes:
    """A file of that many records."""
    body = "".join(f"record {number} of {message_id}\n" for number in range(count))
    return f"LINES {message_id}\n{body}END {count if declared is None else declared}\n".encode()


@dataclass(frozen=True)
class Log:
    """What readers of committed records see of the three topics."""

    config: dict[str, str]

    def records(self, topic: str, key: str) -> list[Any]:
        """The decoded values under one key, in order."""
        return [codec(topic, KINDS[topic]).decode(value) for value in self._values(topic, key)]

    def _values(self, topic: str, key: str) -> Iterator[bytes]:
        settings = {"group.id": "look", "isolation.level": "read_committed", "enable.partition.eof": True}
        consumer = Consumer({**self.config, **settings})
        try:
            open_partitions = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
            consumer.assign([TopicPartition(topic, number, 0) for number in open_partitions])
            while open_partitions:
                message = consumer.poll(10)
                assert message is not None, "the log did not answer"
                error = message.error()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF
                    open_partitions.discard(message.partition())
                elif message.key() == key.encode():
                    yield message.value()
        finally:
            consumer.close()


@pytest.fixture(scope="session")
def config(kafka: Kafka) -> dict[str, str]:
    """Client settings of a broker that has the topics of the contracts."""
    settings = {"bootstrap.servers": kafka.bootstrap_servers}
    apply(AdminClient(settings), PARTITIONS)
    return settings


@pytest.fixture
def log(config: dict[str, str]) -> Log:
    """The topics, as others see them."""
    return Log(config)


@pytest.fixture
def open_intake(config: dict[str, str], tmp_path: Path) -> Callable[[], Intake]:
    """Opens an intake of its own each time; all share one archive."""
    clock = itertools.count(1_000_000)
    return lambda: Intake(config, Archive(str(tmp_path / "archive")), LineFormats(), 1, lambda: next(clock))


@pytest.fixture
def message_id() -> str:
    """A message id that no other test uses."""
    return f"M{uuid.uuid4().hex[:12]}"
