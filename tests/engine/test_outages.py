"""A broker that dies and comes back, one that is too old, a call that never returns: workers go on by themselves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException

from streams.broker.embedded import EmbeddedBroker
from streams.engine import FaultPoint
from streams.engine.clients import PASSING, answer
from streams.engine.topology import Cluster

from .arena import Arena, WorkerProcess, wait_until
from .ledger import Names, iterate_ids

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker of this test's own: it is going to be killed."""
    broker = EmbeddedBroker(tmp_path / "broker")
    yield broker
    broker.kill()


class Supervisor:
    """Starts a worker again when it has ended by itself, as compose and `paystate worker --supervise` do."""

    def __init__(self, arena: Arena, *names: str) -> None:
        self._arena = arena
        self.workers: dict[str, WorkerProcess] = {name: self._start(name) for name in names}

    def _start(self, name: str) -> WorkerProcess:
        return self._arena.start(name, unit_max_records=20, stalled_after_ms=8_000)

    def restart_ended(self) -> None:
        for name, worker in self.workers.items():
            status = worker.process.poll()
            if status is not None:
                assert status in (1, 70), worker.text()[-3000:]
                self.workers[name] = self._start(name)

    def wait_until_folded(self) -> None:
        def is_folded() -> bool:
            self.restart_ended()
            return self._arena.lag() == 0

        wait_until(is_folded, "the group has committed everything", 120)


def test_a_broker_that_is_killed_under_load_costs_time_and_nothing_else(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Two workers in mid-work, a third that starts without a broker, then one with a broker of the old protocol."""
    arena = Arena(broker.start().bootstrap_servers, Names("outage"), tmp_path)
    try:
        arena.create_topics()
        sent = arena.deposit(iterate_ids("a", 3000))
        supervisor = Supervisor(arena, "one", "two")
        wait_until(lambda: len(arena.read(arena.names.entries)) > 100, "the workers are at work")
        broker.kill()
        late = arena.start("late")
        wait_until(lambda: "waiting for Kafka at" in late.text(), "the late one waits")
        broker.start()
        sent += arena.deposit(iterate_ids("b", 200))
        supervisor.wait_until_folded()
        for worker in (*supervisor.workers.values(), late):
            # One that was started again a moment ago does not know yet what SIGTERM means.
            wait_until(worker.is_ready, "the worker is ready")
            # 1: fenced by the outage, and on its way out when the others had folded everything already.
            # 70: in a call that does not return any more (librdkafka 5456), for which the watchdog is there.
            status = worker.stop_or_end()
            is_stuck = status == 70 and "in _insist" in worker.text()
            assert status in (0, 1) or is_stuck, worker.text()[-3000:]
        assert broker.stop()
        EmbeddedBroker(broker.folder, settings={"group.coordinator.rebalance.protocols": "classic"}).start()
        sent += arena.deposit(iterate_ids("c", 100))
        last = arena.start("one")
        arena.wait_until_folded()
        assert last.stop() == 0, last.text()[-3000:]
        assert "using the classic protocol" in last.text()
        arena.check_books(sent)
        arena.check_stores("one")
    finally:
        arena.end()


def test_a_worker_without_a_broker_is_not_ready_says_so_and_is_again_when_it_is_back(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Idle: no call of its own fails. And what is told to stop meanwhile ends well, not by its watchdog."""
    arena = Arena(broker.start().bootstrap_servers, Names("alone"), tmp_path)
    try:
        arena.create_topics()
        with arena.running() as running:
            wait_until(running.is_ready, "the worker is ready")
            # Nothing of it is on its way when the broker dies, its first offsets neither.
            before = arena.deposit(iterate_ids("w", 40))
            arena.wait_until_folded()
            broker.kill()
            wait_until(lambda: "no broker has answered for" in running.engine.status().reason, "it has noticed")
            assert running.engine.status().live, "a restart would not help"
            broker.start()
            wait_until(running.is_ready, "the worker is ready again")
        # Long enough that its records do not time out meanwhile: that would undo the unit, and nothing would be open.
        at_work = arena.start("two", fault=FaultPoint.BEGUN.value, freeze=True, transaction_timeout_ms=60_000)
        sent = arena.deposit(iterate_ids("a", 20))
        wait_until(at_work.is_frozen, "the other worker is in the middle of a unit")
        broker.kill()
        at_work.process.terminate()
        at_work.thaw()
        assert at_work.ended() == 1
        last = at_work.text().splitlines()[-1]
        assert "ends with status 1" in last
        assert "told to stop in the middle of a unit" in last
        assert "The next start asks, and goes on from there" in last
        early = arena.start("three")
        wait_until(lambda: early.is_ready() and "waiting for Kafka at" in early.text(), "a third one waits for Kafka")
        assert early.stop() == 0, early.text()[-3000:]
        broker.start()
        heir = arena.start("two")
        arena.wait_until_folded()
        assert heir.stop() == 0
        arena.check_books([*before, *sent])
    finally:
        arena.end()


def test_a_call_that_does_not_return_ends_the_worker_and_its_heir_goes_on(arena: Arena) -> None:
    """Seen in librdkafka: it blocks in a transaction while its heartbeats keep the work from everybody else."""
    sent = arena.deposit(iterate_ids("e", 100))
    worker = arena.start("one", fault=FaultPoint.FLUSHED.value, after=2, hang=True, stalled_after_ms=6_000)
    assert worker.ended() == 70
    assert "a call does not return" in worker.text()
    heir = arena.start("one")
    arena.wait_until_folded()
    assert heir.stop() == 0
    arena.check_books(sent)
    arena.check_stores("one")


def test_an_agent_that_computes_for_ever_ends_the_worker(arena: Arena) -> None:
    """It holds the event loop, in which the first guard lives: the second one has a thread of its own."""
    arena.deposit(iterate_ids("e", 20))
    limits: dict[str, Any] = {"stalled_after_ms": 4_000, "transaction_timeout_ms": 4_000}
    worker = arena.start("one", fault=FaultPoint.FOLDED.value, hang=True, **limits)
    assert worker.ended() == 70
    assert "an agent or a call does not return" in worker.text()
    assert "in _fold" in worker.text(), "the stack tells which"


def test_a_worker_whose_call_does_not_return_is_not_ready_then_not_live(arena: Arena) -> None:
    """Where the engine does not own the process, it says so: whoever does may end it."""
    arena.deposit(iterate_ids("e", 20))
    returned = threading.Event()

    def hang(point: Any) -> None:
        if point is FaultPoint.FLUSHED:
            returned.wait(60)

    changes: dict[str, Any] = {"transaction_timeout_ms": 4_000, "stalled_after_ms": 4_000, "late_after_ms": 500}
    with arena.running(hooks=hang, **changes) as running:
        late = "Kafka has not ended their transaction"
        wait_until(lambda: late in running.engine.status().reason, "it is not ready while it waits")
        wait_until(lambda: not running.engine.status().live, "the engine has noticed")
        assert "does not return" in running.engine.status().reason
        returned.set()


def test_the_end_of_a_log_is_what_its_leader_says_and_no_silence(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Asked while the broker sleeps, the library gives an offset that is none: a restore to it would replay nothing."""
    running = broker.start()
    arena = Arena(running.bootstrap_servers, Names("asleep"), tmp_path)
    arena.create_topics()
    arena.deposit(iterate_ids("a", 100))
    cluster = Cluster(arena.admin, 10)
    places = [(arena.names.deposits, number) for number in range(arena.partitions)]
    ends = cluster.ends(places)
    assert sum(ends.values()) > 0
    os.kill(running.pid, signal.SIGSTOP)
    heard: list[Any] = []

    def refusal() -> Any:
        try:
            heard.append(cluster.ends(places))
        except KafkaException as failure:
            return failure.args[0]
        return None

    # Its threads stop one by one: what is answered meanwhile is true.
    assert wait_until(refusal, "the broker sleeps").code() in PASSING
    assert all(answered == ends for answered in heard)
    os.kill(running.pid, signal.SIGCONT)
    assert answer(lambda: cluster.ends(places), lambda: None) == ends
