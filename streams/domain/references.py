"""How a fact without a correlation id finds its payment: the protocol of contracts.md, "Correlation".

Each key of payments.references.v1 owns one row, and every message changes only the row of its key. A key is a
reference (``kind:value``) or the home of one fact (``home:<event id>``). The functions are pure: row and message in,
row and outputs out; whatever the order of messages between keys, the same deliveries stand in the end.

What the clock decides (orphans, ambiguity) is not in here; homes and rows keep what it will need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from streams.domain.correlation import CarriedFact, CorrelationMessage, MessageType, Registration
from streams.domain.facts import Reference, ReferenceKind, Release
from streams.domain.reference_kinds import SOUGHT, is_shared, names_to_look_up

PAYMENTS_KEPT: Final = 16
"""Earliest payments kept at one unique reference."""
WAITING_KEPT: Final = 256
"""Homes that may wait at one unique reference."""
FACTS_KEPT: Final = 256
"""Facts kept at one shared reference."""
#: A fact that reaches its payment in one hop, or by a shared name, is numbered once and never moved.
DIRECT: Final = 1


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """At a unique reference: who goes by it since when (earliest first), and the homes that wait for news."""

    registrations: tuple[Registration, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HomeRow:
    """At a fact's home: the fact once it is parked, every registration heard of, and whom it is with now."""

    fact: CarriedFact | None = None
    known: tuple[Registration, ...] = ()
    payment: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give ``fact`` to ``payment``; the highest ``number`` wins."""

    payment: str
    fact: CarriedFact
    number: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take ``fact`` back from ``payment``."""

    payment: str
    fact: CarriedFact
    number: int


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A stated bound was reached: the message goes to the dead letters with an alert."""

    what: str
    limit: int


Output: TypeAlias = CorrelationMessage | Deliver | Withdraw | Exceeded


def home_of(event_id: str) -> str:
    """The key of a fact's home."""
    return f"home:{event_id}"


def lookup_of(fact: CarriedFact, trace_id: str) -> CorrelationMessage | None:
    """The message that starts the search for a fact's payment; None if it has no name to be looked up by."""
    names = names_to_look_up(fact.references)
    if not names:
        return None
    sought = replace(fact, references=names)
    return CorrelationMessage(MessageType.LOOKUP, names[0].key, fact.received_at, (), sought, None, trace_id)


def registers_of(release: Release) -> tuple[CorrelationMessage, ...]:
    """A release makes its payment known under each name that may be sought, as of when the release was received."""
    return tuple(
        _registration(reference, release.correlation_id, release.received_at, release.trace_id)
        for reference in dict.fromkeys(release.references)
        if reference.kind in SOUGHT
    )


def _registration(reference: Reference, payment: str, since: int, trace_id: str) -> CorrelationMessage:
    registration = Registration(reference.key, payment, since)
    return CorrelationMessage(MessageType.REGISTER, reference.key, since, (registration,), None, None, trace_id)


def correlate_unique(row: ReferenceRow, message: CorrelationMessage) -> tuple[ReferenceRow, tuple[Output, ...]]:
    """One message at a unique reference: register, lookup or subscribe."""
    if message.type is MessageType.REGISTER:
        return _register(row, message)
    if message.type is MessageType.LOOKUP:
        return _look_up(row, message)
    return _subscribe(row, message)


def _register(row: ReferenceRow, message: CorrelationMessage) -> tuple[ReferenceRow, tuple[Output, ...]]:
    registrations = _merged(row.registrations, message.registrations)
    if registrations == row.registrations:
        return row, ()
    kept, surplus = registrations[:PAYMENTS_KEPT], registrations[PAYMENTS_KEPT:]
    exceeded = (Exceeded(f"payments by {message.key}", PAYMENTS_KEPT),) if surplus else ()
    answers = tuple(_answer(home, kept, message) for home in row.waiting) if kept != row.registrations else ()
    return replace(row, registrations=kept), (*answers, *exceeded)


def _look_up(row: ReferenceRow, message: CorrelationMessage) -> tuple[ReferenceRow, tuple[Output, ...]]:
    fact = message.fact
    if fact is None:
        return row, ()
    holders = [known for known in row.registrations if known.since <= fact.received_at]
    if len(holders) == 1:
        return row, (Deliver(holders[0].payment, fact, DIRECT),)
    home = home_of(fact.event_id)
    noted, exceeded = _note(row, home, message.key)
    if exceeded:  # parked half, it would never hear of this name's next payments: rather a dead letter, whole
        return row, exceeded
    park = CorrelationMessage(
        MessageType.PARK, home, message.received_at, row.registrations, fact, None, message.trace_id
    )
    others = tuple(
        CorrelationMessage(MessageType.SUBSCRIBE, reference.key, message.received_at, (), None, home, message.trace_id)
        for reference in fact.references
        if reference.key != message.key
    )
    return noted, (park, *others)


def _subscribe(row: ReferenceRow, message: CorrelationMessage) -> tuple[ReferenceRow, tuple[Output, ...]]:
    if message.home is None:
        return row, ()
    noted, exceeded = _note(row, message.home, message.key)
    answers = (_answer(message.home, row.registrations, message),) if row.registrations else ()
    return noted, (*answers, *exceeded)


def _note(row: ReferenceRow, home: str, key: str) -> tuple[ReferenceRow, tuple[Exceeded, ...]]:
    if home in row.waiting:
        return row, ()
    if len(row.waiting) >= WAITING_KEPT:
        return row, (Exceeded(f"facts waiting at {key}", WAITING_KEPT),)
    return replace(row, waiting=(*row.waiting, home)), ()


def _answer(home: str, registrations: tuple[Registration, ...], message: CorrelationMessage) -> CorrelationMessage:
    return CorrelationMessage(
        MessageType.ANSWER, home, message.received_at, registrations, None, None, message.trace_id
    )


def correlate_home(row: HomeRow, message: CorrelationMessage) -> tuple[HomeRow, tuple[Output, ...]]:
    """One message at a fact's home: park or answer, in either order."""
    known = _merged(row.known, message.registrations)
    if row.fact is not None and known == row.known:
        return row, ()
    fact = row.fact or (message.fact if message.type is MessageType.PARK else None)
    if fact is None:
        return replace(row, known=known), ()
    chosen = choose(fact, known)
    if chosen == row.payment:
        return replace(row, fact=fact, known=known), ()
    number = row.number
    outputs: list[Output] = []
    if row.payment is not None:
        number += 1
        outputs.append(Withdraw(row.payment, fact, number))
    if chosen is not None:
        number += 1
        outputs.append(Deliver(chosen, fact, number))
    return HomeRow(fact, known, chosen, number), tuple(outputs)


def choose(fact: CarriedFact, known: Iterable[Registration]) -> str | None:
    """The payment of the best name that exactly one payment goes by as of ``at``; None: nobody, never a guess.

    ``at`` is when the fact was received, or, if nobody had any of its names by then, when the first one got one.
    """
    registrations = tuple(known)
    if not registrations:
        return None
    at = max(fact.received_at, min(registration.since for registration in registrations))
    for reference in fact.references:
        holders = {row.payment for row in registrations if row.reference == reference.key and row.since <= at}
        if len(holders) == 1:
            return next(iter(holders))
    return None


def _merged(first: tuple[Registration, ...], second: tuple[Registration, ...]) -> tuple[Registration, ...]:
    """Both, the smallest ``since`` of each (reference, payment) kept, in one order that depends on nothing else."""
    if not second:
        return first
    since: dict[tuple[str, str], int] = {}
    for row in (*first, *second):
        key = (row.reference, row.payment)
        since[key] = min(row.since, since.get(key, row.since))
    rows = [Registration(reference, payment, at) for (reference, payment), at in since.items()]
    return tuple(sorted(rows, key=lambda row: (row.since, row.payment, row.reference)))


def is_home(key: str) -> bool:
    """Whether a record key is a fact's home."""
    return key.startswith("home:")


def is_shared_key(key: str) -> bool:
    """Whether a record key is a shared reference."""
    kind = key.partition(":")[0]
    return kind in _SHARED_KINDS


_SHARED_KINDS: Final = frozenset(kind.value for kind in ReferenceKind if is_shared(kind))
