"""The one comparator for facts, and what a date says about an instant."""

from __future__ import annotations

from typing import Final

from streams.domain.facts import Fact, Precision

DAY_US: Final = 86_400_000_000


def by_their_clock(fact: Fact) -> tuple[int, str, str]:
    """Order where order shows ("the latest decision", "the first kept"): occurred_at, kind, event id."""
    return (fact.occurred_at, type(fact).__name__, fact.event_id)


def end_of(fact: Fact) -> int:
    """The last microsecond at which the fact may have happened: a date covers its day."""
    return fact.occurred_at + DAY_US - 1 if fact.precision is Precision.DATE else fact.occurred_at


def surely_after(later: Fact, earlier: Fact) -> bool:
    """True only if ``later`` cannot have happened before ``earlier``, whatever the precision of both."""
    return later.occurred_at > end_of(earlier)
