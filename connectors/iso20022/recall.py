"""camt.056 and camt.029: a payment is asked back, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at
from connectors.iso20022.names import original_group, original_references, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import Reasons, reasons_of
from connectors.iso20022.report import LEVELS
from connectors.iso20022.said import Said, code, every, first, text
from streams.domain.bank_statuses import BankMeaning, recall_meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

REQUESTED: Final = "FIToFIPmtCxlReq"
"""A recall states no status: the message is the statement."""
_ANSWERED: Final = {
    "group": ("OrgnlGrpInfAndSts", "GrpCxlSts"),
    "batch": ("OrgnlPmtInfAndSts", "PmtInfCxlSts"),
    "transaction": ("TxInfAndSts", "TxCxlSts"),
}
#: CancellationIndividualStatus1Code: what the domain's table knows under the code of the whole case.
_OF_THE_CASE: Final[Mapping[str, str]] = {"ACCR": "CNCL"}
_TRUE: Final = frozenset({"true", "1"})


def map_recall(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """A recall of a payment, or of a whole group where GrpCxl says so."""
    fields = record.fields
    group = first(fields, "OrgnlGrpInfAndCxl") or first(fields, "Undrlyg", "OrgnlGrpInfAndCxl")
    if record.kind == "group" and text(group, "GrpCxl") not in _TRUE:
        return ()
    own = group if record.kind == "group" else first(fields, "TxInf")
    reasons = reasons_of(every(own, "CxlRsnInf") or every(group, "CxlRsnInf"))
    meant = BankMeaning(None, (Flag.RECALL_REQUESTED,))
    return _acknowledged(record, own, group, None, REQUESTED, reasons, meant, profile)


def map_recall_answer(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The answer to a recall: of a transaction, batch or group, else of the whole case."""
    fields = record.fields
    details = first(fields, "CxlDtls") if record.kind != "case" else None
    whole = code(fields, "Sts", "Conf") or code(fields, "Sts")
    own, batch, status = None, first(fields, "OrgnlPmtInfAndSts"), None
    if record.kind in _ANSWERED:
        element, name = _ANSWERED[record.kind]
        own = first(fields, element)
        status = code(own, name)
    group = original_group(fields, own, "OrgnlGrpInfAndSts") or first(details, "OrgnlGrpInfAndSts")
    status = status or (whole if record.kind in ("transaction", "case") else None)
    if status is None:
        return ()
    reasons = reasons_of(every(own, "CxlStsRsnInf") or every(batch, "CxlStsRsnInf") or every(group, "CxlStsRsnInf"))
    level = LEVELS.get(record.kind, Level.GROUP)
    meant = recall_meaning(_OF_THE_CASE.get(status, status), level, profile.statuses)
    return _acknowledged(record, own, group, batch, status, reasons, meant, profile)


def _acknowledged(
    record: ProviderRecord,
    own: Said,
    group: Said,
    batch: Said,
    status: str,
    reasons: Reasons,
    meant: BankMeaning,
    profile: BankProfile,
) -> Iterable[Mapped]:
    original, assignment = first(own, "OrgnlTxRef"), first(record.fields, "Assgnmt")
    account = account_number(first(original, "DbtrAcct"))
    try:
        amount = _amount(own, original)
        value_date = day_at(own, "OrgnlIntrBkSttlmDt") or day_at(original, "IntrBkSttlmDt")
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)
    lifecycle: Status | None = meant.milestone
    return (
        Acknowledgement(
            level=LEVELS.get(record.kind, Level.GROUP),
            references=original_references(own, group, batch, None) if own is not None else References(),
            bank_status=status,
            lifecycle=lifecycle if own_account(account, profile) else None,
            flags=meant.flags if own_account(account, profile) else (),
            reason_codes=reasons.codes,
            reason_text=reasons.text,
            amount=amount.value if amount else None,
            currency=amount.currency if amount else None,
            value_date=value_date,
            direction=Direction.DEBIT,
            account=account,
            position=record.position,
            occurred_at=text(assignment, "CreDtTm"),
            bank=agent_id(first(assignment, "Assgnr", "Agt")),
            source_message_id=text(assignment, "Id"),
        ),
    )


def _amount(own: Said, original: Said) -> Amount | None:
    return (
        amount_at(original, "Amt", "InstdAmt")
        or amount_at(own, "OrgnlInstdAmt")
        or amount_at(own, "OrgnlIntrBkSttlmAmt")
        or amount_at(original, "IntrBkSttlmAmt")
    )
