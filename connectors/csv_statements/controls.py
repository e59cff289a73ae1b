"""What a file says about itself: counts, sums and balances, held against what was read."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from connectors.contract import BankProfile
from connectors.csv_statements.layout import Layout
from connectors.csv_statements.line import BOOKED, Moved
from connectors.csv_statements.numbers import number_of
from connectors.refused import RefusedError
from streams.domain.facts import Direction

_MOST_FRACTION_DIGITS: Final = 6
_COUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_REJECT: Final = "reject"
_IGNORE: Final = "ignore"
_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Controls:
    """Told of every line in the file's order. Raises RefusedError where a declared figure is wrong."""

    layout: Layout
    profile: BankProfile
    count: int = 0
    _debits: Decimal = Decimal(0)
    _credits: Decimal = Decimal(0)
    _balances: dict[str, Decimal] = field(default_factory=dict)
    _newer: dict[str, Moved] = field(default_factory=dict)
    _declared: dict[str, str] = field(default_factory=dict)

    @property
    def declared_count(self) -> int | None:
        """The count that the file declares."""
        text = self._declared.get("count")
        return int(text) if text is not None else None

    @property
    def declared_sum(self) -> Decimal | None:
        """The sum that the file declares, debits negative."""
        return self._figure("total")

    def add(self, moved: Moved, account: str | None, where: str) -> None:
        """One more line."""
        self.count += 1
        if moved.direction is Direction.DEBIT:
            self._debits += moved.amount
        else:
            self._credits += moved.amount
        if moved.balance is not None and moved.status == BOOKED and self.profile.footing != _IGNORE:
            self._foot(moved, f"{account}/{moved.currency}", where)

    def _foot(self, moved: Moved, account: str, where: str) -> None:
        """The balance beside a line is the one before it, with the line."""
        if self.layout.balance_order == "oldest_first":
            before = self._balances.get(account)
            expected = None if before is None else before + moved.signed
            found, self._balances[account] = moved.balance, moved.balance or Decimal(0)
        else:
            newer = self._newer.get(account)
            expected = None if newer is None or newer.balance is None else newer.balance - newer.signed
            found, self._newer[account] = moved.balance, moved
        if expected is not None and found != expected:
            policy = "(balance_order the other way, or footing: ignore in the profile, if it means something else)"
            self._doubt(RefusedError("balance_mismatch", f"{where}, balance", f"{expected} {policy}", str(found)))

    def _doubt(self, error: RefusedError) -> None:
        """Balances do not prove the lines: what that means is the profile's ``footing``."""
        if self.profile.footing == _REJECT:
            raise error
        _log.warning(
            "%s: expected %s, found %s (profile %s)", error.where, error.expected, error.found, self.profile.name
        )

    def check(self, declared: Mapping[str, str]) -> None:
        """At the file's end: what it declares agrees with what was read."""
        self._declared = dict(declared)
        if "count" in declared and _COUNT.fullmatch(declared["count"]) is None:
            raise RefusedError("malformed_control", "count", "a whole number", repr(declared["count"]))
        if self.profile.controls == _REJECT:
            self._check_count()
            self._check_sum("total", self._credits - self._debits)
            self._check_sum("debits", self._debits, absolute=True)
            self._check_sum("credits", self._credits, absolute=True)
        if self.profile.footing != _IGNORE:
            self._check_balances()

    def _check_count(self) -> None:
        declared = self.declared_count
        if declared is not None and declared != self.count:
            raise RefusedError("count_mismatch", "count", str(declared), f"{self.count} were read")

    def _check_sum(self, name: str, read: Decimal, *, absolute: bool = False) -> None:
        declared = self._figure(name)
        if declared is not None and (abs(declared) if absolute else declared) != read:
            raise RefusedError("sum_mismatch", name, str(declared), f"{read} in all that was read")

    def _check_balances(self) -> None:
        opening, closing = self._figure("opening_balance"), self._figure("closing_balance")
        if opening is None or closing is None:
            return
        expected = opening + self._credits - self._debits
        if closing != expected:
            told = f"{expected}, the opening balance with all lines"
            self._doubt(RefusedError("balance_mismatch", "closing_balance", told, str(closing)))

    def _figure(self, name: str) -> Decimal | None:
        text = self._declared.get(name)
        if text is None:
            return None
        layout = self.layout
        most = _MOST_FRACTION_DIGITS if layout.fraction_digits is None else layout.fraction_digits
        number = number_of(text, layout.decimal_mark, layout.thousands_mark, most)
        if number is None:
            expected = f"a number with decimal mark {layout.decimal_mark!r}, thousands mark {layout.thousands_mark!r}"
            raise RefusedError("malformed_control", name, expected, repr(text))
        return number
