"""camt.056 and camt.029: a payment is asked back, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at
from connectors.iso20022.names import original_group, original_references, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import Reasons, reasons_of
from connectors.iso20022.report import LEVELS
from connectors.iso20022.said import Said, code, every, first, text
from streams.domain.bank_statuses import NOTHING, BankMeaning, recall_meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag

REQUESTED: Final = "FIToFIPmtCxlReq"
"""A recall states no status: the message is the statement."""
_RECALL: Final = BankMeaning(None, (Flag.RECALL_REQUESTED,))
_ANSWERED: Final = {
    "group": ("OrgnlGrpInfAndSts", "GrpCxlSts"),
    "batch": ("OrgnlPmtInfAndSts", "PmtInfCxlSts"),
    "transaction": ("TxInfAndSts", "TxCxlSts"),
}
#: CancellationIndividualStatus1Code: what the domain's table knows under the code of the whole case.
_OF_THE_CASE: Final[Mapping[str, str]] = {"ACCR": "CNCL"}
_TRUE: Final = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class _Recall:
    """What a record says of a recall: ``own`` is the element that says it, the others name the original."""

    level: Level
    own: Said
    batch: Said
    group: Said
    status: str
    reasons: Reasons
    meant: BankMeaning


def map_recall(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """A recall of a payment, or of a whole group where GrpCxl says so."""
    group = first(record.fields, "OrgnlGrpInfAndCxl") or first(record.fields, "Undrlyg", "OrgnlGrpInfAndCxl")
    if record.kind == "group" and text(group, "GrpCxl") not in _TRUE:
        return ()
    own = group if record.kind == "group" else first(record.fields, "TxInf")
    reasons = reasons_of(every(own, "CxlRsnInf") or every(group, "CxlRsnInf"))
    return _acknowledged(record, _Recall(LEVELS[record.kind], own, None, group, REQUESTED, reasons, _RECALL), profile)


def map_recall_answer(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The answer to a recall: of a transaction, batch or group; else of the whole case, which names no payment."""
    fields, level = record.fields, LEVELS.get(record.kind, Level.GROUP)
    element, status_name = _ANSWERED.get(record.kind, ("", ""))
    own, batch = first(fields, element), first(fields, "OrgnlPmtInfAndSts")
    group = original_group(fields, own, "OrgnlGrpInfAndSts") or first(fields, "CxlDtls", "OrgnlGrpInfAndSts")
    status = code(own, status_name)
    if status is None and record.kind in ("transaction", "case"):
        status = code(fields, "Sts", "Conf") or code(fields, "Sts")
    if status is None:
        return ()
    reasons = next((found for said in (own, batch, group) if (found := reasons_of(every(said, "CxlStsRsnInf")))), None)
    meant = recall_meaning(_OF_THE_CASE.get(status, status), level, profile.statuses)
    return _acknowledged(record, _Recall(level, own, batch, group, status, reasons or Reasons(), meant), profile)


def _acknowledged(record: ProviderRecord, said: _Recall, profile: BankProfile) -> Iterable[Mapped]:
    try:
        return (_acknowledgement(record, said, profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _acknowledgement(record: ProviderRecord, said: _Recall, profile: BankProfile) -> Acknowledgement:
    own, original = said.own, first(said.own, "OrgnlTxRef")
    assignment = first(record.fields, "Assgnmt")
    account, amount = account_number(first(original, "DbtrAcct")), _amount(own, original)
    meant = said.meant if own_account(account, profile) else NOTHING
    return Acknowledgement(
        level=said.level,
        references=original_references(own, said.group, said.batch, None),
        bank_status=said.status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=said.reasons.codes,
        reason_text=said.reasons.text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=day_at(own, "OrgnlIntrBkSttlmDt") or day_at(original, "IntrBkSttlmDt"),
        direction=Direction.DEBIT,
        account=account,
        position=record.position,
        occurred_at=text(assignment, "CreDtTm"),
        bank=agent_id(first(assignment, "Assgnr", "Agt")),
        source_message_id=text(assignment, "Id"),
    )


def _amount(own: Said, original: Said) -> Amount | None:
    return (
        amount_at(original, "Amt", "InstdAmt")
        or amount_at(own, "OrgnlInstdAmt")
        or amount_at(own, "OrgnlIntrBkSttlmAmt")
        or amount_at(original, "IntrBkSttlmAmt")
    )
