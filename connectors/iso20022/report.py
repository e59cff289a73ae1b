"""pain.002 and pacs.002: what a bank reports of a file, of a batch in it, of a single payment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.contract import (
    Acknowledgement,
    BankProfile,
    Mapped,
    MappingError,
    ProviderRecord,
    References,
)
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at, whole_at
from connectors.iso20022.names import name_at, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import Reasons, reasons_of
from connectors.iso20022.said import Said, code, every, first, text
from streams.domain.bank_statuses import meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

_LEVELS: Final = {"group": Level.GROUP, "batch": Level.BATCH, "transaction": Level.TRANSACTION}
_STATUS: Final = {"group": "GrpSts", "batch": "PmtInfSts", "transaction": "TxSts"}
_ELEMENT: Final = {"group": "OrgnlGrpInfAndSts", "batch": "OrgnlPmtInfAndSts", "transaction": "TxInfAndSts"}
#: Says only that the children differ: no child inherits it.
_MIXED: Final = "PART"
#: Original messages that ask for money to come in: their report is no evidence about a payment of ours.
_COLLECTIONS: Final = ("pain.008", "pacs.003", "CHECK_DEPOSIT")


def map_report(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a group, batch or transaction is; none where the bank states no status of it."""
    try:
        acknowledgement = _acknowledgement(record, profile)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)
    return () if acknowledgement is None else (acknowledgement,)


def _acknowledgement(record: ProviderRecord, profile: BankProfile) -> Acknowledgement | None:
    fields, kind = record.fields, record.kind
    stated = _stated(fields, kind)
    if stated is None:
        return None
    status, reasons = stated
    own = first(fields, _ELEMENT[kind])
    original = first(own, "OrgnlTxRef")
    account = account_number(first(original, "DbtrAcct"))
    collection = _is_collection(fields)
    about_us = not collection and own_account(account, profile)
    amount = _amount(original)
    lifecycle: Status | None = None
    flags: tuple[Flag, ...] = ()
    if about_us and (amount is None or amount.value):
        lifecycle, flags = _evidence(status, _LEVELS[kind], reasons, profile)
    return Acknowledgement(
        level=_LEVELS[kind],
        references=_references(fields, own),
        bank_status=status,
        lifecycle=lifecycle,
        flags=flags,
        reason_codes=reasons.codes,
        reason_text=reasons.text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=day_at(original, "IntrBkSttlmDt"),
        direction=Direction.CREDIT if collection else Direction.DEBIT,
        account=account,
        position=record.position,
        occurred_at=text(fields, "GrpHdr", "CreDtTm"),
        batch_count=whole_at(own, "OrgnlNbOfTxs") if kind != "transaction" else None,
        bank=_bank(fields, original),
        source_message_id=text(fields, "GrpHdr", "MsgId"),
    )


def _stated(fields: Said, kind: str) -> tuple[str, Reasons] | None:
    """The status of this level; a transaction without one inherits from the lowest parent, unless that is mixed."""
    own = first(fields, _ELEMENT[kind])
    status, reasons = code(own, _STATUS[kind]), reasons_of(every(own, "StsRsnInf"))
    if status is not None:
        return status, reasons
    if kind != "transaction":
        return None
    for parent in ("batch", "group"):
        said = first(fields, _ELEMENT[parent])
        inherited = code(said, _STATUS[parent])
        if inherited is not None:
            return None if inherited == _MIXED else (inherited, reasons or reasons_of(every(said, "StsRsnInf")))
    return None


def _evidence(
    status: str, level: Level, reasons: Reasons, profile: BankProfile
) -> tuple[Status | None, tuple[Flag, ...]]:
    """What it means for the payment. A rejection of a *copy* names the original's ids and rejects no payment."""
    meant = meaning(status, level, profile.statuses)
    if meant.milestone is Status.REJECTED and reasons.duplicate:
        return None, (Flag.DUPLICATE_REJECTION,)
    return meant.milestone, meant.flags


def _is_collection(fields: Said) -> bool:
    group = first(fields, "OrgnlGrpInfAndSts")
    name = text(group, "OrgnlMsgNmId") or text(fields, "TxInfAndSts", "OrgnlGrpInf", "OrgnlMsgNmId")
    return name is not None and name.startswith(_COLLECTIONS)


def _references(fields: Said, own: Said) -> References:
    """From the lowest level that has them: the transaction, its batch, the group."""
    group = first(fields, "OrgnlGrpInfAndSts")
    return References(
        end_to_end_id=name_at(own, "OrgnlEndToEndId"),
        uetr=name_at(own, "OrgnlUETR"),
        instruction_id=name_at(own, "OrgnlInstrId") or name_at(own, "OrgnlTxId"),
        payment_info_id=name_at(fields, "OrgnlPmtInfAndSts", "OrgnlPmtInfId"),
        message_id=name_at(own, "OrgnlGrpInf", "OrgnlMsgId") or name_at(group, "OrgnlMsgId"),
        bank_ref=name_at(own, "AcctSvcrRef"),
    )


def _amount(original: Said) -> Amount | None:
    return (
        amount_at(original, "Amt", "InstdAmt")
        or amount_at(original, "Amt", "EqvtAmt", "Amt")
        or amount_at(original, "IntrBkSttlmAmt")
    )


def _bank(fields: Said, original: Said) -> str | None:
    """Who reports, where a BIC says so; the file's sender stands in otherwise."""
    header = first(fields, "GrpHdr")
    return agent_id(first(header, "DbtrAgt")) or agent_id(first(original, "DbtrAgt"))
