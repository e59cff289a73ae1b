"""What a bank's status code means for an outgoing payment: one row a code (lifecycle.md, "Bank status to lifecycle").

Sources: ISO 20022 ExternalPaymentTransactionStatus1Code and ExternalPaymentGroupStatus1Code (pain.002, pacs.002),
ExternalEntryStatus1Code (camt.052/053/054), ExternalInvestigationExecutionConfirmation1Code (camt.029), SWIFT gpi,
entry classes of the Nacha rules.
A bank profile overrides a row by ``CODE`` or ``LEVEL:CODE``. A code without a row changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from streams.domain.facts import Level
from streams.domain.statuses import Flag, Status


@dataclass(frozen=True, slots=True)
class BankMeaning:
    """``milestone`` None: no evidence that ranks. ``known`` False: the code has no row anywhere."""

    milestone: Status | None
    flags: tuple[Flag, ...] = ()
    known: bool = True


NOTHING: Final = BankMeaning(None)
UNKNOWN_CODE: Final = BankMeaning(None, known=False)

_AUTHORISE: Final = (Flag.AWAITING_BANK_AUTHORISATION,)
_PENDING: Final = (Flag.BANK_PENDING,)
_RECALL: Final = (Flag.RECALL_REQUESTED,)

PAYMENT_STATUSES: Final[Mapping[str, BankMeaning]] = {
    # pain.002, pacs.002, gpi: the bank has it, syntax checked
    "RCVD": BankMeaning(Status.BANK_RECEIVED),
    "ACTC": BankMeaning(Status.BANK_RECEIVED),
    # received, but somebody of ours must still authorise it at the bank
    "PATC": BankMeaning(Status.BANK_RECEIVED, _AUTHORISE),
    "ACFW": BankMeaning(Status.BANK_RECEIVED, _AUTHORISE),
    # verification of the payee: match, close match, no match
    "RCVC": BankMeaning(Status.BANK_RECEIVED, _AUTHORISE),
    "RVCM": BankMeaning(Status.BANK_RECEIVED, _AUTHORISE),
    "RVNC": BankMeaning(Status.BANK_RECEIVED, _AUTHORISE),
    # accepted for execution: customer profile checked, funds checked, with a change
    "ACCP": BankMeaning(Status.BANK_ACCEPTED),
    "ACFC": BankMeaning(Status.BANK_ACCEPTED),
    "ACWC": BankMeaning(Status.BANK_ACCEPTED),
    # settlement under way; ACIS: the cheque is issued
    "ACSP": BankMeaning(Status.IN_PROCESS),
    "ACPD": BankMeaning(Status.IN_PROCESS),
    "ACWP": BankMeaning(Status.IN_PROCESS),
    "ACIS": BankMeaning(Status.IN_PROCESS),
    # settled on the debtor's side (a report, no proof); on the creditor's account
    "ACSC": BankMeaning(Status.SETTLED),
    "ACCC": BankMeaning(Status.CREDITED),
    # more checks at the bank: no rank
    "PDNG": BankMeaning(None, _PENDING),
    "BLCK": BankMeaning(None, (Flag.BLOCKED,)),
    "RJCT": BankMeaning(Status.REJECTED),
    "CANC": BankMeaning(Status.CANCELLED),
    # some children yes, some no: says nothing about one that is not listed
    "PART": NOTHING,
    # Nacha acknowledgement entries: the payee's bank has a credit of ours; a zero amount moves nothing
    "ACK": NOTHING,
    "ATX": NOTHING,
}

ENTRY_STATUSES: Final[Mapping[str, BankMeaning]] = {
    # of a debit that is a payment of ours; direction and transaction code decide that, in the mapper
    "BOOK": BankMeaning(Status.SETTLED),
    "PDNG": BankMeaning(Status.IN_PROCESS, _PENDING),
    "INFO": NOTHING,
    "FUTR": NOTHING,
}

RECALL_STATUSES: Final[Mapping[str, BankMeaning]] = {
    # camt.029: answers to a request for cancellation
    "PDCR": BankMeaning(None, _RECALL),
    "RJCR": NOTHING,
    "CNCL": BankMeaning(Status.CANCELLED),
    "ACCR": BankMeaning(Status.CANCELLED),
    # the other confirmations are kept and say nothing about the money
    **dict.fromkeys(
        (
            *("ACDA", "ACNR", "ACVA", "ARDA", "CWFW", "ICOV", "IDUP", "INFO", "INVR", "IPAY", "IPYI", "MCOV", "MODI"),
            *("MWFW", "NINF", "PECR", "RJNR", "RJVA", "RQDA", "SMTC", "SMTI", "UNRE", "UWFW", "WFRM"),
        ),
        NOTHING,
    ),
}


class Recall(Enum):
    """Where a recall stands: asked for, refused by the bank, granted."""

    PENDING = "pending"
    REFUSED = "refused"
    GRANTED = "granted"


RECALL_ANSWERS: Final[Mapping[str, Recall]] = {
    "PDCR": Recall.PENDING,
    "RJCR": Recall.REFUSED,
    "CNCL": Recall.GRANTED,
    "ACCR": Recall.GRANTED,
}

DUPLICATE_REASONS: Final = frozenset({"DU01", "DU02", "DU03", "DU04", "DU05", "DUPL", "DT04", "AM05"})
"""Rejected because the file, the message or the instruction came twice: about the copy, not about the original."""

_Overrides = Mapping[str, Status | None] | None


def meaning(code: str, level: Level, overrides: _Overrides = None) -> BankMeaning:
    """What a payment status (pain.002, pacs.002, gpi) means; ``LEVEL:CODE`` is looked up before ``CODE``."""
    return _looked_up(PAYMENT_STATUSES, code, level, overrides)


def entry_meaning(code: str, level: Level, overrides: _Overrides = None) -> BankMeaning:
    """What the status of an account entry means, for a debit that pays one of our instructions."""
    return _looked_up(ENTRY_STATUSES, code, level, overrides)


def recall_meaning(code: str, level: Level, overrides: _Overrides = None) -> BankMeaning:
    """What a confirmation in a camt.029 means."""
    return _looked_up(RECALL_STATUSES, code, level, overrides)


def _looked_up(
    table: Mapping[str, BankMeaning],
    code: str,
    level: Level,
    overrides: _Overrides,
) -> BankMeaning:
    row = table.get(code, UNKNOWN_CODE)
    for name in (f"{level.value}:{code}", code) if overrides else ():
        if overrides is not None and name in overrides:
            milestone = overrides[name]
            return NOTHING if milestone is None else BankMeaning(milestone, row.flags)
    return row


def is_duplicate_rejection(milestone: Status | None, reason_codes: tuple[str, ...]) -> bool:
    """A rejection that says "I have that already"."""
    return bool(reason_codes) and milestone is Status.REJECTED and not DUPLICATE_REASONS.isdisjoint(reason_codes)


def is_known(code: str) -> bool:
    """True if any of the registries has a row for the code."""
    return code in PAYMENT_STATUSES or code in ENTRY_STATUSES or code in RECALL_STATUSES


def is_granted_recall(code: str) -> bool:
    """True if the code grants a recall that was asked for: of the payment (CNCL) or of the whole case (ACCR)."""
    return RECALL_ANSWERS.get(code) is Recall.GRANTED
