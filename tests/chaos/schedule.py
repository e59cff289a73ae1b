"""From a seed to a list of faults: pure, so that a failing seed meets the same faults in the same order again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from streams.engine import FaultPoint
from tests.engine.fault_points import EVERY, START


class Fault(StrEnum):
    """What can be done to the pipeline, by the name that ``--faults`` takes."""

    KILL = "kill"
    KILL_ALL = "kill-all"
    REBALANCE = "rebalance"
    ZOMBIE = "zombie"
    TRANSACTION_TIMEOUT = "transaction-timeout"
    FENCE = "fence"
    ROLLING_RESTART = "rolling-restart"
    UPGRADE = "upgrade"
    BROKER_KILL = "broker-kill"
    BROKER_FREEZE = "broker-freeze"
    BROKER_RESTART = "broker-restart"
    BROKER_DISK = "broker-disk"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    LATENCY = "latency"
    CUT = "cut"
    BLACK_HOLE = "black-hole"
    STORE_DISK = "store-disk"
    STORE_DAMAGE = "store-damage"
    CLOCK = "clock"
    POISON = "poison"


THREE_BROKERS: Final = frozenset({Fault.LEADER, Fault.COORDINATOR})
NETWORK: Final = frozenset({Fault.LATENCY, Fault.CUT, Fault.BLACK_HOLE})
BROKER: Final = frozenset(
    {Fault.BROKER_KILL, Fault.BROKER_FREEZE, Fault.BROKER_RESTART, Fault.BROKER_DISK, Fault.LEADER, Fault.COORDINATOR}
)

WORKERS: Final = ("c1", "c2", "c3")
SPARE: Final = "c4"
"""Joins and leaves while the others stay."""


_ZOMBIE_POINTS: Final = (
    None,
    FaultPoint.FOLDED,
    FaultPoint.BEGUN,
    FaultPoint.FLUSHED,
    FaultPoint.OFFSETS_SENT,
    FaultPoint.COMMITTED,
    FaultPoint.STORED_SOME,
)
_OPEN_TRANSACTION: Final = (FaultPoint.BEGUN, FaultPoint.PRODUCED, FaultPoint.FLUSHED, FaultPoint.OFFSETS_SENT)
_AGAIN: Final = 0.5
DAMAGES: Final = ("delete", "truncate", "flip", "roll-back", "delete-file")


@dataclass(frozen=True, slots=True)
class Blow:
    """What happens to one worker. ``point`` None: at any moment. ``after``: how often it passes there before.

    ``again``: where it is struck once more on its way back.
    """

    worker: str
    point: FaultPoint | None = None
    after: int = 1
    again: FaultPoint | None = None

    def __str__(self) -> str:
        then = f", then {self.again}" if self.again else ""
        return f"{self.worker}@{self.point or 'any moment'}/{self.after}{then}"


@dataclass(frozen=True, slots=True)
class Step:
    """One fault. ``seconds``: how long it lasts, where that is ours to say; ``variant``: what is done exactly."""

    number: int
    fault: Fault
    blows: tuple[Blow, ...] = ()
    seconds: float = 0.0
    variant: str = ""

    def __str__(self) -> str:
        blows = ", ".join(map(str, self.blows))
        return f"{self.number}: {self.fault} {self.variant} {blows} {self.seconds:.1f} s"


def schedule(seed: int, faults: Sequence[Fault], steps: int) -> tuple[Step, ...]:
    """``steps`` faults of these kinds, each kind as often as the others. The points of kills go round, seed by seed."""
    chance = random.Random(f"paystate chaos {seed}")
    kinds = [faults[number % len(faults)] for number in range(steps)]
    chance.shuffle(kinds)
    points = _Round(seed, kinds.count(Fault.KILL) + kinds.count(Fault.KILL_ALL))
    return tuple(_step(number, kind, chance, points) for number, kind in enumerate(kinds))


class _Round:
    """Hands out the points of kills one after the other; the next seed goes on about where this one's kills end."""

    def __init__(self, seed: int, steps: int) -> None:
        self._next = seed * steps * 2

    def take(self, count: int) -> list[FaultPoint]:
        taken = [EVERY[(self._next + number) % len(EVERY)] for number in range(count)]
        self._next += count
        return taken


def _step(number: int, fault: Fault, chance: random.Random, points: _Round) -> Step:
    if fault in {Fault.KILL, Fault.KILL_ALL}:
        victims = chance.sample(WORKERS, 2 if fault is Fault.KILL else len(WORKERS))
        blows = _blows(victims, points.take(len(victims)), chance)
        again = [chance.choice(START) if chance.random() < _AGAIN else None for _ in blows]
        return Step(number, fault, tuple(replace(blow, again=more) for blow, more in zip(blows, again, strict=True)))
    if fault is Fault.ZOMBIE:
        victims = chance.sample(WORKERS, chance.choice((1, 2)))
        chosen = [chance.choice(_ZOMBIE_POINTS) for _ in victims]
        return Step(number, fault, _blows(victims, chosen, chance), chance.uniform(7.0, 9.5))
    if fault is Fault.TRANSACTION_TIMEOUT:
        blow = Blow(chance.choice(WORKERS), chance.choice(_OPEN_TRANSACTION), chance.randint(1, 5))
        return Step(number, fault, (blow,), chance.uniform(11.5, 13.5))
    seconds, variants = _DETAILS.get(fault, ((0.0, 0.0), ("",)))
    return Step(number, fault, (Blow(chance.choice(WORKERS)),), chance.uniform(*seconds), chance.choice(variants))


def _blows(workers: Iterable[str], points: Iterable[FaultPoint | None], chance: random.Random) -> tuple[Blow, ...]:
    return tuple(Blow(worker, point, chance.randint(1, 5)) for worker, point in zip(workers, points, strict=True))


#: How long a fault lasts, from and to, and what may be done exactly.
_DETAILS: Final[dict[Fault, tuple[tuple[float, float], tuple[str, ...]]]] = {
    Fault.REBALANCE: ((0.0, 0.0), ("polite", "polite", "rude")),
    Fault.BROKER_KILL: ((0.0, 4.0), ("",)),
    Fault.BROKER_FREEZE: ((2.0, 9.0), ("",)),
    Fault.BROKER_RESTART: ((0.0, 2.0), ("",)),
    Fault.BROKER_DISK: ((3.0, 8.0), ("",)),
    Fault.LEADER: ((2.0, 8.0), ("",)),
    Fault.COORDINATOR: ((2.0, 8.0), ("group", "transactions")),
    Fault.LATENCY: ((5.0, 9.0), ("one", "all")),
    Fault.CUT: ((2.0, 9.0), ("one", "one", "all")),
    Fault.BLACK_HOLE: ((3.0, 12.0), ("one", "one", "all")),
    Fault.STORE_DISK: ((3.0, 7.0), ("",)),
    Fault.STORE_DAMAGE: ((0.0, 0.0), DAMAGES),
    Fault.CLOCK: ((4.0, 8.0), ("+50m", "-50m", "+5m", "-3d", "+3h")),
}
