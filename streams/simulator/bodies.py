"""Canonical JSON: what our side says of a payment in each step of its story, and what a bank calls back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.domain.money import Money
from streams.simulator.company import Naming
from streams.simulator.plan import PlannedPayment, Run
from streams.simulator.said import Body, day, instant
from streams.simulator.stories import Step
from streams.simulator.truth import booked_minor

OWN_ACCOUNT: Final = "XX00PAYSTATE00000001"

APPROVALS: Final[Mapping[Step, str]] = {
    Step.REQUESTED: "requested",
    Step.APPROVED: "approved",
    Step.FIRST_APPROVED: "step_approved",
    Step.SECOND_APPROVED: "step_approved",
    Step.INVOICE_APPROVED: "approved",
    Step.APPROVAL_REJECTED: "rejected",
    Step.APPROVAL_WITHDRAWN: "withdrawn",
}
RELEASES: Final[Mapping[Step, str]] = {
    Step.PROPOSED: "proposed",
    Step.RELEASED: "released",
    Step.SUBMITTED: "submitted",
    Step.RESUBMITTED: "submitted",
    Step.SUBMIT_FAILED: "submit_failed",
    Step.VOIDED: "voided",
}
STATUS_CODES: Final[Mapping[Step, str]] = {
    Step.RECEIVED: "ACTC",
    Step.ACCEPTED: "ACCP",
    Step.ACCEPTED_AGAIN: "ACCP",
    Step.IN_PROCESS: "ACSP",
    Step.SETTLED: "ACSC",
    Step.REJECTED: "RJCT",
    Step.COPY_REFUSED: "RJCT",
    Step.CANCELLED: "CANC",
    Step.CREDITED: "ACCC",
}
REASON_CODES: Final[Mapping[Step, str]] = {Step.REJECTED: "AC01", Step.COPY_REFUSED: "DUPL"}
BOOKINGS: Final = frozenset(
    {Step.BOOKED, Step.BOOKED_SHORT, Step.BOOKED_FIRST_HALF, Step.BOOKED_SECOND_HALF, Step.RETURNED}
)
RETURN_REASON: Final = "AC04"

_WITHIN_TWO_STEPS: Final = frozenset({Step.FIRST_APPROVED, Step.SECOND_APPROVED})
_SEQUENCES: Final[Mapping[Step, int]] = {Step.REQUESTED: 1, Step.APPROVAL_WITHDRAWN: 3}
_ENTRY_SUFFIX: Final[Mapping[Step, str]] = {Step.RETURNED: "R", Step.BOOKED_SECOND_HALF: "B"}


def ours(payment: PlannedPayment, step: Step, at_s: float) -> Body | None:
    """What the AP tool, the ERP or the reconciliation says in this step; None: it is the bank's to speak."""
    if step in APPROVALS:
        return _approval(payment, step, at_s)
    if step in RELEASES:
        return _release(payment, step, at_s)
    say = _OTHERS.get(step)
    return None if say is None else say(payment, at_s)


def attempt(payment: PlannedPayment, step: Step) -> Run:
    """The run that carries this step: a repaired payment goes out in a second one."""
    if step in (Step.RESUBMITTED, Step.ACCEPTED_AGAIN):
        return Run(f"{payment.run.message_id}-R", f"{payment.run.payment_info_id}-R")
    return payment.run


def names_said(payment: PlannedPayment) -> dict[str, str]:
    """The names by which this bank calls the payment."""
    names = payment.names
    every = {"uetr": names.uetr, "end_to_end_id": names.end_to_end_id, "instruction_id": names.instruction_id}
    naming = payment.bank.naming
    return every if naming is Naming.ALL else {naming.value: every[naming.value]}


def bank_ref(payment: PlannedPayment, step: Step) -> str:
    """The bank's own name of the entry; a return and a second part are entries of their own."""
    return f"{payment.bank.name[:3]}{payment.names.trace_number}{_ENTRY_SUFFIX.get(step, '')}"


def entry_amount(payment: PlannedPayment, step: Step) -> Money:
    """What this entry moves."""
    whole = payment.amount.minor
    minor = {
        Step.BOOKED_SHORT: booked_minor(payment),
        Step.BOOKED_FIRST_HALF: whole // 2,
        Step.BOOKED_SECOND_HALF: whole - whole // 2,
    }.get(step, whole)
    return Money(minor, payment.amount.currency, payment.amount.exponent)


def callback(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    """What a bank that answers by callback says in this step."""
    run = attempt(payment, step)
    document: dict[str, Any] = {
        "bank": payment.bank.name,
        "references": names_said(payment) | {"message_id": run.message_id, "payment_info_id": run.payment_info_id},
    }
    if step in BOOKINGS:
        document["references"]["bank_ref"] = bank_ref(payment, step)
        document |= _entry(payment, step, at_s)
    else:
        reason = REASON_CODES.get(step)
        document |= {"status": STATUS_CODES[step], "reason_codes": [] if reason is None else [reason]}
    return _body(payment, step, at_s, payment.bank.name, "acknowledgement.json", document, payment.bank.name)


def _entry(payment: PlannedPayment, step: Step, at_s: float) -> dict[str, Any]:
    returned = step is Step.RETURNED
    return {
        "status": "BOOK",
        "booked": True,
        "direction": "credit" if returned else "debit",
        "returned": returned,
        "amount": _amount(entry_amount(payment, step)),
        "booking_date": day(at_s),
        "value_date": day(at_s),
        "account": OWN_ACCOUNT,
        "reason_codes": [RETURN_REASON] if returned else [],
    }


def _body(
    payment: PlannedPayment,
    step: Step,
    at_s: float,
    source: str,
    kind: str,
    document: dict[str, Any],
    sender: str | None = None,
) -> Body:
    own_id = f"{payment.names.document_number}-{step.value}"
    whole = {"source": source, "source_event_id": own_id, "occurred_at": instant(at_s), **document}
    return Body(at_s, source, own_id, kind, json.dumps(whole, separators=(",", ":")).encode(), sender)


def _amount(money: Money) -> dict[str, str]:
    return {"value": money.decimal_text(), "currency": money.currency}


def _invoice(payment: PlannedPayment) -> dict[str, Any]:
    return {"number": payment.invoice_number, "vendor_id": payment.vendor.vendor_id}


def _approval(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    by_invoice = step is Step.INVOICE_APPROVED
    second = step is Step.SECOND_APPROVED
    in_two = not _WITHIN_TWO_STEPS.isdisjoint(payment.story.steps)
    document: dict[str, Any] = {
        "scope": "invoice" if by_invoice else "payment",
        "step": 2 if second else 1,
        "steps_required": 2 if in_two else 1,
        "actor": payment.second_approver if second else payment.approver,
        "decision": APPROVALS[step],
        "sequence": _SEQUENCES.get(step, 2),
        "vendor_id": payment.vendor.vendor_id,
        "amount": _amount(payment.amount),
        "company_code": payment.company_code,
        "region": payment.bank.region,
        "invoices": [_invoice(payment)],
    }
    if not by_invoice:
        document["correlation_id"] = payment.names.correlation_id
    return _body(payment, step, at_s, "coupa", "approval.json", document)


def _release(payment: PlannedPayment, step: Step, at_s: float) -> Body:
    """A proposal or release says all about the payment; what follows says what it adds, as an ERP's events do."""
    document: dict[str, Any] = {
        "correlation_id": payment.names.correlation_id,
        "stage": RELEASES[step],
        "source_system": "SAP",
        "company_code": payment.company_code,
        "region": payment.bank.region,
        "bank": payment.bank.name,
        "rail": payment.bank.rail,
        "actor": payment.releaser,
    }
    if step in (Step.PROPOSED, Step.RELEASED):
        document |= _description(payment, at_s)
    elif step in (Step.SUBMITTED, Step.RESUBMITTED):
        run = attempt(payment, step)
        document |= {
            "amount": _amount(payment.amount),
            "batch_id": run.payment_info_id,
            "references": {"message_id": run.message_id, "payment_info_id": run.payment_info_id},
        }
    return _body(payment, step, at_s, "sap", "release.json", document)


def _description(payment: PlannedPayment, at_s: float) -> dict[str, Any]:
    names, vendor = payment.names, payment.vendor
    return {
        "references": {
            "uetr": names.uetr,
            "end_to_end_id": names.end_to_end_id,
            "instruction_id": names.instruction_id,
            "trace_number": names.trace_number,
            "document_number": names.document_number,
        },
        "payee": {"vendor_id": vendor.vendor_id, "name": vendor.name, "account": vendor.account},
        "amount": _amount(payment.amount),
        "requested_execution_date": day(at_s),
        "invoices": [_invoice(payment)],
    }


def _match(payment: PlannedPayment, at_s: float) -> Body:
    document = {
        "correlation_id": payment.names.correlation_id,
        "kind": "matched",
        "entry_ref": bank_ref(payment, Step.BOOKED),
        "amount": _amount(payment.amount),
    }
    return _body(payment, Step.MATCHED, at_s, "recon", "reconciliation.json", document)


def _hold(payment: PlannedPayment, at_s: float) -> Body:
    document = {
        "correlation_id": payment.names.correlation_id,
        "action": "hold",
        "hold": "manual",
        "actor": payment.second_approver,
        "reason": "the vendor's bank details changed last week: call back first",
        "sequence": 1,
    }
    return _body(payment, Step.HELD, at_s, "desk", "command.json", document)


_OTHERS: Final[Mapping[Step, Callable[[PlannedPayment, float], Body]]] = {Step.MATCHED: _match, Step.HELD: _hold}
