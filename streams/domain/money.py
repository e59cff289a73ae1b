"""Money as integer minor units. Never a float; never an amount without its currency.

Exponents are those of ISO 4217 (list one): the number of decimal digits of the currency's minor unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_EXPONENTS_OTHER_THAN_TWO: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO: Final[str] = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNH CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE "
    "SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW "
    "ZWG"
)
EXPONENTS: Final[dict[str, int]] = dict.fromkeys(_TWO.split(), 2) | {
    code: exponent for exponent, codes in _EXPONENTS_OTHER_THAN_TWO.items() for code in codes.split()
}


#: Plain digits. Exponents, groups and the digits of other scripts are nobody's way to write an amount of money.
_PLAIN: Final = re.compile(r"(?P<sign>[+-]?)(?=\.?[0-9])(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?")


class MoneyError(ValueError):
    """An amount that cannot be told exactly: unknown currency, not a decimal, or finer than the minor unit."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount: ``minor`` units of ``currency`` (ISO 4217), of which ``10 ** exponent`` make one major unit."""

    minor: int
    currency: str
    exponent: int

    def decimal_text(self) -> str:
        """The amount in major units as an exact decimal string: ``Money(1050, "USD", 2)`` gives ``"10.50"``."""
        if not self.exponent:
            return str(self.minor)
        whole, fraction = divmod(abs(self.minor), 10**self.exponent)
        return f"{'-' if self.minor < 0 else ''}{whole}.{fraction:0{self.exponent}d}"


def money_from_text(amount: str, currency: str) -> Money:
    """Read a decimal string exactly; trailing zeros beyond the minor unit are allowed, other digits are not.

    Raises MoneyError: unknown currency, not a plain decimal, or finer than the currency's minor unit.
    """
    exponent = EXPONENTS.get(currency)
    if exponent is None:
        raise MoneyError(f"unknown currency {currency!r}: expected an ISO 4217 code")
    plain = _PLAIN.fullmatch(amount)
    if plain is None:
        raise MoneyError(f"amount {amount!r} is not a decimal number: expected digits and at most one point")
    sign, whole, fraction = plain["sign"], plain["whole"], (plain["fraction"] or "").rstrip("0")
    if len(fraction) > exponent:
        raise MoneyError(f"amount {amount!r} is finer than the minor unit of {currency} ({exponent} digits)")
    minor = int(whole + fraction.ljust(exponent, "0") or "0")
    return Money(-minor if sign == "-" else minor, currency, exponent)
