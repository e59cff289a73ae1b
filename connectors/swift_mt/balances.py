"""Fields 60, 62, 34F and 90: what a statement says about itself, and whether its entries agree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from connectors.refused import RefusedError
from connectors.swift_mt.statement_line import StatementLine
from connectors.swift_mt.values import AMOUNT, CURRENCY, amount_of, day_of

_BALANCE: Final = re.compile(rf"(?P<mark>[CD])(?P<date>[0-9]{{6}})(?P<currency>{CURRENCY})?(?P<amount>{AMOUNT})")
#: Some banks leave the comma of a floor without decimals out (``PLN0``): nothing else than a whole number can be meant.
_FLOOR: Final = re.compile(rf"(?P<currency>{CURRENCY})(?P<mark>[CD ])?(?P<amount>{AMOUNT}|[0-9]{{1,15}})")
_SUM: Final = re.compile(rf"(?P<count>[0-9]{{1,5}})(?P<currency>{CURRENCY})(?P<amount>{AMOUNT})")


@dataclass(frozen=True, slots=True)
class Balance:
    """``amount`` is negative where the account is overdrawn; some banks leave the closing currency out."""

    amount: Decimal
    currency: str | None
    date: str


def balance(text: str, where: str) -> Balance:
    """Field 60 or 62. Raises RefusedError."""
    match = _BALANCE.fullmatch(text.strip())
    value = amount_of(match["amount"]) if match else None
    day = day_of(match["date"]) if match else None
    if match is None or value is None or day is None:
        raise RefusedError("malformed_balance", where, "C|D, YYMMDD, currency, amount (C260302EUR1250,75)", repr(text))
    return Balance(value if match["mark"] == "C" else -value, match["currency"], day.isoformat())


@dataclass(frozen=True, slots=True)
class Floor:
    """Entries below ``amount`` are not listed; ``mark`` None: of either direction."""

    amount: Decimal
    currency: str
    mark: str | None


def floor_limit(text: str, where: str, currency: str | None) -> Floor:
    """Field 34F, in the account's currency if that is known. Raises RefusedError."""
    match = _FLOOR.fullmatch(text.strip())
    value = amount_of(match["amount"] if "," in match["amount"] else f"{match['amount']},") if match else None
    if match is None or value is None:
        raise RefusedError("malformed_floor_limit", where, "currency[C|D]amount (EURD0,)", repr(text))
    if currency not in (None, match["currency"]):
        raise RefusedError("malformed_floor_limit", where, f"a limit in {currency}", repr(text))
    return Floor(value, match["currency"], (match["mark"] or "").strip() or None)


@dataclass(slots=True)
class Tally:
    """How many entries and how much, by mark."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=dict)

    def add(self, line: StatementLine) -> None:
        """One more."""
        self.counts[line.mark] = self.counts.get(line.mark, 0) + 1
        self.sums[line.mark] = self.sums.get(line.mark, Decimal(0)) + line.value

    def merge(self, other: Tally) -> None:
        """All of ``other`` too."""
        for mark, count in other.counts.items():
            self.counts[mark] = self.counts.get(mark, 0) + count
            self.sums[mark] = self.sums.get(mark, Decimal(0)) + other.sums[mark]

    def of(self, marks: tuple[str, ...]) -> tuple[int, Decimal]:
        """Count and sum of the entries with these marks."""
        return (
            sum(self.counts.get(mark, 0) for mark in marks),
            sum((self.sums.get(mark, Decimal(0)) for mark in marks), Decimal(0)),
        )

    @property
    def balance(self) -> Decimal:
        """What all entries do to the account."""
        return self.of(("C", "RD"))[1] - self.of(("D", "RC"))[1]


#: Which marks a bank may mean by debits and credits: what the entry does to the balance, or what it is called; with
#: the expected entries or without them.
_COUNTED: Final = {
    "90D": (("D", "RC"), ("D", "RD"), ("D", "RC", "ED"), ("D", "RD", "ED")),
    "90C": (("C", "RD"), ("C", "RC"), ("C", "RD", "EC"), ("C", "RC", "EC")),
    "90": (("C", "D", "RC", "RD"), ("C", "D", "RC", "RD", "EC", "ED")),
}


@dataclass(frozen=True, slots=True)
class DeclaredSum:
    """Field 90D or 90C: how many entries, how much."""

    tag: str
    where: str
    count: int
    currency: str
    amount: Decimal

    def check(self, currency: str | None, tallies: tuple[Tally, ...], *, below_floor: bool) -> None:
        """Raises RefusedError if none of ``tallies`` (this page; all pages so far) agrees, or the currency is not the
        account's. ``below_floor``: entries may be missing from the list, so that it may say less than is declared."""
        if currency != self.currency:
            raise RefusedError("sum_mismatch", self.where, f"a sum in {currency}", f"one in {self.currency}")
        found = [tally.of(marks) for tally in tallies for marks in _COUNTED[self.tag]]
        agrees = any(
            (count <= self.count and total <= self.amount)
            if below_floor
            else (count == self.count and total == self.amount)
            for count, total in found
        )
        if not agrees:
            count, total = found[0]
            reason = "count_mismatch" if count != self.count else "sum_mismatch"
            raise RefusedError(
                reason, self.where, f"{self.count} entries of {self.amount} {self.currency}", f"{count} of {total}"
            )


def declared_sum(tag: str, text: str, where: str) -> DeclaredSum:
    """Field 90D, 90C or 90. Raises RefusedError."""
    match = _SUM.fullmatch(text.strip())
    value = amount_of(match["amount"]) if match else None
    if match is None or value is None:
        raise RefusedError("malformed_sum", where, "number, currency, amount (3EUR1250,75)", repr(text))
    return DeclaredSum(tag, where, int(match["count"]), match["currency"], value)
