"""The fields of records 03 and 16, which a continuation (88) may go on with at any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from connectors.bai2.physical import Physical
from connectors.contract import JSON
from connectors.refused import RefusedError

_AMOUNT: Final = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
"""Zeros may lead, and totals add up: how large the amount of a payment may be is the mapper's business."""
_TYPE_CODE: Final = re.compile(r"[0-9]{3}", re.ASCII)
#: How many fields follow a funds type: none, three amounts, day and time; D says itself how many pairs.
_AVAILABILITY: Final = {"": 0, "Z": 0, "0": 0, "1": 0, "2": 0, "S": 3, "V": 2}
_DISTRIBUTED: Final = "D"
_PAIRS: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_TEXT_FIELD: Final = 5
"""Type code, amount, funds type, bank's and customer's reference stand before the text."""
LONGEST_TEXT: Final = 32_768


def minor_units(text: str, at: Physical) -> int:
    """A whole number of minor units. Nothing is 0; a decimal mark is somebody else's format."""
    if text == "":
        return 0
    if _AMOUNT.fullmatch(text) is None:
        expected = "an amount in minor units: digits, perhaps a sign"
        raise RefusedError("malformed_amount", at.where, expected, repr(text[:40]))
    return int(text)


def _availability_fields(funds_type: str, following: list[str], at: Physical) -> int | None:
    """How many fields of availability follow; None if that is still to come."""
    known = _AVAILABILITY.get(funds_type)
    if known is not None:
        return known
    if funds_type != _DISTRIBUTED:
        expected = "a funds type Z, 0, 1, 2, S, V, D or none"
        raise RefusedError("malformed_record", at.where, expected, repr(funds_type[:40]))
    if not following:
        return None
    if _PAIRS.fullmatch(following[0].strip()) is None:
        expected = "the number of availabilities after D"
        raise RefusedError("malformed_record", at.where, expected, repr(following[0][:40]))
    return 1 + 2 * int(following[0])


def _check_type_code(text: str, at: Physical) -> None:
    if _TYPE_CODE.fullmatch(text) is None:
        raise RefusedError("malformed_record", at.where, "a type code of three digits", repr(text[:40]))


class Summaries:
    """The balances and totals of a record 03. Only their sum is kept: they are no evidence about a payment."""

    __slots__ = ("_open", "first", "total")

    def __init__(self, first: Physical) -> None:
        self.first = first
        self.total = 0
        self._open: list[str] = []

    def add(self, fields: list[str]) -> None:
        """The fields of one more physical record."""
        pending = self._open
        pending += [text.strip() for text in fields]
        while len(pending) >= 4 and self._take(pending):
            pass
        if pending == [""]:
            pending.clear()  # some banks write one comma more at the end of a line

    def _take(self, pending: list[str]) -> bool:
        type_code, amount, _count, funds_type = pending[:4]
        more = _availability_fields(funds_type, pending[4:5], self.first)
        if more is None or len(pending) < 4 + more:
            return False
        if type_code or amount:
            _check_type_code(type_code, self.first)
        self.total += minor_units(amount, self.first)
        del pending[: 4 + more]
        return True

    def end(self) -> None:
        """The record is complete: fields left out at its end are empty, but no availability may be missing."""
        pending = self._open
        if pending and len(pending) < 4:
            pending += [""] * (4 - len(pending))
            self._take(pending)
        if pending:
            expected = "the availability of each summary"
            raise RefusedError("malformed_record", self.first.where, expected, repr(pending[:6]))


@dataclass(slots=True)
class Detail:
    """A record 16. ``head``: its fields before the text, as far as they were read; ``text``: one piece a line."""

    first: Physical
    head: list[str] = field(default_factory=list)
    text: list[JSON] = field(default_factory=list)
    length: int = 0
    texts_from: int = 0
    amount: int = 0
    closed: bool = False

    def add(self, record: Physical) -> None:
        """The record itself, or one that continues it."""
        self.closed = record.closed
        if self.texts_from:
            self._add_text(record.body)
            return
        fields = record.body.split(",")
        head = self.head + fields if self.head else fields
        wanted = self._wanted(head)
        if wanted is None or len(head) < wanted:
            self.head = head
            return
        self.texts_from = wanted
        self.head = head[:wanted]
        self.amount = minor_units(self.head[1].strip(), self.first)
        if len(head) > wanted:
            self._add_text(",".join(head[wanted:]))

    def wrap(self, record: Physical) -> None:
        """A line without a code goes on in the middle of the text."""
        self.closed = record.closed
        if not self.text:
            self._add_text(record.body)
            return
        self._measure(record.body)
        self.text[-1] = f"{self.text[-1]}{record.body}"

    def _add_text(self, text: str) -> None:
        self._measure(text)
        self.text.append(text)

    def _measure(self, text: str) -> None:
        self.length += len(text)
        if self.length > LONGEST_TEXT:
            expected = f"a text of at most {LONGEST_TEXT} characters"
            raise RefusedError("field_too_long", self.first.where, expected, f"{self.length} or more")

    def _wanted(self, head: list[str]) -> int | None:
        """How many fields come before the text; None if that is still to come."""
        if len(head) < 3:
            return None
        more = _availability_fields(head[2].strip(), head[3:4], self.first)
        return None if more is None else _TEXT_FIELD + more

    def end(self) -> None:
        """The record is complete. References may be left out where a slash closes it; nothing else."""
        if not self.texts_from:
            wanted = self._wanted(self.head)
            if wanted is None or len(self.head) < wanted - 2 or not self.closed:
                expected = "type code, amount, funds type and its availability, two references"
                raise RefusedError("malformed_record", self.first.where, expected, repr(",".join(self.head)[:60]))
            self.head += [""] * (wanted - len(self.head))
            self.texts_from = wanted
            self.amount = minor_units(self.head[1].strip(), self.first)
        _check_type_code(self.head[0].strip(), self.first)

    def fields(self) -> dict[str, JSON]:
        """What the record says, as text."""
        head = [text.strip() for text in self.head]
        availability: list[JSON] = list(head[3:-2])
        return {
            "type_code": head[0],
            "amount": head[1],
            "funds_type": head[2],
            "availability": availability,
            "bank_reference": head[-2],
            "customer_reference": head[-1],
        }
