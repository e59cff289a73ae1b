"""Lines to physical records: a code, its fields, and whether a slash closed it.

A record has a line of its own, but some banks write several on one line, and some wrap a long text onto the next line
without a continuation record. Both are told from the codes; a line that fits neither way is refused, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from connectors.refused import RefusedError
from connectors.swift_mt.lines import Line

FILE_HEADER: Final = "01"
GROUP_HEADER: Final = "02"
ACCOUNT: Final = "03"
DETAIL: Final = "16"
ACCOUNT_TRAILER: Final = "49"
CONTINUATION: Final = "88"
GROUP_TRAILER: Final = "98"
FILE_TRAILER: Final = "99"
WRAPPED: Final = ""
"""In place of a code: the line goes on with the text of the one before."""
_CODES: Final = (
    *(FILE_HEADER, GROUP_HEADER, ACCOUNT, DETAIL),
    *(ACCOUNT_TRAILER, CONTINUATION, GROUP_TRAILER, FILE_TRAILER),
)
_STARTS: Final = frozenset(f"{code}," for code in _CODES)
#: A text may hold slashes: only one with blanks and a record code behind it ends the record.
_NEXT_ON_LINE: Final = re.compile(rf"/\s+(?=(?:{'|'.join(_CODES)}),)")
_SHOWN: Final = 60


class Physical(NamedTuple):
    """One physical record. ``nth``: its place among those of the line."""

    code: str
    body: str
    closed: bool
    line: int
    nth: int

    @property
    def where(self) -> str:
        """The place in the file."""
        return f"line {self.line}" if self.nth == 1 else f"line {self.line}, record {self.nth}"


def physical_records(lines: Iterable[Line]) -> Iterator[Physical]:
    """All records of all lines. Raises RefusedError."""
    in_text = may_wrap = False
    for number, line in lines:
        text = line.strip()
        nth = 1
        while text:
            code = text[:2] if text[:3] in _STARTS else WRAPPED
            if code == WRAPPED and not (may_wrap and nth == 1):
                raise RefusedError(
                    "unexpected_text", f"line {number}", f"one of the records {', '.join(_CODES)}", repr(text[:_SHOWN])
                )
            if code not in (CONTINUATION, WRAPPED):
                in_text = code == DETAIL
            record, text = _cut(text, in_text=in_text)
            closed = record.endswith("/")
            may_wrap = in_text and not closed
            start = 0 if code == WRAPPED else 3
            yield Physical(code, record[start : len(record) - closed], closed, number, nth)
            nth += 1


def _cut(text: str, *, in_text: bool) -> tuple[str, str]:
    """The first record of a line, and what is left of the line."""
    if in_text:
        if "/ " not in text and "/\t" not in text:
            return text, ""
        more = _NEXT_ON_LINE.search(text)
        return (text, "") if more is None else (text[: more.start() + 1], text[more.end() :])
    end = text.find("/") + 1
    return (text[:end], text[end:].lstrip()) if end else (text, "")
