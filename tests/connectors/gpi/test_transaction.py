"""What a payment transaction of the tracker proves, of which payment, and about how much."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import BankProfile, MappingError, ProviderRecord, References
from connectors.gpi.transaction import map_transaction
from streams.domain.facts import Direction
from streams.domain.statuses import Flag, Status
from tests.connectors.gpi.given import UETR, answer, event, transaction, usd


@pytest.mark.parametrize(
    ("status", "reason", "lifecycle", "flags"),
    [
        ("RCVD", None, Status.BANK_RECEIVED, ()),
        ("ACCP", None, Status.BANK_ACCEPTED, ()),
        *(("ACSP", f"G00{digit}", Status.IN_PROCESS, ()) for digit in range(7)),
        ("ACSC", None, Status.SETTLED, ()),
        ("ACCC", None, Status.CREDITED, ()),
        ("PDNG", None, None, (Flag.BANK_PENDING,)),
        ("RJCT", "AC04", Status.REJECTED, ()),
        ("RJCT", "DUPL", None, (Flag.DUPLICATE_REJECTION,)),
        ("processing", "transferred_and_tracked", None, ()),
    ],
)
def test_a_status_means_what_the_registry_says(
    status: str, reason: str | None, lifecycle: Status | None, flags: tuple[Flag, ...]
) -> None:
    beside = answer(transaction(status, transaction_status_reason=reason)).only()
    within = answer({"uetr": UETR, "transaction_status": {"status": status, "reason": reason}}).only()
    for only in (beside, within):
        assert (only.bank_status, only.lifecycle, only.flags) == (status, lifecycle, flags)
        assert only.reason_codes == ((reason,) if reason else ())
        assert only.references == References(uetr=UETR)
        assert not only.booked


def test_a_profile_overrides_a_status() -> None:
    record = ProviderRecord("transaction", "line 1", transaction("ACSC"))
    [only] = map_transaction(record, BankProfile("x", statuses={"TRANSACTION:ACSC": Status.IN_PROCESS}))
    assert getattr(only, "lifecycle", None) is Status.IN_PROCESS


def test_a_status_nested_in_an_update_is_found() -> None:
    told = {"transaction_status": {"status": "ACCC"}, "confirmed_amount": usd("980."), "charge_amount": [usd("20.")]}
    body = {"uetr": UETR, "from": "BANCDEFF", "payment_status": {"detailed_status": told}}
    only = answer({"update_payment_status_request": body}).only()
    assert (only.lifecycle, only.amount, only.charges, only.bank) == (
        Status.CREDITED,
        Decimal(980),
        Decimal(20),
        "BANCDEFF",
    )


def test_the_confirmed_amount_and_its_charges_are_those_of_the_last_event_with_the_status() -> None:
    events = [
        event("CTPT", transaction_status="ACSP", instructed_amount=usd("1000.00"), charge_bearer="CRED"),
        event(transaction_status="ACSP", confirmed_amount=usd("970.00"), charge_amount=[usd("30.00")]),
        event(transaction_status="ACCC", confirmed_amount=usd("900.00"), charge_amount=[usd("60.00"), usd("40.00")]),
    ]
    only = answer(transaction("ACCC", payment_event=events)).only()
    assert (only.amount, only.currency) == (Decimal("900.00"), "USD")
    assert (only.charges, only.charges_currency) == (Decimal("100.00"), "USD")


@pytest.mark.parametrize(
    ("bearer", "charges"), [("CRED", Decimal(5)), ("SHAR", Decimal(5)), (None, Decimal(5)), ("DEBT", None)]
)
def test_charges_are_deductions_unless_the_payer_bears_them(bearer: str | None, charges: Decimal | None) -> None:
    told = {"charge_bearer": bearer, "charges_information": [{"amount": usd("2")}, {"amount": usd("3")}]}
    only = answer(transaction("ACCC", confirmed_amount=usd("95"), **told)).only()
    assert (only.amount, only.charges) == (Decimal(95), charges)


def test_charges_of_several_currencies_have_no_sum() -> None:
    kept = [usd("2"), {"currency": "EUR", "amount": "3"}]
    only = answer(transaction("ACCC", confirmed_amount=usd("95"), charge_amount=kept)).only()
    assert (only.charges, only.charges_currency) == (None, None)


def test_what_is_not_confirmed_has_no_amount() -> None:
    events = [event("CTPT", transaction_status="ACSP", instructed_amount=usd("410.55"))]
    only = answer(transaction("RJCT", payment_event=events)).only()
    assert (only.amount, only.currency) == (None, None)


def test_a_payment_that_was_converted_compares_by_what_was_instructed() -> None:
    events = [
        event("CTPT", transaction_status="ACSP", instructed_amount={"currency": "EUR", "amount": "1000.00"}),
        event(transaction_status="ACCC", confirmed_amount=usd("1093.20")),
    ]
    only = answer(transaction("ACCC", payment_event=events)).only()
    assert (only.amount, only.currency) == (Decimal("1000.00"), "EUR")
    assert (only.entry_amount, only.entry_currency) == (Decimal("1093.20"), "USD")


@pytest.mark.parametrize("ignored", [{"valid": False}, {"tracker_event_type": "COSU"}])
def test_invalid_events_and_those_of_the_cover_do_not_count(ignored: dict[str, Any]) -> None:
    events = [
        event(transaction_status="ACCC", confirmed_amount=usd("900")),
        {**event(transaction_status="ACCC", confirmed_amount=usd("1000")), **ignored},
    ]
    assert answer(transaction("ACCC", payment_event=events)).only().amount == 900


def _leg(name: str, sender: str) -> dict[str, Any]:
    parties = {"debtor_agent": "BANABEBB", "creditor_agent": "BANDJPJT"}
    return event("CTPT", instruction_identification=name, serial_parties=parties, **{"from": sender})


@pytest.mark.parametrize(
    ("events", "name"),
    [
        ([event("CTPT", instruction_identification="PAY-1")], "PAY-1"),
        ([_leg("PAY-1", "BANABEBBXXX"), _leg("theirs", "BANCUS33XXX")], "PAY-1"),
        ([_leg("theirs", "BANBUS33XXX"), _leg("theirs too", "BANCUS33XXX")], None),
        ([event("CTPT", instruction_identification="a"), event("CTPT", instruction_identification="b")], None),
        ([event("CTSU", instruction_identification="status report")], None),
        ([event("CTPT", instruction_identification="NOTPROVIDED")], None),
    ],
)
def test_only_the_instruction_id_of_the_payers_bank_names_our_payment(
    events: list[dict[str, Any]], name: str | None
) -> None:
    assert answer(transaction(payment_event=events)).only().references == References(uetr=UETR, instruction_id=name)


def test_gpi_for_corporates_names_the_payment_itself() -> None:
    told = transaction(
        "RJCT",
        end_to_end_identification="E2E-1",
        instruction_identification="INSTR-1",
        reject_return_reason="AC04",
        tracker_informing_party="BANDJPJTXXX",
        transaction_status_date="2026-03-02T09:02:00Z",
        service_level="G003",
    )
    only = answer({"payment_transaction": [told]}).only()
    assert only.references == References(uetr=UETR, end_to_end_id="E2E-1", instruction_id="INSTR-1")
    assert (only.reason_codes, only.bank, only.occurred_at) == (("AC04",), "BANDJPJTXXX", "2026-03-02T09:02:00Z")


def test_an_inbound_payment_is_no_evidence_about_one_of_ours() -> None:
    only = answer(transaction("ACCC", service_level="G007", confirmed_amount=usd("10"))).only()
    assert (only.lifecycle, only.direction, only.amount) == (None, Direction.CREDIT, Decimal(10))


def test_a_rejection_with_the_money_on_its_way_back_is_a_return() -> None:
    events = [
        event("CTPT", transaction_status="ACSP", instructed_amount=usd("1000")),
        event("CTPT", transaction_status="ACSP", interbank_settlement_amount=usd("990"), **{"return": True}),
    ]
    only = answer(transaction("RJCT", transaction_status_reason="AC04", payment_event=events)).only()
    assert (only.lifecycle, only.direction, only.amount) == (Status.RETURNED, Direction.CREDIT, Decimal(990))
    assert only.reason_codes == ("AC04",)


def test_another_status_of_the_way_back_proves_nothing() -> None:
    events = [event(transaction_status="ACCC", confirmed_amount=usd("990"), **{"return": True})]
    only = answer(transaction("ACCC", payment_event=events)).only()
    assert (only.lifecycle, only.amount) == (None, None)


@pytest.mark.parametrize(
    ("answered", "lifecycle", "flags"),
    [("CNCL", Status.CANCELLED, ()), ("PDCR", None, (Flag.RECALL_REQUESTED,)), ("RJCR", None, ())],
)
def test_the_answer_to_a_recall_is_said_beside_the_status(
    answered: str, lifecycle: Status | None, flags: tuple[Flag, ...]
) -> None:
    for written in (answered, {"transaction_cancellation_status": answered}):
        payment, recall = answer(transaction("ACSP", cancellation_status=written)).acknowledgements()
        assert payment.lifecycle is Status.IN_PROCESS
        assert (recall.bank_status, recall.lifecycle, recall.flags) == (answered, lifecycle, flags)
        assert recall.references == payment.references
        assert recall.position == f"{payment.position}/cancellation_status"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"uetr": "not-a-uuid", "transaction_status": "ACSP"}, "uetr"),
        ({"transaction_status": "ACSP"}, "uetr"),
        ({"uetr": UETR, "transaction_status": None}, "transaction_status"),
        ({"uetr": UETR, "transaction_status": {"reason": "G000"}}, "transaction_status"),
        ({"uetr": UETR, "transaction_status": "A" * 36}, "transaction_status"),
        (transaction("ACCC", confirmed_amount=usd("-5")), "confirmed_amount/amount"),
        (transaction("ACCC", confirmed_amount=usd("1,5")), "confirmed_amount/amount"),
        (transaction("ACCC", confirmed_amount=usd("1e3")), "confirmed_amount/amount"),
        (transaction("ACCC", confirmed_amount={"amount": "5"}), "confirmed_amount/currency"),
        (transaction("ACCC", confirmed_amount={"amount": "5", "currency": "XYZ"}), "confirmed_amount/currency"),
        (transaction("ACCC", confirmed_amount="5"), "confirmed_amount/amount"),
    ],
)
def test_what_cannot_be_taken_exactly_is_an_error_of_that_record(wrong: dict[str, Any], field: str) -> None:
    done = answer([transaction("ACCC"), wrong])
    [good, bad] = done.mapped
    assert isinstance(bad, MappingError)
    assert (bad.field, bad.position) == (field, "document 2")
    assert getattr(good, "lifecycle", None) is Status.CREDITED
