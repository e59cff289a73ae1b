"""What handlers tell the metrics with ``out.note``: references to what they have at hand, nothing computed.

The engine hands notes on after the commit, so what they are counted from is what the state accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streams.domain.construction import quick
from streams.domain.facts import PaymentFact
from streams.domain.fold import Folded
from streams.domain.payment import Payment
from streams.domain.state import Mode


@dataclass(frozen=True, slots=True)
class FactFolded:
    """One fact was folded in a partition: the payment ``before`` it, and what came of it."""

    partition: int
    fact: PaymentFact
    before: Payment | None
    folded: Folded
    mode: Mode


@dataclass(frozen=True, slots=True)
class ClockPassed:
    """The clock reached ``at`` in a partition, and deadlines of the payment ``before`` fired."""

    partition: int
    at: int
    before: Payment
    folded: Folded
    mode: Mode


#: ``FactFolded`` at the price of a plain object: this is on the way of every event.
fact_folded: Final = quick(FactFolded)
