"""What the keeper of proved time says is true, whatever happens between any two of its questions."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.engine import Topic
from streams.engine.keeper import ClockDeclaration, Keeper, Place, Step

RAW, REFERENCES, FACTS, CLOCK = (
    Topic(name, str.encode, bytes.decode) for name in ("raw", "references", "facts", "clock")
)
STAGES = ((RAW,), (REFERENCES,), (REFERENCES,), (REFERENCES,), (FACTS,))
PARTITIONS = 2
ALLOWANCE_S = 2.0
SECOND_US = 1_000_000
ROUNDS = 3
"""A fact goes round in `references` at most so often."""


@dataclass
class Entry:
    """One record: which arrival it comes from, how often it will go round yet, when it was appended."""

    arrival: int
    hops: int
    at_us: int
    aborted: bool = False


@dataclass
class Pipeline:
    """Three topics whose steps happen in any order: arrivals, units in two halves, aborts, replication."""

    rng: random.Random
    allowance_us: int = int(ALLOWANCE_S * SECOND_US)
    now_us: int = 1_000 * SECOND_US
    logs: dict[Place, list[Entry]] = field(default_factory=dict)
    #: Arrivals that are appended and below no high watermark yet.
    replicating: list[tuple[Place, Entry]] = field(default_factory=list)
    committed: dict[Place, int] = field(default_factory=dict)
    #: Units whose outputs are in the logs, uncommitted: place, entries taken, outputs.
    open_units: dict[Place, tuple[int, list[Entry]]] = field(default_factory=dict)
    #: Records of an arrival that nobody has folded yet.
    pending: dict[int, int] = field(default_factory=dict)
    arrived_us: dict[int, int] = field(default_factory=dict)
    ticks: list[int] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    is_frozen: bool = False

    def __post_init__(self) -> None:
        for topic in (RAW, REFERENCES, FACTS):
            for number in range(PARTITIONS):
                self.logs[topic.kafka_name, number] = []
                self.committed[topic.kafka_name, number] = 0

    # -- what happens by itself

    def happen(self, most: int) -> None:
        for _ in range(0 if self.is_frozen else self.rng.randrange(most + 1)):
            self.now_us += self.rng.randrange(200_000)
            self.rng.choice((self._arrive, self._replicate, self._begin, self._begin, self._end, self._end))()

    def _arrive(self) -> None:
        arrival = len(self.arrived_us)
        self.arrived_us[arrival] = self.now_us
        self.pending[arrival] = 1
        entry = Entry(arrival, self.rng.randrange(ROUNDS + 1), self.now_us)
        self.replicating.append((("raw", self.rng.randrange(PARTITIONS)), entry))

    def _replicate(self) -> None:
        """In order, each at the latest when the allowance is over."""
        while self.replicating:
            place, entry = self.replicating[0]
            if entry.at_us + self.allowance_us > self.now_us and self.rng.random() < 0.5:
                return
            self.logs[place].append(entry)
            del self.replicating[0]

    def _begin(self) -> None:
        place = self.rng.choice(list(self.logs))
        taken = self.committed[place]
        if place in self.open_units or taken >= len(self.logs[place]):
            return
        until = self.rng.randint(taken + 1, len(self.logs[place]))
        outputs = []
        for entry in self.logs[place][taken:until]:
            if not entry.aborted and place[0] != FACTS.name:
                topic = REFERENCES if entry.hops else FACTS
                output = Entry(entry.arrival, max(0, entry.hops - 1), self.now_us, aborted=True)
                self.logs[topic.name, self.rng.randrange(PARTITIONS)].append(output)
                outputs.append(output)
        self.open_units[place] = (until, outputs)

    def _end(self) -> None:
        """Commit or abort an open unit. A reader stands before what is open; this one takes it for aborted: as safe."""
        if not self.open_units:
            return
        place = self.rng.choice(list(self.open_units))
        until, outputs = self.open_units[place]
        if any(self._is_open(place, entry) for entry in self.logs[place][self.committed[place] : until]):
            return
        del self.open_units[place]
        if self.rng.random() < 0.2:
            return
        for entry in self.logs[place][self.committed[place] : until]:
            if not entry.aborted:
                self.pending[entry.arrival] -= 1
        for output in outputs:
            output.aborted = False
            self.pending[output.arrival] += 1
        self.committed[place] = until

    def _is_open(self, reader: Place, entry: Entry) -> bool:
        """Whether a unit that is not over has written the entry: its reader must wait."""
        return any(
            entry is output for place, (_, outputs) in self.open_units.items() if place != reader for output in outputs
        )

    # -- what the keeper asks

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        self.happen(6)
        self._replicate_overdue()
        return {place: len(self.logs[place]) for place in places}

    def _replicate_overdue(self) -> None:
        while self.replicating and self.replicating[0][1].at_us + self.allowance_us <= self.now_us:
            place, entry = self.replicating.pop(0)
            self.logs[place].append(entry)

    def committed_(self, places: Iterable[Place]) -> Mapping[Place, int]:
        self.happen(6)
        return {place: self.committed[place] for place in places}

    def next_time_us(self, place: Place, offset: int) -> int | None:
        self.happen(3)
        return next((entry.at_us for entry in self.logs[place][offset:] if not entry.aborted), None)

    def tick(self, at_us: int) -> int:
        self.happen(6)
        self.ticks.append(at_us)
        self.false += [
            f"tick {at_us}: arrival {arrival} of {arrived_us} is on its way"
            for arrival, arrived_us in self.arrived_us.items()
            if arrived_us <= at_us and self.pending[arrival]
        ]
        return self.now_us


@dataclass
class Asked:
    """The pipeline as the keeper's questions."""

    pipeline: Pipeline

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipeline, "committed_" if name == "committed" else name)


class UnansweredQuestions(Asked):
    """Many questions are not answered, as while a broker is away."""

    def __getattr__(self, name: str) -> Any:
        ask = super().__getattr__(name)

        def asked(*given: Any) -> Any:
            if self.pipeline.rng.random() < 0.3:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            return ask(*given)

        return asked


@dataclass
class HastyQuestions(Asked):
    """Answers with the ends of all stages as they were when the first stage was asked for."""

    early: dict[Place, int] = field(default_factory=dict)

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        asked = list(places)
        if ("raw", 0) in asked:
            self.early = dict(self.pipeline.ends(self.pipeline.logs))
        return {place: self.early[place] for place in asked}


def keeper_of(
    pipeline: Pipeline,
    stages: Any = STAGES,
    allowance_s: float = ALLOWANCE_S,
    questions: Any = None,
    **given: float,
) -> Keeper:
    return Keeper(
        ClockDeclaration(CLOCK, str, stages),
        {topic.kafka_name: PARTITIONS for topics in stages for topic in topics},
        questions or Asked(pipeline),
        lambda: pipeline.now_us / SECOND_US,
        interval_s=given.get("interval_s", 0.5),
        allowance_s=allowance_s,
        patience_s=given.get("patience_s", 2.0),
    )


def run(seed: int, **given: Any) -> Pipeline:
    pipeline = Pipeline(random.Random(seed))
    keeper = keeper_of(pipeline, **given)
    for _ in range(200):
        pipeline.happen(4)
        keeper.advance()
    return pipeline


def test_everything_that_came_by_a_tick_has_gone_through_all_stages() -> None:
    pipelines = [run(seed) for seed in range(60)]
    assert [said for pipeline in pipelines for said in pipeline.false] == []
    assert sum(len(set(pipeline.ticks)) for pipeline in pipelines) > 200


def test_proved_time_follows_a_backlog_that_is_never_read_to_its_end() -> None:
    pipelines = [run(seed, patience_s=0.0) for seed in range(60)]
    assert [said for pipeline in pipelines for said in pipeline.false] == []
    assert sum(len(set(pipeline.ticks)) for pipeline in pipelines) > 200


def test_a_question_that_is_not_answered_is_asked_again_and_no_stage_is_left_out() -> None:
    """Found by the chaos suite when it killed one broker of three: workers ended, and a stage could be skipped."""
    ticks = 0
    for seed in range(200):
        pipeline = Pipeline(random.Random(seed))
        keeper = keeper_of(pipeline, questions=UnansweredQuestions(pipeline))
        for _ in range(200):
            pipeline.happen(4)
            with suppress(KafkaException):
                keeper.advance()
        assert pipeline.false == []
        ticks += len(set(pipeline.ticks))
    assert ticks > 200


def test_the_allowance_grows_when_a_broker_comes_back_that_allows_its_followers_more() -> None:
    """A keeper that did not hear of it in the middle of its work would tell what is false."""

    def told(seed: int, allowed_s: float) -> list[str]:
        pipeline = Pipeline(random.Random(seed))
        keeper = keeper_of(pipeline)
        for turn in range(300):
            if turn == 100:
                pipeline.allowance_us *= 4
                keeper.allow(allowed_s)
            pipeline.happen(4)
            keeper.advance()
        assert pipeline.ticks[-1] > pipeline.ticks[0]
        return pipeline.false

    assert not any(told(seed, 4 * ALLOWANCE_S) for seed in range(60))
    assert any(told(seed, ALLOWANCE_S) for seed in range(60))


@pytest.mark.parametrize(
    "given",
    [
        {"stages": (STAGES[0], STAGES[1], STAGES[2], STAGES[4])},
        {"stages": (STAGES[0], STAGES[1], STAGES[2], STAGES[3])},
        {"stages": (STAGES[0], STAGES[4], STAGES[1], STAGES[2], STAGES[3])},
        {"allowance_s": 0.0},
    ],
    ids=["two rounds of references", "without the last stage", "another order of stages", "no allowance"],
)
def test_less_than_the_protocol_says_what_is_false(given: dict[str, Any]) -> None:
    assert any(run(seed, **given).false for seed in range(400))


def test_ends_of_a_stage_that_are_read_too_early_say_what_is_false() -> None:
    def hasty(seed: int) -> Pipeline:
        pipeline = Pipeline(random.Random(seed))
        keeper = keeper_of(pipeline, questions=HastyQuestions(pipeline))
        for _ in range(200):
            pipeline.happen(4)
            keeper.advance()
        return pipeline

    assert any(hasty(seed).false for seed in range(400))


def test_time_stands_still_while_a_stage_does_not_move() -> None:
    pipeline = Pipeline(random.Random(1))
    keeper = keeper_of(pipeline)
    for _ in range(100):
        pipeline.happen(4)
        keeper.advance()
    pipeline.is_frozen = True
    pipeline.logs["facts", 0].append(Entry(0, 0, pipeline.now_us))
    pipeline.pending[0] += 1
    proved_us = keeper.proved_us
    for _ in range(50):
        pipeline.now_us += SECOND_US
        keeper.advance()
    assert keeper.step is Step.PASSING
    assert keeper.proved_us == proved_us


def test_a_jump_of_this_machines_clock_does_not_move_proved_time() -> None:
    """The keeper has no wall clock: what it adds to the broker's time is what has passed on a monotonic one."""
    pipeline = Pipeline(random.Random(2), is_frozen=True)
    keeper = keeper_of(pipeline)
    for _ in range(20):
        pipeline.now_us += SECOND_US
        keeper.advance()
    assert keeper.proved_us > 0
    assert keeper.proved_us <= pipeline.now_us - ALLOWANCE_S * SECOND_US
