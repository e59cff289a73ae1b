"""The home of a fact that could not be placed at once: whom it is with, when that is settled, and when to tell.

Messages come in any order and the same deliveries stand in the end. What is *missing* only proved time can say
(contracts.md, "Order and time"): a tick ``at`` comes after everything that was received at or before ``at``. So at the
first tick that reaches the due time every name that the fact had by then is known here; at the first one that reaches
the moment that the choice looks at, the choice is the last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from streams.domain.correlation import (
    CarriedFact,
    CorrelationMessage,
    Deliver,
    MessageType,
    Output,
    Registration,
    Unplaced,
    Withdraw,
    earliest,
    merged,
)
from streams.domain.state import AlertKind, AlertState


@dataclass(frozen=True, slots=True)
class HomeRow:
    """At a fact's home: the fact once it is parked, every registration heard of, and whom it is with now.

    ``due``: when it is told that no payment has the fact (None: never). ``not_before``: no tick before it says
    anything about the fact, as the search for its payment began only then. ``alert``: what was told. ``decided``: the
    payment stays, whatever turns up.
    """

    fact: CarriedFact | None = None
    known: tuple[Registration, ...] = ()
    payment: str | None = None
    number: int = 0
    due: int | None = None
    not_before: int = 0
    alert: AlertKind | None = None
    decided: bool = False


def home_of(event_id: str) -> str:
    """The key of a fact's home."""
    return f"home:{event_id}"


def is_home(key: str) -> bool:
    """Whether a record key is a fact's home."""
    return key.startswith("home:")


def correlate_home(
    row: HomeRow, message: CorrelationMessage, grace_us: int | None = None
) -> tuple[HomeRow, tuple[Output, ...]]:
    """One message at a fact's home: park or answer, in either order.

    ``grace_us``: how long after its receipt a fact that is parked now may be without a payment; None: for ever.
    """
    if row.decided:
        return row, ()
    known = earliest(merged(row.known, message.registrations))
    if row.fact is not None and known == row.known:
        return row, ()
    heard = replace(row, known=known)
    if row.fact is None:
        if message.type is not MessageType.PARK or message.fact is None:
            return heard, ()
        due = None if grace_us is None else message.fact.received_at + grace_us
        heard = replace(heard, fact=message.fact, due=due, not_before=message.received_at)
    return _placed(heard)


def _placed(row: HomeRow) -> tuple[HomeRow, tuple[Output, ...]]:
    """The fact is with whom all that is known chooses."""
    fact = row.fact
    chosen = None if fact is None else choose(fact, row.known)
    if fact is None or chosen == row.payment:
        return row, ()
    number = row.number
    outputs: list[Output] = []
    if row.payment is not None:
        number += 1
        outputs.append(Withdraw(row.payment, fact, number))
    if chosen is not None:
        number += 1
        outputs.append(Deliver(chosen, fact, number))
    return replace(row, payment=chosen, number=number), tuple(outputs)


def choose(fact: CarriedFact, known: Iterable[Registration]) -> str | None:
    """The payment of the best name that exactly one payment goes by as of ``at``; None: nobody, never a guess.

    ``at`` is when the fact was received, or, if nobody had any of its names by then, when the first one got one.
    """
    registrations = tuple(known)
    if not registrations:
        return None
    at = _looked_at(fact, registrations)
    for reference in fact.references:
        holders = {row.payment for row in registrations if row.reference == reference.key and row.since <= at}
        if len(holders) == 1:
            return next(iter(holders))
    return None


def _looked_at(fact: CarriedFact, known: tuple[Registration, ...]) -> int:
    """The moment as of which the choice is made, from at least one registration."""
    return max(fact.received_at, min(row.since for row in known))


def home_due(row: HomeRow) -> int | None:
    """The first tick (microseconds) that this home needs; None: none until a message changes it."""
    fact = row.fact
    if fact is None or row.decided:
        return None
    told_at = row.due if row.alert is None else None
    settled_at = _looked_at(fact, row.known) if row.payment is not None else None
    times = [at for at in (told_at, settled_at) if at is not None]
    return max(min(times), row.not_before) if times else None


def clock_at_home(row: HomeRow, at: int) -> tuple[HomeRow, tuple[Output, ...]]:
    """Proved time has come to ``at``: what was missing at the due time is told, and a choice that is final is settled.

    A row asks for a later tick than this one, or for none, when it is returned.
    """
    fact = row.fact
    if fact is None or row.decided or at < row.not_before:
        return row, ()
    outputs: list[Output] = []
    now = row
    if row.alert is None and row.due is not None and row.due <= at:
        missing = _missing_at(row.due, fact, row.known)
        if missing is not None:
            outputs.append(missing)
            now = replace(now, alert=missing.kind)
    if row.payment is not None:
        settled_at = _looked_at(fact, row.known)
        if settled_at <= at:
            if now.alert is not None and row.due is not None:
                since = max(row.due, settled_at)
                outputs.append(Unplaced(now.alert, AlertState.WITHDRAWN, fact, (row.payment,), since))
            now = replace(now, decided=True)
    return now, tuple(outputs)


def _missing_at(due: int, fact: CarriedFact, known: tuple[Registration, ...]) -> Unplaced | None:
    """What is told of a fact at its due time, counting only the names that payments had by then."""
    by_then = tuple(row for row in known if row.since <= due)
    if not by_then:
        return Unplaced(AlertKind.ORPHAN, AlertState.OPEN, fact, (), due)
    if choose(fact, by_then) is not None:
        return None
    at = _looked_at(fact, by_then)
    candidates = sorted({row.payment for row in by_then if row.since <= at})
    return Unplaced(AlertKind.AMBIGUOUS, AlertState.OPEN, fact, tuple(candidates), due)
