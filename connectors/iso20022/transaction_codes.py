"""What kind of movement an account entry is, by its bank transaction code (BkTxCd): a payment, a fee, a sweep ...

Source: ISO 20022 bank transaction codes, external code sets (domain, family, sub-family), version 6.6. A code that is
not here, the bank's own or absent, leaves the entry what its direction says: the payment's references decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from connectors.iso20022.said import Said, first, text


class Movement(Enum):
    """A kind of movement. TRANSFER: may be a payment of ours (out) or of somebody else's (in)."""

    TRANSFER = "transfer"
    RETURN = "return"
    DIRECT_DEBIT = "direct debit"
    CARD = "card"
    FEE = "fee"
    SWEEP = "sweep"
    OTHER = "other business with the bank"


#: Sub-families that mean the same in every family: charges, commissions, fees, interest, taxes, adjustments.
_FEES: Final = frozenset({"CHRG", "COMM", "COME", "COMI", "COMT", "FEES", "INTR", "TAXE", "ADJT", "RIMB"})
#: Reversal due to payment return; due to payment cancellation request.
_RETURNS: Final = frozenset({"RRTN", "RPCR"})
_SWEEPS: Final = frozenset({"SWEP", "TOPG", "ZABA", "ACON"})
_DIRECT_DEBITS: Final = frozenset({"IDDT", "RDDT"})
_CARDS: Final = frozenset({"CCRD", "MCRD", "CNTR", "MERC"})
#: Account management, loans, foreign exchange, securities, derivatives, metals, commodities, trade.
_OTHER_DOMAINS: Final = frozenset({"ACMT", "LDAS", "FORX", "SECU", "DERV", "PMET", "CMDT", "TRAD"})
#: SWIFT transaction types (MT940 :61: subfield 6), which banks put into Prtry where they give no ISO code: NCHG.
_SWIFT: Final = re.compile(r"[NSF]([A-Z]{3})(?:\+.*)?", re.DOTALL)
_SWIFT_TYPES: Final[Mapping[str, Movement]] = {
    **dict.fromkeys(("CHG", "COM", "INT", "TAX"), Movement.FEE),
    **dict.fromkeys(("CMI", "CMN", "CMS", "CMT", "CMZ"), Movement.SWEEP),
    **dict.fromkeys(("FEX", "SEC", "LDP", "DIV", "CPN"), Movement.OTHER),
    "DDT": Movement.DIRECT_DEBIT,
    "RTI": Movement.RETURN,
}


@dataclass(frozen=True, slots=True)
class TransactionCode:
    """Domain, family, sub-family, and the bank's own code beside or instead of them."""

    domain: str | None = None
    family: str | None = None
    sub_family: str | None = None
    proprietary: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.domain, self.family, self.sub_family) if part) or self.proprietary or ""

    @property
    def movement(self) -> Movement:
        """What kind of movement the code says."""
        if self.domain is None and self.proprietary is not None:
            swift = _SWIFT.fullmatch(self.proprietary)
            return _SWIFT_TYPES.get(swift.group(1), Movement.TRANSFER) if swift else Movement.TRANSFER
        if self.sub_family in _FEES:
            return Movement.FEE
        if self.sub_family in _SWEEPS or self.domain == "CAMT":
            return Movement.SWEEP
        if self.domain in _OTHER_DOMAINS:
            return Movement.OTHER
        if self.family in _DIRECT_DEBITS:
            return Movement.DIRECT_DEBIT
        if self.family in _CARDS:
            return Movement.CARD
        return Movement.RETURN if self.sub_family in _RETURNS else Movement.TRANSFER


def transaction_code(*places: Said) -> TransactionCode:
    """The code of the first place that has one."""
    for place in places:
        code = first(place, "BkTxCd")
        if code is None:
            continue
        domain = first(code, "Domn")
        family = first(domain, "Fmly")
        told = (text(domain, "Cd"), text(family, "Cd"), text(family, "SubFmlyCd"), text(code, "Prtry", "Cd"))
        if any(told):
            return TransactionCode(*told)
    return _NO_CODE


_NO_CODE: Final = TransactionCode()
