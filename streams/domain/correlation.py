"""Messages of payments.references.v1: how a fact without a correlation id finds its payment, and what comes of it.

Shapes only. The protocol of contracts.md, "Correlation", is in references.py (unique names), homes.py (facts that wait
for one) and shared_names.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from streams.domain.facts import Reference
from streams.domain.state import AlertKind, AlertState

#: A fact that reaches its payment in one hop, or by a shared name, is numbered once and never moved.
DIRECT: Final = 1

PAYMENTS_KEPT: Final = 16
"""Earliest payments kept of those that go by one unique reference."""


class CarriedType(StrEnum):
    """Which topic a carried fact belongs to."""

    UNKNOWN = "UNKNOWN"
    APPROVAL = "APPROVAL"
    BANK_ACK = "BANK_ACK"


@dataclass(frozen=True, slots=True)
class CarriedFact:
    """A fact on its way to a payment; the protocol reads its names and its time, never its payload."""

    event_id: str
    received_at: int
    type: CarriedType
    payload: bytes
    references: tuple[Reference, ...]


class MessageType(StrEnum):
    """What a message asks of its key; see CorrelationMessage."""

    UNKNOWN = "UNKNOWN"
    REGISTER = "REGISTER"
    LOOKUP = "LOOKUP"
    PARK = "PARK"
    SUBSCRIBE = "SUBSCRIBE"
    ANSWER = "ANSWER"


@dataclass(frozen=True, slots=True)
class Registration:
    """``payment`` goes by ``reference`` since ``since`` (the release's received_at, smallest kept)."""

    reference: str
    payment: str
    since: int


@dataclass(frozen=True, slots=True)
class CorrelationMessage:
    """One message. ``key`` is the record key: a reference (``kind:value``) or a home (``home:<event id>``).

    register: registrations[0]. lookup: fact. park: fact + registrations known. subscribe: home.
    answer: registrations of one reference. ``received_at`` is copied from what caused the message.
    """

    type: MessageType
    key: str
    received_at: int
    registrations: tuple[Registration, ...]
    fact: CarriedFact | None
    home: str | None
    trace_id: str


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


@dataclass(frozen=True, slots=True)
class Unplaced:
    """At its due time no payment had ``fact``, OPEN; or one got it after all, WITHDRAWN. Each once a fact at most.

    ``kind``: ORPHAN, no payment went by any of its names; AMBIGUOUS, none of its names was one payment's alone, and
    ``payments`` are those that may be meant (WITHDRAWN: the one that has it). ``at``: the moment that it is about.
    """

    kind: AlertKind
    state: AlertState
    fact: CarriedFact
    payments: tuple[str, ...]
    at: int


Output: TypeAlias = CorrelationMessage | Deliver | Withdraw | Exceeded | Unplaced


def merged(first: tuple[Registration, ...], second: tuple[Registration, ...]) -> tuple[Registration, ...]:
    """Both, the smallest ``since`` of each (reference, payment) kept, in one order that depends on nothing else."""
    if not second:
        return first
    since: dict[tuple[str, str], int] = {}
    for row in (*first, *second):
        key = (row.reference, row.payment)
        since[key] = min(row.since, since.get(key, row.since))
    rows = [Registration(reference, payment, at) for (reference, payment), at in since.items()]
    return tuple(sorted(rows, key=lambda row: (row.since, row.payment, row.reference)))


def earliest(rows: tuple[Registration, ...]) -> tuple[Registration, ...]:
    """Of each reference the payments kept, from what ``merged`` gave: enough to tell whether there is exactly one."""
    if len(rows) <= PAYMENTS_KEPT:
        return rows
    count: Counter[str] = Counter()
    kept: list[Registration] = []
    for row in rows:
        count[row.reference] += 1
        if count[row.reference] <= PAYMENTS_KEPT:
            kept.append(row)
    return tuple(kept)
