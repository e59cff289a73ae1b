"""A running pipeline, and what has been done to it: what every fault is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.topics import Topics

from .cluster import Cluster, Disk
from .crew import Crew, Hit
from .recovery import Recoveries

ACTIVE_WITHIN_S: Final = 60.0


@dataclass
class Field:
    """A running pipeline, and what has been done to it. ``poisoned``: dead letters to be expected for that."""

    cluster: Cluster
    crew: Crew
    recoveries: Recoveries
    topics: Topics
    group: str
    partitions: int
    stores: Path
    copies: Path
    store_disk: Disk | None = None
    broker_disk: Disk | None = None
    poisoned: int = 0
    done: dict[str, int] = field(default_factory=dict)
    unheard: list[str] = field(default_factory=list)
    """Orders that were not carried out in time: a kill from outside took their place."""

    def everything(self) -> range:
        """Every partition."""
        return range(self.partitions)

    def count(self, what: str, times: int = 1) -> None:
        """Note that something was done."""
        self.done[what] = self.done.get(what, 0) + times

    def instance_id(self, name: str) -> str:
        """A worker's transactional id."""
        return f"{self.group}-{name}"


def struck(here: Field, what: str, hit: Hit | None) -> None:
    """What the worker had stands still until it moves again."""
    if hit is not None and hit.partitions:
        here.recoveries.struck(what, hit.partitions, hit.at_s)
