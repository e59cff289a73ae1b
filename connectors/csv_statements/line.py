"""One line of the file, read by its layout: what moved, which way, when. Reader and mapper both read with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from connectors.csv_statements.days import day_of
from connectors.csv_statements.layout import Column, Layout
from connectors.csv_statements.numbers import number_of
from connectors.iso20022.amounts import UnreadableError
from streams.domain.facts import Direction
from streams.domain.money import EXPONENTS

BOOKED: Final = "BOOK"
PENDING: Final = "PDNG"
_FORMULA: Final = re.compile(r'="(.*)"', re.DOTALL)
"""Spreadsheets keep leading zeros of a text as the formula ="0042"."""
_ZERO: Final = Decimal(0)


class UnreadableLineError(UnreadableError):
    """A field that cannot be taken exactly; ``reason`` is the slug of the refusal that it causes."""

    def __init__(self, reason: str, field: str, expected: str, found: str) -> None:
        super().__init__(field, expected, found)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Moved:
    """What a line says of money. ``amount`` is never negative; ``direction`` UNKNOWN for zero."""

    amount: Decimal
    currency: str
    direction: Direction
    status: str
    booking_date: date | None
    value_date: date | None
    balance: Decimal | None

    @property
    def signed(self) -> Decimal:
        """What it does to the balance."""
        return -self.amount if self.direction is Direction.DEBIT else self.amount


class Line:
    """The cells of one line by the names of their columns, and what the lines around the bookings say."""

    def __init__(self, layout: Layout, cells: Mapping[str, str], around: Mapping[str, str]) -> None:
        self._layout = layout
        self._cells = cells
        self._around = around

    def cell(self, column: Column | None) -> str | None:
        """The text in a column, trimmed; None if there is none, or no such column."""
        if column is None:
            return None
        if isinstance(column, int):
            values = list(self._cells.values())
            found = values[column - 1] if column <= len(values) else ""
        else:
            found = self._cells.get(column, "")
        formula = _FORMULA.fullmatch(found.strip())
        return (formula.group(1) if formula else found).strip() or None

    @property
    def account(self) -> str | None:
        """The account of the line, else of the file, else of the profile."""
        return self.cell(self._layout.columns.account) or self._around.get("account") or self._layout.account

    @property
    def statement(self) -> str | None:
        """The statement's number, if the lines around the bookings say it."""
        return self._around.get("statement")

    @property
    def text(self) -> str | None:
        """The remittance text on one line."""
        parts = (self.cell(column) for column in self._layout.columns.text)
        return " ".join(" ".join(part for part in parts if part).split()) or None

    def moved(self) -> Moved:
        """What moved. Raises UnreadableLineError."""
        columns = self._layout.columns
        currency = self._currency()
        amount, direction = self._moved(currency)
        balance = self.cell(columns.balance)
        booking, value = self._day("booking_date"), self._day("value_date")
        if booking is None and value is None:
            raise UnreadableLineError("malformed_date", "the dates", "a booking or value date", "none")
        return Moved(
            amount=amount,
            currency=currency,
            direction=direction,
            status=self._status(),
            booking_date=booking,
            value_date=value,
            balance=None if balance is None else self._number("balance", balance, currency),
        )

    def _currency(self) -> str:
        layout = self._layout
        found = self.cell(layout.columns.currency) or self._around.get("currency") or layout.currency
        if found not in EXPONENTS:
            raise UnreadableLineError("unknown_currency", "the currency", "an ISO 4217 code", repr(found))
        return found

    def _moved(self, currency: str) -> tuple[Decimal, Direction]:
        if self._layout.columns.amount is None:
            return self._of_two_columns(currency)
        number = self._number("amount", self.cell(self._layout.columns.amount), currency)
        if self._layout.columns.direction is None:
            return _by_sign(number, self._layout.sign_rule == "debit_positive")
        return self._by_word(number)

    def _of_two_columns(self, currency: str) -> tuple[Decimal, Direction]:
        """Exactly one of the columns says an amount; the other is empty or zero."""
        columns = self._layout.columns
        texts = {"debit": self.cell(columns.debit), "credit": self.cell(columns.credit)}
        numbers = {name: self._number(name, text, currency) for name, text in texts.items() if text is not None}
        if not numbers or (all(numbers.values()) and len(numbers) > 1):
            found = "both" if numbers else "neither"
            raise UnreadableLineError("ambiguous_amount", "debit and credit", "an amount in one of them", found)
        name = next((name for name, number in numbers.items() if number), None)
        if name is None:
            return _ZERO, Direction.UNKNOWN
        direction = Direction.DEBIT if name == "debit" else Direction.CREDIT
        return self._checked(name, numbers[name], direction)

    def _by_word(self, number: Decimal) -> tuple[Decimal, Direction]:
        word = self.cell(self._layout.columns.direction)
        if word in self._layout.debit_words:
            direction = Direction.DEBIT
        elif word in self._layout.credit_words:
            direction = Direction.CREDIT
        else:
            known = ", ".join((*self._layout.debit_words, *self._layout.credit_words))
            raise UnreadableLineError("unknown_direction", "the direction", f"one of {known}", repr(word))
        return self._checked("amount", number, direction)

    def _checked(self, name: str, number: Decimal, direction: Direction) -> tuple[Decimal, Direction]:
        """A number whose direction is told beside it, and its sign: as the profile's rule says."""
        rule = self._layout.sign_rule
        negative = number < 0
        if rule == "reverses" and negative:
            direction = Direction.CREDIT if direction is Direction.DEBIT else Direction.DEBIT
        expected = {"unsigned": False, "agrees": direction is Direction.DEBIT}.get(rule, negative)
        if negative is not expected and number:
            told = f"{'a negative' if expected else 'no negative'} number for a {direction.value.lower()}"
            raise UnreadableLineError("contradictory_sign", name, f"{told} (profile option csv.sign)", str(number))
        return abs(number), direction

    def _number(self, name: str, text: str | None, currency: str) -> Decimal:
        layout = self._layout
        most = EXPONENTS[currency] if layout.fraction_digits is None else layout.fraction_digits
        number = None if text is None else number_of(text, layout.decimal_mark, layout.thousands_mark, most)
        if number is None:
            marks = f"decimal mark {layout.decimal_mark!r}, thousands mark {layout.thousands_mark!r}"
            expected = f"a number of at most 18 digits with {marks}, {most} digits at most behind the decimal mark"
            raise UnreadableLineError("malformed_amount", name, expected, repr(text))
        return number

    def _day(self, name: str) -> date | None:
        text = self.cell(getattr(self._layout.columns, name))
        if text is None:
            return None
        day = day_of(text, self._layout.date_format)
        if day is None:
            expected = f"a day that exists, as {self._layout.date_format}"
            raise UnreadableLineError("malformed_date", name, expected, repr(text))
        return day

    def _status(self) -> str:
        column = self._layout.columns.status
        word = self.cell(column)
        if column is None or word in self._layout.booked_words:
            return BOOKED
        if word in self._layout.pending_words:
            return PENDING
        known = ", ".join((*self._layout.booked_words, *self._layout.pending_words))
        raise UnreadableLineError("unknown_status", "the status", f"one of {known}", repr(word))


def _by_sign(number: Decimal, debit_positive: bool) -> tuple[Decimal, Direction]:
    if not number:
        return _ZERO, Direction.UNKNOWN
    debit = (number > 0) is debit_positive
    return abs(number), Direction.DEBIT if debit else Direction.CREDIT
