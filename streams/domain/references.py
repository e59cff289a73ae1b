"""How a fact without a correlation id finds its payment: the protocol of contracts.md, "Correlation", at unique names.

Each key of payments.references.v1 owns one row, and every message changes only the row of its key. A key is a
reference (``kind:value``) or the home of one fact (``home:<event id>``, see homes.py). The functions are pure: row and
message in, row and outputs out; whatever the order of messages between keys, the same deliveries stand in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from streams.domain.correlation import (
    DIRECT,
    PAYMENTS_KEPT,
    CarriedFact,
    CorrelationMessage,
    Deliver,
    Exceeded,
    MessageType,
    Output,
    Registration,
    merged,
)
from streams.domain.facts import Reference, Release
from streams.domain.homes import home_of
from streams.domain.reference_kinds import SOUGHT, names_to_look_up

WAITING_KEPT: Final = 256
"""Homes that may wait at one unique reference."""


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """At a unique reference: who goes by it since when (earliest first), and the homes that wait for news."""

    registrations: tuple[Registration, ...] = ()
    waiting: tuple[str, ...] = ()


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
    registrations = merged(row.registrations, message.registrations)
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
