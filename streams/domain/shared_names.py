"""Facts at a name that payments share: each stays here for members to come, and is told of if it has none in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from streams.domain.correlation import CarriedFact, Output, Unplaced
from streams.domain.facts import ReferenceKind
from streams.domain.reference_kinds import is_shared
from streams.domain.state import AlertKind, AlertState

FACTS_KEPT: Final = 256
"""Facts kept at one shared reference."""


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact that stays at a shared reference. ``since``: when the first payment went by it, None: none yet.

    ``due``: when it is told that there is none (None: never). ``alert``: what was told. ``decided``: nothing is open.
    """

    fact: CarriedFact
    since: int | None = None
    due: int | None = None
    alert: AlertKind | None = None
    decided: bool = False


def is_shared_key(key: str) -> bool:
    """Whether a record key is a shared reference."""
    kind = key.partition(":")[0]
    return kind in _SHARED_KINDS


_SHARED_KINDS: Final = frozenset(kind.value for kind in ReferenceKind if is_shared(kind))


def kept(fact: CarriedFact, grace_us: int | None) -> KeptFact:
    """A fact that comes now, before its members are asked. ``grace_us``: how long it may have none; None: for ever."""
    return KeptFact(fact, due=None if grace_us is None else fact.received_at + grace_us)


def joined(row: KeptFact, since: int) -> KeptFact:
    """A payment goes by the name since then. The row itself if that changes nothing that the clock will ask."""
    if row.due is None or row.decided or (row.since is not None and row.since <= since):
        return row
    in_time = row.alert is None and since <= row.due  # an earlier one can only be in time too
    return replace(row, since=since, decided=in_time)


def kept_due(row: KeptFact) -> int | None:
    """The first tick (microseconds) that this fact needs; None: none until a payment joins."""
    if row.due is None or row.decided:
        return None
    return row.due if row.alert is None else row.since


def clock_at_shared_name(row: KeptFact, at: int) -> tuple[KeptFact, tuple[Output, ...]]:
    """Proved time has come to ``at``: every payment that went by the name by then has joined.

    A row asks for a later tick than this one, or for none, when it is returned.
    """
    if row.due is None or row.decided or row.due > at:
        return row, ()
    outputs: list[Output] = []
    now = row
    if row.alert is None:
        outputs.append(Unplaced(AlertKind.ORPHAN, AlertState.OPEN, row.fact, (), row.due))
        now = replace(now, alert=AlertKind.ORPHAN)
    if row.since is not None and row.since <= at:
        outputs.append(Unplaced(AlertKind.ORPHAN, AlertState.WITHDRAWN, row.fact, (), max(row.due, row.since)))
        now = replace(now, decided=True)
    return now, tuple(outputs)
