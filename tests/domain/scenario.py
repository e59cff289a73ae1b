"""One payment with a bit of everything, as text: what a process with another hash seed must say too."""

from __future__ import annotations

from streams.domain.facts import CommandAction, Decision, InvoiceAllocation, PaymentFact, Reference, ReferenceKind
from streams.domain.payment import as_state
from streams.domain.statuses import HoldKind
from tests.domain.given import (
    CONTENT,
    FILE_A,
    FILE_B,
    ack,
    after_all,
    approval,
    booking,
    command,
    eur,
    invoice_approval,
    money_back,
    recall_answer,
    reconciliation,
    release,
    submission,
    usd,
    verdict,
)

_NAMES = (
    Reference(ReferenceKind.UETR, "u-1"),
    Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),
    Reference(ReferenceKind.INVOICE, "V1:INV-7"),
    Reference(ReferenceKind.MESSAGE_ID, FILE_A),
)
_INVOICES = (
    InvoiceAllocation("V1:INV-7", "INV-7", usd(40_000)),
    InvoiceAllocation("V1:INV-8", "INV-8", usd(60_000)),
)
_FACTS: tuple[PaymentFact, ...] = (
    approval("a1", 0, step=1, steps_required=2, decision=Decision.STEP_APPROVED, content_hash=CONTENT),
    approval("a2", 1, step=2, steps_required=2, actor="rob", amount=eur(90_000)),
    invoice_approval("a3", "V1:INV-7"),
    release("r1", content_hash="other", references=_NAMES, invoices=_INVOICES),
    submission("s1", FILE_A, 20, references=_NAMES, invoices=_INVOICES),
    submission("s2", FILE_B, 60, references=_NAMES[:2], invoices=_INVOICES),
    ack("k1", "RJCT", 30, file=FILE_A, reason_codes=("AC04", "Q9")),
    ack("k2", "ACCP", 70, file=FILE_B, payload_hash="b"),
    ack("k2", "PDNG", 70, file=FILE_B, payload_hash="a"),
    ack("k3", "ZZZZ", 71),
    ack("k4", "RJCT", 72, file=FILE_B, reason_codes=("DUPL",)),
    booking("b1", usd(40_000), 80),
    booking("b2", usd(61_000), 90),
    recall_answer("q", "PDCR", 95),
    command("h", CommandAction.HOLD, hold=HoldKind.SANCTIONS),
    command("i", CommandAction.HOLD, 16, 2, hold=HoldKind.CUTOFF),
    verdict("v"),
    reconciliation("m"),
    money_back("x", usd(10_000)),
)


def told() -> str:
    """Everything that the fold publishes of it, and the whole view at the end."""
    after = after_all(_FACTS)
    said = (after.transitions, after.alerts, after.appearances, as_state(after.known, b""), after.known.view)
    return "\n".join(map(repr, said))
