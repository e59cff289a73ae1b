"""Canonical JSON: what a source sends that can speak our language (ERP, AP tool, simulator, portal). See MAPPING.md.

Strict: an unknown field, a missing one or one of another type is refused, with its path. Instants carry an offset,
amounts are decimal text, so that nothing is ever rounded or guessed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

_PLAIN_DECIMAL: Final = r"\A-?[0-9]{1,15}(\.[0-9]{1,17})?\Z"
"""No exponent, no grouping, no other script's digits: what is read differently somewhere is no amount."""


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decimal text in major units, and an ISO 4217 code: ``{"value": "10.50", "currency": "USD"}``."""

    value: Annotated[str, msgspec.Meta(pattern=_PLAIN_DECIMAL)]
    currency: str


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the payment is called, as far as this source knows."""

    uetr: str | None = None
    end_to_end_id: str | None = None
    instruction_id: str | None = None
    trace_number: str | None = None
    bank_ref: str | None = None
    document_number: str | None = None
    payment_info_id: str | None = None
    message_id: str | None = None


class PartyDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Payer or payee. ``account`` is the whole account number; only a hash of it goes further."""

    vendor_id: str | None = None
    name: str | None = None
    account: str | None = None


class InvoiceDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invoice, and which part of the payment pays it (all of it if absent)."""

    number: str
    vendor_id: str | None = None
    allocated: Amount | None = None


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every document says: who speaks, their own id of it, when it happened there (ISO 8601 with an offset)."""

    source: str
    source_event_id: str
    occurred_at: str


class ApprovalDocument(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One decision of one approver. Without ``correlation_id`` the approval finds its payment by its invoice."""

    correlation_id: str | None = None
    scope: Literal["invoice", "payment", "run", "bank"]
    scope_key: str | None = None
    round: int = 1
    step: int = 1
    steps_required: int = 1
    actor: str
    decision: Literal["requested", "step_approved", "approved", "rejected", "withdrawn"]
    sequence: int = 0
    content_hash: str | None = None
    invoices: tuple[InvoiceDocument, ...] = ()
    vendor_id: str | None = None
    amount: Amount | None = None
    company_code: str | None = None
    region: str | None = None


class ReleaseDocument(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of the ERP. Without ``correlation_id`` the payment is named by its document number."""

    correlation_id: str | None = None
    stage: Literal["proposed", "released", "submitted", "submit_failed", "voided"]
    references: Names = Names()
    source_system: str | None = None
    company_code: str | None = None
    region: str | None = None
    bank: str | None = None
    rail: str | None = None
    run_id: str | None = None
    file_id: str | None = None
    batch_id: str | None = None
    payer: PartyDocument | None = None
    payee: PartyDocument | None = None
    amount: Amount | None = None
    equivalent_amount: bool = False
    requested_execution_date: str | None = None
    invoices: tuple[InvoiceDocument, ...] = ()
    content_hash: str | None = None
    actor: str | None = None
    supersedes: str | None = None
    reason_codes: tuple[str, ...] = ()
    reason_text: str | None = None


class AcknowledgementDocument(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bank says, from a callback or a portal. ``status`` is the bank's own code (ISO 20022 where it has one).

    ``booked`` is an account entry. ``references.message_id`` and ``payment_info_id`` name the attempt.
    """

    correlation_id: str | None = None
    bank: str
    level: Literal["group", "batch", "transaction"] = "transaction"
    status: str
    references: Names = Names()
    booked: bool = False
    direction: Literal["debit", "credit"] | None = None
    returned: bool = False
    amount: Amount | None = None
    charges: Amount | None = None
    value_date: str | None = None
    booking_date: str | None = None
    account: str | None = None
    reason_codes: tuple[str, ...] = ()
    reason_text: str | None = None


class ReconciliationDocument(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Matched to an account entry, unmatched again, or closed in the ERP."""

    correlation_id: str
    kind: Literal["matched", "unmatched", "closed"]
    entry_ref: str | None = None
    amount: Amount | None = None
    actor: str | None = None
    sequence: int = 0


class CommandDocument(Document, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person decided about a payment."""

    correlation_id: str
    action: Literal["hold", "unhold", "confirm_duplicate", "dismiss_duplicate", "assign", "resolve", "note"]
    hold: Literal["duplicate", "sod", "cutoff", "sanctions", "manual"] | None = None
    alert_id: str | None = None
    case_id: str | None = None
    actor: str
    reason: str
    sequence: int = 0


CanonicalDocument: TypeAlias = (
    ApprovalDocument | ReleaseDocument | AcknowledgementDocument | ReconciliationDocument | CommandDocument
)
