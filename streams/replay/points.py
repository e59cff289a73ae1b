"""Where a replay begins and ends in the shared topics, and which payments it would cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.names import topic_name
from schemas.records import ReplayMark
from streams.lookup.log import CommittedLog
from streams.offsets import Place, ask_again

RAW: Final = topic_name("payments.raw.v1")
COMMANDS: Final = topic_name("payments.commands.v1")
BEGINNING: Final = "beginning"
_TIMEOUT_S: Final = 30.0
_MS_US: Final = 1_000
_OFFSETS: Final = re.compile(r"(\d+)=(\d+)")


class PointError(ValueError):
    """A beginning that cannot be understood, or that the topics do not have."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where to begin: everything that is kept, a time (milliseconds UTC), or offsets of raw by partition.

    With offsets, what people decided is replayed from its beginning: of a payment that is not known it says nothing.
    """

    text: str
    time_ms: int | None = None
    offsets: Mapping[int, int] | None = None


def point(text: str) -> Point:
    """``beginning``, an ISO 8601 time with its offset from UTC, or ``0=1200,1=1180``. Raises PointError."""
    if text == BEGINNING:
        return Point(text)
    if re.fullmatch(r"\d+=\d+(,\d+=\d+)*", text):
        return Point(text, offsets={int(part): int(offset) for part, offset in _OFFSETS.findall(text)})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PointError(
            f"a replay cannot begin at {text!r}: expected {BEGINNING}, a time with its offset from UTC "
            "(2026-01-05T00:00:00Z), or offsets of payments.raw.v1 by partition (0=1200,1=1180)"
        )
    return Point(text, time_ms=round(moment.timestamp() * 1_000))


class SharedTopics:
    """The topics that all generations read, as far as a replay must know them. Joins no group."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = dict(client)
        self._admin = AdminClient({**client, "log_level": 3})
        self._log = CommittedLog(client)

    def marks(self, begin: Point) -> tuple[int, tuple[ReplayMark, ...]]:
        """What is replayed of each partition, and the log-append time (microseconds) of the newest of it.

        Raw is cut at one time for all partitions, so that a fact's time of receipt tells on which side it lies. Raises
        PointError for offsets that are not there, ReadError for a missing topic, KafkaException.
        """
        raw, commands = self._log.places(RAW), self._log.places(COMMANDS)
        first = self._log.beginnings((*raw, *commands))
        ends = self._offsets((*raw, *commands), OffsetSpec.latest())
        newest_ms = self.newest_ms()
        cut = self._at_time(raw, newest_ms + 1, ends)
        begins = self._begins(begin, raw, commands, first, ends)
        marks = [
            ReplayMark(topic, part, min(begins[topic, part], end), end)
            for (topic, part), end in ((place, cut.get(place, ends[place])) for place in (*raw, *commands))
        ]
        return max(newest_ms, 0) * _MS_US, tuple(marks)

    def newest_ms(self) -> int:
        """The log-append time of the newest record of raw; -1: it holds none. Raises ReadError, KafkaException."""
        asked = dict.fromkeys(self._log.places(RAW), OffsetSpec.max_timestamp())
        return max(int(answer.timestamp) for answer in ask_again(self._admin, asked, _TIMEOUT_S).values())

    def _begins(
        self,
        begin: Point,
        raw: Sequence[Place],
        commands: Sequence[Place],
        first: Mapping[Place, int],
        ends: Mapping[Place, int],
    ) -> dict[Place, int]:
        if begin.time_ms is not None:
            return self._at_time((*raw, *commands), begin.time_ms, ends)
        begins = dict(first)
        for part, offset in (begin.offsets or {}).items():
            place = (RAW, part)
            if place not in first or not first[place] <= offset <= ends[place]:
                has = f"offsets {first[place]} to {ends[place]}" if place in first else "no such partition"
                raise PointError(f"a replay cannot begin at {RAW}[{part}]@{offset}: it has {has}")
            begins[place] = offset
        return begins

    def cut_before(self, marks: Iterable[ReplayMark]) -> int | None:
        """Facts received before this (microseconds) may lie below the marks' beginnings; None: nothing is cut.

        A fact does not tell in which partition of raw it lay, so of all partitions the latest beginning counts.
        """
        begun = [mark for mark in marks if mark.topic == RAW and mark.begin > 0]
        if not begun:
            return None
        return max(self._time_at(mark) for mark in begun)

    def _time_at(self, mark: ReplayMark) -> int:
        place = (mark.topic, mark.partition)
        for record in self._log.read([place], {place: mark.begin}):
            return record.timestamp_us
        return max(self.newest_ms(), 0) * _MS_US + 1

    def _at_time(self, places: Sequence[Place], time_ms: int, ends: Mapping[Place, int]) -> dict[Place, int]:
        """The first offset at or after the time; the end where there is none."""
        consumer = Consumer({**self._client, "group.id": "paystate-reader", "log_level": 2})
        try:
            asked = [TopicPartition(topic, part, max(time_ms, 0)) for topic, part in places]
            answers = consumer.offsets_for_times(asked, timeout=_TIMEOUT_S)
        finally:
            consumer.close()
        for tp in answers:
            if tp.error is not None:
                raise KafkaException(tp.error)
        return {(tp.topic, tp.partition): _or_end(tp, ends) for tp in answers}

    def _offsets(self, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
        """High watermarks: what an open transaction has written counts as there."""
        answers = ask_again(self._admin, dict.fromkeys(places, spec), _TIMEOUT_S)
        return {place: answer.offset for place, answer in answers.items()}


def _or_end(tp: Any, ends: Mapping[Place, int]) -> int:
    place = (tp.topic, tp.partition)
    return tp.offset if 0 <= tp.offset <= ends[place] else ends[place]


def shown(marks: Iterable[ReplayMark]) -> Iterator[str]:
    """One line a partition, for a person."""
    for mark in marks:
        yield f"{mark.topic}[{mark.partition}]: offsets {mark.begin} to {mark.end}"
