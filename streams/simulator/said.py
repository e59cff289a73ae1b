"""What can be said: a body or a file, and when. Simulated time begins at EPOCH; seconds are counted from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body without a file. ``source_message_id`` is the sender's own id: the same again is a redelivery."""

    at_s: float
    source: str
    source_message_id: str
    format: str
    payload: bytes
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A bank's file."""

    at_s: float
    bank: str
    name: str
    content: bytes


Said = Body | File


def instant(at_s: float) -> str:
    """A simulated time as ISO 8601 with its offset."""
    return (EPOCH + timedelta(seconds=at_s)).isoformat(timespec="milliseconds")


def day(at_s: float) -> str:
    """The day of a simulated time."""
    return instant(at_s)[:10]
