"""Facts of one payment as its sources would tell them, and what a fold of them says.

``at`` is minutes after noon by their clock; a fact is received one second later unless ``received`` (minutes) says
otherwise. ``told`` are fields of the fact by their own names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from streams.domain.bank_statuses import entry_meaning, meaning, recall_meaning
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
    PaymentFact,
    Precision,
    Reconciliation,
    ReconciliationKind,
    Reference,
    ReferenceKind,
    Release,
    ReleaseStage,
    Verdict,
    VerdictAction,
)
from streams.domain.fingerprints import Appearance
from streams.domain.fold import Folded, Outcome, elapse, fold
from streams.domain.money import Money
from streams.domain.payment import Context, Payment
from streams.domain.state import Alert, AlertKind, AlertState, Transition
from streams.domain.statuses import Flag, Status

NOON_US = 1_795_521_600_000_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR = 60
DAY = 24 * HOUR

FILE_A, FILE_B = "FILE-A", "FILE-B"
INVOICE = InvoiceAllocation("V1:INV-7", "INV-7", None)
END_TO_END = Reference(ReferenceKind.END_TO_END_ID, "E2E-1")
CONTENT = "content-1"


def usd(minor: int) -> Money:
    return Money(minor, "USD", 2)


def eur(minor: int) -> Money:
    return Money(minor, "EUR", 2)


INSTRUCTED = usd(100_000)

_APPROVAL = Approval(
    event_id="",
    payload_hash="h",
    correlation_id="P1",
    source="ap",
    source_event_id="",
    occurred_at=0,
    precision=Precision.TIME,
    received_at=0,
    trace_id="t",
    scope=ApprovalScope.PAYMENT,
    scope_key="P1",
    round=1,
    step=1,
    steps_required=1,
    actor="ann",
    decision=Decision.APPROVED,
    sequence=1,
    content_hash=None,
    invoices=(),
    vendor_id="V1",
    amount=INSTRUCTED,
    company_code="1000",
    region="EU",
    references=(),
    delivery=0,
    withdrawn=False,
)
_RELEASE = Release(
    event_id="",
    payload_hash="h",
    correlation_id="P1",
    source="erp",
    source_event_id="",
    occurred_at=0,
    precision=Precision.TIME,
    received_at=0,
    trace_id="t",
    stage=ReleaseStage.RELEASED,
    message_id=None,
    payment_info_id=None,
    source_system="erp",
    company_code="1000",
    region="EU",
    bank="BANKX",
    rail="ach",
    run_id="RUN-1",
    file_id=None,
    batch_id=None,
    payer=Party(None, "We", "1111", "hash-of-ours"),
    payee=Party("V1", "Vendor", "2222", "hash-of-theirs"),
    amount=INSTRUCTED,
    equivalent_amount=False,
    requested_execution_date="2026-11-24",
    invoices=(INVOICE,),
    content_hash=None,
    actor="rob",
    supersedes=None,
    reason_codes=(),
    reason_text=None,
    references=(END_TO_END,),
)
_ACK = BankAck(
    event_id="",
    payload_hash="h",
    correlation_id="P1",
    source="bankx",
    source_event_id="",
    occurred_at=0,
    precision=Precision.TIME,
    received_at=0,
    trace_id="t",
    bank="BANKX",
    format="pain.002",
    level=Level.TRANSACTION,
    source_message_id="",
    file_hash=None,
    position=None,
    bank_status="",
    milestone=None,
    flags=(),
    reason_codes=(),
    reason_text=None,
    booked=False,
    direction=Direction.UNKNOWN,
    amount=None,
    charges=None,
    value_date=None,
    booking_date=None,
    account_hash="hash-of-ours",
    bank_ref=None,
    booking_key=None,
    batch_count=None,
    batch_sum=None,
    message_id=None,
    payment_info_id=None,
    references=(END_TO_END,),
    delivery=0,
    withdrawn=False,
)


def _times(event_id: str, at: float, received: float | None) -> dict[str, Any]:
    occurred_at = NOON_US + int(at * MINUTE_US)
    received_at = occurred_at + SECOND_US if received is None else NOON_US + int(received * MINUTE_US)
    return {
        "event_id": event_id,
        "source_event_id": event_id,
        "trace_id": f"trace-{event_id}",
        "occurred_at": occurred_at,
        "received_at": received_at,
    }


def approval(event_id: str, at: float = 0, received: float | None = None, **told: Any) -> Approval:
    """Ann's yes to the whole payment, unless told otherwise."""
    return replace(_APPROVAL, **(_times(event_id, at, received) | told))


def invoice_approval(event_id: str, invoice: str, at: float = 0, **told: Any) -> Approval:
    """Ann's yes to one invoice: it came over the correlate agent."""
    told = {"scope": ApprovalScope.INVOICE, "scope_key": invoice, "amount": None, "delivery": 1} | told
    return approval(event_id, at, **told)


def release(
    event_id: str,
    stage: ReleaseStage = ReleaseStage.RELEASED,
    at: float = 10,
    received: float | None = None,
    **told: Any,
) -> Release:
    """A step of our own side."""
    return replace(_RELEASE, **(_times(event_id, at, received) | {"stage": stage} | told))


def submission(event_id: str, file: str | None = FILE_A, at: float = 20, **told: Any) -> Release:
    """Handed to the bank in ``file``."""
    return release(
        event_id, ReleaseStage.SUBMITTED, at, message_id=file, payment_info_id="B1" if file else None, **told
    )


def ack(
    event_id: str, status: str, at: float = 30, received: float | None = None, file: str | None = None, **told: Any
) -> BankAck:
    """A status report; what the status means comes from the default table."""
    meant = meaning(status, told.get("level", Level.TRANSACTION))
    said: dict[str, Any] = {
        "bank_status": status,
        "milestone": meant.milestone,
        "flags": meant.flags,
        "source_message_id": f"of-{event_id}",
        "message_id": file,
        "payment_info_id": "B1" if file else None,
    }
    return replace(_ACK, **(_times(event_id, at, received) | said | told))


def recall_answer(event_id: str, status: str, at: float = 60, **told: Any) -> BankAck:
    """A camt.029."""
    meant = recall_meaning(status, Level.TRANSACTION)
    return ack(event_id, status, at, milestone=meant.milestone, flags=meant.flags, format="camt.029", **told)


def booking(
    event_id: str,
    amount: Money | None = INSTRUCTED,
    at: float = 40,
    received: float | None = None,
    status: str = "BOOK",
    **told: Any,
) -> BankAck:
    """A booked debit of the payment: an account entry with a bank reference of its own."""
    meant = entry_meaning(status, Level.TRANSACTION)
    said: dict[str, Any] = {
        "milestone": meant.milestone,
        "flags": meant.flags,
        "format": "camt.054",
        "booked": status == "BOOK",
        "direction": Direction.DEBIT,
        "amount": amount,
        "booking_key": f"key-{event_id}",
        "bank_ref": f"ref-{event_id}",
        "booking_date": "2026-11-24",
        "value_date": "2026-11-25",
    }
    return ack(event_id, status, at, received, **(said | told))


def money_back(event_id: str, amount: Money | None = INSTRUCTED, at: float = 3 * DAY, **told: Any) -> BankAck:
    """A booked credit with return information."""
    said: dict[str, Any] = {"milestone": Status.RETURNED, "direction": Direction.CREDIT, "reason_codes": ("AC04",)}
    return booking(event_id, amount, at, **(said | told))


def return_report(event_id: str, amount: Money | None = INSTRUCTED, at: float = 2 * DAY, **told: Any) -> BankAck:
    """A pacs.004: a return reported, not booked."""
    said: dict[str, Any] = {"milestone": Status.RETURNED, "format": "pacs.004", "amount": amount}
    return ack(event_id, "RTRN", at, **(said | told))


def reconciliation(
    event_id: str,
    kind: ReconciliationKind = ReconciliationKind.MATCHED,
    at: float = DAY,
    entry_ref: str | None = None,
    sequence: int = 1,
    received: float | None = None,
) -> Reconciliation:
    """The ERP matched or closed it."""
    times = _times(event_id, at, received)
    return Reconciliation(
        payload_hash="h",
        correlation_id="P1",
        source="erp",
        precision=Precision.TIME,
        kind=kind,
        entry_ref=entry_ref,
        amount=None,
        actor="eve",
        sequence=sequence,
        **times,
    )


def command(event_id: str, action: CommandAction, at: float = 15, sequence: int = 1, **told: Any) -> Command:
    """What a person decided."""
    said: dict[str, Any] = {"hold": None, "alert_id": None, "case_id": None, "actor": "pat", "reason": "seen"}
    return Command(
        payload_hash="h",
        correlation_id="P1",
        source="console",
        precision=Precision.TIME,
        action=action,
        sequence=sequence,
        **(_times(event_id, at, None) | said | told),
    )


def verdict(
    event_id: str,
    action: VerdictAction = VerdictAction.SUSPECT,
    at: float = 12,
    number: int = 1,
    hold: bool = True,
    alert_id: str = "dup-1",
) -> Verdict:
    """What the duplicates agent concluded."""
    return Verdict(
        payload_hash="h",
        correlation_id="P1",
        source="duplicates",
        precision=Precision.TIME,
        alert_id=alert_id,
        other="P2",
        rules=("EXACT_INVOICE",),
        action=action,
        hold=hold,
        number=number,
        **_times(event_id, at, None),
    )


@dataclass
class Told:
    """A payment after facts, and everything that was published on the way."""

    payment: Payment | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    appearances: list[Appearance] = field(default_factory=list)
    last: Folded | None = None

    def tell(self, fact: PaymentFact, context: Context) -> Told:
        """Fold one more fact."""
        folded = fold(self.payment, fact, context)
        self.payment, self.last = folded.payment, folded
        self.outcomes.append(folded.outcome)
        self.transitions.extend(folded.transitions)
        self.alerts.extend(folded.alerts)
        self.appearances.extend(folded.appearances)
        return self

    def clock(self, at: float, context: Context | None = None) -> Told:
        """The clock reaches ``at``, minutes after noon."""
        return self.tick(NOON_US + int(at * MINUTE_US), context or DEFAULT)

    def tick(self, at_us: int, context: Context) -> Told:
        """The clock reaches ``at_us``."""
        if self.payment is not None:
            folded = elapse(self.payment, at_us, context)
            self.payment, self.last = folded.payment, folded
            self.transitions.extend(folded.transitions)
            self.alerts.extend(folded.alerts)
        return self

    @property
    def known(self) -> Payment:
        """The payment; there must be one by now."""
        assert self.payment is not None
        return self.payment

    @property
    def status(self) -> Status:
        return self.known.view.status

    @property
    def flags(self) -> set[Flag]:
        return {flag.name for flag in self.known.view.flags}

    @property
    def milestones(self) -> dict[Status, str]:
        """Status to the event that reached it."""
        return {milestone.name: milestone.event_id for milestone in self.known.view.milestones}

    @property
    def open_alerts(self) -> list[AlertKind]:
        """Kinds of the alerts that were opened and not withdrawn, in order of kind."""
        state = {alert.alert_id: alert for alert in self.alerts}
        return sorted(alert.kind for alert in state.values() if alert.state is AlertState.OPEN)


DEFAULT = Context()


def after(*facts: PaymentFact, context: Context = DEFAULT) -> Told:
    """The payment after these facts, told in this order."""
    return after_all(facts, context)


def after_all(facts: Iterable[PaymentFact], context: Context = DEFAULT) -> Told:
    told = Told()
    for fact in facts:
        told.tell(fact, context)
    return told
