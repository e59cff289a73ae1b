"""Proved time as a worker keeps it: through clients that are lost, and brokers that are away when it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.engine import Topic
from streams.engine.keeper import ClockDeclaration, Place
from streams.engine.lost_client import LOST_AFTER_S
from streams.engine.timekeeping import Timekeeping
from streams.engine.topology import ReplicaLag

SECOND_US = 1_000_000
RAW, CLOCK = (Topic(name, str.encode, bytes.decode) for name in ("raw", "clock"))
SETTINGS: Any = SimpleNamespace(clock_allowance_ms=2_000, clock_interval_ms=1_000, clock_patience_ms=2_000)


@dataclass
class Kafka:
    """A cluster with nothing in it, and the clients that were made for it."""

    now_s: float = 1_000.0
    lag: ReplicaLag = field(default_factory=lambda: ReplicaLag(0))
    lost: set[int] = field(default_factory=set)
    made: int = 0
    closed: int = 0
    ticks: list[int] = field(default_factory=list)


@dataclass
class Questions:
    """As KafkaQuestions, of one generation of clients."""

    kafka: Kafka
    number: int

    def _hear(self) -> None:
        if self.number in self.kafka.lost:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def partitions(self) -> Mapping[str, int]:
        self._hear()
        return {"raw": 1}

    def replica_lag(self) -> ReplicaLag:
        self._hear()
        return self.kafka.lag

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        self._hear()
        return dict.fromkeys(places, 0)

    committed = ends

    def tick(self, at_us: int) -> int:
        self._hear()
        self.kafka.ticks.append(at_us)
        return int(self.kafka.now_s * SECOND_US)

    def close(self) -> None:
        self.kafka.closed += 1


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    kafka = Kafka()

    def make(*_: Any) -> Questions:
        kafka.made += 1
        return Questions(kafka, kafka.made)

    monkeypatch.setattr("streams.engine.timekeeping.KafkaQuestions", make)
    return kafka


@pytest.fixture
def keeping(kafka: Kafka) -> Timekeeping:
    clients: Any = None
    return Timekeeping(SETTINGS, clients, ClockDeclaration(CLOCK, str, ((RAW,),)), lambda: kafka.now_s)


def over(keeping: Timekeeping, kafka: Kafka, seconds: float) -> int:
    """Ten steps a second for so long. Returns what is proved then."""
    proved_us = 0
    for _ in range(int(seconds * 10)):
        kafka.now_s += 0.1
        proved_us = keeping.advance()
    return proved_us


def test_clients_that_are_lost_are_replaced_and_time_goes_on(keeping: Timekeeping, kafka: Kafka) -> None:
    assert over(keeping, kafka, 10) > 0
    kafka.lost = {1}
    over(keeping, kafka, LOST_AFTER_S - 2)
    assert (kafka.made, kafka.closed) == (1, 0)
    proved_us = over(keeping, kafka, 10)
    assert (kafka.made, kafka.closed) == (2, 1)
    assert kafka.now_s - proved_us / SECOND_US < 5


def test_what_answers_now_and_then_is_kept(keeping: Timekeeping, kafka: Kafka) -> None:
    for _ in range(5):
        kafka.lost = {1}
        over(keeping, kafka, LOST_AFTER_S - 2)
        kafka.lost = set()
        over(keeping, kafka, 3)
    assert kafka.made == 1


def test_a_broker_that_comes_back_is_heard_and_time_stays_further_behind(keeping: Timekeeping, kafka: Kafka) -> None:
    kafka.lag = ReplicaLag(30_000, frozenset({"2"}))
    proved_us = over(keeping, kafka, 40)
    assert 30 < kafka.now_s - proved_us / SECOND_US < 40
    kafka.lag = ReplicaLag(60_000)
    proved_us = over(keeping, kafka, 90)
    assert 60 < kafka.now_s - proved_us / SECOND_US < 70
    assert kafka.made == 1
    assert kafka.ticks == sorted(kafka.ticks)
