"""Dates as a profile says they are written: ``DD.MM.YYYY``, ``MM/DD/YY``, ``YYYYMMDD``, with a time behind or not."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<year>[0-9]{2})",
    "MM": r"(?P<month>[0-9]{2})",
    "DD": r"(?P<day>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "hh": r"[0-9]{2}",
    "mm": r"[0-9]{2}",
    "ss": r"[0-9]{2}",
}
_TOKEN: Final = re.compile("|".join(_TOKENS))
_CENTURY: Final = 2000
_SHORT_YEAR: Final = 2


@lru_cache(64)
def date_pattern(date_format: str) -> re.Pattern[str]:
    """The format as a regular expression. Raises ValueError if it has not exactly a year, a month and a day."""
    parts: list[str] = []
    at = 0
    for token in _TOKEN.finditer(date_format):
        parts += [re.escape(date_format[at : token.start()]), _TOKENS[token.group()]]
        at = token.end()
    parts.append(re.escape(date_format[at:]))
    try:
        pattern = re.compile("".join(parts), re.ASCII)
    except re.error:
        pattern = re.compile("")  # a part that is named twice
    if set(pattern.groupindex) != {"year", "month", "day"}:
        raise ValueError("a date format of YYYY or YY, MM or M, DD or D, each once, as DD.MM.YYYY (hh, mm, ss: a time)")
    return pattern


def day_of(text: str, date_format: str) -> date | None:
    """The day that ``text`` is; None if it is written otherwise or does not exist. Two digits: of this century."""
    match = date_pattern(date_format).fullmatch(text)
    if match is None:
        return None
    year = match["year"]
    try:
        return date(_CENTURY * (len(year) == _SHORT_YEAR) + int(year), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
