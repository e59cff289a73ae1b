"""Messages of payments.fingerprints.v1 and the duplicate alert. Shapes only; the rules are in ``duplicates``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.domain.facts import InvoiceAllocation
from streams.domain.money import Money
from streams.domain.state import Mode, Severity
from streams.domain.statuses import Status


class Liveness(StrEnum):
    """How alive a payment is for the duplicate rules.

    PLANNED: below SUBMITTED. SUBMITTED: the bank may have it. SETTLED: money moved. DEAD: proved dead by the bank
    (booked return, CNCL, RJCT without a debit) or voided and never submitted. GONE: the fact that gave it this
    fingerprint no longer holds.
    """

    UNKNOWN = "UNKNOWN"
    PLANNED = "PLANNED"
    SUBMITTED = "SUBMITTED"
    SETTLED = "SETTLED"
    DEAD = "DEAD"
    GONE = "GONE"


class Rule(StrEnum):
    """The duplicate rules that exist (lifecycle.md, "Duplicate payments")."""

    UNKNOWN = "UNKNOWN"
    SAME_INSTRUCTION = "SAME_INSTRUCTION"
    EXACT_INVOICE = "EXACT_INVOICE"


class FingerprintMessageType(StrEnum):
    """What a message carries: an appearance to its fingerprint, a hit or a verdict to its pair's home."""

    UNKNOWN = "UNKNOWN"
    APPEARANCE = "APPEARANCE"
    HIT = "HIT"
    VERDICT = "VERDICT"


@dataclass(frozen=True, slots=True)
class Appearance:
    """A payment under one fingerprint (``rule:fingerprint``). The highest ``version`` of a payment wins.

    ``at`` is when our side first spoke of the payment, by its clock. ``status`` and
    ``liveness`` are those of the moment it was told: a payment that is in no pair tells only its death anew.
    """

    rule: Rule
    fingerprint: str
    correlation_id: str
    version: int
    liveness: Liveness
    status: Status
    at: int
    bank: str | None
    company_code: str | None
    region: str | None
    vendor_id: str | None
    amount: Money | None
    invoices: tuple[InvoiceAllocation, ...]
    compared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """Two payments that share a fingerprint, on the way to the pair's home (``pair:<alert id>``)."""

    rule: Rule
    first: Appearance
    second: Appearance
    holds: bool


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """A person's decision about a pair, on the way to the pair's home."""

    alert_id: str
    confirmed: bool
    actor: str
    reason: str
    number: int


@dataclass(frozen=True, slots=True)
class FingerprintMessage:
    """One message; ``key`` is the record key: ``rule:fingerprint`` or ``pair:<alert id>``."""

    type: FingerprintMessageType
    key: str
    received_at: int
    appearance: Appearance | None
    hit: Hit | None
    verdict: PairVerdict | None
    trace_id: str


class DuplicateState(StrEnum):
    """Where an alert about a pair stands. A person's word (CONFIRMED, DISMISSED) outlasts the rules'."""

    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"
    DISMISSED = "DISMISSED"
    WITHDRAWN = "WITHDRAWN"


class DuplicateAction(StrEnum):
    """Severity follows the lifecycle: both below SUBMITTED, one submitted, both settled."""

    UNKNOWN = "UNKNOWN"
    STOP = "STOP"
    HOLD_OTHER = "HOLD_OTHER"
    RECALL = "RECALL"


@dataclass(frozen=True, slots=True)
class DuplicateAlert:
    """One alert a pair, listing all of its rules. ``score`` is in thousandths."""

    alert_id: str
    rules: tuple[Rule, ...]
    score: int
    first: Appearance
    second: Appearance
    compared: tuple[str, ...]
    severity: Severity
    action: DuplicateAction
    state: DuplicateState
    actor: str | None
    reason: str | None
    number: int
    at: int
    generation: int
    mode: Mode
    trace_id: str
