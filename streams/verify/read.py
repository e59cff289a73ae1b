"""Whole topics, as a plain read_committed consumer sees them, up to where they ended when the reading began."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.names import SHARED, topic_name
from streams.offsets import ask_again

_TIMEOUT_S: Final = 30.0
#: No progress for so long means that a transaction hangs: the reading fails rather than judges half a log.
_CHUNK: Final = 2_000
#: `consume` waits this long for a whole chunk.
_PATIENCE_S: Final = 0.05
_STALLED_S: Final = 120.0
_CONSUMER: Final[Mapping[str, Any]] = {
    "group.id": "paystate-verify",  # required by the library; partitions are assigned, no group is joined
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.error.backoff.ms": 10,
    "fetch.wait.max.ms": 20,  # the end of a partition is told by an empty answer
    "queued.max.messages.kbytes": 65_536,
}


class ReadError(RuntimeError):
    """A topic is not there, or could not be read to its end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``timestamp_us`` is its log-append time on raw, else its producer's, in microseconds UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_us: int
    key: bytes | None
    value: bytes | None

    @property
    def place(self) -> str:
        """``topic[partition]@offset``, for a person."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Log(Protocol):
    """All topics of a generation, frozen at one moment."""

    def rows(self, contract: str) -> Iterable[Row]:
        """Every committed record of a contract's topic; each partition in its order."""

    def topic_name(self, contract: str) -> str:
        """The contract's topic on Kafka."""

    def topic_id(self, contract: str) -> str:
        """What tells the topic from an earlier one of its name."""


class KafkaLog:
    """The topics of a cluster. Where they end is asked once, on entering; what is written later is not seen."""

    def __init__(self, client: Mapping[str, Any], generation: int, contracts: Iterable[str]) -> None:
        self._client = dict(client)
        # Shared topics themselves, not a generation's copies of them: those are the pipeline's own work.
        self._names = {
            contract: topic_name(contract, 1 if contract in SHARED else generation) for contract in contracts
        }
        self._ends: dict[str, dict[int, int]] = {}
        self._topic_ids: dict[str, str] = {}

    def __enter__(self) -> Self:
        admin = AdminClient(self._client)
        self._ends = _ends(admin, list(self._names.values()))
        described = admin.describe_topics(TopicCollection(list(self._names.values())))
        self._topic_ids = {name: str(future.result(_TIMEOUT_S).topic_id) for name, future in described.items()}
        self._consumer = Consumer({**self._client, **_CONSUMER})
        # All leaders at once: each topic that the consumer does not know yet costs a second of waiting.
        self._consumer.list_topics(timeout=_TIMEOUT_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def topic_name(self, contract: str) -> str:
        """As this generation has it."""
        return self._names[contract]

    def topic_id(self, contract: str) -> str:
        """As the broker has it."""
        return self._topic_ids[self._names[contract]]

    def rows(self, contract: str) -> Iterator[Row]:
        """Partitions interleaved, each in its order. Raises ReadError, KafkaException."""
        topic = self._names[contract]
        left = {partition: end for partition, end in self._ends[topic].items() if end > 0}
        if not left:
            return
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
        try:
            yield from self._until(topic, left)
        finally:
            self._consumer.unassign()

    def _until(self, topic: str, left: dict[int, int]) -> Iterator[Row]:
        """Positions pass transaction markers, so an end behind a marker is reached by EOF."""
        moved_at = time.monotonic()
        while left:
            messages = self._consumer.consume(_CHUNK, _PATIENCE_S)
            if messages:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > _STALLED_S:
                raise ReadError(f"{topic}: nothing to read before the ends {left}: is a transaction open?")
            for message in messages:
                error, partition, offset = message.error(), message.partition(), message.offset()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if message.topic() != topic or partition not in left:
                    continue
                if error is None and offset < left[partition]:
                    yield Row(topic, partition, offset, message.timestamp()[1] * 1000, message.key(), message.value())
                if offset + (error is None) >= left[partition]:
                    del left[partition]


def _ends(admin: AdminClient, topics: list[str]) -> dict[str, dict[int, int]]:
    """The high watermark of every partition, open transactions included. Raises ReadError for a missing topic."""
    known = admin.list_topics(timeout=_TIMEOUT_S).topics
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise ReadError(f"no such topic: {', '.join(missing)}: create what is missing with `paystate topics apply`")
    asked = {(topic, part): OffsetSpec.latest() for topic in topics for part in known[topic].partitions}
    ends: dict[str, dict[int, int]] = {topic: {} for topic in topics}
    for (topic, partition), answer in ask_again(admin, asked, _TIMEOUT_S).items():
        ends[topic][partition] = answer.offset
    return ends
