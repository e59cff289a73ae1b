"""Proved time on a real broker: kept by one worker, taken over by another, heard by all partitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from . import alarms
from .arena import Arena, wait_until
from .ledger import Names

pytestmark = pytest.mark.kafka

QUICK = {"clock_interval_ms": 100, "clock_allowance_ms": 200}


@pytest.fixture
def arena(kafka: Any, prefix: str, tmp_path: Path) -> Iterator[Arena]:
    arena = Arena(kafka.bootstrap_servers, Names(prefix), tmp_path, application=alarms.build)
    names = arena.names
    arena.create_topics(names.receipts, names.accounts, names.dead_letters)
    stamped = {"message.timestamp.type": "LogAppendTime"}
    for created in arena.admin.create_topics(
        [NewTopic(name, arena.partitions, 1, config=stamped) for name in (names.deposits, names.clock)]
    ).values():
        created.result()
    yield arena
    arena.end()


def arm(arena: Arena, keys: range) -> set[str]:
    for number in keys:
        arena.send(arena.names.deposits, f"k{number}", {})
    arena.producer.flush()
    return {f"k{number}" for number in keys}


def rung(arena: Arena) -> list[str]:
    return sorted(message.key().decode() for message in arena.read(arena.names.receipts))


def test_alarms_ring_once_in_their_time_whoever_keeps_it(arena: Arena) -> None:
    names = arena.names
    with arena.running("one", **QUICK) as first:
        wait_until(first.is_ready, "the first worker runs everything")
        armed = arm(arena, range(20))
        wait_until(lambda: set(rung(arena)) == armed, "all have rung")
        with arena.running("two", **QUICK) as second:
            wait_until(second.is_ready, "the second worker has a partition")
            armed |= arm(arena, range(20, 40))
            wait_until(lambda: set(rung(arena)) == armed, "all have rung with two workers")
    # Nobody runs: what is armed now is due before anybody is there again.
    armed |= arm(arena, range(40, 60))
    with arena.running("two", **QUICK):
        wait_until(lambda: set(rung(arena)) == armed, "all have rung, after a restart of the other worker alone")
    assert rung(arena) == sorted(armed)
    values = arena.values(names.receipts)
    assert all(value["times"] == 1 and value["due_us"] <= value["at_us"] for value in values)
    ticks = arena.read(names.clock)
    assert {message.partition() for message in ticks} == {0, 1}
    # A tick lies behind the time at which it was appended by the allowance at least.
    assert all(int(message.value()) <= (message.timestamp()[1] - 200) * 1000 for message in ticks)
    assert arena.values(names.dead_letters) == []


def test_time_is_not_proved_from_timestamps_that_producers_make_up(arena: Arena) -> None:
    config = {"message.timestamp.type": "CreateTime"}
    other = Names(f"{arena.names.prefix}-made-up")
    for created in arena.admin.create_topics(
        [NewTopic(other.clock, 2, 1), NewTopic(other.deposits, 2, 1, config=config)]
    ).values():
        created.result()
    elsewhere = Arena(arena.bootstrap_servers, other, arena.folder, application=alarms.build)
    elsewhere.create_topics(other.receipts, other.accounts, other.dead_letters)
    with elsewhere.running() as app:
        wait_until(lambda: not app.engine.status().live, "the worker refuses")
        assert "expected LogAppendTime" in app.engine.status().reason
