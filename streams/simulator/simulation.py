"""A company of a given size from a seed: what is said, and what is true."""

from __future__ import annotations

from dataclasses import dataclass

from streams.simulator.messages import messages
from streams.simulator.noise import strangers, unreadable
from streams.simulator.plan import PlannedPayment, plan
from streams.simulator.said import Said
from streams.simulator.truth import Truth


@dataclass(frozen=True, slots=True)
class Simulation:
    """``said`` in the order in which it is published; ``payments`` by number."""

    payments: tuple[PlannedPayment, ...]
    said: tuple[Said, ...]
    truth: Truth


def simulate(seed: int, payments: int) -> Simulation:
    """Pure: the same seed and size give the same bytes and the same truth."""
    planned = tuple(plan(seed, payments))
    odd, lost = tuple(strangers(seed, payments)), tuple(unreadable(seed, payments))
    truth = Truth(waiting=len(odd), dead_letters=len(lost))
    for payment in planned:
        truth.learn(payment)
    said = sorted([*messages(planned, seed), *odd, *lost], key=lambda item: item.at_s)
    return Simulation(planned, tuple(said), truth)
