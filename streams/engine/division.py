"""Agents whose inputs are partitioned alike: partition p of all of them runs, and is restored, in one piece.

Nearly always there is one division. A generation with more partitions than the topics that it shares with others has
two: those who read what is shared, and the rest. A worker numbers its partitions through all divisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from streams.engine.inputs import Inputs
from streams.engine.table import TableDeclaration


@dataclass(frozen=True)
class Division:
    """Agents over `partitions` partitions each, which the worker numbers from `first` on."""

    inputs: tuple[Inputs, ...]
    partitions: int
    first: int = 0

    @cached_property
    def topics(self) -> frozenset[str]:
        """Kafka names of the inputs that a partition needs, all of them, to run."""
        return frozenset(topic.kafka_name for inputs in self.inputs for topic in inputs.topics)

    @property
    def tables(self) -> list[TableDeclaration[Any]]:
        """The tables of its agents."""
        return [table for inputs in self.inputs for table in inputs.tables]


def divide(inputs: Sequence[Inputs], counts: Mapping[str, int], partitions: int) -> tuple[Division, ...]:
    """The divisions of an app's inputs, by the partitions of their topics; the one of `partitions` comes first."""
    members: dict[int, list[Inputs]] = {partitions: []}
    for one in inputs:
        count = counts[one.topics[0].kafka_name] if one.apart else partitions
        members.setdefault(count, []).append(one)
    divisions: list[Division] = []
    first = 0
    for count, belonging in members.items():
        if belonging:
            divisions.append(Division(tuple(belonging), count, first))
        first += count
    return tuple(divisions)
