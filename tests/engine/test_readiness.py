"""A worker says that it is not ready when something of its hangs, and what; each step of a unit may take its time."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.engine import EngineSettings, FaultPoint
from streams.engine.readiness import Readiness, Step

from .arena import Arena, RunningApp, wait_until
from .ledger import Rules, iterate_ids

SETTINGS = EngineSettings(
    client={"bootstrap.servers": "nowhere"}, group_id="g", transactional_id="t", data_dir=Path(), partitions=1
)


def test_a_step_is_late_when_it_alone_takes_longer_than_it_may() -> None:
    """Whatever the unit takes in all: the next step begins anew."""
    now_s = 100.0
    readiness = Readiness(replace(SETTINGS, late_after_ms=5_000), lambda: now_s)
    step = Step("agent ledger", "returned its records", (3,), now_s)
    assert readiness.why_late(None) == ""
    now_s += 5.0
    assert readiness.why_late(step) == ""
    now_s += 2.0
    assert readiness.why_late(step) == "partition 3 stuck: agent ledger has not returned its records for 7 s"
    assert readiness.why_late(replace(step, since_s=now_s - 1.0)) == ""


def test_what_is_stuck_is_named() -> None:
    step = Step("Kafka", "ended their transaction", (0, 2), 0.0)
    assert str(step) == "partitions 0, 2 stuck: Kafka has not ended their transaction"
    assert str(replace(step, partitions=())) == "every one stuck: Kafka has not ended their transaction"


def reasons(running: RunningApp, expected: str) -> list[bool]:
    """Waits for the reason; which partitions are stuck then."""
    wait_until(lambda: expected in running.engine.status().reason, f"the reason is: {expected}")
    status = running.engine.status()
    assert not status.ready
    return [partition.stuck for partition in status.partitions]


@pytest.mark.kafka
def test_an_agent_that_does_not_return_makes_its_partition_stuck(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the event loop, as a handler that computes for ever does: the status is asked from another thread."""
    returned = threading.Event()
    monkeypatch.setattr(Rules, "go_wrong", lambda *_: returned.wait(60))
    try:
        with arena.running(late_after_ms=500, stalled_after_ms=60_000) as running:
            wait_until(running.is_ready, "the worker is ready")
            arena.send(arena.names.deposits, "k", {"id": "a"}, partition=1)
            arena.producer.flush()
            assert reasons(running, "partition 1 stuck: agent ledger has not returned its records") == [False, True]
            assert running.engine.status().live
            returned.set()
            wait_until(running.is_ready, "the worker is ready again")
            arena.wait_until_folded()
    finally:
        returned.set()


@pytest.mark.kafka
def test_a_poll_that_does_not_return_makes_all_of_them_stuck(arena: Arena) -> None:
    returned = threading.Event()

    def hang(point: Any) -> None:
        if point is FaultPoint.ASSIGNED:  # within a poll
            returned.wait(60)

    with arena.running(hooks=hang, late_after_ms=500, stalled_after_ms=60_000) as running:
        stuck = reasons(running, "every one stuck: Kafka has not returned from a poll")
        assert stuck == [True, True]
        returned.set()
        wait_until(running.is_ready, "the worker is ready")


@pytest.mark.kafka
def test_a_worker_whose_name_another_has_claimed_says_that_it_is_fenced(arena: Arena) -> None:
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
        arena.deposit(iterate_ids("a", 10))
        arena.wait_until_folded()
        intruder = Producer({**arena.client, "transactional.id": arena.settings().transactional_id})
        intruder.init_transactions(30)
        arena.deposit(iterate_ids("b", 10))
        reasons(running, "ProducerFenced")
        assert not running.engine.status().live
