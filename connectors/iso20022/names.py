"""The names that a message gives to a payment, and whose account it speaks of."""

from __future__ import annotations

from connectors.contract import BankProfile
from connectors.iso20022.said import Said, text
from streams.domain.reference_kinds import usable_name


def name_at(value: Said, *path: str) -> str | None:
    """The id at ``path``; None if it names nothing: absent, NOTPROVIDED and the like, cut off."""
    return usable_name(text(value, *path), 1)


def own_account(account: str | None, profile: BankProfile) -> bool:
    """False if the profile names our accounts and this is none of them."""
    return account is None or not profile.own_accounts or account in profile.own_accounts
