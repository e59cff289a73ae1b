"""One message of an MT940 or MT942 as far as it was read: what it said of itself, what waits to be confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from connectors.contract import ProviderRecord
from connectors.swift_mt.balances import Balance, DeclaredSum, Floor, Tally
from connectors.swift_mt.header import Header
from connectors.swift_mt.second_reading import Checked
from connectors.swift_mt.statement_line import StatementLine


@dataclass(slots=True)
class Pending:
    """A statement line whose information may still come."""

    line: StatementLine
    number: int
    words: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Page:
    """One message as far as it was read. ``sums``: what it declares; ``closing`` None: not seen yet."""

    header: Header
    begins: int
    said: dict[str, str] = field(default_factory=dict)
    opening: Balance | None = None
    closing: Balance | None = None
    closing_tag: str = ""
    floors: list[Floor] = field(default_factory=list)
    sums: list[DeclaredSum] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    pending: Pending | None = None
    unconfirmed: list[Checked] = field(default_factory=list)
    kept: list[ProviderRecord] = field(default_factory=list)

    @property
    def currency(self) -> str | None:
        """The account's, from the balance or the floor limit."""
        if self.opening is not None and self.opening.currency:
            return self.opening.currency
        return self.floors[0].currency if self.floors else None

    @property
    def name(self) -> str:
        """What names the statement: its reference alone does not, some banks write the same every day. The account is
        in it as a few bytes of a hash: enough to tell two accounts apart, too little to find one by it."""
        day = self.said.get("13D", self.said.get("13", ""))[:10] or (self.opening.date if self.opening else "")
        account = blake2b(self.said.get("25", "").encode(), digest_size=4).hexdigest()
        return "/".join((self.said.get("20", ""), self.said.get("28C", ""), day, account))

    @property
    def sequence(self) -> tuple[str, str]:
        """Account and statement number: what pages of one statement share."""
        return self.said.get("25", ""), self.said.get("28C", "").partition("/")[0]
