"""Waits until the pipeline has nothing left to do: every input read to its end, and nothing written since."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.offsets import Place, ask_again

_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.25
_NO_COORDINATOR_YET: Final = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)


class NotQuietError(RuntimeError):
    """The pipeline did not come to rest in time; the message says what is left."""


class Progress:
    """How far a group is in its inputs. Joins nothing, commits nothing.

    The group is asked through a consumer, not through the admin client: librdkafka's admin client ends the process when
    the group's coordinator is moving or loading (its issue 5040).
    """

    def __init__(self, client: Mapping[str, Any], group: str, inputs: list[str]) -> None:
        self._admin = AdminClient(dict(client))
        self._consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False})
        self._inputs = inputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def ends(self) -> dict[Place, int]:
        """Where every input ends; open transactions count. Raises KafkaException."""
        found = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        asked = {(name, part): OffsetSpec.latest() for name in self._inputs for part in found[name].partitions}
        return {place: answer.offset for place, answer in ask_again(self._admin, asked, _TIMEOUT_S).items()}

    def behind(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        """Records between what the group has committed and ``ends``, where there are any. Raises KafkaException."""
        committed = self.committed(ends)
        left = {place: end - committed.get(place, 0) for place, end in ends.items()}
        return {place: count for place, count in left.items() if count > 0}

    def committed(self, places: Iterable[Place]) -> dict[Place, int]:
        """What the group has committed, where it has. Asked again while its coordinator is being chosen or loads."""
        asked = [TopicPartition(topic, partition) for topic, partition in places]
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                rows = self._consumer.committed(asked, timeout=_TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() not in _NO_COORDINATOR_YET or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                for row in rows:
                    if row.error is not None:
                        raise KafkaException(row.error)
                return {(row.topic, row.partition): row.offset for row in rows if row.offset >= 0}


def lag(client: Mapping[str, Any], group: str, inputs: list[str]) -> dict[Place, int]:
    """Records that the group has yet to take, by input partition; open transactions count. Raises KafkaException."""
    with Progress(client, group, inputs) as progress:
        return progress.behind(progress.ends())


def await_quiet(
    client: Mapping[str, Any], group: str, inputs: list[str], within_s: float, meanwhile: Callable[[], None]
) -> None:
    """Return when no input has lag in two looks in a row with the same ends. Raises NotQuietError.

    A worker commits its output and its input offsets together, so lag 0 everywhere at ends that did not move means
    that no record is on its way. ``meanwhile`` is called between two looks.
    """
    deadline = time.monotonic() + within_s
    before: dict[Place, int] | None = None
    with Progress(client, group, inputs) as progress:
        while True:
            ends, behind = _look(progress)
            if ends is not None and not behind and ends == before:
                return
            before = ends if not behind else None
            if time.monotonic() > deadline:
                left = ", ".join(f"{topic}[{part}]: {count}" for (topic, part), count in sorted(behind.items())[:8])
                raise NotQuietError(f"not at rest after {within_s:.0f} s; records left: {left or 'still moving'}")
            meanwhile()
            time.sleep(_POLL_S)


def _look(progress: Progress) -> tuple[dict[Place, int] | None, dict[Place, int]]:
    """Ends and lag; no ends if the cluster did not answer, which passes or outlasts the caller's patience."""
    try:
        ends = progress.ends()
        return ends, progress.behind(ends)
    except KafkaException:
        return None, {}
