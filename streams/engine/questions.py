"""What the keeper of proved time asks Kafka, with clients of its own: the group's have their work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, TopicPartition

from streams.engine.clients import Clients, restore_config
from streams.engine.errors import ConfigurationError
from streams.engine.keeper import ClockDeclaration, Place
from streams.engine.settings import EngineSettings
from streams.engine.topology import Cluster, ReplicaLag

#: One question: short, so that a worker that is told to stop ends in time.
_QUESTION_S: Final = 1.0
_END: Final = KafkaError._PARTITION_EOF


class KafkaQuestions:
    """The answers of a cluster. Used by one thread; see ``keeper.Questions``."""

    def __init__(self, settings: EngineSettings, clients: Clients, declaration: ClockDeclaration[Any]) -> None:
        self._declaration = declaration
        self._partitions = settings.partitions
        self._cluster = Cluster(clients.admin(dict(settings.client)), _QUESTION_S)
        reading = {**restore_config(settings), "queued.max.messages.kbytes": 1024, "queued.min.messages": 1}
        # Offsets that are pending do not count, and asking must not wait for them: some are pending at any time.
        self._offsets = clients.consumer({**reading, "isolation.level": "read_uncommitted"})
        self._records = clients.consumer(reading)
        self._producer = clients.producer(
            {
                "linger.ms": 0,
                **settings.client,
                "enable.idempotence": True,
                "message.timeout.ms": 10_000,
                "partitioner": "murmur2_random",
            }
        )

    def partitions(self) -> Mapping[str, int]:
        """How many partitions each topic of the stages has: those that generations share may have another number."""
        names = {topic.kafka_name for topics in self._declaration.stages for topic in topics}
        return {name: facts.partitions for name, facts in self._cluster.describe(names).items()}

    def replica_lag(self) -> ReplicaLag:
        """How long a record may have been appended and be below no high watermark yet."""
        return self._cluster.replica_lag({topic.kafka_name for topics in self._declaration.stages for topic in topics})

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """High watermarks."""
        return self._cluster.ends(places)

    def committed(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """The group's committed offsets; where there is none, where the log begins."""
        answers = self._offsets.committed([TopicPartition(*place) for place in places], _QUESTION_S)
        found = {}
        for answer in answers:
            if answer.error is not None:
                raise KafkaException(answer.error)
            found[answer.topic, answer.partition] = answer.offset
        never = [place for place, offset in found.items() if offset < 0]
        return found | self._cluster.begins(never)

    def next_time_us(self, place: Place, offset: int) -> int | None:
        """The append time of the first committed record from `offset` on; an open transaction there is a time-out."""
        self._records.assign([TopicPartition(*place, offset)])
        try:
            give_up_s = time.monotonic() + _QUESTION_S
            while time.monotonic() < give_up_s:
                for message in self._records.consume(1, 0.1):
                    error = message.error()
                    if error is None:
                        return message.timestamp()[1] * 1000
                    if error.code() == _END:
                        return None
                    raise KafkaException(error)
        finally:
            self._records.unassign()
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no record at {place[0]}[{place[1]}]@{offset}"))

    def tick(self, at_us: int) -> int:
        """Write the tick to all partitions. A tick that is late is true all the same, so it may stay queued."""
        topic = self._declaration.topic
        value = topic.encode(self._declaration.make(at_us))
        reports: list[tuple[Any, Any]] = []
        for number in range(self._partitions):
            self._producer.produce(topic.kafka_name, value, None, number, lambda *report: reports.append(report))
        self._producer.flush(_QUESTION_S)
        for error, _ in reports:
            if error is not None:
                raise KafkaException(error)
        if len(reports) < self._partitions:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{topic.kafka_name} does not take ticks"))
        times = [message.timestamp() for _, message in reports]
        if any(kind != TIMESTAMP_LOG_APPEND_TIME for kind, _ in times):
            raise ConfigurationError(
                f"topic {topic.kafka_name} has the producers' timestamps, expected message.timestamp.type "
                "LogAppendTime: proved time is the broker's (paystate topics apply)"
            )
        first_ms: int = min(time_ms for _, time_ms in times)
        return first_ms * 1000

    def close(self) -> None:
        """Let go of the clients."""
        self._offsets.close()
        self._records.close()
