"""Amounts of the tracker: ``{"currency": "USD", "amount": "2488.00"}``, and what banks on the way kept of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from connectors.iso20022.amounts import Amount, UnreadableError, decimal_of
from connectors.iso20022.said import Said, every, first, text
from streams.domain.money import EXPONENTS

_MOST_DIGITS: Final = 18
_LARGEST: Final = Decimal(10) ** 15
_BORNE_BY_PAYER: Final = "DEBT"
"""The payer pays charges beside the payment: the payee gets all of it."""


def amount_in(said: Said, name: str) -> Amount | None:
    """The amount ``name``, exactly; None where there is none. Raises UnreadableError."""
    found = first(said, name)
    return None if found is None else _amount(found, name)


def _amount(said: Said, field: str) -> Amount:
    number, currency = text(said, "amount"), text(said, "currency")
    exact = decimal_of(number)
    if exact is None or exact.is_signed() or len(exact.as_tuple().digits) > _MOST_DIGITS or exact >= _LARGEST:
        expected = "a decimal number from 0, at most 18 digits, 15 before the point"
        raise UnreadableError(f"{field}/amount", expected, repr(number))
    if currency not in EXPONENTS:
        raise UnreadableError(f"{field}/currency", "an ISO 4217 code", repr(currency))
    return Amount(exact, currency)


def charges_in(said: Said, bearer: str | None) -> Amount | None:
    """What was deducted on the way, where the payee bears charges (CRED, SHAR) and all of it is in one currency.

    ``charge_amount`` (one or several, each bank's own) up to version 4, ``charges_information`` from version 5.
    """
    if bearer == _BORNE_BY_PAYER:
        return None
    parts = [*every(said, "charge_amount"), *every(said, "charges_information", "amount")]
    amounts = [_amount(part, "charge_amount") for part in parts]
    if len({amount.currency for amount in amounts}) != 1:
        return None
    return Amount(sum((amount.value for amount in amounts), Decimal(0)), amounts[0].currency)
