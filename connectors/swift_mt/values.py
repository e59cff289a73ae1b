"""Amounts, days and moments as SWIFT MT writes them: read exactly or not at all."""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal
from typing import Final

AMOUNT: Final = r"[0-9]{1,18},[0-9]{0,4}"
"""Digits with a comma, which is always there (``2500,``). A point is somebody else's format."""
CURRENCY: Final = r"[A-Z]{3}"
_AMOUNT: Final = re.compile(AMOUNT)
_DIGITS: Final = re.compile(r"[0-9]+")
_MOST_DIGITS: Final = 18
_CENTURY: Final = 2000
_FEBRUARY: Final = 2
_BANKERS_MONTH_DAYS: Final = 30
_MOMENT: Final = re.compile(r"([0-9]{6})([0-9]{2})([0-9]{2})(?:([+-])([0-9]{2})([0-9]{2}))?")


def amount_of(text: str) -> Decimal | None:
    """``2500,`` or ``12,35`` as an exact decimal; None for anything else, however near."""
    if _AMOUNT.fullmatch(text) is None:
        return None
    value = Decimal(text.replace(",", ".").rstrip("."))
    return value if len(value.as_tuple().digits) <= _MOST_DIGITS else None


def day_of(text: str) -> date | None:
    """YYMMDD, of this century. Bankers' months have 30 days: 30 February is the last day of February."""
    if len(text) != len("YYMMDD") or _DIGITS.fullmatch(text) is None:
        return None
    return _day(_CENTURY + int(text[:2]), int(text[2:4]), int(text[4:]))


def day_near(month_and_day: str, near: date) -> date | None:
    """MMDD, in that year which brings it nearest to ``near``: 30 December is before 2 January."""
    if len(month_and_day) != len("MMDD") or _DIGITS.fullmatch(month_and_day) is None:
        return None
    month, day = int(month_and_day[:2]), int(month_and_day[2:])
    candidates = (_day(year, month, day) for year in (near.year - 1, near.year, near.year + 1))
    return min((found for found in candidates if found), key=lambda found: abs(found - near), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    if not 1 <= month <= 12 or day < 1:
        return None
    last = calendar.monthrange(year, month)[1]
    if month == _FEBRUARY and last < day <= _BANKERS_MONTH_DAYS:
        day = last
    return date(year, month, day) if day <= last else None


def moment_of(text: str) -> str | None:
    """YYMMDDHHMM with an offset, as ISO 8601; None without one: a time of no place is no time."""
    match = _MOMENT.fullmatch(text)
    day = day_of(match.group(1)) if match else None
    if match is None or day is None or match.group(4) is None:
        return None
    hour, minute, sign, offset_hours, offset_minutes = match.groups()[1:]
    if hour > "23" or minute > "59" or offset_hours > "14" or offset_minutes > "59":
        return None
    return f"{day.isoformat()}T{hour}:{minute}:00{sign}{offset_hours}:{offset_minutes}"
