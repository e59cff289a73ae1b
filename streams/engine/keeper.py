"""The keeper of proved time: says up to when everything that was received has gone through all stages.

A tick `at` is true for ever, whoever writes it and however late: everything appended to the first stage's inputs at or
before `at` has been folded by every stage, and what came of it by those behind. So two keepers at a time do no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, Protocol, TypeVar

from streams.engine.topic import Topic

log = logging.getLogger(__name__)

V = TypeVar("V")

Place = tuple[str, int]
"""Kafka topic and partition."""

#: The broker's time is asked for anew after this long: two clocks drift apart.
_ASK_TIME_AFTER_S: Final = 60.0


@dataclass(frozen=True)
class ClockDeclaration(Generic[V]):
    """Where ticks go, how one is made, and the stages that time has to pass, in the order of the pipeline.

    A topic that feeds itself is several stages: one for each round that a record of it can take. ``stages[0]`` is where
    records arrive; its topics are stamped by the broker (LogAppendTime), and so is `topic`.
    """

    topic: Topic[V]
    make: Callable[[int], V]
    stages: Sequence[Sequence[Topic[Any]]]


class Questions(Protocol):
    """What the keeper asks the cluster. Each call may raise KafkaException, and answers within a second or two."""

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """High watermarks: behind everything written, open transactions included."""

    def committed(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """Up to where the group has committed, without offsets that are pending; the log's begin if never."""

    def next_time_us(self, place: Place, offset: int) -> int | None:
        """When the first committed record at or behind `offset` was appended; None: only markers are there."""

    def tick(self, at_us: int) -> int:
        """Write a tick of time `at_us` to every partition. Returns when the broker appended it, by its clock."""


class Step(Enum):
    """ASK_TIME: the broker's clock is not known. REST: until the next tick. PASSING: the time must pass the stages."""

    ASK_TIME = "ask-time"
    REST = "rest"
    PASSING = "passing"


@dataclass
class Passing:
    """A time on its way through the stages."""

    at_us: int
    since_s: float
    stage: int = 0
    goal: Mapping[Place, int] = field(default_factory=dict)


class Keeper:
    """Proves one time after the other. `advance` is called again and again, does one step, and never waits.

    1. The broker's time now: that of the last tick's append and what has passed since (monotonic), so no jump of this
       machine's clock counts; less the allowance: what was appended by then is below the high watermarks.
    2. The first stage: its ends now; then wait until the group has committed them. If it is far behind, the time is set
       back to that of the first record it has not committed: proved time follows a backlog or a replay.
    3. Each further stage: its ends, read after the stage before was reached; then wait until they are committed.
    4. The tick.
    """

    def __init__(
        self,
        declaration: ClockDeclaration[Any],
        partitions: Mapping[str, int],
        questions: Questions,
        clock: Callable[[], float],
        *,
        interval_s: float,
        allowance_s: float,
        patience_s: float,
    ) -> None:
        self._stages = [
            [(topic.kafka_name, number) for topic in topics for number in range(partitions[topic.kafka_name])]
            for topics in declaration.stages
        ]
        self._questions = questions
        self._clock = clock
        self._interval_s = interval_s
        self._allowance_us = int(allowance_s * 1_000_000)
        self._patience_s = patience_s
        self._broker_us = 0
        self._asked_s = 0.0
        self._next_s = 0.0
        self._passing: Passing | None = None
        self.step = Step.ASK_TIME
        #: The last time that was proved (microseconds since 1970 UTC), 0 before the first.
        self.proved_us = 0

    def advance(self) -> None:
        """One step. Raises KafkaException if the cluster did not answer; the next call asks again."""
        now_s = self._clock()
        if self.step is Step.REST and now_s >= self._next_s:
            self._begin(now_s)
        if self.step is Step.ASK_TIME:
            self._write(self.proved_us)
        elif self._passing is not None and self._has_passed(self._passing, now_s):
            if self._passing.at_us > self.proved_us:
                self._write(self._passing.at_us)
            self._rest()

    def allow(self, allowance_s: float) -> None:
        """Stay so far behind the broker's time from now on; a time on its way is begun anew if that is another."""
        allowance_us = int(allowance_s * 1_000_000)
        if allowance_us != self._allowance_us:
            self._allowance_us = allowance_us
            if self.step is Step.PASSING:
                self._rest()

    def _begin(self, now_s: float) -> None:
        if now_s - self._asked_s > _ASK_TIME_AFTER_S:
            self.step = Step.ASK_TIME
            return
        at_us = self._broker_us + int((now_s - self._asked_s) * 1_000_000) - self._allowance_us
        self._passing = Passing(at_us, now_s, 0, self._questions.ends(self._stages[0]))
        self.step = Step.PASSING

    def _has_passed(self, passing: Passing, now_s: float) -> bool:
        """Go on through as many stages as are reached now."""
        while True:
            committed = self._questions.committed(passing.goal)
            behind = {place: committed[place] for place, end in passing.goal.items() if committed[place] < end}
            if behind and (passing.stage > 0 or now_s - passing.since_s < self._patience_s):
                return False
            if behind:
                passing.at_us = min([passing.at_us, *self._times_of(behind)])
                if passing.at_us <= self.proved_us:
                    return True
            if passing.stage + 1 == len(self._stages):
                return True
            # Stage and goal change together: a question without an answer is asked again, and no stage is left out.
            goal = self._questions.ends(self._stages[passing.stage + 1])
            passing.stage, passing.goal = passing.stage + 1, goal

    def _times_of(self, behind: Mapping[Place, int]) -> list[int]:
        """Just before each first record that the group has not committed. Append times rise within a partition, but
        for a change of leader: hence the allowance.
        """
        times = [self._questions.next_time_us(place, offset) for place, offset in behind.items()]
        return [time_us - 1 - self._allowance_us for time_us in times if time_us is not None]

    def _write(self, at_us: int) -> None:
        self._broker_us = self._questions.tick(at_us)
        self._asked_s = self._clock()
        self.proved_us = at_us
        self._rest()

    def _rest(self) -> None:
        self._passing = None
        self._next_s = self._clock() + self._interval_s
        self.step = Step.REST
