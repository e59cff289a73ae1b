"""What a file says, as JSON for other programs (design, "Output of a reader"). Amounts are decimal strings, exact."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from connectors.contract import (
    JSON,
    Account,
    Acknowledgement,
    FileEnd,
    Instruction,
    MappingError,
    References,
    Refusal,
)
from connectors.documents import CanonicalDocument
from streams.domain.facts import Direction

Said: TypeAlias = Acknowledgement | Instruction | CanonicalDocument
_Object = dict[str, JSON]


def list_name(format_: str | None) -> str:
    """The name of the list of what a file of this format says."""
    if format_ is None:
        return "acknowledgements"
    if format_.endswith(".json"):
        return "documents"
    return "instructions" if format_.startswith("pain.001") else "acknowledgements"


def as_json(said: Said) -> _Object:
    """One thing said."""
    if isinstance(said, Acknowledgement):
        return _acknowledgement(said)
    if isinstance(said, Instruction):
        return _instruction(said)
    document: _Object = msgspec.to_builtins(said)
    return document


def verdict(file: str, last: FileEnd | Refusal, errors: list[MappingError]) -> _Object:
    """What is said of the file as a whole."""
    refusal = last if isinstance(last, Refusal) else None
    return {
        "file": file,
        "outcome": "accepted" if refusal is None else "rejected_file",
        "reason": refusal.reason if refusal else None,
        "detail": _detail(refusal) if refusal else None,
        "format": last.format,
        "message_id": last.message_id,
        "errors": [_error(error) for error in errors] if refusal is None else [],
    }


def _detail(refusal: Refusal) -> _Object:
    return {"where": refusal.where, "expected": refusal.expected, "found": refusal.found}


def _error(error: MappingError) -> _Object:
    return {"position": error.position, "field": error.field, "expected": error.expected, "found": error.found}


def _acknowledgement(said: Acknowledgement) -> _Object:
    return {
        "level": said.level.value.lower(),
        "references": _references(said.references),
        "bank_status": said.bank_status,
        "lifecycle": said.lifecycle.value if said.lifecycle else None,
        "flags": [flag.value for flag in said.flags],
        "reason_codes": list(said.reason_codes),
        "reason_text": said.reason_text,
        "amount": _decimal(said.amount),
        "currency": said.currency,
        "value_date": said.value_date,
        "direction": None if said.direction is Direction.UNKNOWN else said.direction.value.lower(),
        "account": said.account,
        "position": said.position,
        "booked": said.booked,
        "booking_date": said.booking_date,
        "occurred_at": said.occurred_at,
        "charges": _decimal(said.charges),
        "charges_currency": said.charges_currency,
        "batch_count": said.batch_count,
        "batch_sum": _decimal(said.batch_sum),
        "bank": said.bank,
        "bank_transaction_code": said.bank_transaction_code,
        "entry_amount": _decimal(said.entry_amount),
        "entry_currency": said.entry_currency,
    }


def _instruction(said: Instruction) -> _Object:
    return {
        "references": _references(said.references),
        "amount": _decimal(said.amount),
        "currency": said.currency,
        "equivalent_amount": said.equivalent_amount,
        "requested_execution_date": said.requested_execution_date,
        "debtor": _account(said.debtor),
        "creditor": _account(said.creditor),
        "rail": said.rail,
        "invoices": list(said.invoices),
        "remittance_text": said.remittance_text,
        "created_at": said.created_at,
        "position": said.position,
    }


def _references(names: References) -> _Object:
    return {
        "end_to_end_id": names.end_to_end_id,
        "uetr": names.uetr,
        "instruction_id": names.instruction_id,
        "payment_info_id": names.payment_info_id,
        "message_id": names.message_id,
        "bank_ref": names.bank_ref,
        "trace_number": names.trace_number,
    }


def _account(party: Account) -> _Object:
    return {"name": party.name, "account": party.number, "agent": party.agent}


def _decimal(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
