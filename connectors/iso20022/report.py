"""pain.002 and pacs.002: what a bank reports of a file, of a batch in it, of a single payment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, Mapper, MappingError, ProviderRecord
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at, whole_at
from connectors.iso20022.names import name_at, original_group, original_references, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import Reasons, reasons_of
from connectors.iso20022.said import Said, code, every, first, text
from streams.domain.bank_statuses import NOTHING, BankMeaning, meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

LEVELS: Final = {"group": Level.GROUP, "batch": Level.BATCH, "transaction": Level.TRANSACTION}
_STATUS: Final = {"group": "GrpSts", "batch": "PmtInfSts", "transaction": "TxSts"}
_ELEMENT: Final = {"group": "OrgnlGrpInfAndSts", "batch": "OrgnlPmtInfAndSts", "transaction": "TxInfAndSts"}
#: Says only that the children differ: no child inherits it.
_MIXED: Final = "PART"
#: Original messages that are no payment of ours: collections, their reversals, returns, cheques paid in.
_OTHER_BUSINESS: Final = ("pain.007", "pain.008", "pacs.003", "pacs.004", "pacs.007", "CHECK_DEPOSIT")
_DUPLICATE: Final = BankMeaning(None, (Flag.DUPLICATE_REJECTION,))


def _map(bank_reference: str, record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a group, batch or transaction is; none where the bank states no status of it."""
    try:
        acknowledgement = _acknowledgement(bank_reference, record, profile)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)
    return () if acknowledgement is None else (acknowledgement,)


#: pain.002: the bank's reference is the account servicer's; pacs.002: the clearing system's.
map_customer_report: Final[Mapper] = partial(_map, "AcctSvcrRef")
map_interbank_report: Final[Mapper] = partial(_map, "ClrSysRef")


def _acknowledgement(bank_reference: str, record: ProviderRecord, profile: BankProfile) -> Acknowledgement | None:
    fields, kind = record.fields, record.kind
    own, batch = first(fields, _ELEMENT[kind]), first(fields, "OrgnlPmtInfAndSts")
    group = original_group(fields, own, "OrgnlGrpInfAndSts")
    stated = _stated(kind, own, batch, group)
    if stated is None:
        return None
    status, reasons = stated
    original = first(own, "OrgnlTxRef")
    account, amount = account_number(first(original, "DbtrAcct")), _amount(original)
    ours = not _is_other_business(own, group)
    evidence = ours and own_account(account, profile) and (amount is None or bool(amount.value))
    meant = _meaning(status, LEVELS[kind], reasons, profile) if evidence else NOTHING
    return Acknowledgement(
        level=LEVELS[kind],
        references=original_references(own, group, batch, name_at(own, bank_reference)),
        bank_status=status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=reasons.codes,
        reason_text=reasons.text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=day_at(original, "IntrBkSttlmDt"),
        direction=Direction.DEBIT if ours else Direction.CREDIT,
        account=account,
        position=record.position,
        occurred_at=text(fields, "GrpHdr", "CreDtTm"),
        batch_count=whole_at(own, "OrgnlNbOfTxs") if kind != "transaction" else None,
        bank=agent_id(first(fields, "GrpHdr", "DbtrAgt")) or agent_id(first(original, "DbtrAgt")),
        source_message_id=text(fields, "GrpHdr", "MsgId"),
    )


def _stated(kind: str, own: Said, batch: Said, group: Said) -> tuple[str, Reasons] | None:
    """The status of this level; a transaction without one inherits from the lowest parent, unless that is mixed."""
    status, reasons = code(own, _STATUS[kind]), _reasons(own)
    if status is not None:
        return status, reasons
    if kind != "transaction":
        return None
    for parent, said in (("batch", batch), ("group", group)):
        inherited = code(said, _STATUS[parent])
        if inherited is not None:
            return None if inherited == _MIXED else (inherited, reasons or _reasons(said))
    return None


def _reasons(said: Said) -> Reasons:
    return reasons_of(every(said, "StsRsnInf"))


def _meaning(status: str, level: Level, reasons: Reasons, profile: BankProfile) -> BankMeaning:
    """What it means for the payment. A rejection of a *copy* names the original's ids and rejects no payment."""
    meant = meaning(status, level, profile.statuses)
    return _DUPLICATE if meant.milestone is Status.REJECTED and reasons.duplicate else meant


def _is_other_business(own: Said, group: Said) -> bool:
    name = text(own, "OrgnlGrpInf", "OrgnlMsgNmId") or text(group, "OrgnlMsgNmId")
    return name is not None and name.startswith(_OTHER_BUSINESS)


def _amount(original: Said) -> Amount | None:
    return (
        amount_at(original, "Amt", "InstdAmt")
        or amount_at(original, "Amt", "EqvtAmt", "Amt")
        or amount_at(original, "IntrBkSttlmAmt")
    )
