"""Field 61, the statement line, by its strict grammar. A line that does not keep to it is refused, never guessed.

Source: SWIFT Standards, MT940 and MT942, field 61:
``6!n[4!n]2a[1!a]15d1!a3!c16x[//16x][34x]``: value date, entry date, mark, funds code, amount, type,
reference for the account owner, reference of the bank, supplementary details.
What banks write beyond it and what is harmless is taken: a blank entry date, blanks before and after the amount,
references of any length, types with another first letter than N, F or S, or of fewer letters (``S   ``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from connectors.contract import JSON
from connectors.refused import RefusedError
from connectors.swift_mt.values import AMOUNT, amount_of, day_near, day_of

#: The letter after the mark is a funds code, not a part of it: RCR is the reversal of a credit in ...R.
_LINE: Final = re.compile(
    r"(?P<value_date>[0-9]{6})(?P<entry_date>[0-9]{4}|[ ]{4})?"
    r"(?P<mark>RC|RD|EC|ED|C|D)(?P<funds_code>[A-Z])?"
    rf"[ ]?(?P<amount>{AMOUNT})[ ]?(?P<type>[A-Z][A-Z0-9 ]{{3}})(?P<references>.*)",
)
_EXPECTED: Final = "YYMMDD[MMDD]C|D|RC|RD[funds code]amount with a comma, type, reference (260302D1250,75NTRFPAY-1//B1)"
_OUT: Final = frozenset({"D", "RC", "ED"})
_REVERSALS: Final = frozenset({"RC", "RD"})
_EXPECTED_ENTRIES: Final = frozenset({"EC", "ED"})


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booking as the line says it. ``amount`` is the line's text; ``value`` and the days are what it means."""

    mark: str
    funds_code: str | None
    amount: str
    type: str
    customer_reference: str | None
    bank_reference: str | None
    supplementary: str | None
    value_date: date
    booking_date: date | None
    value: Decimal

    @property
    def out(self) -> bool:
        """Money left the account."""
        return self.mark in _OUT

    @property
    def reversal(self) -> bool:
        """It undoes an earlier booking."""
        return self.mark in _REVERSALS

    @property
    def signed(self) -> Decimal:
        """What it does to the balance."""
        return -self.value if self.out else self.value

    def fields(self) -> dict[str, JSON]:
        """The line as a record has it."""
        return {
            "value_date": self.value_date.isoformat(),
            "booking_date": self.booking_date.isoformat() if self.booking_date else None,
            "mark": self.mark,
            "funds_code": self.funds_code,
            "amount": self.amount,
            "type": self.type,
            "customer_reference": self.customer_reference,
            "bank_reference": self.bank_reference,
            "supplementary": self.supplementary,
        }


def statement_line(text: str, where: str, *, interim: bool) -> StatementLine:
    """Field 61, read. ``interim``: an MT942, which may tell of expected entries. Raises RefusedError."""
    first, _, supplementary = text.partition("\n")
    match = _LINE.fullmatch(first)
    if match is None or (match["mark"] in _EXPECTED_ENTRIES and not interim):
        raise RefusedError("malformed_statement_line", where, _EXPECTED, repr(first))
    value = amount_of(match["amount"])
    if value is None:
        raise RefusedError("malformed_statement_line", where, "an amount of at most 18 digits", repr(match["amount"]))
    value_date = day_of(match["value_date"])
    if value_date is None:
        raise RefusedError("invalid_date", where, "a value date that exists, as YYMMDD", repr(match["value_date"]))
    entry_date = (match["entry_date"] or "").strip()
    booking_date = day_near(entry_date, value_date) if entry_date else None
    if entry_date and booking_date is None:
        raise RefusedError("invalid_date", where, "an entry date that exists, as MMDD", repr(entry_date))
    customer, _, bank = match["references"].partition("//")
    return StatementLine(
        mark=match["mark"],
        funds_code=match["funds_code"],
        amount=match["amount"],
        type=match["type"],
        customer_reference=customer.strip() or None,
        bank_reference=bank.strip() or None,
        supplementary=supplementary.strip() or None,
        value_date=value_date,
        booking_date=booking_date,
        value=value,
    )
