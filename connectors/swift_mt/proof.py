"""What proves a statement: its balances join its lines and its pages, its declared counts and sums agree.

A bank's profile may soften that where its files prove nothing: ``footing`` for balances, ``controls`` for sums.
"""

from __future__ import annotations

import logging
from typing import Final

from connectors.contract import BankProfile
from connectors.refused import RefusedError
from connectors.swift_mt.balances import Balance, Tally
from connectors.swift_mt.page import Page

_log: Final = logging.getLogger(__name__)
_TO_BE_CONTINUED: Final = "62M"
_MISMATCH: Final = "balance_mismatch"


class Proof:
    """Told of each message of a file when it has ended. Raises RefusedError where one does not prove itself."""

    def __init__(self, profile: BankProfile) -> None:
        self._profile = profile
        self._before: Page | None = None
        self._carried = Tally()

    def of(self, page: Page) -> None:
        """One more message has ended."""
        where = f"message of line {page.begins}"
        if page.opening is not None and self._profile.footing != "ignore":
            self._foots(page, page.opening, where)
            self._joins(page, page.opening, f"{where}, :{page.said['opening']}:")
        self._carry(page)
        if self._profile.controls != "ignore":
            self._sums_agree(page)
        self._before = page

    def _foots(self, page: Page, opening: Balance, where: str) -> None:
        """The opening balance and all lines make the closing balance."""
        closing = page.closing
        if closing is None:
            self._doubt(self._profile.footing, RefusedError("missing_tag", where, ":62F: or :62M:", "none"))
            return
        where = f"{where}, :{page.closing_tag}:"
        if closing.currency not in (None, page.currency):
            expected = f"a balance in {page.currency}"
            self._doubt(self._profile.footing, RefusedError(_MISMATCH, where, expected, f"one in {closing.currency}"))
        total = opening.amount + page.tally.balance
        if total != closing.amount:
            expected = f"{total}: the opening balance and all entries"
            self._doubt(self._profile.footing, RefusedError(_MISMATCH, where, expected, f"{closing.amount}"))

    def _joins(self, page: Page, opening: Balance, where: str) -> None:
        """A page begins where the page before it ended."""
        before = self._before
        if before is None or before.closing_tag != _TO_BE_CONTINUED or before.sequence != page.sequence:
            return
        if before.closing is not None and before.closing.amount != opening.amount:
            expected = f"{before.closing.amount}, where the page before ends"
            self._doubt(self._profile.footing, RefusedError(_MISMATCH, where, expected, f"{opening.amount}"))

    def _carry(self, page: Page) -> None:
        """Sums may speak of all pages since the last sums."""
        before = self._before
        if before is None or before.sums or before.sequence != page.sequence:
            self._carried = Tally()
        self._carried.merge(page.tally)

    def _sums_agree(self, page: Page) -> None:
        below_floor = any(floor.amount for floor in page.floors)
        for declared in page.sums:
            try:
                declared.check(page.currency, (page.tally, self._carried), below_floor=below_floor)
            except RefusedError as error:
                self._doubt(self._profile.controls, error)

    def _doubt(self, policy: str, error: RefusedError) -> None:
        """A statement does not prove itself: what that means is the bank profile's policy."""
        if policy == "reject":
            raise error
        name = self._profile.name
        _log.warning("%s: expected %s, found %s (profile %s)", error.where, error.expected, error.found, name)
