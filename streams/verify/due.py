"""When a row needs the clock next, read from its bytes: by the contracts, not by the code that wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from schemas.codec import SINGLE_OBJECT
from schemas.varints import read_long, read_span
from streams.verify.contracts import PAYMENTS_TABLE, REFERENCES_TABLE

DueOf = Callable[[bytes], int | None]

_DUE_VERSION: Final = 2
#: Behind the one byte that names form or kind.
_DUE: Final = slice(1, 9)


def due_of_payment(row: bytes) -> int | None:
    """Of a record of payments.state.v1, whose first field is ``internal``. Microseconds UTC; None: never."""
    start, end = read_span(row, _after_framing(row))
    return int.from_bytes(row[start:end][_DUE]) or None


def due_of_reference(row: bytes) -> int | None:
    """Of a record of payments.references-state.v1: a version, then the row."""
    version, position = read_long(row, _after_framing(row))
    if version < _DUE_VERSION:
        return None  # written before there was a clock
    start, end = read_span(row, position)
    return int.from_bytes(row[start:end][_DUE]) or None


def _after_framing(row: bytes) -> int:
    """Behind a fingerprint, or a registry's id."""
    return 10 if row.startswith(SINGLE_OBJECT) else 5


DUE_OF: Final[Mapping[str, DueOf]] = {PAYMENTS_TABLE: due_of_payment, REFERENCES_TABLE: due_of_reference}
