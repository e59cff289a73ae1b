"""Waits until the pipeline has nothing left to do: every input read to its end, and nothing written since."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.25


class NotQuietError(RuntimeError):
    """The pipeline did not come to rest in time; the message says what is left."""


def lag(admin: AdminClient, group: str, inputs: list[str]) -> dict[tuple[str, int], int]:
    """Records between the group's committed offset and the end, by input partition. Open transactions count."""
    ends = _ends(admin, inputs)
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, part) for topic, part in ends])
    answer = admin.list_consumer_group_offsets([asked])[group].result(_TIMEOUT_S)
    committed = {(row.topic, row.partition): max(row.offset, 0) for row in answer.topic_partitions}
    return {place: end - committed.get(place, 0) for place, end in ends.items()}


def await_quiet(
    client: Mapping[str, Any], group: str, inputs: list[str], within_s: float, meanwhile: Callable[[], None]
) -> None:
    """Return when no input has lag in two looks in a row with the same ends. Raises NotQuietError.

    A worker commits its output and its input offsets together, so lag 0 everywhere at ends that did not move means
    that no record is on its way. ``meanwhile`` is called between two looks.
    """
    admin = AdminClient(dict(client))
    deadline = time.monotonic() + within_s
    before: dict[tuple[str, int], int] | None = None
    while True:
        ends = _ends(admin, inputs)
        behind = {place: count for place, count in lag(admin, group, inputs).items() if count > 0}
        if not behind and ends == before:
            return
        before = ends if not behind else None
        if time.monotonic() > deadline:
            left = ", ".join(f"{topic}[{part}]: {count}" for (topic, part), count in sorted(behind.items())[:8])
            raise NotQuietError(f"not at rest after {within_s:.0f} s; records left: {left or 'still moving'}")
        meanwhile()
        time.sleep(_POLL_S)


def _ends(admin: AdminClient, inputs: list[str]) -> dict[tuple[str, int], int]:
    found = admin.list_topics(timeout=_TIMEOUT_S).topics
    asked = {TopicPartition(name, part): OffsetSpec.latest() for name in inputs for part in found[name].partitions}
    answers = admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED)
    return {(place.topic, place.partition): future.result(_TIMEOUT_S).offset for place, future in answers.items()}
