"""Proved time under faults, on the real broker: never a false miss, never two, never none.

Each fault lies across the deadlines of a small company whose banks answer late, never, or of payments not known yet.
The verdict is the verifier's, from the raw topic's own times.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
from confluent_kafka import Producer

from connectors.formats import InstalledFormats
from streams.app import group_of
from streams.demo.deadlines import GRACE_S, PROMPT_S, await_clock
from streams.demo.pulse import Pulse
from streams.demo.workers import Workers
from streams.domain.statuses import Status
from streams.settings import PolicySettings
from streams.simulator.messages import messages
from streams.simulator.noise import strangers
from streams.simulator.publish import Pace, Voice
from streams.simulator.said import Body, Said
from streams.simulator.simulation import simulate
from streams.topics import topics_of
from tests.pipeline.installation import PARTITIONS, Installation, installed

pytestmark = pytest.mark.kafka

NAMES: Final = ("clock-1", "clock-2")
SIZE: Final = 1_000
_PATIENCE_S: Final = 90.0


@dataclass
class World:
    """An installation with two workers, and who owns what."""

    installation: Installation
    workers: Workers
    pulse: Pulse
    voice: Voice

    def say(self, said: list[Said]) -> None:
        """Publish now."""
        self.voice.say(said, Pace(0))

    def owner(self, partition: int) -> str:
        """The worker that has the partition; 0: the keeper."""
        return next(name for name, worker in self.pulse.workers().items() if partition in worker.active)

    def await_shared(self) -> None:
        """Until every partition has a worker, and every worker one."""
        until_s = time.monotonic() + _PATIENCE_S
        while sorted(row.active for row in self.pulse.workers().values()) != [(0,), (1,)]:
            assert time.monotonic() < until_s, self.pulse.workers()
            self.look_after()
            time.sleep(0.2)

    def look_after(self) -> None:
        """Start again what has ended: a worker that stood still was fenced."""
        self.workers.supervise()

    def let_deadlines_pass(self) -> None:
        """Until everything that has been said is late by the wall clock, whoever runs."""
        until = time.time() + max(PROMPT_S, GRACE_S) + 1
        while time.time() < until:
            time.sleep(0.1)

    def end_workers(self) -> None:
        """Kill all, as a power cut would."""
        for name in NAMES:
            self.workers.kill(name)

    def start_workers(self) -> None:
        """Start all again."""
        for name in NAMES:
            self.workers.revive(name)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    policy = PolicySettings(acknowledgement_within_s=PROMPT_S, orphan_grace_s=GRACE_S)
    with installed(tmp_path_factory.mktemp("clock"), policy) as installation:
        workers = Workers(installation.environment, installation.folder)
        pulse = Pulse(installation.client, group_of(installation.settings), topics_of(1), lambda: workers.addresses)
        try:
            for name in NAMES:
                workers.start(name)
            with Voice(installation.client, installation.settings.archive, InstalledFormats()) as voice:
                yield World(installation, workers, pulse, voice)
        finally:
            workers.stop()


def keeper_killed(world: World) -> None:
    """The worker that keeps the clock dies; another one takes over."""
    name = world.owner(0)
    world.workers.kill(name)
    world.let_deadlines_pass()
    world.workers.revive(name)


def a_worker_stands_still(world: World) -> None:
    """Half of all partitions of all stages stand still while time runs out, and go on."""
    pid = world.workers.pids[world.owner(1)]
    os.kill(pid, signal.SIGSTOP)
    try:
        world.let_deadlines_pass()
    finally:
        os.kill(pid, signal.SIGCONT)


def a_transaction_stays_open(world: World) -> None:
    """Nobody can read beyond it: what came in time waits behind it, in the last stage."""
    producer = Producer(
        {**world.installation.client, "transactional.id": "clock-test", "transaction.timeout.ms": 60_000}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for partition in range(PARTITIONS):
        producer.produce("payments.bank-acks.v1", b"never committed", b"x", partition=partition)
    producer.flush(30)
    world.let_deadlines_pass()
    producer.abort_transaction(30)


FAULTS: Final[dict[str, Callable[[World], None]]] = {
    "keeper killed": keeper_killed,
    "a worker stands still": a_worker_stands_still,
    "a transaction stays open": a_transaction_stays_open,
}


def company(seed: int) -> tuple[list[Said], list[Said], int]:
    """What is said in time, what is held back, and how many payments are never answered."""
    payments = [row for row in simulate(seed, SIZE).payments if row.story.prompt]
    said = [*messages(payments, seed), *strangers(seed, SIZE)]
    held_back: list[Said] = [item for item in said if isinstance(item, Body) and item.held_back]
    never = sum(row.story.ends is Status.SUBMITTED for row in payments)
    assert never
    assert held_back
    return [item for item in said if item not in held_back], held_back, never


def judged(world: World, late: int, orphans: int) -> None:
    """When the clock has passed everything: nothing is wrong, and so many more are late, or without a payment."""
    installation = world.installation
    world.await_shared()
    installation.rest()
    await_clock(
        installation.client, group_of(installation.settings), topics_of(1), world.look_after, str(installation.folder)
    )
    report = installation.verified()
    assert report.findings == []
    assert (report.late.missed, report.late.false) == (report.orphans.missed, report.orphans.false) == (0, 0)
    assert (report.late.found, report.orphans.found) >= (late, orphans)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_across_the_deadlines_changes_nothing_that_is_told(world: World, fault: str) -> None:
    world.await_shared()
    before = world.installation.verified()
    on_time, held_back, never = company(100 + list(FAULTS).index(fault))
    world.say(on_time)
    FAULTS[fault](world)
    world.say(held_back)
    judged(world, before.late.found + never + 1, before.orphans.found + 1)


def test_answers_that_waited_in_raw_while_every_worker_was_down_were_in_time(world: World) -> None:
    world.await_shared()
    before = world.installation.verified()
    on_time, held_back, never = company(200)
    world.end_workers()
    world.say([*on_time, *held_back])
    world.let_deadlines_pass()
    world.start_workers()
    judged(world, before.late.found + never, before.orphans.found)
    assert world.installation.verified().late.found == before.late.found + never
