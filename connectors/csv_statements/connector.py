"""Is it CSV? Only its shape can tell; what it means, a bank profile has to say."""

from __future__ import annotations

import codecs
import csv
import re
from itertools import pairwise
from typing import Final

from connectors.contract import Connector
from connectors.csv_statements.mapper import map_booking
from connectors.csv_statements.reader import FORMAT, read

DELIMITERS: Final = ";\t,|"
_MOST_BYTES: Final = 16_384
_FEWEST_CELLS: Final = 3
#: XML, JSON and SWIFT MT; BAI2, whose first line is record 01; control bytes.
_OTHER: Final = re.compile(r"\s*(?:[<{\[]|:[0-9]{2}[A-Z]?:|01,)")
_TAG: Final = re.compile(r"^:[0-9]{2}[A-Z]?:", re.MULTILINE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_csv(head: bytes) -> bool:
    """Two lines after each other that one delimiter cuts into equally many cells, three at least."""
    text = _text(head[:_MOST_BYTES])
    if _OTHER.match(text) or _TAG.search(text) or _CONTROL.search(text):
        return False
    lines = text.splitlines()
    if len(head) > _MOST_BYTES:
        lines = lines[:-1]
    return any(_is_table(lines, delimiter) for delimiter in DELIMITERS)


def _is_table(lines: list[str], delimiter: str) -> bool:
    widths = (len(row) for line in lines if line.strip() for row in csv.reader([line], delimiter=delimiter))
    return any(first == second >= _FEWEST_CELLS for first, second in pairwise(widths))


def _text(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace").removeprefix("\ufeff")
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def described(head: bytes) -> str | None:
    """What a file may be that is no table to the eye: one with a single line, or a preamble longer than we look."""
    text = _text(head[:_MOST_BYTES])
    if _OTHER.match(text) or _CONTROL.search(text) or not any(mark in text for mark in DELIMITERS):
        return None
    return "text that may be CSV (--format csv with a --profile that describes it)"


CONNECTORS: Final[tuple[Connector, ...]] = (Connector(FORMAT, is_csv, read, map_booking),)
