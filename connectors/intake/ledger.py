"""The ledger of files, as payments.files.v1 has it: one entry a file, by its hash."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.codec import codec
from schemas.names import topic_name
from schemas.records import FileEntry
from streams.offsets import ask_again

TOPIC: Final = "payments.files.v1"
_TIMEOUT_S: Final = 90.0  # longer than any transaction may stay open
_POLL_S: Final = 1.0
_PASSING: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
    }
)
"""Said while a broker restarts or a leader is chosen."""
_CONSUMER: Final[Mapping[str, Any]] = {
    "group.id": "paystate-ledger",  # required by the library; partitions are assigned, no group is joined
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.error.backoff.ms": 10,
    # An end behind a transaction's marker shows only in a fetch that finds nothing more: 500 ms each by default.
    "fetch.wait.max.ms": 20,
}


class LedgerUnreadableError(Exception):
    """The ledger could not be read to its end."""


class Ledger:
    """Reads what is committed at each call. Entries stay encoded in memory: about 500 bytes a file."""

    def __init__(self, client_config: Mapping[str, Any]) -> None:
        self._topic = topic_name(TOPIC)
        self._codec = codec(TOPIC, FileEntry)
        self._admin = AdminClient(dict(client_config))
        self._consumer = Consumer({**client_config, **_CONSUMER})
        self._entries: dict[str, bytes] = {}
        self._positions: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def entry(self, file_hash: str) -> FileEntry | None:
        """What is committed about one file now; None if nothing is. Waits for transactions that are open."""
        self._read(IsolationLevel.READ_UNCOMMITTED)
        return self._kept(file_hash)

    def glance(self, file_hash: str) -> FileEntry | None:
        """What is known about one file without waiting for anybody: what it says is true, but may not be all."""
        self._read(IsolationLevel.READ_COMMITTED)
        return self._kept(file_hash)

    def entries(self) -> Iterator[FileEntry]:
        """Every file, in no order."""
        self._read(IsolationLevel.READ_COMMITTED)
        return map(self._codec.decode, list(self._entries.values()))

    def wait(self) -> None:
        """Return when something may have been added, after half a second at the latest."""
        message = self._consumer.poll(0.5)
        if message is not None:
            self._take(message)

    def _kept(self, file_hash: str) -> FileEntry | None:
        value = self._entries.get(file_hash)
        return None if value is None else self._codec.decode(value)

    def _read(self, until: IsolationLevel) -> None:
        """READ_UNCOMMITTED: up to the high watermarks of now; READ_COMMITTED: to the last stable offsets.

        The latter can lie before an entry that is committed. A consumer of committed records passes a watermark only
        when every transaction below it has ended.
        """
        if not self._positions:
            self._assign()
        ends = self._ends(until)
        deadline = time.monotonic() + _TIMEOUT_S
        while any(self._positions[partition] < end for partition, end in ends.items()):
            message = self._consumer.poll(_POLL_S)
            if message is not None and self._take(message):
                deadline = time.monotonic() + _TIMEOUT_S
            elif time.monotonic() > deadline:
                raise LedgerUnreadableError(
                    f"{self._topic}: nothing to read for {_TIMEOUT_S:.0f} s before its end: a transaction is still "
                    "open, or its broker cannot be reached"
                )

    def _take(self, message: Message) -> bool:
        """Whether it brought the reading further. Raises LedgerUnreadableError for what does not pass by itself."""
        error = message.error()
        if error is None:
            self._keep(message.key().decode(), message.value())
            self._positions[message.partition()] = message.offset() + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            self._positions[message.partition()] = message.offset()  # past transaction markers, which are not read
        elif error.code() not in _PASSING:
            raise LedgerUnreadableError(f"{self._topic}: {error.str()}")
        return error is None or error.code() == KafkaError._PARTITION_EOF

    def _keep(self, file_hash: str, value: bytes | None) -> None:
        if value is None:
            self._entries.pop(file_hash, None)
        else:
            self._entries[file_hash] = value

    def _assign(self) -> None:
        partitions = self._consumer.list_topics(self._topic, timeout=_TIMEOUT_S).topics[self._topic]
        if partitions.error is not None:
            raise LedgerUnreadableError(
                f"{self._topic}: {partitions.error.str()}: create it with `paystate topics apply`"
            )
        self._positions = dict.fromkeys(partitions.partitions, 0)
        self._consumer.assign([TopicPartition(self._topic, at, OFFSET_BEGINNING) for at in self._positions])

    def _ends(self, until: IsolationLevel) -> dict[int, int]:
        """The ends of now; asked again while the broker says that it cannot tell yet (a leader is being chosen)."""
        latest = {(self._topic, at): OffsetSpec.latest() for at in self._positions}
        try:
            answers = ask_again(self._admin, latest, _TIMEOUT_S, until)
        except KafkaException as error:
            raise LedgerUnreadableError(f"{self._topic}: {error.args[0].str()}") from error
        return {partition: answer.offset for (_, partition), answer in answers.items()}
