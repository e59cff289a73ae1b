"""What kind of movement a statement line is, by its type (field 61, subfield 6) and the bank's own code in field 86.

Sources: SWIFT Standards, transaction type identification codes; DK, DFÜ-Abkommen Anlage 3, Geschäftsvorfallcodes.
A code without a row is a transfer: its references decide. A bank profile overrides by type (NMSC or MSC), by the own
code (835), or by both (NMSC/835): option ``movements``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.contract import BankProfile
from connectors.iso20022.transaction_codes import Movement

_TYPES: Final[Mapping[str, Movement]] = {
    # charges, commission, brokerage fee, interest, overdraft charge, taxes
    **dict.fromkeys(("CHG", "COM", "BRF", "INT", "ODC", "TAX"), Movement.FEE),
    # cash management: item, notional pooling, sweeping, topping, zero balancing
    **dict.fromkeys(("CMI", "CMN", "CMP", "CMS", "CMT", "CMZ", "SWP"), Movement.SWEEP),
    # foreign exchange, securities, loans and deposits, dividends, coupons, documentary credits, warrants,
    # travellers cheques, value date and equivalent amount adjustments, lock box
    **dict.fromkeys(("FEX", "SEC", "LDP", "DIV", "CPN", "DCR", "WAR", "TCK", "VDA", "EQA", "LBX"), Movement.OTHER),
    "DDT": Movement.DIRECT_DEBIT,
    "RTI": Movement.RETURN,
}
_OWN_CODES: Final[Mapping[str, Movement]] = {
    # SEPA direct debits on us (B2B, core); our collections that came back; reversals of collections
    **dict.fromkeys(("104", "105", "108", "109", "193"), Movement.DIRECT_DEBIT),
    # cards and cash machines
    **dict.fromkeys(("106", "107", "110", "111"), Movement.CARD),
    # SEPA transfers of ours that came back, instant ones
    **dict.fromkeys(("159", "160"), Movement.RETURN),
    # closing of the account, fees, commission, interest
    **dict.fromkeys(("805", "808", "809", "814"), Movement.FEE),
    # cash concentration
    "833": Movement.SWEEP,
}
#: SEPA transfers booked as one amount, instant ones.
BATCHES: Final = frozenset({"188", "191"})


def movement(type_: str, own_code: str | None, profile: BankProfile) -> Movement:
    """What the codes say, the bank's own before SWIFT's, the profile before both."""
    overrides = profile.options.get("movements") if profile.options else None
    if isinstance(overrides, dict):
        for name in (f"{type_}/{own_code}", own_code, type_, type_[1:]):
            told = overrides.get(name or "")
            if isinstance(told, str):
                return Movement(told)
    return _OWN_CODES.get(own_code or "") or _TYPES.get(type_[1:], Movement.TRANSFER)
