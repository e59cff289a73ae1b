"""Resolve dead letters: send the records again as they were, or drop them, with the decision in the same transaction.

What is sent again gets a new offset and goes through the pipeline like any record. On payments.raw.v1 it also gets a
new log-append time, which is its received_at: a replayed record counts as received when it was replayed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException, Producer

from schemas.records import DeadLetter, Header
from streams.dead_letters.letters import (
    ACTOR,
    REASON,
    RESOLUTION,
    RESOLVES,
    DeadLetterError,
    Letter,
    Resolution,
    letters,
    whole,
)
from streams.engine import Topic, partition_of
from streams.lookup.log import CommittedLog, Logged

CUT: Final = "[cut: "
"""How the message of a letter begins whose record did not fit (streams/engine/dead_letters.py)."""
ATTEMPTS: Final = "attempts"
"""The header that counts how often a record failed before: the engine adds one when it fails again."""
_LETTERS_PER_TRANSACTION: Final = 200
_TIMEOUT_S: Final = 30.0
_PRODUCER: Final[Mapping[str, Any]] = {
    "partitioner": "murmur2_random",
    "transaction.timeout.ms": 30_000,
    "message.timeout.ms": 30_000,
    "retry.backoff.ms": 10,
    "message.max.bytes": 2 << 20,
    # A broker counts a whole batch against max.message.bytes: small batches, so that only a large record stands alone.
    "batch.size": 64 << 10,
}

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class _Send:
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Resolver:
    """The one process that resolves letters of a group: entering it fences any other and ends what that left open.

    Letters must be read after entering, with ``letters()``, or two people may replay the same one.
    """

    def __init__(self, client: Mapping[str, Any], group: str, topic: Topic[DeadLetter]) -> None:
        self._log = CommittedLog(client)
        self._topic = topic
        self._producer = Producer({**client, **_PRODUCER, "transactional.id": f"{group}-dead-letters"})

    def __enter__(self) -> Self:
        self._producer.init_transactions(_TIMEOUT_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._producer.purge()
        self._producer.flush(1)

    def letters(self) -> list[Letter]:
        """All letters as they are decided now."""
        return letters(self._log, self._topic)

    def replay(self, chosen: Iterable[Letter], actor: str, reason: str) -> int:
        """Send the held records to the topics and partitions that they came from. Returns how many.

        All of it or, after an error, whole transactions of it: a letter is marked if and only if its record was sent.
        """
        return self._resolve(chosen, Resolution.REPLAYED, actor, reason)

    def drop(self, chosen: Iterable[Letter], actor: str, reason: str) -> int:
        """Decide that nothing more is done about them; the letters stay readable. Returns how many."""
        return self._resolve(chosen, Resolution.DROPPED, actor, reason)

    def _resolve(self, chosen: Iterable[Letter], resolution: Resolution, actor: str, reason: str) -> int:
        partitions: dict[str, int] = {}
        done = 0
        full = whole(self._log, self._topic, chosen)
        while batch := list(islice(full, _LETTERS_PER_TRANSACTION)):
            sends: list[_Send] = []
            for letter, record, held in batch:
                if resolution is Resolution.REPLAYED:
                    topic = letter.source_topic
                    count = partitions.setdefault(topic, self._log.partitions(topic))
                    sends.append(_again(self._whole(held), count))
                sends.append(_decision(letter, record, resolution, actor, reason))
            self._transaction(sends)
            done += len(batch)
        return done

    def _whole(self, held: DeadLetter) -> DeadLetter:
        """A record that was too large for a letter was cut: it is read where it still is, or it is gone."""
        if not held.message.startswith(CUT):
            return held
        place = (held.source_topic, held.source_partition)
        found = self._log.at(place, held.source_offset)
        if found is None:
            raise DeadLetterError(
                f"{place[0]}[{place[1]}]@{held.source_offset} was too large to be kept whole, and its topic does not "
                "keep it any more: nothing was sent; have it sent again by its source, then `paystate dlq drop`"
            )
        headers = tuple(Header(key, value) for key, value in found.headers)
        return replace(held, key=found.key, value=found.value, headers=headers)

    def _transaction(self, sends: Iterable[_Send]) -> None:
        try:
            self._producer.begin_transaction()
            for send in sends:
                self._produce(send)
            self._producer.commit_transaction(_TIMEOUT_S)
        except KafkaException as error:
            with contextlib.suppress(KafkaException):
                self._producer.abort_transaction(_TIMEOUT_S)
            raise DeadLetterError(
                f"the transaction did not happen: {error.args[0].str()}. Nothing of it was sent; if nobody else is "
                "resolving dead letters now, try again"
            ) from error

    def _produce(self, send: _Send) -> None:
        while True:
            try:
                self._producer.produce(send.topic, send.value, send.key, send.partition, headers=send.headers)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return


def _again(held: DeadLetter, partitions: int) -> _Send:
    """The record as it was, with the number of times that it failed."""
    kept = [(header.key, header.value) for header in held.headers if header.key != ATTEMPTS]
    headers: Headers = [*kept, (ATTEMPTS, str(held.attempts).encode())]
    partition = held.source_partition
    if partition >= partitions:
        partition = partition_of(held.key or b"", partitions)
    return _Send(held.source_topic, partition, held.key, held.value, headers)


def _decision(letter: Letter, record: Logged, resolution: Resolution, actor: str, reason: str) -> _Send:
    headers: Headers = [
        (RESOLUTION, resolution.value.encode()),
        (RESOLVES, str(letter.id).encode()),
        (ACTOR, actor.encode()),
        (REASON, reason.encode()),
    ]
    return _Send(record.topic, record.partition, record.key, None, headers)
