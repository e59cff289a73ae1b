"""What is said about topics: missing, wrong, unequal, too small, stamped by the wrong clock."""

from __future__ import annotations

import pytest

from schemas.apply import Action, Change
from schemas.contracts import contract
from streams.doctor.finding import Level
from streams.doctor.topics import arrival_time, clock, contracts, dead_letter_size, partition_counts
from streams.settings import KafkaSettings, Settings

RAW = contract("payments.raw.v1")
EMBEDDED, ABROAD = (
    Settings(kafka=KafkaSettings()),
    Settings(kafka=KafkaSettings(bootstrap_servers="kafka.example:9092")),
)


def change(action: Action) -> Change:
    return Change("payments.raw.v1", action, "what differs", {}, 4)


@pytest.mark.parametrize(
    ("action", "settings", "level"),
    [
        (Action.NONE, ABROAD, Level.OK),
        (Action.CORRECT, ABROAD, Level.WARN),
        (Action.CREATE, ABROAD, Level.FAIL),
        (Action.CREATE, EMBEDDED, Level.WARN),
        (Action.REFUSED, ABROAD, Level.FAIL),
    ],
)
def test_topics_are_measured_by_what_apply_would_do(action: Action, settings: Settings, level: Level) -> None:
    assert contracts([change(Action.NONE), change(action)], settings).level is level


def test_the_worst_difference_decides() -> None:
    found = contracts([change(Action.CORRECT), change(Action.REFUSED), change(Action.CREATE)], ABROAD)
    assert found.level is Level.FAIL
    assert "refuses" in found.advice


def test_unequal_partition_counts_fail_and_are_listed() -> None:
    found = partition_counts({"payments.raw.v1": 4, "payments.releases.v1": 8})
    assert found.level is Level.FAIL
    assert "payments.releases.v1 8" in found.found
    assert partition_counts({"payments.raw.v1": 4, "payments.releases.v1": 4}).level is Level.OK
    assert partition_counts({}).level is Level.SKIP


@pytest.mark.parametrize(("dead", "level"), [(1_000_000, Level.FAIL), (1_065_535, Level.FAIL), (1_065_536, Level.OK)])
def test_a_dead_letter_needs_room_for_its_envelope(dead: int, level: Level) -> None:
    configs = {"raw": {"max.message.bytes": "1000000"}, "dead": {"max.message.bytes": str(dead)}}
    assert dead_letter_size(configs, "dead").level is level


def test_arrivals_stamped_by_their_producers_fail() -> None:
    assert arrival_time({"message.timestamp.type": "CreateTime"}).level is Level.FAIL
    assert arrival_time({"message.timestamp.type": "LogAppendTime"}).level is Level.OK


@pytest.mark.parametrize(
    ("newest_us", "level"),
    [(None, Level.OK), (1_000_000_000, Level.OK), (1_001_900_000, Level.OK), (1_002_100_000, Level.FAIL)],
)
def test_a_stamp_in_this_machines_future_fails(newest_us: int | None, level: Level) -> None:
    assert clock(newest_us, 1_000_000_000).level is level
