"""A company of a given size from a seed: what is said, what is held back, and what is true."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from streams.simulator.messages import messages
from streams.simulator.noise import strangers, unreadable
from streams.simulator.plan import PlannedPayment, plan
from streams.simulator.said import Body, Said
from streams.simulator.truth import Truth


@dataclass(frozen=True, slots=True)
class Simulation:
    """``said`` in the order in which it is published; ``payments`` by number.

    The last ``held_back`` of ``said`` are not to be published before others have waited for them in vain; all wait once
    the first ``awaited`` of ``said`` are published.
    """

    payments: tuple[PlannedPayment, ...]
    said: tuple[Said, ...]
    truth: Truth
    held_back: int
    awaited: int


def simulate(seed: int, payments: int) -> Simulation:
    """Pure: the same seed and size give the same bytes and the same truth."""
    planned = tuple(plan(seed, payments))
    odd, lost = tuple(strangers(seed, payments)), tuple(unreadable(seed, payments))
    truth = Truth(waiting=len(odd), dead_letters=len(lost))
    for payment in planned:
        truth.learn(payment)
    everything = sorted([*messages(planned, seed), *odd, *lost], key=_at_s)
    said = [item for item in everything if not _is_held_back(item)]
    held_back = [item for item in everything if _is_held_back(item)]
    awaited = bisect_right(said, _wait_begins_s(planned), key=_at_s)
    return Simulation(planned, (*said, *held_back), truth, len(held_back), awaited)


def _at_s(item: Said) -> float:
    return item.at_s


def _is_held_back(item: Said) -> bool:
    return isinstance(item, Body) and item.held_back


def _wait_begins_s(payments: Iterable[PlannedPayment]) -> float:
    """When the last one has begun to wait for something that is held back."""
    return max(
        (
            at_s
            for payment in payments
            if payment.story.held_back
            for step, at_s in zip(payment.story.steps, payment.steps_s, strict=True)
            if step not in payment.story.held_back
        ),
        default=0.0,
    )
