"""Counts and sums that a message declares about itself, checked against what was read. Exact decimals."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from connectors.iso20022.amounts import decimal_of
from connectors.iso20022.refusals import RefusedError
from connectors.iso20022.said import Said, first, text


class Controls(Protocol):
    """Told of each part when it has ended, inner parts first. Raises RefusedError where a declared figure is wrong."""

    declared_count: int | None
    declared_sum: Decimal | None

    def ended(self, name: str, position: str, own: Said) -> None:
        """The part ``name`` has ended and said ``own``."""


@dataclass(slots=True)
class Tally:
    """How many and how much. ``total`` None: an amount at ``unreadable`` is no number, so there is no sum."""

    count: int = 0
    total: Decimal = Decimal(0)
    unreadable: str | None = None

    def add(self, amount: str | None, position: str) -> None:
        """One more."""
        self.add_value(decimal_of(amount), position)

    def add_value(self, value: Decimal | None, position: str) -> None:
        """One more, whose amount was read; None: it is no number."""
        self.count += 1
        if value is None:
            self.unreadable = self.unreadable or position
        else:
            self.total += value

    def merge(self, other: Tally) -> None:
        """All of ``other`` too."""
        self.count += other.count
        self.total += other.total
        self.unreadable = self.unreadable or other.unreadable

    def check(self, where: str, declared_count: str | None, declared_sum: str | None, names: tuple[str, str]) -> None:
        """Raises RefusedError if a declared figure differs; figures that are not declared are not missed."""
        count_name, sum_name = names
        if declared_count is not None and declared_count.lstrip("0") != str(self.count).lstrip("0"):
            raise RefusedError("count_mismatch", f"{where}/{count_name}", declared_count, f"{self.count} were read")
        if declared_sum is None:
            return
        declared = decimal_of(declared_sum)
        if self.unreadable is not None:
            raise RefusedError("sum_mismatch", f"{where}/{sum_name}", declared_sum, f"no number at {self.unreadable}")
        if declared is None or declared != self.total:
            raise RefusedError(
                "sum_mismatch", f"{where}/{sum_name}", declared_sum, f"{self.total} in all that was read"
            )


@dataclass(slots=True)
class NoControls:
    """A message that declares nothing about itself (pain.002 tells of the *original's* counts)."""

    declared_count: int | None = None
    declared_sum: Decimal | None = None

    def ended(self, name: str, position: str, own: Said) -> None:
        """Nothing to check."""


@dataclass(slots=True)
class InitiationControls:
    """pain.001: NbOfTxs and CtrlSum of each PmtInf and of the whole. Sums add amounts whatever their currency."""

    declared_count: int | None = None
    declared_sum: Decimal | None = None
    _batch: Tally = field(default_factory=Tally)
    _all: Tally = field(default_factory=Tally)

    def ended(self, name: str, position: str, own: Said) -> None:
        """Add an instruction, check a batch, check the file."""
        if name == "CdtTrfTxInf":
            amount = text(own, "Amt", "InstdAmt") or text(own, "Amt", "EqvtAmt", "Amt")
            self._batch.add(amount, position)
        elif name == "PmtInf":
            self._check(self._batch, position, own)
            self._all.merge(self._batch)
            self._batch = Tally()
        else:
            header = first(own, "GrpHdr")
            self.declared_count = _whole(text(header, "NbOfTxs"))
            self.declared_sum = decimal_of(text(header, "CtrlSum"))
            self._check(self._all, "GrpHdr", header)

    def _check(self, tally: Tally, where: str, declaring: Said) -> None:
        tally.check(where, text(declaring, "NbOfTxs"), text(declaring, "CtrlSum"), ("NbOfTxs", "CtrlSum"))


@dataclass(slots=True)
class ReturnControls:
    """pacs.004: NbOfTxs, CtrlSum (of whatever currency) and the total that comes back, in one currency."""

    declared_count: int | None = None
    declared_sum: Decimal | None = None
    _all: Tally = field(default_factory=Tally)

    def ended(self, name: str, position: str, own: Said) -> None:
        """Add a return, check the file."""
        if name == "TxInf":
            self._all.add(text(own, "RtrdIntrBkSttlmAmt"), position)
        elif name == "PmtRtr" and self._all.count:
            header = first(own, "GrpHdr")
            self.declared_count = _whole(text(header, "NbOfTxs"))
            self.declared_sum = decimal_of(text(header, "CtrlSum"))
            self._all.check("GrpHdr", text(header, "NbOfTxs"), text(header, "CtrlSum"), ("NbOfTxs", "CtrlSum"))
            self._all.check("GrpHdr", None, text(header, "TtlRtrdIntrBkSttlmAmt"), ("", "TtlRtrdIntrBkSttlmAmt"))


@dataclass(slots=True)
class RecallControls:
    """camt.056: CtrlData says how many payments are recalled, and their sum."""

    declared_count: int | None = None
    declared_sum: Decimal | None = None
    _all: Tally = field(default_factory=Tally)

    def ended(self, name: str, position: str, own: Said) -> None:
        """Add a recall, check the file."""
        if name == "TxInf":
            self._all.add(text(own, "OrgnlIntrBkSttlmAmt") or text(own, "OrgnlInstdAmt"), position)
        elif name == "FIToFIPmtCxlReq" and self._all.count:
            data = first(own, "CtrlData")
            self.declared_count = _whole(text(data, "NbOfTxs"))
            self.declared_sum = decimal_of(text(data, "CtrlSum"))
            self._all.check("CtrlData", text(data, "NbOfTxs"), text(data, "CtrlSum"), ("NbOfTxs", "CtrlSum"))


@dataclass(slots=True)
class EntryControls:
    """camt.052, 053, 054: TxsSummry of each account, where it is told: entries in all, credits and debits."""

    declared_count: int | None = None
    declared_sum: Decimal | None = None
    _credits: Tally = field(default_factory=Tally)
    _debits: Tally = field(default_factory=Tally)
    _all: Tally = field(default_factory=Tally)

    def ended(self, name: str, position: str, own: Said) -> None:
        """Add an entry, check an account."""
        if name == "Ntry":
            self._add(position, own)
        elif name in ("Ntfctn", "Stmt", "Rpt"):
            self._check(first(own, "TxsSummry"), f"{name}/TxsSummry")
            self._credits, self._debits, self._all = Tally(), Tally(), Tally()

    def _add(self, position: str, own: Said) -> None:
        value = decimal_of(text(own, "Amt"))
        self._all.add_value(value, position)
        side = self._credits if text(own, "CdtDbtInd") == "CRDT" else self._debits
        side.add_value(value, position)

    def _check(self, summary: Said, where: str) -> None:
        for name, tally in (("TtlNtries", self._all), ("TtlCdtNtries", self._credits), ("TtlDbtNtries", self._debits)):
            told = first(summary, name)
            if told is None:
                continue
            tally.check(f"{where}/{name}", text(told, "NbOfNtries"), text(told, "Sum"), ("NbOfNtries", "Sum"))
            if name == "TtlNtries":
                self.declared_count = (self.declared_count or 0) + (_whole(text(told, "NbOfNtries")) or 0)


def _whole(number: str | None) -> int | None:
    return int(number) if number is not None and number.isascii() and number.isdigit() else None
