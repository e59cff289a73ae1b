"""What a batch sends: encoded and checked at once, so that a failure belongs to its record and not to the transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from streams.engine.dead_letters import DeadLetters, describe
from streams.engine.errors import INFRASTRUCTURE, BadRecord, InfrastructureError, UndeclaredTopic
from streams.engine.hashing import partition_of
from streams.engine.record import Record
from streams.engine.topic import Route, Topic

V = TypeVar("V")

#: Kafka topic, value, key, partition: the positional arguments of the producer's produce().
Send = tuple[str, bytes | None, bytes | None, int]


@dataclass(frozen=True)
class Sending:
    """What an outbox needs to know of the world: where topics are, where dead letters go, and the time for these."""

    routes: Mapping[str, Route]
    dead_letters: DeadLetters
    dead_letters_route: Route
    wall_clock_us: Callable[[], int]


class Outbox:
    """Records to be produced with this unit's transaction, in the order in which they were sent."""

    def __init__(self, sending: Sending, stage: str, partition: int, partitions: int) -> None:
        self._sending = sending
        self._routes = sending.routes
        self._stage = stage
        self._partition = partition
        self._partitions = partitions
        self.sent: list[Send] = []
        self.notes: list[object] = []
        self.failures: list[tuple[str, str]] = []
        #: The key of the record being folded: what is sent under the same key stays in its partition.
        self.record_key: str | None = None

    def send(self, topic: Topic[V], key: str, value: V | None, partition: int | None = None) -> None:
        """Send a value with this unit. Without `partition`, the one that Java's partitioner gives to the key.

        A value of None is a tombstone. Raises BadRecord (the record at hand becomes a dead letter) if the value cannot be
        encoded or is too large for the topic, UndeclaredTopic (the process ends) if the app did not declare the topic.
        """
        route = self._routes.get(topic.name)
        if route is None:
            raise UndeclaredTopic(f"agent {self._stage} sends to {topic.name}: declare it with app.outputs(...)")
        data = None if value is None else self._encoded(topic, value)
        key_bytes = key.encode()
        if (0 if data is None else len(data)) + len(key_bytes) > route.max_bytes:
            raise BadRecord(
                f"{topic.name}: a record of {len(data or b'')} bytes does not fit, at most {route.max_bytes}",
                "oversized",
            )
        self.sent.append((route.kafka_name, data, key_bytes, self._choose(route, key, key_bytes, partition)))

    def note(self, item: object) -> None:
        """Hand an observation to the metrics when, and only when, this unit is committed and this record was not undone."""
        self.notes.append(item)

    def _encoded(self, topic: Topic[V], value: V) -> bytes:
        try:
            return topic.encode(value)
        except INFRASTRUCTURE:
            raise
        except Exception as error:
            raise BadRecord(f"{topic.name}: cannot encode {type(value).__name__}: {error}", "unencodable") from error

    def _choose(self, route: Route, key: str, key_bytes: bytes, partition: int | None) -> int:
        if partition is None:
            if key == self.record_key and route.partitions == self._partitions:
                return self._partition
            return partition_of(key_bytes, route.partitions)
        if 0 <= partition < route.partitions:
            return partition
        raise InfrastructureError(
            f"{route.kafka_name} has {route.partitions} partitions, agent {self._stage} sent to {partition}"
        )

    def savepoint(self) -> tuple[int, int]:
        """Where the outbox stands, for `undo_to`."""
        return len(self.sent), len(self.notes)

    def undo_to(self, savepoint: tuple[int, int]) -> None:
        """Take back what was sent and noted since the savepoint."""
        sent, notes = savepoint
        del self.sent[sent:]
        del self.notes[notes:]

    def dead_letter(self, record: Record, error: Exception) -> None:
        """Send the record to the dead letters, whole, under its own key and partition number."""
        sending = self._sending
        failure = describe(self._stage, record, error, sending.wall_clock_us())
        data = sending.dead_letters.encode(failure)
        route = sending.dead_letters_route
        if len(data) + len(failure.key or b"") > route.max_bytes:
            raise InfrastructureError(
                f"{record.place()} cannot be kept as a dead letter: {len(data)} bytes, {route.kafka_name} takes at most "
                f"{route.max_bytes}. Raise its max.message.bytes; nothing was lost."
            )
        self.sent.append((route.kafka_name, data, failure.key, record.partition % route.partitions))
        self.failures.append((record.topic, failure.reason_class))
