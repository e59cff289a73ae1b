"""One row of the registry of reason codes, and how a table of them is written down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streams.domain.state import ReasonClass


class Repair(Enum):
    """Whose work a failure is: the same code of another rail asks for the same hands."""

    NONE = "nobody's: wait, ask or send again as the class says"
    VENDOR_BANK_DATA = "vendor master data: bank, branch, account, name"
    FORMAT = "whoever builds the file: a field is missing, wrong or too long"
    FUNDS = "treasury: funds, limits, currency"
    DATES = "payment run: dates and cut-off"
    DUPLICATE = "accounts payable: was it paid twice?"
    RECALLED = "accounts payable: the money comes back because we asked for it"
    COUNTERPARTY = "accounts payable and the vendor: the payee refuses or cannot take it"
    ACCESS = "bank administration: signatures, certificates, agreements"
    COMPLIANCE = "compliance: stop, and do not send again"


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A code's class, whose work it is, and a short label of our own."""

    reason_class: ReasonClass
    repair: Repair
    label: str


def table(reason_class: ReasonClass, repair: Repair, rows: str) -> dict[str, ReasonRow]:
    """Codes of one class and repair, written as lines ``CODE label``."""
    parts = (line.strip().partition(" ") for line in rows.strip().splitlines())
    return {code: ReasonRow(reason_class, repair, label.strip()) for code, _space, label in parts}
