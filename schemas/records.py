"""Records of the topics that are not the domain's: what arrives, what is kept of files, what could not be read.

Attribute names and order are those of the Avro contracts. ``*_at`` are microseconds since 1970-01-01 UTC; dates are
ISO 8601 text; absent is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.domain.facts import Direction, InvoiceAllocation
from streams.domain.money import Money
from streams.domain.statuses import Status


@dataclass(frozen=True, slots=True)
class Raw:
    """What arrived, before any judgement: one provider-shaped record of a file, or an API body as it came.

    ``payload`` is JSON: the fields of the provider-shaped record, or the body. ``received_at`` is the record's
    log-append time, so it is not in here. ``authentication`` says how the sender was proved.
    """

    message_id: str
    source: str
    source_message_id: str
    format: str
    kind: str
    profile: str
    sender: str | None
    file_hash: str | None
    position: str | None
    records_in_file: int | None
    payload: bytes
    authentication: str
    occurred_at: int | None
    trace_id: str
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class Header:
    """One Kafka header."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be taken, as it was, with all that is needed to send it again."""

    stage: str
    error_class: str
    reason_class: str
    message: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    attempts: int
    failed_at: int
    trace_id: str


class FileStatus(StrEnum):
    """What became of a file."""

    UNKNOWN = "UNKNOWN"
    PUBLISHING = "PUBLISHING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file in the ledger. ``committed_records``: how many of its records are on payments.raw.v1 for certain.

    ``source`` keys its raw records: a file that was begun is finished under the same one.
    """

    file_hash: str
    source: str | None
    sender: str | None
    format: str | None
    message_id: str | None
    name: str
    archive_url: str
    size_bytes: int
    status: FileStatus
    reason: str | None
    detail: str | None
    records: int
    committed_records: int
    declared_count: int | None
    declared_sum: str | None
    profile: str
    received_at: int


@dataclass(frozen=True, slots=True)
class PrivateRow:
    """A row of a table that only paystate reads: ``version`` of its form, and its bytes."""

    version: int
    row: bytes


class UpgradeStep(StrEnum):
    """How far an upgrade is."""

    UNKNOWN = "UNKNOWN"
    IN_FORCE = "IN_FORCE"
    FINISHING = "FINISHING"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Which form the workers of a generation write. FINISHING: ``previous`` still, and nobody who cannot read ``form``
    may begin to work. Every release must be able to read this: it never changes.
    """

    form: int
    step: UpgradeStep
    previous: int
    release: str
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class ClockTick:
    """Proved time: everything received at or before ``at`` has been seen by every stage."""

    at: int
    keeper: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as the ERP has it."""

    invoice_id: str
    number: str
    vendor_id: str
    company_code: str | None
    gross: Money
    open: Money
    received_at: int | None
    posted_on: str | None
    due_on: str | None


@dataclass(frozen=True, slots=True)
class BankDetailChange:
    """A change of a vendor's bank details: when, by whom, to which account (hashed)."""

    at: int
    actor: str
    account_hash: str


@dataclass(frozen=True, slots=True)
class VendorRecord:
    """A vendor: names it goes by, a hash of its tax id, and who changed its bank details."""

    vendor_id: str
    name: str
    aliases: tuple[str, ...]
    tax_id_hash: str | None
    account_hashes: tuple[str, ...]
    bank_detail_changes: tuple[BankDetailChange, ...]
    one_time: bool


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One booked entry of an account, matched or not."""

    entry_id: str
    account_hash: str
    account_last4: str
    direction: Direction
    amount: Money
    booking_date: str | None
    value_date: str | None
    bank_ref: str | None
    bank_transaction_code: str | None
    correlation_id: str | None
    file_hash: str | None
    position: str | None


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many payments of a batch stand at one status, and their sum."""

    status: Status
    count: int
    sum: Money | None


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A run, file or batch: what was expected of it and what was seen."""

    batch_id: str
    kind: str
    expected_count: int | None
    expected_sum: Money | None
    seen_count: int
    seen_sum: Money | None
    by_status: tuple[StatusCount, ...]


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """One versioned policy or calendar; ``document`` is its JSON, in force from ``effective_from`` (a date)."""

    path: str
    version: str
    effective_from: str
    document: str
    actor: str


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """An exception that somebody works on."""

    case_id: str
    correlation_id: str | None
    kind: str
    status: str
    owner: str | None
    action: str | None
    due_at: int | None
    opened_at: int
    closed_at: int | None
    alert_ids: tuple[str, ...]
    invoices: tuple[InvoiceAllocation, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One attempt to push an event back to another system, and how it ended."""

    destination: str
    event_id: str
    attempt: int
    outcome: str
    status_code: int | None
    detail: str | None
    at: int


class GenerationAction(StrEnum):
    """What was decided about a generation."""

    UNKNOWN = "UNKNOWN"
    START = "START"
    SWITCH = "SWITCH"
    ROLLBACK = "ROLLBACK"
    DROP = "DROP"


@dataclass(frozen=True, slots=True)
class ReplayMark:
    """What a generation replays of one partition of a shared topic: offsets from ``begin`` up to, not including,
    ``end``, its high-water mark when the replay was declared.
    """

    topic: str
    partition: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of the derived topics, made by a replay.

    ``until``: log-append time of the newest record below the marks; what was received later is live. ``partial``: open
    payments are cut, so consumers may not be switched to it.
    """

    generation: int
    partitions: int
    begins: str
    partial: bool
    until: int
    marks: tuple[ReplayMark, ...]
    declared_at: int


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """One decision about generations."""

    action: GenerationAction
    generation: int
    actor: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Generations:
    """All generations: which one consumers follow, which others there are, and how that came about."""

    current: int
    previous: int | None
    generations: tuple[Generation, ...]
    history: tuple[GenerationStep, ...]
