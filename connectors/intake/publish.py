"""Transactions to Kafka: a list of messages becomes visible whole, once, or not at all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from confluent_kafka import KafkaError, KafkaException, Producer

RECORDS_PER_TRANSACTION: Final = 5_000
BYTES_PER_TRANSACTION: Final = 16 << 20
_ATTEMPTS: Final = 5
_PATIENCE_S: Final = 120.0
"""How long one call is repeated while Kafka cannot be reached."""
_PAUSE_S: Final = 0.1
_ABORT_S: Final = 5.0
_TRANSACTION_TIMEOUT_MS: Final = 20_000
"""What a crash leaves open holds up readers of committed records this long, unless its file is taken again before."""
_PRODUCER: Final[Mapping[str, Any]] = {
    "acks": "all",
    "log_level": 3,  # a coordinator that still loads is retried: no news
    "enable.idempotence": True,
    "partitioner": "murmur2_random",  # Java's: librdkafka's own default puts a key into another partition
    "linger.ms": 2,
    "compression.type": "lz4",
    "retry.backoff.ms": 10,
    "transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS,
    "message.timeout.ms": _TRANSACTION_TIMEOUT_MS,
}
_FENCED: Final = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


class PublishError(Exception):
    """Kafka did not take the messages, or did not say so: the same may be published again, by file or source id."""


class FencedError(PublishError):
    """Another process took over the same transactional id: it publishes now, this one must not."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record to write; the partition follows from the key."""

    topic: str
    key: str
    value: bytes


def batch_of(messages: Iterator[Message]) -> list[Message]:
    """The messages of the next transaction: at most 5,000 and about 16 MiB, empty when there are no more."""
    batch: list[Message] = []
    size = 0
    while len(batch) < RECORDS_PER_TRANSACTION and size < BYTES_PER_TRANSACTION:
        message = next(messages, None)
        if message is None:
            break
        batch.append(message)
        size += len(message.value)
    return batch


class Publisher:
    """The one producer of a transactional id. Entering it fences whoever held the id and ends what it left open."""

    def __init__(self, client_config: Mapping[str, Any], transactional_id: str) -> None:
        self._id = transactional_id
        own = {"transactional.id": transactional_id, "error_cb": _told_by_the_call}
        self._producer = Producer({**client_config, **_PRODUCER, **own})

    def __enter__(self) -> Self:
        self._call(lambda: self._producer.init_transactions(_TRANSACTION_TIMEOUT_MS / 1000))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A fenced producer says once more that it is: whoever called has heard it from the call that met it.
        with contextlib.suppress(KafkaException):
            self._producer.purge()
            self._producer.flush(1)

    def transaction(self, messages: Sequence[Message]) -> None:
        """Write all ``messages`` in one transaction and wait for its commit; aborted ones are begun again.

        Raises FencedError, or PublishError when Kafka refuses for good or after several attempts.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._attempt(messages)
            except _AbortedError as again:
                last = again
                time.sleep(_PAUSE_S * 2**attempt)
            else:
                return
        raise PublishError(f"transaction {self._id!r} was aborted {_ATTEMPTS} times: {last}")

    def _attempt(self, messages: Sequence[Message]) -> None:
        self._call(self._producer.begin_transaction)
        try:
            for message in messages:
                self._produce(message)
            self._call(self._producer.commit_transaction)
        except (FencedError, _AbortedError):
            raise
        except BaseException:
            with contextlib.suppress(KafkaException):
                self._producer.abort_transaction(_ABORT_S)
            raise

    def _produce(self, message: Message) -> None:
        while True:
            try:
                self._producer.produce(message.topic, message.value, message.key.encode())
            except BufferError:
                self._producer.poll(_PAUSE_S)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise PublishError(
                        f"{message.topic}: the record under key {message.key!r} has {len(message.value)} bytes, more "
                        "than Kafka takes: nothing of its transaction was published"
                    ) from error
                self._give_up(error)
            else:
                self._producer.poll(0)
                return

    def _call(self, step: Callable[[], object]) -> None:
        """Do one step: again while Kafka says that it may be repeated, else as an error of ours."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                step()
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    self._give_up(error)
            else:
                return

    def _give_up(self, error: KafkaException) -> NoReturn:
        cause: KafkaError = error.args[0]
        if cause.code() in _FENCED:
            raise FencedError(f"another process took over {self._id!r}") from error
        if cause.txn_requires_abort():
            self._call(self._producer.abort_transaction)
            raise _AbortedError(str(cause)) from error
        raise PublishError(f"Kafka refused to publish under {self._id!r}: {cause.str()}") from error


def _told_by_the_call(_: KafkaError) -> None:
    """Every error is the result of the call that met it; without a callback flush() raises a fatal one again."""


class _AbortedError(Exception):
    """The transaction was aborted for a passing reason: begin it again."""
