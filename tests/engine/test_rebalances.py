"""Partitions come and go, whole and in part, and nothing is lost or repeated."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer

from streams.engine import GroupProtocol

from .arena import Arena, wait_until
from .ledger import iterate_ids

pytestmark = pytest.mark.kafka

GROUPS: dict[str, dict[str, Any]] = {
    "consumer": {"group.protocol": "consumer", "group.remote.assignor": "range"},
    "classic": {"group.protocol": "classic", "partition.assignment.strategy": "range", "session.timeout.ms": 6000},
}


@pytest.mark.parametrize("protocol", sorted(GROUPS))
def test_inputs_that_move_away_alone_and_come_back_are_read_again_where_they_were_committed(
    arena: Arena, protocol: str
) -> None:
    """A foreign member that reads only one of a task's inputs splits the task; the worker must hold the rest."""
    sent = arena.deposit(iterate_ids("a", 100))
    with arena.running(group_protocol=GroupProtocol(protocol), unit_max_records=20) as running:
        arena.wait_until_folded()
        foreign = Consumer({**arena.client, **GROUPS[protocol], "group.id": arena.names.prefix})
        foreign.subscribe([arena.names.deposits])
        wait_until(lambda: foreign.poll(0.1) is not None or foreign.assignment(), "an input has moved away")
        [gone] = [tp.partition for tp in foreign.assignment()]
        held = f"partition {gone} waits for its inputs {arena.names.deposits}"
        wait_until(lambda: running.engine.status().reason == held, "the worker has noticed")
        sent += arena.deposit(iterate_ids("b", 100))
        wait_until(lambda: arena.lag() <= 100, "the other partition goes on")
        # What the held partition might have read meanwhile has effects only once its inputs are together again.
        assert len(arena.values(arena.names.entries)) < len(sent)
        foreign.close()
        wait_until(running.is_ready, "the input is back")
        sent += arena.deposit(iterate_ids("c", 50))
        arena.wait_until_folded()
        assert running.engine.status().rebalances >= 3
    arena.check_books(sent)
    arena.check_stores()


def test_a_worker_without_partitions_is_ready_to_take_over(arena: Arena) -> None:
    """More workers than partitions: the spare one must not look broken, or a rollout would wait for it for ever."""
    sent = arena.deposit(iterate_ids("a", 50))
    with arena.running("one") as one, arena.running("two") as two:
        wait_until(lambda: len(one.engine.partitions) == len(two.engine.partitions) == 1, "the work is shared")
        with arena.running("spare") as spare:
            wait_until(lambda: spare.engine.status().ready, "the spare one is ready")
        arena.wait_until_folded()
    arena.check_books(sent)


def test_a_partition_that_has_nothing_to_do_moves_with_the_clock(arena: Arena) -> None:
    """Or the first record after a quiet hour would make it look stuck, and its worker not ready."""
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
        partitions = running.engine._ownership.active
        before_s = {partition.number: partition.moved_s for partition in partitions}
        wait_until(lambda: all(each.moved_s > before_s[each.number] for each in partitions), "all have moved")
