"""Amounts and days of a record, read exactly or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from connectors.iso20022.said import Said, attribute, first, text

#: xs:decimal, at most 18 digits as ISO 20022 has it (and as fits a whole number of minor units).
_DECIMAL: Final = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,18}(?:\.[0-9]{0,17})?", re.ASCII)
_MOST_DIGITS: Final = 18
_LARGEST: Final = Decimal(10) ** 15
_DAYS_KEPT: Final = 1_024
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=$|[TZ+-])", re.ASCII)


class UnreadableError(Exception):
    """One field of a record cannot be taken; becomes a MappingError of that record."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(field)
        self.field, self.expected, self.found = field, expected, found


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact decimal in major units of a currency."""

    value: Decimal
    currency: str


def decimal_of(number: str | None) -> Decimal | None:
    """The exact number, or None for anything that is not plainly one (an exponent, a comma, other digits)."""
    if number is None or _DECIMAL.fullmatch(number) is None:
        return None
    return Decimal(number)


def amount_at(value: Said, *path: str) -> Amount | None:
    """The amount at ``path``, None where there is none. Raises UnreadableError."""
    found = first(value, *path)
    if found is None:
        return None
    field, number, currency = "/".join(path), text(found), attribute(found, "Ccy")
    exact = decimal_of(number)
    if exact is None or exact.is_signed() or len(exact.as_tuple().digits) > _MOST_DIGITS or exact >= _LARGEST:
        raise UnreadableError(field, "a decimal number from 0, at most 18 digits, 15 before the point", repr(number))
    if currency is None:
        raise UnreadableError(f"{field}/@Ccy", "the currency of the amount", "none")
    return Amount(exact, currency)


def day_at(value: Said, *path: str) -> str | None:
    """The day at ``path``: a date, or the date of a date and time as it stands there. Raises UnreadableError."""
    found = first(value, *path)
    if found is None:
        return None
    told = text(found, "Dt") or text(found) or text(found, "DtTm")
    if told is None:
        return None
    day = _day(told)
    if day is None:
        raise UnreadableError("/".join(path), "a day that exists, as 2026-11-24", repr(told))
    return day


@lru_cache(_DAYS_KEPT)
def _day(told: str) -> str | None:
    """The day that a text begins with, if there is such a day. A file has few different ones."""
    match = _DAY.match(told)
    try:
        return date.fromisoformat(match.group()).isoformat() if match is not None else None
    except ValueError:
        return None  # 30 February


def whole_at(value: Said, *path: str) -> int | None:
    """A count; None where there is none or it is no number."""
    number = text(value, *path)
    return int(number) if number is not None and number.isascii() and number.isdigit() and len(number) < 16 else None
