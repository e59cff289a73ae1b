"""Sets of facts of one payment for property tests: plausible lives, and hostile ones.

Hostile: copies that came at another time by another way, other contents under a known event id, deliveries and
withdrawals in any order, ties of every clock. As at the source, ``payload_hash`` follows from the content.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from streams.domain.bank_statuses import PAYMENT_STATUSES
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    CommandAction,
    Decision,
    Direction,
    InvoiceAllocation,
    Level,
    PaymentFact,
    Precision,
    ReconciliationKind,
    Reference,
    ReferenceKind,
    ReleaseStage,
    VerdictAction,
)
from streams.domain.identity import stable_id
from streams.domain.policy import Policy, ReconciliationMode
from streams.domain.statuses import HoldKind
from tests.domain.given import (
    DAY,
    FILE_A,
    FILE_B,
    INSTRUCTED,
    INVOICE,
    ack,
    approval,
    booking,
    command,
    eur,
    money_back,
    recall_answer,
    reconciliation,
    release,
    return_report,
    usd,
    verdict,
)

_MINUTES = st.sampled_from((0, 1, 5, 5.5, 30, 60, DAY, 2 * DAY, 40 * DAY))
_ACTORS = st.sampled_from(("ann", "bob", "rob"))
_AMOUNTS = st.sampled_from((INSTRUCTED, INSTRUCTED, INSTRUCTED, usd(40_000), usd(60_000), usd(100_500), eur(90_000)))
_MAYBE_AMOUNTS = st.one_of(st.none(), _AMOUNTS)
_FILES = st.sampled_from((None, FILE_A, FILE_A, FILE_B))
_HASHES = st.sampled_from((None, "content-1", "content-1", "content-2"))
_CODES = st.sampled_from(((), ("AC01",), ("DU01",), ("AM04", "NARR"), ("ZZ99",)))
_LEVELS = st.sampled_from((Level.TRANSACTION, Level.TRANSACTION, Level.GROUP, Level.BATCH, Level.UNKNOWN))
_INVOICES = st.sampled_from(((), (INVOICE,), (INVOICE, InvoiceAllocation("V1:INV-8", "INV-8", usd(40_000)))))
_REFERENCES = st.sampled_from(
    (
        (),
        (Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),),
        (Reference(ReferenceKind.UETR, "u-1"), Reference(ReferenceKind.INVOICE, "V1:INV-7")),
    )
)
_PRECISIONS = st.sampled_from((Precision.TIME, Precision.TIME, Precision.DATE))


@st.composite
def _approvals(draw: st.DrawFn) -> PaymentFact:
    scope = draw(
        st.sampled_from((ApprovalScope.PAYMENT, ApprovalScope.PAYMENT, ApprovalScope.INVOICE, ApprovalScope.RUN))
    )
    keys = {
        ApprovalScope.PAYMENT: ("P1",),
        ApprovalScope.INVOICE: ("V1:INV-7", "V1:INV-8"),
        ApprovalScope.RUN: ("RUN-1",),
    }
    return approval(
        "",
        draw(_MINUTES),
        scope=scope,
        scope_key=draw(st.sampled_from(keys[scope])),
        round=draw(st.sampled_from((1, 1, 2))),
        step=draw(st.integers(1, 2)),
        steps_required=draw(st.integers(1, 2)),
        actor=draw(_ACTORS),
        decision=draw(st.sampled_from((*Decision, Decision.APPROVED, Decision.STEP_APPROVED))),
        sequence=draw(st.integers(1, 3)),
        content_hash=draw(_HASHES),
        amount=draw(_MAYBE_AMOUNTS),
        invoices=draw(_INVOICES),
        references=draw(_REFERENCES),
    )


@st.composite
def _releases(draw: st.DrawFn) -> PaymentFact:
    file = draw(_FILES)
    return release(
        "",
        draw(st.sampled_from((*ReleaseStage, ReleaseStage.RELEASED, ReleaseStage.SUBMITTED, ReleaseStage.SUBMITTED))),
        draw(_MINUTES),
        message_id=file,
        payment_info_id=draw(st.sampled_from((None, "B1"))) if file else None,
        amount=draw(_MAYBE_AMOUNTS),
        equivalent_amount=draw(st.booleans()),
        content_hash=draw(_HASHES),
        actor=draw(st.one_of(st.none(), _ACTORS)),
        reason_codes=draw(_CODES),
        invoices=draw(_INVOICES),
        references=draw(_REFERENCES),
        bank=draw(st.sampled_from((None, "BANKX"))),
        supersedes=draw(st.sampled_from((None, None, "P0"))),
    )


@st.composite
def _reports(draw: st.DrawFn) -> PaymentFact:
    level = draw(_LEVELS)
    return ack(
        "",
        draw(st.sampled_from((*PAYMENT_STATUSES, "RJCT", "RJCT", "ACSP", "ZZZZ"))),
        draw(_MINUTES),
        file=draw(_FILES),
        level=level,
        source_message_id=draw(st.sampled_from(("M1", "M1", "M2"))),
        reason_codes=draw(_CODES),
        amount=draw(_MAYBE_AMOUNTS),
        bank_ref=draw(st.sampled_from((None, "R1"))),
    )


@st.composite
def _entries(draw: st.DrawFn) -> PaymentFact:
    told: dict[str, Any] = {
        "booking_key": draw(st.sampled_from((None, "K1", "K2"))),
        "booking_date": draw(st.sampled_from((None, "2026-11-24", "2026-11-25"))),
        "file": draw(_FILES),
        "level": draw(st.sampled_from((Level.TRANSACTION, Level.TRANSACTION, Level.BATCH))),
        "batch_count": draw(st.sampled_from((None, 1, 3))),
        "source_message_id": draw(st.sampled_from(("N1", "N1", "N2"))),
        "charges": draw(st.sampled_from((None, None, usd(500)))),
    }
    at, amount = draw(_MINUTES), draw(_MAYBE_AMOUNTS)
    kind = draw(st.sampled_from(("debit", "debit", "pending", "credit", "return", "report")))
    if kind == "return":
        return money_back("", amount, at, **told)
    if kind == "report":
        return return_report("", amount, at, file=told["file"])
    if kind == "pending":
        return booking("", amount, at, status="PDNG", **told)
    if kind == "credit":
        return booking("", amount, at, **told, direction=Direction.CREDIT, milestone=None)
    return booking("", amount, at, **told)


@st.composite
def _other_facts(draw: st.DrawFn) -> PaymentFact:
    at = draw(_MINUTES)
    kind = draw(st.sampled_from(("recall", "reconciliation", "command", "verdict")))
    if kind == "recall":
        return recall_answer("", draw(st.sampled_from(("PDCR", "RJCR", "CNCL", "UWFW"))), at)
    if kind == "reconciliation":
        which = draw(st.sampled_from(tuple(ReconciliationKind)))
        return reconciliation("", which, at, draw(st.sampled_from((None, "K1", "ref-"))), draw(st.integers(1, 3)))
    if kind == "command":
        return command(
            "",
            draw(st.sampled_from(tuple(CommandAction))),
            at,
            draw(st.integers(1, 3)),
            hold=draw(st.one_of(st.none(), st.sampled_from(HoldKind))),
            alert_id=draw(st.sampled_from((None, "dup-1"))),
            case_id=draw(st.sampled_from((None, "case-1"))),
        )
    action = draw(st.sampled_from(tuple(VerdictAction)))
    return verdict(
        "", action, at, draw(st.integers(1, 3)), draw(st.booleans()), draw(st.sampled_from(("dup-1", "dup-2")))
    )


_FACTS = st.one_of(_approvals(), _releases(), _releases(), _reports(), _reports(), _entries(), _other_facts())


def _named(fact: PaymentFact, event_id: str) -> PaymentFact:
    """The fact under its event id, its hash following from what it says."""
    named = replace(fact, event_id=event_id, source_event_id=event_id)
    return replace(named, payload_hash=stable_id(repr(replace(named, payload_hash="", received_at=0, trace_id=""))))


@st.composite
def facts_of_a_payment(draw: st.DrawFn, hostile: bool = True, most: int = 9) -> list[PaymentFact]:
    """Up to ``most`` events; if ``hostile``, with copies, contradictions, deliveries and withdrawals of them."""
    contents = draw(st.lists(_FACTS, min_size=1, max_size=most))
    facts: list[PaymentFact] = []
    for number, content in enumerate(contents):
        precise = replace(content, precision=draw(_PRECISIONS))
        facts.append(_named(precise, f"{draw(st.integers(0, 9))}{number}"))
    if not hostile:
        return facts
    for _ in range(draw(st.integers(0, 6))):  # an echo may have echoes: a contradiction told twice, in two ways
        facts.append(draw(_echoes(draw(st.sampled_from(facts[-4:])))))
    return facts


@st.composite
def _echoes(draw: st.DrawFn, fact: PaymentFact) -> PaymentFact:
    """The same event once more: a copy by another way, another delivery, or another content."""
    kind = draw(st.sampled_from(("copy", "delivery", "content")))
    echo = replace(
        fact,
        received_at=fact.received_at + draw(st.integers(-2, 2)) * 1_000_000,
        trace_id=draw(st.sampled_from((fact.trace_id, "another"))),
    )
    if kind == "delivery" and isinstance(echo, (Approval, BankAck)):
        return replace(echo, delivery=draw(st.integers(1, 4)), withdrawn=draw(st.booleans()))
    if kind == "content":
        return _named(replace(draw(_FACTS), received_at=echo.received_at, trace_id=echo.trace_id), fact.event_id)
    return echo


def policies(fact_cap: int = 256) -> st.SearchStrategy[Policy]:
    """Policies that differ in what they require, and in how long they wait."""
    scopes = st.sampled_from((frozenset[ApprovalScope](), frozenset({ApprovalScope.PAYMENT, ApprovalScope.INVOICE})))
    return st.builds(
        Policy,
        required_scopes=scopes,
        reconciliation=st.sampled_from(ReconciliationMode),
        tolerance_minor=st.sampled_from((0, 600)),
        fact_cap=st.just(fact_cap),
        acknowledgement_within_s=st.sampled_from((0, 300, 3_600, 86_400)),
        acknowledgement_within_s_by_bank=st.sampled_from(({}, {}, {"BANKX": 1_800}, {"BANKX": 0})),
    )
