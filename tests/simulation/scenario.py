"""What a schedule is drawn from: a seed, the load, and the faults with the step at which each happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from random import Random

from streams.engine import FaultPoint

#: Errors by call, and how they come: before the broker acts, after it has acted, to be aborted, or fatal.
ERRORS = (
    ("consume", "passing"),
    ("consume", "fatal"),
    ("seek", "passing"),
    ("committed", "passing"),
    ("list_offsets", "passing"),
    ("list_offsets", "unanswered"),
    ("watermarks", "passing"),
    ("init", "passing"),
    ("init", "passing-after"),
    ("begin", "fatal"),
    ("flush", "passing"),
    ("flush", "abortable"),
    ("send_offsets", "passing"),
    ("send_offsets", "passing-after"),
    ("send_offsets", "abortable"),
    ("send_offsets", "fatal"),
    ("send_offsets", "hang"),
    ("commit", "passing"),
    ("commit", "passing-after"),
    ("commit", "abortable"),
    ("commit", "fatal"),
    ("commit", "fatal-after"),
    ("abort", "passing"),
    ("disk", "full"),
)

#: Every kind of fault, and how often it is drawn.
KINDS = {
    "kill": 3,
    "kill-at": 6,
    "freeze": 3,
    "freeze-at": 6,
    "expire": 3,
    "error": 6,
    "move": 4,
    "stop": 3,
    "hold-markers": 3,
    "roll-back-store": 3,
    "lose-store": 1,
    "compact": 3,
    "days": 3,
    "retention": 1,
    "lost-input": 1,
    "expired-offsets": 1,
    "restored-cluster": 1,
    "recreated-topics": 1,
    "time-out": 2,
    "delete-changelog": 1,
}


@dataclass(frozen=True)
class Fault:
    """One fault: when (step), what, to which worker, and numbers that say the rest."""

    step: int
    kind: str
    worker: int
    what: str = ""
    number: int = 0


@dataclass(frozen=True)
class Scenario:
    """All that a schedule depends on."""

    seed: int
    workers: int
    records: int
    is_classic: bool
    faults: tuple[Fault, ...]

    @classmethod
    def drawn(cls, seed: int, focus: tuple[str, ...] = ()) -> Scenario:
        """The scenario of a seed. Each draws its faults from a few kinds only: together they would hide each other.

        With a `focus` (kinds, or kind and what, as in "freeze-at/committed") from these.
        """
        random = Random(f"scenario {seed}")
        kinds = list(focus) or random.sample(list(KINDS), random.randint(2, 6))
        weights = [KINDS[kind.partition("/")[0]] for kind in kinds]
        chosen = random.choices(kinds, weights, k=random.randint(1, 9))
        steps = sorted(random.randint(50, 1200) for _ in chosen)
        workers = random.choice((1, 2, 2, 2, 3))
        faults = tuple(
            Fault(step, kind, random.randrange(workers), what or _what(kind, random), random.randrange(1_000_000))
            for step, (kind, _, what) in zip(steps, (each.partition("/") for each in chosen), strict=True)
        )
        return cls(seed, workers, random.choice((12, 25, 40)), random.random() < 0.25, faults)

    def encode(self) -> str:
        """As JSON, to be run again."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Scenario:
        """What `encode` made."""
        given = json.loads(text)
        return cls(**{**given, "faults": tuple(Fault(**fault) for fault in given["faults"])})

    def smaller(self) -> Iterator[Scenario]:
        """The same with something less, the larger steps first."""
        for fault in self.faults:
            yield replace(self, faults=tuple(other for other in self.faults if other is not fault))
        if self.workers > 1:
            yield replace(self, workers=self.workers - 1)
        for records in (self.records // 2, self.records - 1):
            if records > 0:
                yield replace(self, records=records)


def _what(kind: str, random: Random) -> str:
    if kind in ("kill-at", "freeze-at"):
        return random.choice(list(FaultPoint)).value
    if kind == "hold-markers":
        return random.choice(("offsets", "any", "any"))
    if kind == "error":
        return "/".join(random.choice(ERRORS))
    return ""
