"""Kafka's clients as a test directs them: each says what it was told to say and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams.engine.clients import Config


def failure(code: int, **flags: bool) -> KafkaException:
    """What confluent-kafka raises: `retriable`, `txn_requires_abort` and `fatal` are flags of the error."""
    return KafkaException(KafkaError(code, **flags))


@dataclass
class Said:
    """A record, or with an error an event, as a consumer hands it out."""

    topic_: str = "in"
    partition_: int = 0
    offset_: int = 0
    key_: bytes | None = b"k"
    value_: bytes | None = b"v"
    ms: int = 5
    headers_: list[tuple[str, bytes | None]] | None = None
    error_: KafkaError | None = None

    def __len__(self) -> int:
        return len(self.value_ or b"")

    def error(self) -> Any:
        return self.error_

    def topic(self) -> str:
        return self.topic_

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def key(self) -> bytes | None:
        return self.key_

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.headers_

    def timestamp(self) -> tuple[int, int]:
        return 2, self.ms


@dataclass
class FakeConsumer:
    """Hands out what `coming` says, one entry a call: messages, an exception to raise, or a rebalance to perform."""

    config: Config
    coming: list[Any] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    callbacks: dict[str, Any] = field(default_factory=dict)
    pause_fails: KafkaException | None = None
    seek_fails: KafkaException | None = None
    is_closed: bool = False
    begins: tuple[int, int] | KafkaException = (0, 0)

    def get_watermark_offsets(self, partition: Any, timeout: float = -1, cached: bool = False) -> tuple[int, int]:
        del partition, timeout, cached
        if isinstance(self.begins, KafkaException):
            raise self.begins
        return self.begins

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        self.callbacks = callbacks
        self.calls.append(("subscribe", *topics))

    def consume(self, num_messages: int, timeout: float) -> list[Any]:
        del timeout
        if not self.coming:
            return []
        said = self.coming.pop(0)
        if isinstance(said, Exception):
            raise said
        if callable(said):
            said(self)
            return []
        assert len(said) <= num_messages
        return list(said)

    def pause(self, partitions: list[Any]) -> None:
        self._note("pause", partitions)
        if self.pause_fails is not None:
            raise self.pause_fails

    def seek(self, partition: Any) -> None:
        if self.seek_fails is not None:
            raise self.seek_fails
        self.calls.append(("seek", partition.topic, partition.partition, partition.offset))

    def consumer_group_metadata(self) -> Any:
        return "metadata"

    def memberid(self) -> str | None:
        if self.is_closed:
            raise RuntimeError("Consumer closed")
        return "member"

    def close(self) -> None:
        self.is_closed = True

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name in ("assign", "incremental_assign", "incremental_unassign", "resume"):
            return lambda partitions: self._note(name, partitions)
        if name == "unassign":
            return lambda: self._note(name, [])
        raise AttributeError(name)

    def _note(self, call: str, partitions: list[Any]) -> None:
        self.calls.append((call, *((tp.topic, tp.partition) for tp in partitions)))


@dataclass
class FakeProducer:
    """Raises what `fails` holds for a call, one a time, then succeeds. Delivers at flush; offsets count up from 100."""

    fails: dict[str, list[Exception]] = field(default_factory=dict)
    refuses: KafkaError | None = None
    calls: list[str] = field(default_factory=list)
    produced: list[tuple[Any, ...]] = field(default_factory=list)
    _reports: list[tuple[Any, int]] = field(default_factory=list)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fails.get(call):
            raise self.fails[call].pop(0)

    def init_transactions(self, timeout: float) -> None:
        del timeout
        self._called("init_transactions")

    def begin_transaction(self) -> None:
        self._called("begin_transaction")

    def produce(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int, callback: Any = None, /
    ) -> None:
        self._called("produce")
        self.produced.append((topic, value, key, partition))
        if callback is not None:
            self._reports.append((callback, 99 + len(self.produced)))

    def poll(self, timeout: float) -> int:
        del timeout
        self._called("poll")
        return 0

    def flush(self, timeout: float) -> int:
        del timeout
        self._called("flush")
        for callback, offset in self._reports:
            callback(self.refuses, Said(offset_=offset))
        self._reports.clear()
        return 0

    def purge(self) -> None:
        self._called("purge")

    def send_offsets_to_transaction(self, positions: list[Any], group_metadata: Any, timeout: float) -> None:
        del positions, group_metadata, timeout
        self._called("send_offsets")

    def commit_transaction(self, timeout: float) -> None:
        del timeout
        self._called("commit_transaction")

    def abort_transaction(self, timeout: float) -> None:
        del timeout
        self._called("abort_transaction")


@dataclass
class FakeClients:
    """Makes consumers, and keeps them."""

    consumers: list[FakeConsumer] = field(default_factory=list)

    def consumer(self, config: Config) -> Any:
        self.consumers.append(FakeConsumer(config))
        return self.consumers[-1]

    def producer(self, config: Config) -> Any:
        raise AssertionError(f"no producer is expected: {config}")

    def admin(self, config: Config) -> Any:
        raise AssertionError(f"no admin client is expected: {config}")
