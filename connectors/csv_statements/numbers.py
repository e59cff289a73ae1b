"""Amounts as a profile says they are written: exact decimals, or nothing. No mark is ever guessed."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

_MOST_DIGITS: Final = 18
_LARGEST: Final = Decimal(10) ** 15
#: The typographic minus; spaces that do not break, which group digits as a blank does.
_SAME: Final = str.maketrans({"\u2212": "-", "\u00a0": " ", "\u202f": " "})
_SIGNED: Final = re.compile(r"(?P<before>[+-]?) ?(?P<number>[^+\-() ](?:[^+\-()]*[^+\-() ])?) ?(?P<after>[+-]?)")
_BRACKETS: Final = re.compile(r"\((?P<number>[^+\-()]+)\)")


def number_of(text: str, decimal_mark: str, thousands_mark: str | None, most_fraction_digits: int) -> Decimal | None:
    """``-1.250,70``, ``1250,7-``, ``(1 250,70)`` as an exact decimal; None for anything else, however near.

    Digits are grouped by threes or not at all; more digits behind the decimal mark than expected are no number: the
    mark may be another bank's thousands mark.
    """
    clean = text.translate(_SAME).strip()
    negative = False
    if brackets := _BRACKETS.fullmatch(clean):
        negative, number = True, brackets["number"].strip()
    elif (signed := _SIGNED.fullmatch(clean)) and not (signed["before"] and signed["after"]):
        negative, number = "-" in (signed["before"], signed["after"]), signed["number"]
    else:
        return None
    if _plain(decimal_mark, thousands_mark, most_fraction_digits).fullmatch(number) is None:
        return None
    if thousands_mark is not None:
        number = number.replace(thousands_mark, "")
    value = Decimal(number.replace(decimal_mark, "."))
    if len(value.as_tuple().digits) > _MOST_DIGITS or value >= _LARGEST:
        return None
    return -value if negative else value


@lru_cache(256)
def _plain(decimal_mark: str, thousands_mark: str | None, most_fraction_digits: int) -> re.Pattern[str]:
    whole = "[0-9]+"
    if thousands_mark is not None:
        whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(thousands_mark)}[0-9]{{3}})+|[0-9]+)"
    if not most_fraction_digits:
        return re.compile(whole)
    fraction = rf"{re.escape(decimal_mark)}[0-9]{{1,{most_fraction_digits}}}"
    return re.compile(rf"{whole}(?:{fraction})?|{fraction}")
