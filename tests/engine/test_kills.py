"""A worker that is killed anywhere, or stopped beyond its session, leaves nothing lost and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.engine import FaultPoint

from .arena import Arena, wait_until
from .fault_points import EVERY, HANDOVER, LOSS, START, STOP, UNIT
from .ledger import Names, iterate_ids

pytestmark = pytest.mark.kafka


@pytest.fixture
def make_arena(kafka: Any, prefix: str, tmp_path: Path) -> Iterator[Any]:
    """Several arenas at once: what takes time after a kill is the session time-out, so it is waited for together."""
    arenas: list[Arena] = []

    def make(name: str) -> Arena:
        folder = tmp_path / name
        folder.mkdir()
        arena = Arena(kafka.bootstrap_servers, Names(f"{prefix}-{name}"), folder)
        arena.create_topics()
        arenas.append(arena)
        return arena

    yield make
    for arena in arenas:
        arena.end()


def test_a_kill_at_any_step_of_a_unit_loses_and_repeats_nothing(make_arena: Any) -> None:
    arenas = {point: make_arena(point.value) for point in UNIT}
    sent = {}
    for number, (point, arena) in enumerate(arenas.items()):
        sent[point] = arena.deposit(iterate_ids("e", 300))
        # The first units already when the number is even, some units later when it is odd.
        arena.start(fault=point.value, after=1 + 4 * (number % 2), unit_max_records=50)
    for arena in arenas.values():
        assert arena.processes[0].ended() == -9
    for point, arena in arenas.items():
        sent[point] += arena.deposit(iterate_ids("f", 100))
        arena.start(unit_max_records=200)
    for point, arena in arenas.items():
        arena.wait_until_folded()
        assert arena.processes[1].stop() == 0, arena.processes[1].text()[-3000:]
        arena.check_books(sent[point])
        arena.check_stores()


def test_a_fan_out_goes_on_behind_what_was_committed_before_a_kill(make_arena: Any) -> None:
    arena = make_arena("fan-out")
    rows = [f"row-{number:04d}" for number in range(300)]
    for row in rows:
        arena.send(arena.names.deposits, row, {"id": row}, partition=0)
    arena.producer.flush()
    with arena.running():
        arena.wait_until_folded()
    arena.send(arena.names.deposits, "fan", {"id": "fan", "fan_out": "row-", "slice": 40}, partition=0)
    arena.producer.flush()
    # Some slices are in the log; the last of them has not reached the store.
    arena.start(fault=FaultPoint.COMMITTED.value, after=3)
    assert arena.processes[0].ended() == -9
    arena.start()
    arena.wait_until_folded()
    assert arena.processes[1].stop() == 0, arena.processes[1].text()[-3000:]
    visits = [m.key().decode() for m in arena.read(arena.names.receipts) if json.loads(m.value())["id"] == "fan"]
    assert visits == rows
    arena.check_stores()


def test_a_kill_at_any_step_of_a_restore_loses_and_repeats_nothing(make_arena: Any) -> None:
    arenas = {point: make_arena(point.value) for point in START}
    sent = {point: arena.deposit(iterate_ids("e", 200)) for point, arena in arenas.items()}
    for arena in arenas.values():
        arena.start()
    for point, arena in arenas.items():
        arena.wait_until_folded()
        arena.processes[0].kill()
        sent[point] += arena.deposit(iterate_ids("f", 50))
        arena.start(fault=point.value)
    for arena in arenas.values():
        assert arena.processes[1].ended() == -9
        arena.start()
    for point, arena in arenas.items():
        arena.wait_until_folded()
        assert arena.processes[2].stop() == 0, arena.processes[2].text()[-3000:]
        arena.check_books(sent[point])
        arena.check_stores()


def test_every_fault_point_is_one_at_which_a_worker_is_killed() -> None:
    assert sorted(EVERY) == sorted(FaultPoint)


def test_a_kill_while_stopping_or_giving_work_away_loses_and_repeats_nothing(make_arena: Any) -> None:
    arenas = {point: make_arena(point.value) for point in (*STOP, *LOSS, *HANDOVER)}
    sent = {point: arena.deposit(iterate_ids("e", 300)) for point, arena in arenas.items()}
    for point, arena in arenas.items():
        if point in LOSS:
            # Its transaction outlives its membership: it must be the group that refuses it, not the coordinator.
            lasting = {"transaction_timeout_ms": 60_000, "stalled_after_ms": 60_000, "unit_max_records": 20}
            arena.start(fault=LOSS[point].value, after=3, freeze=True, then=point.value, **lasting)
        else:
            arena.start(fault=point.value, unit_max_records=20)
    for point, arena in arenas.items():
        first = arena.processes[0]
        if point in LOSS:
            wait_until(first.is_frozen, "the worker has stopped itself")
        else:
            wait_until(first.is_active, "the worker runs")
        if point in STOP:
            first.process.terminate()
        else:
            arena.start("heir")
    for point in LOSS:
        wait_until(arenas[point].processes[1].is_assigned, "the group has given the work to the heir")
        arenas[point].processes[0].thaw()
    for point, arena in arenas.items():
        assert arena.processes[0].ended() == -9, point
        sent[point] += arena.deposit(iterate_ids("f", 100))
        if point in STOP:
            arena.start("heir")
    for point, arena in arenas.items():
        arena.wait_until_folded()
        assert arena.processes[1].stop() == 0, arena.processes[1].text()[-3000:]
        arena.check_books(sent[point])
        arena.check_stores("heir")


def test_a_zombie_cannot_commit_what_another_has_taken_over(make_arena: Any) -> None:
    """Stopped in the middle of a unit until the group has given its work away; continued, it must not add anything."""
    points = (FaultPoint.FOLDED, FaultPoint.BEGUN, FaultPoint.FLUSHED, FaultPoint.OFFSETS_SENT, FaultPoint.COMMITTED)
    arenas = {point: make_arena(point.value) for point in points}
    sent = {point: arena.deposit(iterate_ids("e", 300)) for point, arena in arenas.items()}
    for point, arena in arenas.items():
        arena.start("zombie", fault=point.value, after=3, freeze=True, unit_max_records=20)
    for point, arena in arenas.items():
        wait_until(arena.processes[0].is_frozen, "the worker has stopped itself")
        sent[point] += arena.deposit(iterate_ids("f", 100))
        arena.start("heir")
    for point, arena in arenas.items():
        arena.wait_until_folded()
        arena.processes[0].thaw()
        sent[point] += arena.deposit(iterate_ids("g", 100))
    for point, arena in arenas.items():
        arena.wait_until_folded()
        assert arena.processes[0].stop_or_end() in (0, 1)
        arena.wait_until_folded()
        assert arena.processes[1].stop() == 0
        arena.check_books(sent[point])


def test_workers_that_join_leave_and_die_share_the_work_exactly_once(make_arena: Any) -> None:
    arena = make_arena("crowd")
    sent = arena.deposit(iterate_ids("a", 300))
    first = arena.start("one", unit_max_records=20)
    wait_until(lambda: arena.lag() < 300, "the first works")
    second, third = arena.start("two", unit_max_records=20), arena.start("three", unit_max_records=20)
    sent += arena.deposit(iterate_ids("b", 300))
    wait_until(lambda: "is active" in second.text() or "is active" in third.text(), "the work is shared")
    sent += arena.deposit(iterate_ids("c", 300))
    assert first.stop() == 0, first.text()[-3000:]
    arena.wait_until_folded()
    sent += arena.deposit(iterate_ids("d", 300))
    second.kill()
    fourth = arena.start("four")
    arena.wait_until_folded()
    assert third.stop() == 0, third.text()[-3000:]
    assert fourth.stop() == 0, fourth.text()[-3000:]
    arena.check_books(sent)


def test_an_agent_that_crashes_ends_the_process_non_zero_and_nothing_of_its_unit_is_committed(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 50))
    worker = arena.start()
    arena.wait_until_folded()
    arena.send(arena.names.deposits, "k", {"id": "x", "crash": True})
    arena.producer.flush()
    assert worker.ended() not in (0, -9)
    arena.check_books(sent)
    arena.check_stores()
    assert arena.lag() >= 1


def test_a_worker_told_to_stop_finishes_its_unit_and_leaves_the_group_at_once(arena: Arena) -> None:
    """The next worker gets the work without waiting for the session to end."""
    sent = arena.deposit(iterate_ids("e", 200))
    worker = arena.start()
    arena.wait_until_folded()
    assert worker.stop() == 0
    groups = arena.admin.describe_consumer_groups([arena.names.prefix])
    assert not groups[arena.names.prefix].result().members
    arena.check_books(sent)
