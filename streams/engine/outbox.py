"""What a batch sends: encoded and checked at once, so that a failure belongs to its record, not to the transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

from streams.engine.dead_letters import DeadLetters, Failure, cut, describe
from streams.engine.errors import INFRASTRUCTURE, BadRecord, InfrastructureError, UndeclaredTopic
from streams.engine.hashing import partition_of
from streams.engine.record import Record
from streams.engine.settings import MIB
from streams.engine.topic import Route, Topic

V = TypeVar("V")

#: Kafka topic, value, key, partition: the positional arguments of the producer's produce().
Send = tuple[str, bytes | None, bytes | None, int]


#: What a record in an outbox takes beside its key and value.
SEND_OVERHEAD_BYTES: Final = 300


@dataclass(frozen=True)
class Sending:
    """What an outbox needs to know of the world: where topics are, where dead letters go, and the time for these."""

    routes: Mapping[str, Route]
    dead_letters: DeadLetters
    dead_letters_route: Route
    wall_clock_us: Callable[[], int]


class Failed(NamedTuple):
    """One dead letter: the contract of the topic that the record came from, its class of reason, and its key."""

    topic: str
    reason_class: str
    key: bytes | None


class Outbox:
    """Records to be produced with this unit's transaction, in the order in which they were sent.

    It is full when it holds `most_bytes`; what is sent then is taken all the same.
    """

    def __init__(
        self, sending: Sending, stage: str, partition: int, partitions: int, most_bytes: int = 16 * MIB
    ) -> None:
        self._most_bytes = most_bytes
        self._sending = sending
        self._routes = sending.routes
        self._stage = stage
        self._partition = partition
        self._partitions = partitions
        self.sent: list[Send] = []
        self.notes: list[object] = []
        self.failures: list[Failed] = []
        #: What was sent came to so much; what was taken back counts too, it was work.
        self.size_bytes = 0
        #: The key of the record being folded: what is sent under the same key stays in its partition.
        self.record_key: str | None = None

    def send(self, topic: Topic[V], key: str, value: V | None, partition: int | None = None) -> None:
        """Send a value with this unit. Without `partition`, the one that Java's partitioner gives to the key.

        A value of None is a tombstone. Raises BadRecord (the record at hand becomes a dead letter) if the value cannot
        be encoded or is too large for the topic, UndeclaredTopic (the process ends) if the app did not declare it.
        """
        route = self._routes.get(topic.name)
        if route is None:
            raise UndeclaredTopic(f"agent {self._stage} sends to {topic.name}: declare it with app.outputs(...)")
        key_bytes = key.encode()
        data = None
        size_bytes = len(key_bytes)
        if value is not None:
            try:
                data = topic.encode(value)
            except INFRASTRUCTURE:
                raise
            except Exception as error:
                said = f"{topic.name}: cannot encode {type(value).__name__}: {error}"
                raise BadRecord(said, "unencodable") from error
            size_bytes += len(data)
        if size_bytes > route.max_bytes:
            raise BadRecord(
                f"{topic.name}: a record of {size_bytes} bytes does not fit, at most {route.max_bytes}", "oversized"
            )
        # What is sent under the record's own key stays in its partition, where both topics are partitioned alike.
        if partition is None and key == self.record_key and route.partitions == self._partitions:
            chosen = self._partition
        else:
            chosen = self._choose(route, key_bytes, partition)
        self.sent.append((route.kafka_name, data, key_bytes, chosen))
        self.size_bytes += size_bytes + SEND_OVERHEAD_BYTES

    @property
    def is_full(self) -> bool:
        """Whether this unit sends enough. A handler that sends much for one record stops then, and returns AGAIN."""
        return self.is_filled_by(0)

    def is_filled_by(self, more_bytes: int) -> bool:
        """Whether it would be full with so much more in it."""
        return self.size_bytes + more_bytes >= self._most_bytes

    def note(self, item: object) -> None:
        """Hand an observation to the metrics if, and only if, this unit is committed and this record is not undone."""
        self.notes.append(item)

    def _choose(self, route: Route, key_bytes: bytes, partition: int | None) -> int:
        if partition is None:
            return partition_of(key_bytes, route.partitions)
        if 0 <= partition < route.partitions:
            return partition
        raise InfrastructureError(
            f"{route.kafka_name} has {route.partitions} partitions, agent {self._stage} sent to {partition}"
        )

    def undo_to(self, savepoint: tuple[int, int, int]) -> None:
        """Take back what was sent, noted and counted since the savepoint, which is how much there was of each."""
        sent, notes, failures = savepoint
        del self.sent[sent:]
        del self.notes[notes:]
        del self.failures[failures:]

    def dead_letter(self, record: Record, error: Exception, key: str | None = None) -> None:
        """Send the record to the dead letters, whole, under its own key (or `key`) and partition number.

        A record that its producer compressed may be larger than any topic takes. It is kept cut, and says so: better
        than a partition that stands still. The whole of it stays in its input topic as long as that keeps it.
        """
        route = self._sending.dead_letters_route
        failure = describe(self._stage, record, error, self._sending.wall_clock_us())
        if key is not None:
            failure = replace(failure, key=key.encode())
        data = self._letter(record, failure)
        if len(data) + len(failure.key or b"") > route.max_bytes:
            failure = cut(failure, route.max_bytes // 4)
            data = self._letter(record, failure)
        if len(data) + len(failure.key or b"") > route.max_bytes:
            raise InfrastructureError(
                f"{record.place()} cannot be kept as a dead letter: {len(data)} bytes although it was cut, "
                f"{route.kafka_name} takes at most {route.max_bytes}. Raise its max.message.bytes; nothing was lost."
            )
        self.sent.append((route.kafka_name, data, failure.key, record.partition % route.partitions))
        self.size_bytes += len(data) + SEND_OVERHEAD_BYTES
        self.failures.append(Failed(record.topic, failure.reason_class, failure.key))

    def count_dead_letter(self, topic: str, reason_class: str, key: str) -> None:
        """Count a dead letter that a handler has written itself, with `send`."""
        self.failures.append(Failed(topic, reason_class, key.encode()))

    def _letter(self, record: Record, failure: Failure) -> bytes:
        try:
            return self._sending.dead_letters.encode(failure)
        except Exception as error:
            raise InfrastructureError(f"{record.place()}: its dead letter cannot be encoded: {error}") from error
