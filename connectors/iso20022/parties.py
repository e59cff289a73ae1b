"""Accounts, banks and parties, in all the places where versions of ISO 20022 have put them."""

from __future__ import annotations

from connectors.contract import Account
from connectors.iso20022.said import Said, first, text


def account_number(account: Said) -> str | None:
    """IBAN, else another account id, without blanks inside."""
    number = text(account, "Id", "IBAN") or text(account, "Id", "Othr", "Id") or text(account, "Id", "PrtryAcct", "Id")
    return number.replace(" ", "") if number else None


def agent_id(agent: Said) -> str | None:
    """A bank's BIC (BICFI from 2013 on), else its clearing member id, else its name."""
    bank = first(agent, "FinInstnId")
    return (
        text(bank, "BICFI")
        or text(bank, "BIC")
        or text(bank, "ClrSysMmbId", "MmbId")
        or text(bank, "Othr", "Id")
        or text(bank, "Nm")
    )


def party_name(party: Said) -> str | None:
    """A party's name; within ``Pty`` from version 8 on; a bank as party has its own."""
    return text(party, "Nm") or text(party, "Pty", "Nm") or text(party, "Agt", "FinInstnId", "Nm")


def party_id(party: Said) -> str | None:
    """What identifies an organisation: its BIC, else its first other id, else its name."""
    organisation = first(party, "Id", "OrgId")
    return (
        text(organisation, "AnyBIC")
        or text(organisation, "BICOrBEI")
        or text(organisation, "Othr", "Id")
        or text(party, "Nm")
    )


def account_of(party: Said, account: Said, agent: Said) -> Account:
    """A party with its account and its bank."""
    return Account(party_name(party), account_number(account), agent_id(agent))
