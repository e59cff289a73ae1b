"""What can be said: a body or a file, and when. Simulated time begins at EPOCH; seconds are counted from it.

A day of ten hours is told in a minute, by clocks that are ahead of every real one: nothing can have happened later than
we heard of it, so a deadline counts from when a submission was received, however fast the day is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(2040, 1, 2, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body without a file. ``source_message_id`` is the sender's own id: the same again is a redelivery.

    ``held_back``: not said in its time, but when others have waited for it in vain.
    """

    at_s: float
    source: str
    source_message_id: str
    format: str
    payload: bytes
    sender: str | None = None
    held_back: bool = False


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
