"""The due-time index: which rows of a table need proved time next, in the order in which they do.

An entry is a key of the store that begins with the due time, without a value. Entries are hints: a row says itself when
it is due. They are written with every row that has a due time and removed when the clock has passed them, so neither a
write nor a restore has to know what a row said before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

V = TypeVar("V")

_INDEX: Final = b"\x00due\x00"
_TIME_BYTES: Final = 8

#: Rows that a tick serves in one unit of work; the others follow in the next ones.
DUE_SLICE: Final = 2_000
#: Entries looked at for them at most: those that time has overtaken are many after an outage.
LOOKED_AT: Final = 10 * DUE_SLICE
#: How much later, by the clock, a row is tried again whose handler failed.
RETRY_AFTER_US: Final = 3_600_000_000


@dataclass(frozen=True)
class DueIndex(Generic[V]):
    """How a table's rows say when (microseconds since 1970 UTC) they next need the clock; None: never.

    ``of_row`` reads it from the encoded row without decoding it: it is called for each row of a restore. Both agree.
    """

    of_value: Callable[[V], int | None]
    of_row: Callable[[bytes], int | None]


def index_prefix(table: str) -> bytes:
    """What begins the store key of each entry of a table."""
    return _INDEX + table.encode() + b"\x00"


def entry_of(prefix: bytes, due_us: int, key: bytes) -> bytes:
    """The store key that says that the row ``key`` is due; entries sort by time, then key."""
    return prefix + max(0, due_us).to_bytes(_TIME_BYTES, "big") + key


def entry_parts(prefix: bytes, entry: bytes) -> tuple[int, bytes]:
    """Due time and row key of an entry."""
    begin = len(prefix)
    return int.from_bytes(entry[begin : begin + _TIME_BYTES], "big"), entry[begin + _TIME_BYTES :]
