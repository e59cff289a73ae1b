"""The join as a handler: what is published for a fact, what is kept for a person, and rows that survive their bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.agents.lifecycle import lifecycle, overdue
from streams.agents.payment_rows import PaymentRows, due_in, due_of, kept_of
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    Command,
    CommandAction,
    Decision,
    Direction,
    Level,
    Precision,
    Reconciliation,
    ReconciliationKind,
    Reference,
    ReferenceKind,
    Release,
    ReleaseStage,
)
from streams.domain.fingerprints import FingerprintMessageType
from streams.domain.money import Money
from streams.domain.payment import Context, Payment
from streams.domain.policy import Policy
from streams.domain.state import AlertKind, AlertState, State
from streams.domain.statuses import Flag, Status
from streams.engine import BadRecord, Topic
from streams.topics import topics_of
from tests.agents.desk import Arrived, Rows, Sent, arrived, fold, tick
from tests.schemas.registry_server import FakeIds

TOPICS = topics_of(1)
POLICY = Policy()
PAYMENT = "PAY-1"
BY_KIND: dict[type[Any], Topic[Any]] = {
    Approval: TOPICS.approvals,
    Release: TOPICS.releases,
    BankAck: TOPICS.bank_acks,
    Reconciliation: TOPICS.reconciliations,
    Command: TOPICS.commands,
}


def common(event_id: str, at: int) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "payload_hash": f"hash of {event_id}",
        "correlation_id": PAYMENT,
        "source": "test",
        "source_event_id": event_id,
        "occurred_at": at * 1_000_000,
        "precision": Precision.TIME,
        "received_at": at * 1_000_000 + 7,
        "trace_id": "t",
    }


APPROVAL = Approval(
    **common("a", 1),
    scope=ApprovalScope.PAYMENT,
    scope_key=PAYMENT,
    round=1,
    step=1,
    steps_required=1,
    actor="ann",
    decision=Decision.APPROVED,
    sequence=1,
    content_hash=None,
    invoices=(),
    vendor_id="V1",
    amount=Money(100, "EUR", 2),
    company_code=None,
    region=None,
    references=(),
    delivery=0,
    withdrawn=False,
)
RELEASE = Release(
    **common("r", 2),
    stage=ReleaseStage.SUBMITTED,
    message_id="MSG-1",
    payment_info_id="PMT-1",
    source_system="SAP",
    company_code="1000",
    region="EU",
    bank="NORDBANK",
    rail="SEPA",
    run_id=None,
    file_id=None,
    batch_id=None,
    payer=None,
    payee=None,
    amount=Money(100, "EUR", 2),
    equivalent_amount=False,
    requested_execution_date="2026-01-05",
    invoices=(),
    content_hash=None,
    actor="bob",
    supersedes=None,
    reason_codes=(),
    reason_text=None,
    references=(Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),),
)
BOOKED = BankAck(
    **common("b", 3),
    bank="NORDBANK",
    format="camt.054",
    level=Level.TRANSACTION,
    source_message_id="N-1",
    file_hash="f" * 64,
    position="Ntry[1]/TxDtls[1]",
    bank_status="BOOK",
    milestone=Status.SETTLED,
    flags=(),
    reason_codes=(),
    reason_text=None,
    booked=True,
    direction=Direction.DEBIT,
    amount=Money(100, "EUR", 2),
    charges=None,
    value_date="2026-01-05",
    booking_date="2026-01-05",
    account_hash="h",
    bank_ref="NB1",
    booking_key="k",
    batch_count=None,
    batch_sum=None,
    message_id=None,
    payment_info_id=None,
    references=(),
    delivery=1,
    withdrawn=False,
)
MATCHED = Reconciliation(
    **common("m", 4), kind=ReconciliationKind.MATCHED, entry_ref="NB1", amount=None, actor=None, sequence=1
)
ALL = (APPROVAL, RELEASE, BOOKED, MATCHED)


def record_of(fact: Any, key: str = PAYMENT, offset: int = 0) -> Arrived:
    return arrived(BY_KIND[type(fact)], key, fact, fact.received_at, offset)


def rows_codec(policy: Policy = POLICY) -> PaymentRows:
    return PaymentRows(TOPICS.state, Context(policy, 1))


def folded(*facts: Any, policy: Policy = POLICY) -> tuple[Rows, Sent]:
    rows, out, join = Rows(rows_codec(policy)), Sent(), lifecycle(TOPICS, policy, 1)
    for offset, fact in enumerate(facts):
        fold(join, record_of(fact, offset=offset), rows, out)
    return rows, out


def test_facts_of_three_streams_become_one_state_and_a_chain_of_steps() -> None:
    rows, out = folded(*ALL)
    assert rows.get(PAYMENT).view.status is Status.RECONCILED
    steps = out.to(TOPICS.transitions)
    assert [step.to_status for step in steps] == [
        Status.APPROVED,
        Status.SUBMITTED,
        Status.SETTLED,
        Status.RECONCILED,
    ]
    assert [step.seq for step in steps] == [1, 2, 3, 4]
    assert [step.previous_id for step in steps[1:]] == [step.transition_id for step in steps[:-1]]


def test_a_step_says_where_its_evidence_can_be_read() -> None:
    _, out = folded(APPROVAL, RELEASE, BOOKED)
    evidence = out.to(TOPICS.transitions)[-1].evidence
    assert (evidence.topic, evidence.offset) == ("payments.bank-acks.v1", 2)
    assert (evidence.file_hash, evidence.position) == ("f" * 64, "Ntry[1]/TxDtls[1]")


def test_the_same_fact_twice_changes_nothing_and_publishes_nothing() -> None:
    rows, out = folded(APPROVAL, RELEASE)
    written, sent = list(rows.written), list(out.records)
    fold(lifecycle(TOPICS, POLICY, 1), record_of(RELEASE), rows, out)
    assert (rows.written, out.records, out.dead) == (written, sent, [])


def test_another_content_under_a_known_event_is_flagged_and_kept_for_a_person() -> None:
    rows, out = folded(APPROVAL, RELEASE, replace(RELEASE, payload_hash="other", amount=Money(999, "EUR", 2)))
    assert Flag.CONFLICT in {flag.name for flag in rows.get(PAYMENT).view.flags}
    ((fact, error),) = out.dead
    assert fact.payload_hash == "other"
    assert isinstance(error, BadRecord)
    assert error.reason_class == "conflict"


def test_a_fact_under_another_key_is_refused() -> None:
    rows, out = Rows(rows_codec()), Sent()
    fold(lifecycle(TOPICS, POLICY, 1), record_of(APPROVAL, key="PAY-2"), rows, out)
    ((_, error),) = out.dead
    assert "expected the correlation id as key" in str(error)
    assert not rows.written


def test_beyond_the_cap_the_facts_received_first_stay_and_the_others_are_kept_whole() -> None:
    policy = Policy(fact_cap=2)
    _, late = folded(APPROVAL, RELEASE, BOOKED, policy=policy)
    ((fact, error),) = late.dead
    assert isinstance(error, BadRecord)
    assert (fact.event_id, error.reason_class) == ("b", "invalid")
    _, early = folded(BOOKED, RELEASE, APPROVAL, policy=policy)
    (letter,) = early.to(TOPICS.dead_letters)
    assert TOPICS.bank_acks.decode(letter.value) == BOOKED
    assert early.counted == [("payments.bank-acks.v1", "limit", PAYMENT)]


@pytest.mark.parametrize(
    ("action", "confirmed"), [(CommandAction.CONFIRM_DUPLICATE, True), (CommandAction.DISMISS_DUPLICATE, False)]
)
def test_a_persons_word_about_a_pair_goes_to_the_pairs_home(action: CommandAction, confirmed: bool) -> None:
    command = Command(
        **common("c", 9),
        action=action,
        hold=None,
        alert_id="AL-1",
        case_id=None,
        actor="eve",
        reason="looked at both",
        sequence=1,
    )
    _, out = folded(RELEASE, command)
    (message,) = [row for row in out.to(TOPICS.fingerprints) if row.type is FingerprintMessageType.VERDICT]
    assert message.key == "pair:AL-1"
    assert message.verdict is not None
    assert message.verdict.confirmed is confirmed


def test_a_row_survives_its_bytes_and_the_bytes_are_the_published_state() -> None:
    rows, _ = folded(*ALL, replace(RELEASE, payload_hash="other"))
    payment: Payment = rows.get(PAYMENT)
    codec = rows_codec()
    data = codec.encode(payment)
    again = codec.decode(data)
    assert again == payment
    assert codec.encode(again) == data
    state: State = TOPICS.state.decode(data)
    assert (state.status, state.last_transition_seq) == (payment.view.status, payment.envelope.seq)


def test_internal_is_a_function_of_the_set_of_facts() -> None:
    one, _ = folded(*ALL)
    other, _ = folded(*reversed(ALL), RELEASE)
    states = [TOPICS.state.decode(rows_codec().encode(rows.get(PAYMENT))) for rows in (one, other)]
    assert states[0].internal == states[1].internal
    overflowed, kept, _marks = kept_of(states[0].internal)
    assert not overflowed
    assert {row.fact for row in kept} == set(ALL)


#: RELEASE was submitted in its second 2: the bank has an hour.
DUE_AT = (2 + 3_600) * 1_000_000


@pytest.mark.parametrize("facts", [(APPROVAL,), (RELEASE,), (APPROVAL, RELEASE), (RELEASE, BOOKED), ALL])
@pytest.mark.parametrize("registry", [None, FakeIds()])
def test_a_row_says_when_it_is_due_without_being_decoded(facts: tuple[Any, ...], registry: FakeIds | None) -> None:
    topic = topics_of(1, registry).state
    rows = folded(*facts)[0]
    payment: Payment = rows.get(PAYMENT)
    row = PaymentRows(topic, Context(POLICY, 1)).encode(payment)
    expected = DUE_AT if RELEASE in facts and BOOKED not in facts else None
    assert due_in(row) == due_of(payment) == expected


def test_a_row_is_as_long_as_it_likes_and_says_when_it_is_due_all_the_same() -> None:
    facts = [replace(APPROVAL, **common(f"a{number:03}", 1)) for number in range(200)]
    rows, _ = folded(RELEASE, *facts)
    assert len(rows.stored[PAYMENT]) > 1 << 14  # the length of ``internal`` takes three bytes
    assert due_in(rows.stored[PAYMENT]) == DUE_AT


def test_a_payment_that_is_due_is_overdue_and_the_step_says_which_tick_showed_it() -> None:
    rows, out = folded(APPROVAL, RELEASE)
    told = len(out.to(TOPICS.transitions))
    tick(overdue(TOPICS, POLICY, 1), rows_codec(), DUE_AT, rows, out)
    payment: Payment = rows.get(PAYMENT)
    assert Flag.OVERDUE in {flag.name for flag in payment.view.flags}
    assert due_in(rows.stored[PAYMENT]) is None
    (step,) = out.to(TOPICS.transitions)[told:]
    assert (step.evidence.topic, step.evidence.offset) == ("payments.clock.v1", DUE_AT)
    (alert,) = out.to(TOPICS.alerts)
    assert (alert.kind, alert.state, alert.at) == (AlertKind.SLA_MISSED, AlertState.OPEN, DUE_AT)
    state: State = TOPICS.state.decode(rows.stored[PAYMENT])
    assert state.last_transition_id == step.transition_id
    assert state.open_alerts == (alert.alert_id,)


def test_what_has_fired_survives_the_rows_bytes() -> None:
    rows, out = folded(RELEASE)
    due = overdue(TOPICS, POLICY, 1)
    tick(due, rows_codec(), DUE_AT, rows, out)
    told = list(out.records)
    tick(due, rows_codec(), DUE_AT + 1, rows, out)
    assert out.records == told
    late = replace(BOOKED, received_at=DUE_AT + 9)
    fold(lifecycle(TOPICS, POLICY, 1), record_of(late), rows, out)
    state: State = TOPICS.state.decode(rows.stored[PAYMENT])
    assert [row.late_by_us for row in state.milestones] == [None, 9]
    assert [row.state for row in out.to(TOPICS.alerts)] == [AlertState.OPEN, AlertState.WITHDRAWN]


def test_a_row_that_another_policy_made_due_is_moved_to_where_this_one_has_it() -> None:
    rows, out = folded(RELEASE)
    patient = Policy(acknowledgement_within_s=7_200)
    again = Rows(rows_codec(patient))
    again.stored |= rows.stored
    tick(overdue(TOPICS, patient, 1), rows_codec(patient), DUE_AT, again, out)
    assert due_in(again.stored[PAYMENT]) == DUE_AT + 3_600_000_000
    assert out.to(TOPICS.alerts) == []
