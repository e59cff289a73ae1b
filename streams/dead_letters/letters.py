"""Dead letters as the topic has them: which are open, which were replayed or dropped, by whom and why.

A decision is a record of the same topic, key and partition as its letter, without a value, told apart by its headers:
``resolution`` (replayed or dropped), ``resolves`` (the letter's id), ``actor``, ``reason``. So the topic alone says
what is open, for as long as it keeps the letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from schemas.records import DeadLetter
from streams.engine import Topic
from streams.lookup.log import CommittedLog, Logged

RESOLUTION: Final = "resolution"
RESOLVES: Final = "resolves"
ACTOR: Final = "actor"
REASON: Final = "reason"
_ID: Final = re.compile(r"(?P<topic>[\w.-]+)\[(?P<partition>\d{1,9})\]@(?P<offset>\d{1,18})")


class DeadLetterError(RuntimeError):
    """A request about dead letters that cannot be met; the message says why and what can be done."""


class Resolution(StrEnum):
    """What became of a dead letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, order=True)
class LetterId:
    """The record that a letter holds, by where it was read: written ``topic[partition]@offset``.

    A fact that was put out of its payment has no record of its own: it goes by the place of its letter.
    """

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Decision:
    """Who resolved a letter, why and when (microseconds UTC)."""

    resolution: Resolution
    actor: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter without the record that it holds; ``partition`` and ``offset`` are its own."""

    id: LetterId
    partition: int
    offset: int
    stage: str
    error_class: str
    reason_class: str
    message: str
    source_topic: str
    attempts: int
    failed_at: int
    decision: Decision | None

    @property
    def resolution(self) -> Resolution:
        """What became of it."""
        return Resolution.OPEN if self.decision is None else self.decision.resolution


def letter_id(text: str) -> LetterId:
    """Read an id as it is shown. Raises DeadLetterError."""
    found = _ID.fullmatch(text)
    if found is None:
        raise DeadLetterError(
            f"{text!r} is no dead letter's id: expected topic[partition]@offset, as `dlq list` shows it"
        )
    return LetterId(found["topic"], int(found["partition"]), int(found["offset"]))


def letters(log: CommittedLog, topic: Topic[DeadLetter]) -> list[Letter]:
    """Every letter that the topic keeps, oldest first, resolved ones too; a decision made before the call is seen.

    The same record dead-lettered twice (offsets were set back) is one letter, as it was the last time.
    """
    found: dict[LetterId, Letter] = {}
    for record in log.read(log.places(topic.kafka_name), settled=True):
        decided = _decided(record)
        if decided is None:
            letter = _letter(record, topic)
            found[letter.id] = letter
        elif decided[0] in found:
            found[decided[0]] = replace(found[decided[0]], decision=decided[1])
    return sorted(found.values(), key=lambda letter: (letter.failed_at, letter.id))


def selected(
    every: Iterable[Letter],
    ids: Collection[LetterId] = (),
    *,
    reason_class: str | None = None,
    stage: str | None = None,
    resolution: Resolution | None = Resolution.OPEN,
) -> list[Letter]:
    """The letters that fit all that is given."""
    return [
        letter
        for letter in every
        if (not ids or letter.id in ids)
        and (reason_class is None or letter.reason_class == reason_class)
        and (stage is None or letter.stage == stage)
        and (resolution is None or letter.resolution is resolution)
    ]


def whole(
    log: CommittedLog, topic: Topic[DeadLetter], chosen: Iterable[Letter]
) -> Iterator[tuple[Letter, Logged, DeadLetter]]:
    """The letters with the records that they hold, and the records that they are, partition by partition."""
    wanted = {(letter.partition, letter.offset): letter for letter in chosen}
    for partition in sorted({partition for partition, _ in wanted}):
        place = (topic.kafka_name, partition)
        left = {offset for at, offset in wanted if at == partition}
        for record in log.read([place], {place: min(left)}):
            if record.offset in left and record.value is not None:
                left.discard(record.offset)
                yield wanted[partition, record.offset], record, topic.decode(record.value)
            if not left:
                break


def _letter(record: Logged, topic: Topic[DeadLetter]) -> Letter:
    told = topic.decode(record.value or b"")
    own = LetterId(record.topic, record.partition, record.offset)
    return Letter(
        id=LetterId(told.source_topic, told.source_partition, told.source_offset) if told.source_offset >= 0 else own,
        partition=record.partition,
        offset=record.offset,
        stage=told.stage,
        error_class=told.error_class,
        reason_class=told.reason_class,
        message=told.message,
        source_topic=told.source_topic,
        attempts=told.attempts,
        failed_at=told.failed_at,
        decision=None,
    )


def _decided(record: Logged) -> tuple[LetterId, Decision] | None:
    """The decision that a record is, and about which letter; None: it is a letter itself."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    if RESOLUTION not in headers:
        return None
    decision = Decision(
        Resolution(headers[RESOLUTION]), headers.get(ACTOR, ""), headers.get(REASON, ""), record.timestamp_us
    )
    return letter_id(headers.get(RESOLVES, "")), decision
