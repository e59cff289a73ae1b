"""pacs.004: a payment comes back, as the banks tell each other (the money itself shows as an account entry)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at, whole_at
from connectors.iso20022.names import name_at, original_group, original_references, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import reasons_of
from connectors.iso20022.report import LEVELS
from connectors.iso20022.said import Said, every, first, text
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Status

STATUS: Final = "PmtRtr"
"""A return states no status: the message is the statement."""
_ELEMENT: Final = {"group": "OrgnlGrpInf", "transaction": "TxInf"}
_TRUE: Final = frozenset({"true", "1"})


def map_return(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The return of a payment, or of a whole group where GrpRtr says so."""
    if record.kind == "group" and text(record.fields, "GrpHdr", "GrpRtr") not in _TRUE:
        return ()
    try:
        return (_acknowledgement(record, profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _acknowledgement(record: ProviderRecord, profile: BankProfile) -> Acknowledgement:
    fields, level = record.fields, LEVELS[record.kind]
    own = first(fields, _ELEMENT[record.kind])
    group, original = original_group(fields, own, "OrgnlGrpInf"), first(own, "OrgnlTxRef")
    reasons = reasons_of(every(own, "RtrRsnInf") or every(group, "RtrRsnInf"))
    account, amount = account_number(first(original, "DbtrAcct")), _amount(fields, own, level)
    evidence = own_account(account, profile) and (amount is None or bool(amount.value))
    charges = _charges(own)
    return Acknowledgement(
        level=level,
        references=original_references(own, group, None, name_at(own, "RtrId")),
        bank_status=STATUS,
        lifecycle=Status.RETURNED if evidence else None,
        flags=(),
        reason_codes=reasons.codes,
        reason_text=reasons.text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=day_at(own, "IntrBkSttlmDt") or day_at(fields, "GrpHdr", "IntrBkSttlmDt"),
        direction=Direction.CREDIT,
        account=account,
        position=record.position,
        occurred_at=text(fields, "GrpHdr", "CreDtTm"),
        charges=charges.value if charges else None,
        charges_currency=charges.currency if charges else None,
        batch_count=whole_at(fields, "GrpHdr", "NbOfTxs") if level is Level.GROUP else None,
        bank=agent_id(first(own, "InstgAgt")) or agent_id(first(fields, "GrpHdr", "InstgAgt")),
        source_message_id=text(fields, "GrpHdr", "MsgId"),
    )


def _amount(fields: Said, own: Said, level: Level) -> Amount | None:
    if level is Level.GROUP:
        return amount_at(fields, "GrpHdr", "TtlRtrdIntrBkSttlmAmt")
    return amount_at(own, "RtrdIntrBkSttlmAmt") or amount_at(own, "RtrdInstdAmt")


def _charges(own: Said) -> Amount | None:
    """What was kept of it, where one bank kept something."""
    charges = every(own, "ChrgsInf")
    return amount_at(charges[0], "Amt") if len(charges) == 1 else None
