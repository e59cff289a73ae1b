"""Whole topics, as a plain read_committed consumer sees them, up to where they ended when the reading began."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

_TIMEOUT_S: Final = 30.0
_CHUNK: Final = 2_000
#: No progress for so long means that a transaction hangs: the reading fails rather than judges half a log.
_STALLED_S: Final = 120.0


class ReadError(RuntimeError):
    """A topic could not be read to its end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``timestamp_us`` is its log-append time on raw, else its producer's, in microseconds UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_us: int
    key: bytes | None
    value: bytes | None


def read_topic(client: Mapping[str, Any], topic: str) -> Iterator[Row]:
    """Every committed record of a topic, partition by partition in offset order. Raises ReadError, KafkaException."""
    ends = _ends(client, topic)
    if not ends:
        return
    consumer = Consumer(
        {
            **client,
            "group.id": "paystate-verify",  # required by the library; partitions are assigned, no group is joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.error.backoff.ms": 10,
        }
    )
    try:
        for partition, end in sorted(ends.items()):
            yield from _read_partition(consumer, topic, partition, end)
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, topic: str, partition: int, end: int) -> Iterator[Row]:
    """Positions pass transaction markers, so that an end behind a marker is reached by EOF."""
    consumer.assign([TopicPartition(topic, partition, 0)])
    moved_at = time.monotonic()
    position = 0
    while position < end:
        for message in consumer.consume(_CHUNK, 0.2):
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            moved_at = time.monotonic()
            if error is not None:
                continue
            if message.offset() >= end:
                return
            stamp_us = message.timestamp()[1] * 1000
            yield Row(topic, partition, message.offset(), stamp_us, message.key(), message.value())
        (at,) = consumer.position([TopicPartition(topic, partition)])
        position = max(position, at.offset)
        if time.monotonic() - moved_at > _STALLED_S:
            raise ReadError(f"{topic}[{partition}]: no progress at {position} of {end}: is a transaction open?")


def _ends(client: Mapping[str, Any], topic: str) -> dict[int, int]:
    """The high watermark of every partition, open transactions included; empty if there is no such topic."""
    admin = AdminClient(dict(client))
    found = admin.list_topics(timeout=_TIMEOUT_S).topics.get(topic)
    if found is None:
        return {}
    asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in found.partitions}
    answers = admin.list_offsets(asked)
    return {place.partition: future.result(_TIMEOUT_S).offset for place, future in answers.items()}
