"""The part of confluent-kafka that the engine uses, as protocols, and where its clients are made.

Everything the engine knows of Kafka comes through `Clients`: a test can replace it by a model and control every answer.
"""

# ruff: noqa: D102 -- the protocols repeat methods of confluent-kafka, which documents them

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.engine.settings import EngineSettings
from streams.offsets import OUTDATED

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_S: Final = 1.0

Config = dict[str, Any]

#: What is said while brokers restart, leaders move or coordinators load. Only transactions' errors say it themselves.
PASSING: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._WAIT_COORD,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.BROKER_NOT_AVAILABLE,
        *OUTDATED,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)


class Message(Protocol):
    """A record, or an event such as the end of a partition, as a consumer hands it out."""

    def __len__(self) -> int: ...
    def error(self) -> Any: ...
    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


class ConsumerClient(Protocol):
    """What the engine calls on a consumer. Partitions are confluent_kafka.TopicPartition."""

    def subscribe(self, topics: list[str], *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None: ...
    def consume(self, num_messages: int, timeout: float) -> list[Message]: ...
    def list_topics(self, *, timeout: float) -> Any: ...
    def assign(self, partitions: list[Any]) -> None: ...
    def unassign(self) -> None: ...
    def incremental_assign(self, partitions: list[Any]) -> None: ...
    def incremental_unassign(self, partitions: list[Any]) -> None: ...
    def pause(self, partitions: list[Any]) -> None: ...
    def resume(self, partitions: list[Any]) -> None: ...
    def seek(self, partition: Any) -> None: ...
    def committed(self, partitions: list[Any], timeout: float) -> list[Any]: ...
    def consumer_group_metadata(self) -> Any: ...
    def get_watermark_offsets(
        self, partition: Any, timeout: float = ..., cached: bool = ...
    ) -> tuple[int, int] | None: ...
    def memberid(self) -> str | None: ...
    def close(self) -> None: ...


class ProducerClient(Protocol):
    """What the engine calls on a transactional producer."""

    def init_transactions(self, timeout: float) -> None: ...
    def begin_transaction(self) -> None: ...
    def produce(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int, callback: Any = ..., /
    ) -> None: ...
    def poll(self, timeout: float) -> int: ...
    def flush(self, timeout: float) -> int: ...
    def purge(self) -> None: ...
    def send_offsets_to_transaction(self, positions: list[Any], group_metadata: Any, timeout: float) -> None: ...
    def commit_transaction(self, timeout: float) -> None: ...
    def abort_transaction(self, timeout: float) -> None: ...


class Clients(Protocol):
    """Makes Kafka clients. `admin` answers confluent_kafka.admin.AdminClient's describe and list calls."""

    def consumer(self, config: Config) -> ConsumerClient: ...
    def producer(self, config: Config) -> ProducerClient: ...
    def admin(self, config: Config) -> Any: ...


def answer(call: Callable[[], T], patience: Callable[[], None]) -> T:
    """Kafka's answer to a question, asked again while brokers restart, leaders move or coordinators load.

    `patience` waits a moment before the question is repeated, or raises to give up.
    """
    while True:
        try:
            return call()
        except KafkaException as failure:
            error = failure.args[0]
            if not error.retriable() and error.code() not in PASSING:
                raise
            log.info("asking again: %s", error.str())
            patience()


def is_heard(client: Any, within_s: float) -> bool:
    """Whether any broker answers this client, of whatever kind, in that time."""
    try:
        client.list_topics(timeout=within_s)
    except KafkaException:
        return False
    return True


def wait_for_kafka() -> None:
    """The patience of a start: a second, and a word about it."""
    log.warning("waiting for Kafka")
    time.sleep(_PAUSE_S)


class ClientLog(logging.Filter):
    """Passes a message of librdkafka once, then at most every `every_s`: refused connections come hundreds a minute."""

    def __init__(self, every_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._clock = clock
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Numbers are left out of the comparison: ports, times and node ids differ from line to line."""
        shape = re.sub(r"\d+", "#", record.getMessage())[:120]
        now = self._clock()
        if now - self._last.get(shape, -self._every_s) < self._every_s:
            return False
        if len(self._last) > 500:
            self._last.clear()
        self._last[shape] = now
        return True


class ConfluentClients:
    """Real clients. `last_error` is what a client said last (a wrong password looks like a time-out to a producer).

    `all_down`: a client has lost every broker that it knows. It never says when one is back: whoever asks a question
    that is answered takes the flag down.
    """

    def __init__(self) -> None:
        self.last_error = ""
        self.all_down = False
        self._log = logging.getLogger("streams.engine.librdkafka")
        self._log.addFilter(ClientLog())

    def consumer(self, config: Config) -> ConsumerClient:
        """A consumer that logs here."""
        client: ConsumerClient = Consumer(self._with_callbacks(config), logger=self._log)
        return client

    def producer(self, config: Config) -> ProducerClient:
        """A producer that logs here."""
        client: ProducerClient = Producer(self._with_callbacks(config), logger=self._log)
        return client

    def admin(self, config: Config) -> Any:
        """An admin client that logs here."""
        return AdminClient(self._with_callbacks(config), logger=self._log)

    def _with_callbacks(self, config: Config) -> Config:
        return {**config, "error_cb": self._on_error}

    def _on_error(self, error: Any) -> None:
        self.last_error = f"{error.name()}: {error.str()}"
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.all_down = True
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED):
            log.error("Kafka refuses this client: %s. Check user, password and certificates.", error.str())


def group_config(settings: EngineSettings, *, kip848: bool) -> Config:
    """The group's consumer. No static membership: under KIP-848 a dead instance id blocks its own return."""
    shared: Mapping[str, Any] = {
        **settings.client,
        **({"client.id": settings.client_id} if settings.client_id else {}),
        "group.id": settings.group_id,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        # Positions are always sought explicitly; a position that retention has deleted must be an error, never a skip.
        "auto.offset.reset": "error",
        "max.poll.interval.ms": settings.max_poll_interval_ms,
        "fetch.error.backoff.ms": 50,
        # A queue that is full is looked at again after this, a whole second by default: with a backlog that is waiting.
        "fetch.queue.backoff.ms": 5,
        "queued.min.messages": 20_000,
        "queued.max.messages.kbytes": max(1024, settings.fetch_queue_bytes // 1024),
        # One answer may come on top of a queue that is nearly full: 50 MB by default, where all inputs have a backlog.
        "fetch.max.bytes": max(1_000_000, settings.fetch_queue_bytes),
    }
    if kip848:
        return {**shared, "group.protocol": "consumer", "group.remote.assignor": "range"}
    return {
        **shared,
        "group.protocol": "classic",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(500, settings.session_timeout_ms // 5),
    }


def restore_config(settings: EngineSettings) -> Config:
    """A consumer outside the group's membership: reads committed offsets and replays changelogs.

    It never subscribes, so its group id only names whose committed offsets it asks for.
    """
    return {
        **settings.client,
        "group.id": settings.group_id,
        "group.protocol": "classic",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "fetch.error.backoff.ms": 50,
        "fetch.queue.backoff.ms": 1,
        "fetch.wait.max.ms": 50,
        "queued.min.messages": 100_000,
        "queued.max.messages.kbytes": max(1024, settings.fetch_queue_bytes // 1024),
    }


def producer_config(settings: EngineSettings, *, least_max_bytes: int, most_max_bytes: int) -> Config:
    """The transactional producer.

    A broker counts a whole batch against `max.message.bytes`, so batches stay below the smallest of the topics written
    (`least_max_bytes`) while single messages may be as large as the largest allows (`most_max_bytes`).
    """
    return {
        "linger.ms": 1,
        **settings.client,
        "transactional.id": settings.transactional_id,
        "transaction.timeout.ms": settings.transaction_timeout_ms,
        # Records still unsent when the transaction has timed out can only be refused.
        "message.timeout.ms": settings.transaction_timeout_ms,
        "message.max.bytes": min(1_000_000_000, max(1000, most_max_bytes)),
        "batch.num.messages": 10_000,
        "batch.size": max(1, min(1_000_000, least_max_bytes - 1024)),
        # A call that waits for the group's coordinator is looked at again when a connection's state changes, and at no
        # other time: an answer that comes while the coordinator loads leaves it waiting for ever (librdkafka 5456).
        # Connections that have nothing to carry meanwhile are closed, and that is a change.
        "connections.max.idle.ms": 4_000,
        # Back-to-back transactions meet CONCURRENT_TRANSACTIONS while the last one's markers are written.
        "retry.backoff.ms": 10,
        # Every record's partition is given; this is for whoever else copies the configuration.
        "partitioner": "murmur2_random",
    }
