"""A seed is a schedule; a kill is drawn at every step of a worker's life."""

from __future__ import annotations

from collections import Counter

from streams.engine import FaultPoint

from .schedule import Fault, schedule


def test_a_seed_gives_the_same_schedule_again_and_another_seed_another() -> None:
    faults = tuple(Fault)
    assert schedule(7, faults, 40) == schedule(7, faults, 40)
    assert schedule(7, faults, 40) != schedule(8, faults, 40)


def test_every_fault_asked_for_is_drawn_as_often_as_the_others() -> None:
    counts = Counter(step.fault for step in schedule(3, tuple(Fault), 2 * len(Fault)))
    assert counts == dict.fromkeys(Fault, 2)


def test_kills_go_round_all_fault_points_of_the_engine_over_seeds() -> None:
    steps = [step for seed in range(1, 11) for step in schedule(seed, (Fault.KILL,), 11)]
    struck = Counter(blow.point for step in steps for blow in step.blows)
    assert struck.keys() == set(FaultPoint)
    assert max(struck.values()) - min(struck.values()) <= 4


def test_no_worker_is_struck_twice_in_one_step() -> None:
    for step in schedule(5, (Fault.KILL, Fault.ZOMBIE), 60):
        victims = [blow.worker for blow in step.blows]
        assert len(set(victims)) == len(victims)
