"""pain.001: the instructions that were sent to a bank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from connectors.contract import BankProfile, Instruction, Mapped, MappingError, ProviderRecord, References
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at
from connectors.iso20022.names import name_at
from connectors.iso20022.parties import account_of
from connectors.iso20022.said import Said, code, every, first, text, texts

#: What the payment method says when it says more than "transfer".
_METHOD_RAILS: Final[Mapping[str, str]] = {"CHK": "CHEQUE"}
#: Local instruments and service levels that name a rail (ISO 20022 external codes).
_INSTRUMENT_RAILS: Final[Mapping[str, str]] = {
    "INST": "INSTANT",
    "RTP": "INSTANT",
    "CCD": "ACH",
    "CTX": "ACH",
    "PPD": "ACH",
    "IAT": "ACH",
}
_SERVICE_RAILS: Final[Mapping[str, str]] = {
    "SEPA": "SEPA",
    "NURG": "ACH",
    "URGP": "WIRE",
    "URNS": "WIRE",
    "SDVA": "WIRE",
    "G001": "WIRE",
    "G002": "WIRE",
    "G003": "WIRE",
    "G004": "WIRE",
}
#: Referred documents that lower what is paid are no invoices.
_NOT_INVOICES: Final = frozenset({"CREN", "DEBN", "SOAC", "DISP"})


def map_initiation(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The instruction that a CdtTrfTxInf is."""
    del profile  # what we sent ourselves reads the same for every bank
    try:
        return (_instruction(record),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _instruction(record: ProviderRecord) -> Instruction:
    header, batch, own = (first(record.fields, name) for name in ("GrpHdr", "PmtInf", "CdtTrfTxInf"))
    amount, equivalent = _amount(own)
    return Instruction(
        references=References(
            end_to_end_id=name_at(own, "PmtId", "EndToEndId"),
            uetr=name_at(own, "PmtId", "UETR"),
            instruction_id=name_at(own, "PmtId", "InstrId"),
            payment_info_id=name_at(batch, "PmtInfId"),
            message_id=name_at(header, "MsgId"),
        ),
        amount=amount.value,
        currency=amount.currency,
        equivalent_amount=equivalent,
        requested_execution_date=day_at(batch, "ReqdExctnDt"),
        debtor=account_of(first(batch, "Dbtr"), first(batch, "DbtrAcct"), first(batch, "DbtrAgt")),
        creditor=account_of(first(own, "Cdtr"), first(own, "CdtrAcct"), first(own, "CdtrAgt")),
        rail=_rail(batch, own),
        invoices=_invoices(own),
        remittance_text=" ".join(texts(own, "RmtInf", "Ustrd")) or None,
        created_at=text(header, "CreDtTm"),
        position=record.position,
    )


def _amount(own: Said) -> tuple[Amount, bool]:
    """What is instructed; or the amount on our side that another currency's is worked out from."""
    amount, equivalent = amount_at(own, "Amt", "InstdAmt"), False
    if amount is None:
        amount, equivalent = amount_at(own, "Amt", "EqvtAmt", "Amt"), True
    if amount is None or not amount.value:
        found = "none" if amount is None else f"{amount.value} {amount.currency}"
        raise UnreadableError("CdtTrfTxInf/Amt", "InstdAmt or EqvtAmt above zero", found)
    return amount, equivalent


def _rail(batch: Said, own: Said) -> str | None:
    """How the money is to go, where the file says it: by its own type information, else the batch's."""
    method = _METHOD_RAILS.get(text(batch, "PmtMtd") or "")
    if method is not None:
        return method
    for place in (own, batch):
        instrument = code(place, "PmtTpInf", "LclInstrm")
        service = code(place, "PmtTpInf", "SvcLvl")
        rail = _INSTRUMENT_RAILS.get(instrument or "") or _SERVICE_RAILS.get(service or "")
        if rail is not None:
            return rail
    return None


def _invoices(own: Said) -> tuple[str, ...]:
    """Numbers of the documents that are paid, each once."""
    numbers: dict[str, None] = {}
    for document in every(own, "RmtInf", "Strd", "RfrdDocInf"):
        kind = code(document, "Tp", "CdOrPrtry")
        number = text(document, "Nb")
        if number is not None and kind not in _NOT_INVOICES:
            numbers[number] = None
    return tuple(numbers)
