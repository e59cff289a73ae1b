"""Facts: what is known about a payment, each as its source told it, in canonical form.

Every attribute has the name that it has in the Avro contract of its topic, in the same order. ``*_at`` are
microseconds since 1970-01-01 UTC, dates are ISO 8601 text (``2026-11-24``), amounts are Money, absent is None.
A fact is the same fact as another if and only if ``event_id`` is the same; ``payload_hash`` tells whether they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.domain.money import Money
from streams.domain.statuses import Flag, HoldKind, Status


class Precision(StrEnum):
    """How exact ``occurred_at`` is. A date only never enters a latency histogram."""

    UNKNOWN = "UNKNOWN"
    TIME = "TIME"
    DATE = "DATE"


class Level(StrEnum):
    """What an acknowledgement speaks of. The lowest explicit level wins."""

    UNKNOWN = "UNKNOWN"
    GROUP = "GROUP"
    BATCH = "BATCH"
    TRANSACTION = "TRANSACTION"


class Direction(StrEnum):
    """Money out of (DEBIT) or into (CREDIT) our account."""

    UNKNOWN = "UNKNOWN"
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class ReferenceKind(StrEnum):
    """The names that a payment goes by, best first. See domain/references.py for unique, many and group kinds."""

    UNKNOWN = "UNKNOWN"
    UETR = "UETR"
    END_TO_END_ID = "END_TO_END_ID"
    INSTRUCTION_ID = "INSTRUCTION_ID"
    TRACE_NUMBER = "TRACE_NUMBER"
    BANK_REF = "BANK_REF"
    DOCUMENT_NUMBER = "DOCUMENT_NUMBER"
    INVOICE = "INVOICE"
    PAYMENT_INFO_ID = "PAYMENT_INFO_ID"
    MESSAGE_ID = "MESSAGE_ID"
    FILE_ID = "FILE_ID"
    RUN_ID = "RUN_ID"


@dataclass(frozen=True, slots=True)
class Reference:
    """One name of a payment. ``value`` already carries its scope where the kind is not global: ``BANKX/4711``."""

    kind: ReferenceKind
    value: str

    @property
    def key(self) -> str:
        """The key on payments.references.v1: ``kind:value``."""
        return self.kind + ":" + self.value


@dataclass(frozen=True, slots=True)
class Party:
    """A payer or payee as far as we keep one: no whole account number, a keyed hash of it instead."""

    vendor_id: str | None
    name: str | None
    account_last4: str | None
    account_hash: str | None


@dataclass(frozen=True, slots=True)
class InvoiceAllocation:
    """Which part of a payment pays which invoice. ``allocated`` None: the whole of the payment."""

    key: str
    number: str
    allocated: Money | None


@dataclass(frozen=True, slots=True)
class Fact:
    """What every fact has. ``occurred_at`` is their clock, ``received_at`` the log-append time of payments.raw.v1."""

    event_id: str
    payload_hash: str
    correlation_id: str
    source: str
    source_event_id: str
    occurred_at: int
    precision: Precision
    received_at: int
    trace_id: str


class ApprovalScope(StrEnum):
    """What an approval is about; the policy says which scopes a payment needs."""

    UNKNOWN = "UNKNOWN"
    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    RUN = "RUN"
    BANK = "BANK"


class Decision(StrEnum):
    """What an approver (or who asks one) said. STEP_APPROVED: this step's yes, others may be missing."""

    UNKNOWN = "UNKNOWN"
    REQUESTED = "REQUESTED"
    STEP_APPROVED = "STEP_APPROVED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Approval(Fact):
    """One decision of one approver. Keyed by (scope, scope_key, round, step, actor); the latest ``sequence`` wins.

    ``scope_key`` names what was decided on: the invoice key for scope INVOICE, else the payment, run or bank.
    ``delivery`` and ``withdrawn`` are correlate's: the number its home gave it (0: it came with its own
    correlation id), and whether it was taken back from this payment again.
    """

    scope: ApprovalScope
    scope_key: str
    round: int
    step: int
    steps_required: int
    actor: str
    decision: Decision
    sequence: int
    content_hash: str | None
    invoices: tuple[InvoiceAllocation, ...]
    vendor_id: str | None
    amount: Money | None
    company_code: str | None
    region: str | None
    references: tuple[Reference, ...]
    delivery: int
    withdrawn: bool


class ReleaseStage(StrEnum):
    """The steps of the ERP's side. VOIDED: taken back by the ERP, which is a wish once the bank has it."""

    UNKNOWN = "UNKNOWN"
    PROPOSED = "PROPOSED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    SUBMIT_FAILED = "SUBMIT_FAILED"
    VOIDED = "VOIDED"


@dataclass(frozen=True, slots=True)
class Release(Fact):
    """One step of the ERP's side: proposed, released, submitted to the bank, failed, voided.

    An attempt is named by (message_id, payment_info_id): the original ids of the file that carried it.
    """

    stage: ReleaseStage
    message_id: str | None
    payment_info_id: str | None
    source_system: str | None
    company_code: str | None
    region: str | None
    bank: str | None
    rail: str | None
    run_id: str | None
    file_id: str | None
    batch_id: str | None
    payer: Party | None
    payee: Party | None
    amount: Money | None
    equivalent_amount: bool
    requested_execution_date: str | None
    invoices: tuple[InvoiceAllocation, ...]
    content_hash: str | None
    actor: str | None
    supersedes: str | None
    reason_codes: tuple[str, ...]
    reason_text: str | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class BankAck(Fact):
    """One canonical acknowledgement of a bank.

    ``milestone`` is what ``bank_status`` means for an outgoing payment (None: no evidence about one), as the
    default table or the bank's profile says; ``flags`` are the flags that it raises by itself. ``booked`` is an
    account entry (proof), else a report. ``booking_key`` names the booking across camt.054, camt.053 and MT940:
    account + bank reference + transaction reference; None where the bank gives none. ``message_id`` and
    ``payment_info_id`` name the attempt spoken of (the *original* ids); ``source_message_id`` is the bank's own.
    ``references`` are best first, as correlate wants them; ``delivery`` and ``withdrawn`` are correlate's.
    """

    bank: str | None
    format: str
    level: Level
    source_message_id: str
    file_hash: str | None
    position: str | None
    bank_status: str
    milestone: Status | None
    flags: tuple[Flag, ...]
    reason_codes: tuple[str, ...]
    reason_text: str | None
    booked: bool
    direction: Direction
    amount: Money | None
    charges: Money | None
    value_date: str | None
    booking_date: str | None
    account_hash: str | None
    bank_ref: str | None
    booking_key: str | None
    batch_count: int | None
    batch_sum: Money | None
    message_id: str | None
    payment_info_id: str | None
    references: tuple[Reference, ...]
    delivery: int
    withdrawn: bool


class ReconciliationKind(StrEnum):
    """What the ERP says of a payment and its account entry."""

    UNKNOWN = "UNKNOWN"
    MATCHED = "MATCHED"
    UNMATCHED = "UNMATCHED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Reconciliation(Fact):
    """Matched to an account entry, unmatched again, or closed in the ERP. The latest ``sequence`` of a kind wins."""

    kind: ReconciliationKind
    entry_ref: str | None
    amount: Money | None
    actor: str | None
    sequence: int


class CommandAction(StrEnum):
    """What a person may decide about a payment."""

    UNKNOWN = "UNKNOWN"
    HOLD = "HOLD"
    UNHOLD = "UNHOLD"
    CONFIRM_DUPLICATE = "CONFIRM_DUPLICATE"
    DISMISS_DUPLICATE = "DISMISS_DUPLICATE"
    ASSIGN = "ASSIGN"
    RESOLVE = "RESOLVE"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True)
class Command(Fact):
    """What a person decided. The latest by (sequence, occurred_at, event_id) wins for one (action family, subject)."""

    action: CommandAction
    hold: HoldKind | None
    alert_id: str | None
    case_id: str | None
    actor: str
    reason: str
    sequence: int


class VerdictAction(StrEnum):
    """Whether the duplicates agent suspects the payment, or does no more."""

    UNKNOWN = "UNKNOWN"
    SUSPECT = "SUSPECT"
    CLEAR = "CLEAR"


@dataclass(frozen=True, slots=True)
class Verdict(Fact):
    """What the duplicates agent concluded of this payment and ``other``; the highest ``number`` of an alert wins."""

    alert_id: str
    other: str
    rules: tuple[str, ...]
    action: VerdictAction
    hold: bool
    number: int


PaymentFact = Approval | Release | BankAck | Reconciliation | Command | Verdict
"""What is told about a payment."""


@dataclass(frozen=True, slots=True)
class Missed(Fact):
    """A deadline that has fired: what the clock says of a payment. Both times are the deadline, never "now".

    ``stage`` is what had to happen, ``armed_by`` the event that began the wait, ``policy`` the version that set it.
    """

    stage: str
    armed_by: str
    policy: str


Happened = PaymentFact | Missed
"""Whatever may change a payment."""
