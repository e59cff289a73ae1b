"""Topics as a plain reader of committed records sees them. No group is joined, nothing is committed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.offsets import Place, ask_again

_TIMEOUT_S: Final = 30.0
_CHUNK: Final = 2_000
_POLL_S: Final = 0.2
_CONSUMER: Final[Mapping[str, Any]] = {
    "group.id": "paystate-reader",  # required by the library; partitions are assigned, no group is joined
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "fetch.error.backoff.ms": 10,
}

_TO_THE_END: Final[Mapping[str, Any]] = {
    "enable.partition.eof": True,
    # An end behind a transaction's marker shows only in a fetch that finds nothing more: 500 ms each by default.
    "fetch.wait.max.ms": 20,
}


class ReadError(RuntimeError):
    """A topic is not there, or could not be read to its end; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One record. ``timestamp_us`` is the log-append time on raw, else its producer's time, in microseconds UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_us: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class CommittedLog:
    """Reads parts of topics up to where they end now; unless asked to, it waits for no open transaction."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = dict(client)
        self._admin = AdminClient(self._client)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises ReadError if there is no such topic."""
        found = self._admin.list_topics(timeout=_TIMEOUT_S).topics.get(topic)
        if found is None:
            raise ReadError(f"{topic}: no such topic on this cluster: create it with `paystate topics apply`")
        return len(found.partitions)

    def places(self, *topics: str) -> list[Place]:
        """Every partition of these topics. Raises ReadError."""
        return [(topic, partition) for topic in topics for partition in range(self.partitions(topic))]

    def read(
        self, places: Sequence[Place], begin: Mapping[Place, int] | None = None, *, settled: bool = False
    ) -> Iterator[Logged]:
        """The committed records at ``places``, each place in its order, from ``begin`` (default: the first kept).

        ``settled``: open transactions are waited for, so that nothing is missed that was committed before the call.
        Raises ReadError when a place does not move for 30 seconds, KafkaException when the cluster is at fault.
        """
        starts = {place: (begin or {}).get(place, 0) for place in places}
        ends = self.high_watermarks(places) if settled else self.ends(places)
        open_places = {place for place, end in ends.items() if starts[place] < end}
        if not open_places:
            return
        consumer = Consumer({**self._client, **_CONSUMER, **_TO_THE_END})
        try:
            consumer.assign([TopicPartition(*place, starts[place]) for place in sorted(open_places)])
            yield from _until(consumer, ends, open_places)
        finally:
            consumer.close()

    def at(self, place: Place, offset: int) -> Logged | None:
        """The record at one offset, or None: deleted by retention, compacted away, or never committed."""
        for record in self.read([place], {place: offset}):
            return record if record.offset == offset else None
        return None

    def follow(self, topics: Sequence[str], *, from_beginning: bool = False) -> Iterator[Logged]:
        """Records as they are committed, for ever: new ones only, or everything kept first."""
        places = self.places(*topics)
        starts = dict.fromkeys(places, 0) if from_beginning else self.ends(places)
        consumer = Consumer({**self._client, **_CONSUMER})
        try:
            consumer.assign([TopicPartition(*place, start) for place, start in starts.items()])
            while True:
                for message in consumer.consume(_CHUNK, _POLL_S):
                    if message.error() is None:
                        yield _logged(message)
                    elif message.error().fatal():
                        raise KafkaException(message.error())
        finally:
            consumer.close()

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where each place ends now, for readers of committed records."""
        return self._offsets(places, OffsetSpec.latest())

    def high_watermarks(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where each place ends with what is in open transactions."""
        return self._offsets(places, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that each place still keeps."""
        return self._offsets(places, OffsetSpec.earliest())

    def _offsets(
        self,
        places: Iterable[Place],
        which: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Place, int]:
        answers = ask_again(self._admin, dict.fromkeys(places, which), _TIMEOUT_S, isolation)
        return {place: answer.offset for place, answer in answers.items()}


def _until(consumer: Consumer, ends: Mapping[Place, int], open_places: set[Place]) -> Iterator[Logged]:
    """Records below the ends. The end-of-partition event counts too: an end may lie behind a transaction's marker."""
    moved_at = time.monotonic()
    while open_places:
        for message in consumer.consume(_CHUNK, _POLL_S):
            moved_at = time.monotonic()
            place, error = (message.topic(), message.partition()), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if error is None and message.offset() < ends[place]:
                yield _logged(message)
            if message.offset() + (error is None) >= ends[place]:
                open_places.discard(place)
        if time.monotonic() - moved_at > _TIMEOUT_S:
            where = ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(open_places))
            raise ReadError(f"{where}: nothing came for {_TIMEOUT_S:.0f} s before the end: is the broker overloaded?")


def _logged(message: Any) -> Logged:
    return Logged(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1] * 1000,
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )
