"""How well something was found: what the truth and the pipeline agree on, and where they do not."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """True and reported, true but not reported, reported but not true."""

    found: int = 0
    missed: int = 0
    false: int = 0

    @property
    def perfect(self) -> bool:
        """All that is true was reported, and nothing else."""
        return self.missed == self.false == 0

    def as_json(self) -> dict[str, int]:
        """As scripts read it."""
        return {"found": self.found, "missed": self.missed, "false": self.false}


def score(true: AbstractSet[object], reported: AbstractSet[object]) -> Score:
    """Compare two sets."""
    return Score(found=len(true & reported), missed=len(true - reported), false=len(reported - true))
