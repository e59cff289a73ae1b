"""The mt-940 library reads every statement line too: two readers that know nothing of each other must agree.

It is guarded, because it fails silently where it fails: ``1250.75`` is 1250 to it, a line without a type vanishes
when the next one comes, a text that happens to name a file on disk is opened. So it is given only lines that passed
the strict grammar, from memory, and it must give back as many bookings, of the same days and amounts.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import mt940

from connectors.refused import RefusedError
from connectors.swift_mt.statement_line import StatementLine

BATCH_LINES: Final = 64
_OPTIONS: Final = mt940.Options(reversal_sign=True, applicant_iban=True, strip_bom=True)
_MARKS: Final = {"EC": "C", "ED": "D"}
"""It does not know expected entries."""


class Checked(NamedTuple):
    """A line and where it stands."""

    line: StatementLine
    where: str


def confirm(checked: Sequence[Checked], currency: str) -> None:
    """Raises RefusedError at the first line of which the library says anything else."""
    booked = _booked([_rendered(item.line) for item in checked], currency)
    for index, (line, where) in enumerate(checked):
        own = (line.value_date, line.signed)
        other = booked[index] if index < len(booked) else None
        if other != own or len(booked) != len(checked):
            found = "no booking" if other is None else f"{other[1]} on {other[0]}, {len(booked)} bookings in all"
            raise RefusedError("readers_disagree", where, f"{own[1]} on {own[0]}", f"{found} by the mt-940 library")


def _rendered(line: StatementLine) -> str:
    mark = _MARKS.get(line.mark, line.mark)
    return f":61:{line.value_date:%y%m%d}{mark}{line.funds_code or ''}{_short(line.amount)}{line.type}NONREF"


def _short(amount: str) -> str:
    """Its amounts end at 15 characters; leading zeros make longer ones."""
    whole, _, part = amount.partition(",")
    return f"{whole.lstrip('0') or '0'},{part}"


def _booked(lines: list[str], currency: str) -> list[tuple[date, Decimal]]:
    text = "\n".join([":20:NONREF", f":60F:C000101{currency}0,", *lines])
    try:
        statements = mt940.parse_statements(io.StringIO(text), options=_OPTIONS)
        return [
            (item.data["date"], Decimal(item.data["amount"].amount))
            for found in statements
            for item in found.transactions
        ]
    except (RuntimeError, ValueError, ArithmeticError, KeyError, AttributeError):
        return []
