"""Facts from canonical JSON: what sources that speak our language say, mapped field by field (connectors/canonical)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.contract import BankProfile, References
from connectors.documents import (
    AcknowledgementDocument,
    Amount,
    ApprovalDocument,
    CommandDocument,
    Document,
    InvoiceDocument,
    Names,
    PartyDocument,
    ReconciliationDocument,
    ReleaseDocument,
)
from streams.agents.accounts import Accounts, redacted
from streams.agents.arrivals import Arrival
from streams.agents.bank_facts import booking_key_of
from streams.agents.canonical import Content, Event, event_id_of, fact
from streams.agents.names import Naming, payment_by_document
from streams.domain.bank_statuses import BankMeaning, entry_meaning, meaning
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    Command,
    CommandAction,
    Decision,
    Direction,
    InvoiceAllocation,
    Level,
    Party,
    Reconciliation,
    ReconciliationKind,
    Reference,
    ReferenceKind,
    Release,
    ReleaseStage,
)
from streams.domain.money import Money
from streams.domain.statuses import HoldKind, Status

#: Scopes whose decision is about something that several payments share, and the name that these go by.
_SHARED_SCOPES: Final = {
    ApprovalScope.INVOICE: ReferenceKind.INVOICE,
    ApprovalScope.RUN: ReferenceKind.RUN_ID,
    ApprovalScope.BANK: ReferenceKind.MESSAGE_ID,
}


class DocumentMapper:
    """Maps one canonical document to its fact. Pure; every method raises UnmappableError."""

    def __init__(self, accounts: Accounts, naming: Naming) -> None:
        self._accounts = accounts
        self._naming = naming

    def approval(self, arrival: Arrival, document: ApprovalDocument) -> Approval:
        """One decision. Without a correlation id it is looked up by what it decides on."""
        scope = ApprovalScope(document.scope.upper())
        invoices = _invoices(arrival, document.invoices, document.vendor_id)
        scope_key = self._scope_key(arrival, document, scope, invoices)
        references = () if document.correlation_id else self._subject(arrival, scope, scope_key)
        content: Content = {
            "scope": scope,
            "scope_key": scope_key,
            "round": document.round,
            "step": document.step,
            "steps_required": document.steps_required,
            "actor": document.actor,
            "decision": Decision(document.decision.upper()),
            "sequence": document.sequence,
            "content_hash": document.content_hash,
            "invoices": invoices,
            "vendor_id": document.vendor_id,
            "amount": _money(arrival, "amount", document.amount),
            "company_code": document.company_code,
            "region": document.region,
            "references": references,
        }
        return fact(
            Approval,
            arrival,
            _event(arrival, document),
            content,
            correlation_id=document.correlation_id or "",
            delivery=0,
            withdrawn=False,
        )

    def _scope_key(
        self,
        arrival: Arrival,
        document: ApprovalDocument,
        scope: ApprovalScope,
        invoices: tuple[InvoiceAllocation, ...],
    ) -> str:
        if scope is ApprovalScope.INVOICE:
            if len(invoices) == 1:
                return invoices[0].key
            found = f"{len(invoices)} invoices"
            raise arrival.unmappable("invoices", "exactly one for scope invoice", found, "send one approval an invoice")
        key = document.scope_key or (document.correlation_id if scope is ApprovalScope.PAYMENT else None)
        if key:
            return key
        raise arrival.unmappable(
            "scope_key", f"what was approved, as scope is {document.scope}", "none", "name the payment, run or file"
        )

    def _subject(self, arrival: Arrival, scope: ApprovalScope, scope_key: str) -> tuple[Reference, ...]:
        kind = _SHARED_SCOPES.get(scope)
        if kind is None:
            raise arrival.unmappable(
                "correlation_id", "the payment, as scope is payment", "none", "send the correlation id of its release"
            )
        return self._naming.shared(kind, scope_key)

    def release(self, arrival: Arrival, document: ReleaseDocument) -> Release:
        """One step of the ERP. Without a correlation id the payment is named by its document number."""
        names = document.references
        payee = self._party(document.payee)
        invoices = _invoices(arrival, document.invoices, payee.vendor_id if payee else None)
        system = document.source_system or document.source
        scope = f"{system}/{document.company_code or ''}"
        groups = (document.file_id, document.run_id)
        content: Content = {
            "correlation_id": document.correlation_id or self._by_document(arrival, document, system),
            "stage": ReleaseStage(document.stage.upper()),
            "message_id": self._naming.usable(names.message_id),
            "payment_info_id": self._naming.usable(names.payment_info_id),
            "source_system": system,
            "company_code": document.company_code,
            "region": document.region,
            "bank": document.bank,
            "rail": document.rail,
            "run_id": document.run_id,
            "file_id": document.file_id,
            "batch_id": document.batch_id,
            "payer": self._party(document.payer),
            "payee": payee,
            "amount": _money(arrival, "amount", document.amount),
            "equivalent_amount": document.equivalent_amount,
            "requested_execution_date": arrival.day("requested_execution_date", document.requested_execution_date),
            "invoices": invoices,
            "content_hash": document.content_hash,
            "actor": document.actor,
            "supersedes": document.supersedes,
            "reason_codes": document.reason_codes,
            "reason_text": redacted(document.reason_text, (_account(document.payer), _account(document.payee))),
            "references": self._naming.of_release(names, document.bank, scope, groups, invoices),
        }
        return fact(Release, arrival, _event(arrival, document), content)

    def _by_document(self, arrival: Arrival, document: ReleaseDocument, system: str) -> str:
        number = self._naming.usable(document.references.document_number)
        if number is None:
            raise arrival.unmappable(
                "correlation_id", "it, or references.document_number", "neither", "name the payment by one of them"
            )
        return payment_by_document(system, document.company_code, number)

    def acknowledgement(self, arrival: Arrival, document: AcknowledgementDocument, profile: BankProfile) -> BankAck:
        """What a bank says without a file. Without a correlation id it is looked up by the bank's names for it."""
        level = Level(document.level.upper())
        direction = Direction(document.direction.upper()) if document.direction else Direction.UNKNOWN
        told = _meaning(document, level, direction, profile)
        account = self._accounts.hashed(document.account)
        account_hash = account.hash if account else None
        names = self._names(document.references)
        content: Content = {
            "bank": document.bank,
            "format": arrival.raw.format,
            "level": level,
            "source_message_id": document.source_event_id,
            "position": None,
            "bank_status": document.status,
            "milestone": told.milestone,
            "flags": told.flags,
            "reason_codes": document.reason_codes,
            "reason_text": redacted(document.reason_text, (document.account,)),
            "booked": document.booked,
            "direction": direction,
            "amount": _money(arrival, "amount", document.amount),
            "charges": _money(arrival, "charges", document.charges),
            "value_date": arrival.day("value_date", document.value_date),
            "booking_date": arrival.day("booking_date", document.booking_date),
            "account_hash": account_hash,
            "bank_ref": names.bank_ref,
            "booking_key": booking_key_of(names, account_hash, direction) if document.booked else None,
            "batch_count": None,
            "batch_sum": None,
            "message_id": names.message_id,
            "payment_info_id": names.payment_info_id,
            "references": self._sought(document, level, direction, names),
        }
        return fact(
            BankAck,
            arrival,
            _event(arrival, document),
            content,
            correlation_id=document.correlation_id or "",
            file_hash=arrival.raw.file_hash,
            delivery=0,
            withdrawn=False,
        )

    def _names(self, names: Names) -> References:
        usable = self._naming.usable
        return References(
            end_to_end_id=usable(names.end_to_end_id),
            uetr=usable(names.uetr),
            instruction_id=usable(names.instruction_id),
            payment_info_id=usable(names.payment_info_id),
            message_id=usable(names.message_id),
            bank_ref=usable(names.bank_ref),
            trace_number=usable(names.trace_number),
        )

    def _sought(
        self, document: AcknowledgementDocument, level: Level, direction: Direction, names: References
    ) -> tuple[Reference, ...]:
        """Money that came in and is no return carries the sender's names: it is looked up by none of them."""
        if document.correlation_id or (direction is Direction.CREDIT and not document.returned):
            return ()
        return self._naming.of_acknowledgement(level, names)

    def reconciliation(self, arrival: Arrival, document: ReconciliationDocument) -> Reconciliation:
        """Matched, unmatched again, or closed in the ERP."""
        content: Content = {
            "kind": ReconciliationKind(document.kind.upper()),
            "entry_ref": document.entry_ref,
            "amount": _money(arrival, "amount", document.amount),
            "actor": document.actor,
            "sequence": document.sequence,
        }
        event = _event(arrival, document)
        return fact(Reconciliation, arrival, event, content, correlation_id=document.correlation_id)

    def command(self, arrival: Arrival, document: CommandDocument) -> Command:
        """What a person decided."""
        if document.action in _NEED_AN_ALERT and not document.alert_id:
            raise arrival.unmappable("alert_id", f"the alert that {document.action} is about", "none", "send its id")
        content: Content = {
            "action": CommandAction(document.action.upper()),
            "hold": HoldKind(document.hold) if document.hold else None,
            "alert_id": document.alert_id,
            "case_id": document.case_id,
            "actor": document.actor,
            "reason": document.reason,
            "sequence": document.sequence,
        }
        event = _event(arrival, document)
        return fact(Command, arrival, event, content, correlation_id=document.correlation_id)

    def _party(self, party: PartyDocument | None) -> Party | None:
        if party is None:
            return None
        account = self._accounts.hashed(party.account)
        name = redacted(party.name, (party.account,))
        if account is None:
            return Party(party.vendor_id, name, None, None)
        return Party(party.vendor_id, name, account.last4, account.hash)


_NEED_AN_ALERT: Final = frozenset({"confirm_duplicate", "dismiss_duplicate"})


def _event(arrival: Arrival, document: Document) -> Event:
    """A document is named by its source's own id of it, whichever file or call brings it."""
    raw = arrival.raw
    if raw.file_hash is None and document.source != raw.source:
        raise arrival.unmappable("source", f"the sender, {raw.source!r}", repr(document.source), "speak for yourself")
    return Event(
        event_id_of(document.source, raw.format, document.source_event_id, "", 0),
        document.source,
        document.source_event_id,
        arrival.instant("occurred_at", document.occurred_at),
        document.occurred_at,
    )


def _meaning(
    document: AcknowledgementDocument, level: Level, direction: Direction, profile: BankProfile
) -> BankMeaning:
    if document.returned:
        return BankMeaning(Status.RETURNED)
    if not document.booked:
        return meaning(document.status, level, profile.statuses)
    if direction is Direction.CREDIT:
        return BankMeaning(None)
    return entry_meaning(document.status, level, profile.statuses)


def _invoices(
    arrival: Arrival, documents: Iterable[InvoiceDocument], vendor_id: str | None
) -> tuple[InvoiceAllocation, ...]:
    """An invoice number is its vendor's: the key has both, where the vendor is known."""
    rows = []
    for document in documents:
        number, vendor = document.number.strip(), document.vendor_id or vendor_id
        if not number:
            raise arrival.unmappable("invoices.number", "an invoice number", "none", "leave the invoice out or name it")
        allocated = _money(arrival, "invoices.allocated", document.allocated)
        rows.append(InvoiceAllocation(f"{vendor}/{number}" if vendor else number, number, allocated))
    return tuple(rows)


def _money(arrival: Arrival, field: str, amount: Amount | None) -> Money | None:
    return None if amount is None else arrival.money(field, amount.value, amount.currency)


def _account(party: PartyDocument | None) -> str | None:
    return party.account if party is not None else None
