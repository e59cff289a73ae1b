"""Their clocks: ISO 8601 text to microseconds UTC, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from streams.domain.facts import Precision

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DATE_LENGTH: Final = len("2026-11-24")


class InstantError(ValueError):
    """Text that names no moment: ``expected`` says what would."""

    expected: Final = "an ISO 8601 time with its offset, such as 2026-11-24T09:30:00+01:00, or a date"


class NaiveInstantError(InstantError):
    """A time of day without an offset: up to 14 hours wrong either way, so it is never taken for a moment."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment in microseconds since 1970 UTC; with precision DATE only its day is known."""

    at: int
    precision: Precision


def instant_of(text: str) -> Instant:
    """A time with an offset, or a date (midnight UTC, precision DATE). Raises NaiveInstantError, InstantError."""
    moment = _parsed(text)
    if moment.tzinfo is None and len(text) > _DATE_LENGTH:
        raise NaiveInstantError(f"{text!r} has no offset from UTC")
    return _instant(moment, Precision.DATE if len(text) <= _DATE_LENGTH else Precision.TIME)


def bank_instant_of(text: str) -> Instant:
    """As ``instant_of``, but a bank's time without an offset counts as its date alone.

    Banks leave the offset out in most files; their order within a day is kept, no latency is computed from them.
    """
    moment = _parsed(text)
    exact = moment.tzinfo is not None and len(text) > _DATE_LENGTH
    return _instant(moment, Precision.TIME if exact else Precision.DATE)


def is_date(text: str) -> bool:
    """True for a day that exists, as ``2026-11-24``."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InstantError(f"{text!r} is no ISO 8601 time") from None


def _instant(moment: datetime, precision: Precision) -> Instant:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return Instant((moment - _EPOCH) // _MICROSECOND, precision)
    except OverflowError:
        raise InstantError(f"{moment.isoformat()} is out of range") from None
