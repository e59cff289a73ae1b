"""Messages of payments.references.v1: how a fact without a correlation id finds its payment. Shapes only.

See contracts.md, "Correlation". The protocol itself is ``references.correlate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.domain.facts import Reference


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
