"""How far a generation is: how much of what it replays is done, and what it has yet to take of the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException

from schemas.records import Generation
from streams.app import group_of
from streams.generations import GenerationError
from streams.lookup.log import CommittedLog
from streams.lookup.pipeline import input_topics
from streams.quiet import NotQuietError, Progress
from streams.replay.reading import inputs_now
from streams.settings import Settings
from streams.topics import topics_of

_POLL_S: Final = 0.25
_LEADERS_WITHIN_S: Final = 15.0
_TICKS_READ: Final = 3
_ROUNDS: Final = 6
"""Stages that a record may go through, one after the other: raw; references, three times; facts; fingerprints."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``replayed`` of ``total`` offsets below the marks are done; ``behind``: records yet to be taken of all inputs.

    ``per_s``: offsets replayed a second between two looks; None: not looked twice.
    """

    replayed: int
    total: int
    behind: int
    per_s: float | None = None

    @property
    def phase(self) -> str:
        """``replaying`` until the marks are reached, ``catching up`` while anything waits, then ``live``."""
        if self.replayed < self.total:
            return "replaying"
        return "catching up" if self.behind else "live"

    @property
    def eta_s(self) -> float | None:
        """Seconds until the marks are reached at this rate; None: not known, or never."""
        if self.replayed >= self.total:
            return 0.0
        return (self.total - self.replayed) / self.per_s if self.per_s else None


class Follower:
    """Looks at one generation's group. ``settings`` mean that generation. Joins nothing."""

    def __init__(self, client: Mapping[str, Any], settings: Settings) -> None:
        self._group = group_of(settings)
        topics = topics_of(settings.generation)
        self._client = dict(client)
        self._progress = Progress(client, self._group, inputs_now(client, settings, input_topics(topics)))
        self._clock = topics.clock

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.__exit__(None, None, None)

    def look(self, declared: Generation | None) -> Standing:
        """Where it is now. Raises KafkaException; GenerationError if its topics are not there."""
        ends = self._ends()
        committed = self._progress.committed(ends)
        marks = () if declared is None else declared.marks
        done = sum(
            min(max(committed.get((mark.topic, mark.partition), mark.begin), mark.begin), mark.end) - mark.begin
            for mark in marks
        )
        behind = sum(max(0, end - committed.get(place, 0)) for place, end in ends.items())
        return Standing(done, sum(mark.end - mark.begin for mark in marks), behind)

    def _ends(self) -> dict[tuple[str, int], int]:
        """Asked again while leaders are being chosen, as they are for topics that were made a moment ago."""
        deadline = time.monotonic() + _LEADERS_WITHIN_S
        while True:
            try:
                return self._progress.ends()
            except KeyError as error:
                raise GenerationError(
                    f"topic {error} is not there: finish the start with `paystate replay start --generation N`"
                ) from error
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_S)

    def look_twice(self, declared: Generation | None, apart_s: float) -> Standing:
        """Where it is, and at which rate it gets on."""
        first, began_s = self.look(declared), time.monotonic()
        if first.phase != "replaying":
            return first
        time.sleep(apart_s)
        then = self.look(declared)
        return Standing(
            then.replayed, then.total, then.behind, (then.replayed - first.replayed) / (time.monotonic() - began_s)
        )

    def await_taken(self, within_s: float) -> None:
        """Return when all that was there at the call has gone through every stage; what comes meanwhile may wait.

        Raises NotQuietError.
        """
        deadline = time.monotonic() + within_s
        for _ in range(_ROUNDS):
            self._await_read(self._progress, deadline)

    def await_proved(self, at_us: int, within_s: float) -> None:
        """Return when whatever was due by that time has been decided: the clock has passed it. Raises NotQuietError."""
        deadline = time.monotonic() + within_s
        while self._proved_us() < at_us:
            if time.monotonic() > deadline:
                raise NotQuietError(
                    f"the clock of group {self._group} did not move on in {within_s:.0f} s: workers run?"
                )
            time.sleep(_POLL_S)
        with Progress(self._client, self._group, [self._clock.kafka_name]) as ticks:
            self._await_read(ticks, deadline)

    def _proved_us(self) -> int:
        """The last tick of the partition that is least far; 0: there is one without any."""
        log = CommittedLog(self._client)
        places = log.places(self._clock.kafka_name)
        latest = dict.fromkeys(places, 0)
        begins = {place: max(0, end - _TICKS_READ) for place, end in log.ends(places).items()}
        for record in log.read(places, begins):
            latest[record.topic, record.partition] = self._clock.decode(record.value or b"").at
        return min(latest.values())

    def _await_read(self, progress: Progress, deadline: float) -> None:
        """Until the group has committed what is there now."""
        ends: dict[tuple[str, int], int] | None = None
        while True:
            try:
                ends = ends or progress.ends()
                behind = progress.behind(ends)
            except KafkaException:
                behind = {("the cluster", 0): 1}
            if not behind:
                return
            if time.monotonic() > deadline:
                left = ", ".join(f"{topic}[{part}]: {count}" for (topic, part), count in sorted(behind.items())[:8])
                raise NotQuietError(f"group {self._group} is behind; records left: {left}")
            time.sleep(_POLL_S)
