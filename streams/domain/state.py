"""What the lifecycle publishes of a payment: its state, its transitions, its alerts. Shapes only, no logic.

Attribute names and order are those of payments.state.v1, payments.transitions.v1 and payments.alerts.v1.
``*_at`` are microseconds since 1970-01-01 UTC; dates are ISO 8601 text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.domain.facts import InvoiceAllocation, Party, Precision, Reference
from streams.domain.money import Money
from streams.domain.statuses import Flag, Status


class SettlementEvidence(StrEnum):
    """Reported: a status report says so. Booked: an account entry proves it."""

    UNKNOWN = "UNKNOWN"
    REPORTED = "REPORTED"
    BOOKED = "BOOKED"


class ReasonClass(StrEnum):
    """What to do about a reason code (lifecycle.md, "Reason codes")."""

    UNKNOWN = "UNKNOWN"
    TRANSPORT = "TRANSPORT"
    TRANSIENT = "TRANSIENT"
    BUSINESS = "BUSINESS"
    COMPLIANCE = "COMPLIANCE"


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What must happen next, by whom (approver, payer, bank, reconciliation), and by when if a policy says so."""

    milestone: Status
    party: str
    due_at: int | None


@dataclass(frozen=True, slots=True)
class RaisedFlag:
    """A flag that is up; ``since`` is the received_at of the earliest fact that raises it."""

    name: Flag
    detail: str | None
    since: int


@dataclass(frozen=True, slots=True)
class Milestone:
    """When a status was first reached, by their clock, and the event that says so.

    ``late_by_us``: how long after its deadline we heard of it; None: in time, or it had none.
    """

    name: Status
    at: int
    precision: Precision
    source: str
    event_id: str
    late_by_us: int | None


@dataclass(frozen=True, slots=True)
class ApprovalSummary:
    """Approvals that the payment needs and has, and the content that they are bound to."""

    required: int
    given: int
    content_hash: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a bank or a system of ours refused: codes kept raw, their gravest class, their own words."""

    reason_class: ReasonClass
    codes: tuple[str, ...]
    text: str | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a stage must be reached (acknowledgement: the bank's first word), and the policy that says so."""

    stage: str
    due_at: int
    policy: str


@dataclass(frozen=True, slots=True)
class State:
    """A payment now. ``internal`` (the facts, opaque to others) comes first so that we can read it alone.

    The envelope (version, last_transition_id, last_transition_seq, updated_at, generation) depends on the order in
    which facts came; everything else, ``internal`` included, is a function of the set of facts. One kind of fact is
    the pipeline's own: how a verdict is numbered, dated and traced depends on the order in which the duplicates agent
    heard of the two payments, what it concludes does not.
    """

    internal: bytes
    correlation_id: str
    version: int
    status: Status
    closed: bool
    settlement_evidence: SettlementEvidence | None
    awaiting: Awaiting | None
    flags: tuple[RaisedFlag, ...]
    milestones: tuple[Milestone, ...]
    company_code: str | None
    source_system: str | None
    region: str | None
    bank: str | None
    rail: str | None
    run_id: str | None
    file_id: str | None
    batch_id: str | None
    attempt: int
    references: tuple[Reference, ...]
    payer: Party | None
    payee: Party | None
    instructed: Money | None
    settled: Money | None
    returned: Money | None
    open: Money | None
    charges: Money | None
    fx_rate: str | None
    requested_execution_date: str | None
    booking_date: str | None
    value_date: str | None
    invoices: tuple[InvoiceAllocation, ...]
    approvals: ApprovalSummary
    reason: Reason | None
    supersedes: str | None
    superseded_by: str | None
    open_alerts: tuple[str, ...]
    case_ids: tuple[str, ...]
    deadlines: tuple[Deadline, ...]
    last_transition_id: str | None
    last_transition_seq: int
    as_of: int
    updated_at: int
    policy_version: str
    generation: int


class TransitionKind(StrEnum):
    """ADVANCE: on the path or off it. MILESTONE_FILLED, FLAG: the status stayed. CORRECTION: back. REOPEN: not closed
    any more.
    """

    UNKNOWN = "UNKNOWN"
    ADVANCE = "ADVANCE"
    MILESTONE_FILLED = "MILESTONE_FILLED"
    FLAG = "FLAG"
    CORRECTION = "CORRECTION"
    REOPEN = "REOPEN"


class Mode(StrEnum):
    """Whether an output was made as facts came, or again from kept ones."""

    UNKNOWN = "UNKNOWN"
    LIVE = "LIVE"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True)
class Cause:
    """The event behind a transition: ``type`` is the fact's kind (approval, release, bank_ack ...)."""

    event_id: str
    type: str
    source: str
    actor: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the cause can be read: the input record, and the file and place in it if it came in one."""

    topic: str
    partition: int
    offset: int
    file_hash: str | None
    position: str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One immutable lifecycle step. ``seq`` is gapless from 1; ``previous_id`` chains to the step before.

    ``recorded_at`` is the cause's received_at: no decision depends on the wall clock.
    """

    transition_id: str
    correlation_id: str
    seq: int
    previous_id: str | None
    state_version: int
    kind: TransitionKind
    from_status: Status | None
    to_status: Status
    cause: Cause
    evidence: Evidence
    occurred_at: int
    precision: Precision
    recorded_at: int
    flags_raised: tuple[RaisedFlag, ...]
    flags_cleared: tuple[RaisedFlag, ...]
    reason: Reason | None
    amount: Money | None
    bank: str | None
    rail: str | None
    region: str | None
    company_code: str | None
    run_id: str | None
    policy_version: str
    generation: int
    mode: Mode
    trace_id: str


class AlertKind(StrEnum):
    """What an alert is about; the policy routes by it."""

    UNKNOWN = "UNKNOWN"
    SLA_MISSED = "SLA_MISSED"
    CUTOFF_AT_RISK = "CUTOFF_AT_RISK"
    REJECTION = "REJECTION"
    RETURN = "RETURN"
    CONFLICT = "CONFLICT"
    MISMATCH = "MISMATCH"
    ORPHAN = "ORPHAN"
    AMBIGUOUS = "AMBIGUOUS"
    SOD = "SOD"
    MAPPING_FAILURE = "MAPPING_FAILURE"
    UNKNOWN_BANK_STATUS = "UNKNOWN_BANK_STATUS"
    DUPLICATE_REJECTION = "DUPLICATE_REJECTION"
    FILE_REFUSED = "FILE_REFUSED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"


class Severity(StrEnum):
    """How loud an alert is."""

    UNKNOWN = "UNKNOWN"
    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AlertState(StrEnum):
    """Open, or taken back because its reason is gone."""

    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; the same ``alert_id`` again with state WITHDRAWN takes it back. Raised once per id and state."""

    alert_id: str
    correlation_id: str
    kind: AlertKind
    severity: Severity
    state: AlertState
    detail: str
    at: int
    cause_event_id: str
    bank: str | None
    rail: str | None
    region: str | None
    company_code: str | None
    amount: Money | None
    owner: str | None
    route: str | None
    generation: int
    mode: Mode
    trace_id: str
