"""How every fact is built: which event it is, and what tells it from another one that claims to be the same.

``event_id`` depends only on what names the event at its source; ``payload_hash`` on all that the fact says, but on
neither when nor in which file it reached us. Pure: no I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from streams.agents.arrivals import Arrival
from streams.agents.instants import Instant
from streams.domain.facts import Fact, Precision
from streams.domain.identity import stable_id

Content: TypeAlias = dict[str, Any]
"""Attributes of a fact by name, in the order of its dataclass: what the source says."""

_F = TypeVar("_F", bound=Fact)
_encode: Final = msgspec.msgpack.Encoder(decimal_format="string").encode


@dataclass(frozen=True, slots=True)
class Event:
    """What a fact is at its source. ``day``: what is known of its time if that is a date or nothing at all."""

    event_id: str
    source: str
    source_event_id: str
    instant: Instant
    day: str | None = None


def event_id_of(source: str, format_: str, message_id: str, position: str, number: int) -> str:
    """The id of the ``number``-th thing said at one place of one message."""
    return stable_id("fact", source, format_, message_id, position, str(number))


def fact(kind: type[_F], arrival: Arrival, event: Event, content: Content, **unhashed: Any) -> _F:
    """A fact of ``kind``; ``unhashed`` are attributes that the source does not say (file, references, delivery)."""
    exact = event.instant.precision is Precision.TIME
    said = [event.instant.at if exact else event.day, *content.values()]
    return kind(
        event_id=event.event_id,
        payload_hash=blake2b(_encode(said), digest_size=16).hexdigest(),
        source=event.source,
        source_event_id=event.source_event_id,
        occurred_at=event.instant.at,
        precision=event.instant.precision,
        received_at=arrival.received_at,
        trace_id=arrival.raw.trace_id,
        **content,
        **unhashed,
    )
