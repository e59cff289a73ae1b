"""The names that a message gives to a payment, and whose account it speaks of."""

from __future__ import annotations

from connectors.contract import BankProfile, References
from connectors.iso20022.said import Said, every, first, text
from streams.domain.reference_kinds import usable_name


def name_at(value: Said, *path: str) -> str | None:
    """The id at ``path``; None if it names nothing: absent, NOTPROVIDED and the like, cut off."""
    found = text(value, *path)
    return None if found is None else usable_name(found, 1)


def own_account(account: str | None, profile: BankProfile) -> bool:
    """False if the profile names our accounts and this is none of them."""
    return account is None or not profile.own_accounts or account.upper() in profile.own_accounts


def original_group(fields: Said, own: Said, *names: str) -> Said:
    """What is said of the original message; of several the one that ``own`` names, never a guess."""
    groups = [group for name in names for group in every(fields, name)]
    if len(groups) < 2:
        return groups[0] if groups else None
    wanted = text(own, "OrgnlGrpInf", "OrgnlMsgId")
    return next((group for group in groups if wanted is not None and text(group, "OrgnlMsgId") == wanted), None)


def original_references(own: Said, group: Said, batch: Said, bank_ref: str | None) -> References:
    """The names of the original payment, from the lowest level that has them: transaction, batch, message."""
    return References(
        end_to_end_id=name_at(own, "OrgnlEndToEndId"),
        uetr=name_at(own, "OrgnlUETR"),
        instruction_id=name_at(own, "OrgnlInstrId") or name_at(own, "OrgnlTxId"),
        payment_info_id=name_at(own, "OrgnlPmtInfId") or name_at(batch, "OrgnlPmtInfId"),
        message_id=name_at(first(own, "OrgnlGrpInf"), "OrgnlMsgId") or name_at(group, "OrgnlMsgId"),
        bank_ref=bank_ref,
    )
