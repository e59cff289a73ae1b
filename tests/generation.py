"""A generation of its own on the run's broker: topics that no other test writes, and the settings that mean them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.apply import apply
from schemas.plain import from_plain
from streams.engine import Topic, partition_of
from streams.topics import Topics, topics_of

V = TypeVar("V")

PARTITIONS = 4
EXAMPLES = Path("schemas/examples")
SAMPLES = Path("connectors/samples")


@dataclass(frozen=True)
class Generation:
    """Raw, files, commands and policies are shared by all generations: tests tell their records apart by name."""

    client: dict[str, str | int | float | bool]
    number: int
    topics: Topics
    environment: dict[str, str]
    producer: Producer

    @property
    def group(self) -> str:
        """The workers' group of this generation."""
        return f"paystate.g{self.number}"

    def publish(
        self, topic: Topic[V], key: str, value: V | None, headers: Sequence[tuple[str, bytes | None]] = ()
    ) -> None:
        """Write one record where the pipeline would."""
        data = None if value is None else topic.encode(value)
        self.publish_bytes(topic.kafka_name, key.encode(), data, headers)

    def publish_bytes(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> None:
        """Write one record as it is; without ``partition`` where its key belongs in a topic of the contracts."""
        at = partition_of(key or b"", PARTITIONS) if partition is None else partition
        self.producer.produce(topic, value, key, at, headers=list(headers))
        assert self.producer.flush(30) == 0

    def create_topic(self, name: str, partitions: int) -> str:
        """A topic beside those of the contracts; returns when the broker shows it."""
        admin = AdminClient(self.client)
        admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
        deadline = time.monotonic() + 30
        while name not in admin.list_topics(timeout=30).topics:
            assert time.monotonic() < deadline, f"{name} is not shown"
        return name

    @contextmanager
    def open_transaction(self) -> Iterator[Producer]:
        """A transaction that is open while the block runs and is committed at its end."""
        producer = Producer({**self.client, "transactional.id": f"test-{secrets.token_hex(4)}"})
        producer.init_transactions(30)
        producer.begin_transaction()
        yield producer
        producer.commit_transaction(30)


def new_generation(bootstrap_servers: str, folder: Path) -> Generation:
    """Topics of a generation that no other run has, and the environment of a command on it."""
    number = 1_000 + secrets.randbelow(1_000_000)
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers}
    apply(AdminClient(client), PARTITIONS, number)
    environment = {
        "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "PAYSTATE_GENERATION": str(number),
        "PAYSTATE_DATA_DIR": str(folder),
        "PAYSTATE_ACCOUNT_HASH_KEY": "a key of thirty-two characters or more",
        "PAYSTATE_WEB_PORT": "0",
    }
    return Generation(client, number, topics_of(number), environment, Producer({**client, "linger.ms": 0}))


def example(contract: str, kind: type[V], name: str | None = None) -> V:
    """A committed example of a topic's contract: the named one, else the first."""
    folder = EXAMPLES / contract
    path = folder / f"{name}.json" if name else min(folder.iterdir())
    value: V = from_plain(kind, json.loads(path.read_text(encoding="utf-8")))
    return value
