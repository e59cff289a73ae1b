"""MT900, MT910, n99, n92 and n96: what each says about a payment of ours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import Acknowledgement, BankProfile, FileEnd
from streams.domain.facts import Direction
from streams.domain.statuses import Flag, Status
from tests.connectors.swift_mt.given import UETR, fin, taken

ADVICE = ":20:BANK-1\n:21:PAY-1\n:25:DE02120300000000202051\n:32A:260302EUR1250,75\n"
TEXT = ":20:BANK-2\n:21:PAY-1\n:79:"
RECALL = ":20:CASE-1\n:21:PAY-1\n:11S:103\n260302\n:79:/DUPL/\n"
ANSWER = ":20:ANS-1\n:21:CASE-1\n:76:"


def advice(type_: str, text: str = ADVICE, uetr: str = UETR) -> Acknowledgement:
    return taken(fin(type_, text, uetr), f"mt{type_}").only()


def words(text: str, type_: str = "199") -> Acknowledgement:
    return taken(fin(type_, TEXT + text, UETR), "mt199").only()


def recalled(text: str = RECALL, type_: str = "192", uetr: str = UETR) -> Acknowledgement:
    return taken(fin(type_, text, uetr), "mtn92").only()


def answered(text: str, type_: str = "196") -> Acknowledgement:
    return taken(fin(type_, ANSWER + text, UETR), "mtn96").only()


# MT900, MT910


def test_a_debit_advice_settles() -> None:
    ack = advice("900")
    assert (ack.lifecycle, ack.booked, ack.direction, ack.bank_status) == (
        Status.SETTLED,
        True,
        Direction.DEBIT,
        "BOOK",
    )
    assert (ack.amount, ack.currency, ack.value_date) == (Decimal("1250.75"), "EUR", "2026-03-02")
    assert (ack.references.end_to_end_id, ack.references.instruction_id) == ("PAY-1", "PAY-1")
    assert (ack.references.bank_ref, ack.references.uetr) == ("BANK-1", UETR)
    assert (ack.account, ack.bank, ack.source_message_id) == ("DE02120300000000202051", "BBBBUS33XXX", "BANK-1")


def test_a_credit_advice_is_money_of_others() -> None:
    ack = advice("910", ADVICE + ":50K:SOMEBODY\n:52A:BBBBUS33\n")
    assert (ack.lifecycle, ack.direction, ack.booked) == (None, Direction.CREDIT, True)


def test_a_credit_advice_that_says_so_is_a_return() -> None:
    ack = advice("910", ADVICE + ":52A:BBBBUS33\n:72:/RETN/59\n/AC04/CLOSED\n/MREF/PAY-1\n")
    assert (ack.lifecycle, ack.reason_codes, ack.reason_text) == (Status.RETURNED, ("AC04",), "CLOSED")


def test_an_advice_may_tell_the_moment_and_the_account_with_its_bank() -> None:
    text = (
        ADVICE.replace(":25:DE02120300000000202051", ":25P:DE02120300000000202051\nBYLADEM1") + ":13D:2603021415+0100\n"
    )
    ack = advice("900", text)
    assert (ack.account, ack.occurred_at) == ("DE02120300000000202051", "2026-03-02T14:15:00+01:00")


def test_an_advice_of_zero_or_of_another_account_proves_nothing() -> None:
    assert advice("900", ADVICE.replace("1250,75", "0,")).lifecycle is None
    others = BankProfile("p", own_accounts=frozenset({"DE99"}))
    assert taken(fin("900", ADVICE), "mt900", others).only().lifecycle is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("1250,75", "1250.75", "malformed_amount"),
        ("1250,75", "1250", "malformed_amount"),
        ("260302", "260431", "invalid_date"),
        (":32A:260302EUR1250,75\n", "", "missing_tag"),
        (":21:PAY-1\n", "", "missing_tag"),
        (":25:DE02120300000000202051\n", "", "missing_tag"),
        (":21:PAY-1\n", ":21:PAY-1\n:21:PAY-2\n", "misplaced_tag"),
        (":21:PAY-1\n", ":21:PAY-1\n:61:260302D1,NTRFX\n", "unexpected_tag"),
    ],
)
def test_a_wrong_advice_is_refused(old: str, new: str, reason: str) -> None:
    assert taken(fin("900", ADVICE.replace(old, new)), "mt900").refusal.reason == reason


def test_several_advices_share_a_file() -> None:
    done = taken(fin("900", ADVICE) + "\n" + fin("900", ADVICE.replace("PAY-1", "PAY-2")), "mt900")
    assert [ack.references.end_to_end_id for ack in done.acknowledgements()] == ["PAY-1", "PAY-2"]
    assert isinstance(done.last, FileEnd)
    assert (done.last.records, done.last.message_id) == (2, None)
    mixed = taken(fin("900", ADVICE) + "\n" + fin("910", ADVICE), "mt900").refusal
    assert (mixed.reason, mixed.found) == ("mixed_messages", "an MT910")


# MT n99


@pytest.mark.parametrize(
    ("status", "lifecycle", "codes"),
    [
        ("//ACSP/G000", Status.IN_PROCESS, ("G000",)),
        ("//ACSP/G001", Status.IN_PROCESS, ("G001",)),
        ("//ACSP", Status.IN_PROCESS, ()),
        ("//ACCC", Status.CREDITED, ()),
        ("//ACSC", Status.SETTLED, ()),
        ("//RJCT/AC04", Status.REJECTED, ("AC04",)),
        ("//PDNG/G004", None, ("G004",)),
        ("//XXXX", None, ()),
    ],
)
def test_a_gpi_status_is_a_report(status: str, lifecycle: Status | None, codes: tuple[str, ...]) -> None:
    ack = words(f"//2603021005+0100\n{status}\n//CCCCUS33XXX\n//USD2490,\n//:71F:USD10,\n")
    assert (ack.lifecycle, ack.reason_codes, ack.booked) == (lifecycle, codes, False)
    assert ack.occurred_at == "2026-03-02T10:05:00+01:00"
    assert (ack.amount, ack.charges, ack.charges_currency) == (Decimal(2490), Decimal(10), "USD")
    assert (ack.references.uetr, ack.references.end_to_end_id) == (UETR, "PAY-1")


@pytest.mark.parametrize(
    "text",
    [
        "/REJT/59\n/AC04/\n",
        "/REJT/59\n/AC04/CLOSED\n",
        "/REJT/AC04\n",
        "/REJT/ /AC04/\n",
        "/REJT/59/AC04\n",
        "/REJT/\n/AC04/\n/MREF/PAY-9\n",
    ],
)
def test_a_rejection_rejects_the_payment_that_field_21_names(text: str) -> None:
    ack = words(text)
    assert (ack.bank_status, ack.lifecycle, ack.reason_codes) == ("RJCT", Status.REJECTED, ("AC04",))
    assert ack.references.end_to_end_id == "PAY-1"


def test_a_rejection_may_name_the_payment_in_its_text_only() -> None:
    text = ":20:BANK-2\n:79:/REJT/59\n/AC01/\n/MREF/PAY-7\n/TEXT/NOT KNOWN\n//HERE\n/CHGS/USD5,\n"
    ack = taken(fin("199", text), "mt199").only()
    assert (ack.references.end_to_end_id, ack.reason_text, ack.charges) == ("PAY-7", "NOT KNOWN HERE", Decimal(5))


@pytest.mark.parametrize(
    "text", ["/REJT/21\n/DUPL/\n/AM05/\n", "/REJT/21\n/TEXT/DUPLICATE MESSAGE\n", "//2603021005+0100\n//RJCT/DU01\n"]
)
def test_a_rejection_of_a_copy_rejects_no_payment(text: str) -> None:
    ack = words(text)
    assert (ack.lifecycle, ack.flags) == (None, (Flag.DUPLICATE_REJECTION,))


def test_a_rejection_tells_our_two_names_apart_and_one_that_is_cut_off_names_nothing() -> None:
    text = "/REJT/99\n/XT99/MD01/\n/MREF/PAY-1\n/TREF/{}\n/TEXT//UETR/{}\n"
    whole = taken(fin("299", TEXT + text.format("E2E-1", UETR)), "mt199").only()
    assert (whole.references.end_to_end_id, whole.references.instruction_id) == ("E2E-1", "PAY-1")
    assert (whole.references.uetr, whole.reason_codes, whole.reason_text) == (UETR, ("MD01",), None)
    cut = words(text.format("pacs008EndToEnd+", UETR))
    assert (cut.references.end_to_end_id, cut.references.instruction_id) == (None, "PAY-1")


def test_a_gpi_amount_may_tell_who_bears_the_charges() -> None:
    ack = words(
        "//1903041515+0800\n//ACSP/G002\n//BKCHHKHHXXX/BKCHHKHHXXX/INDA\n//USD1000,/OUR\n//EXCH//USD/EUR/1,09\n//:71F:USD20,\n//:71F:USD5,\n"
    )
    assert (ack.amount, ack.currency, ack.charges) == (Decimal(1000), "USD", Decimal(25))
    other = words("//1903041515+0800\n//ACSP/G002\n//:71F:USD20,\n//:71F:EUR5,\n")
    assert (other.amount, other.charges) == (None, None)


def test_a_gpi_status_may_come_without_its_moment() -> None:
    ack = words("//ACCC\n//CCCCUS33XXX\n//USD2490,\n")
    assert (ack.lifecycle, ack.amount, ack.occurred_at) == (Status.CREDITED, Decimal(2490), None)


def test_a_return_brings_back() -> None:
    ack = words("/RETN/59\n/AC04/CLOSED\n/MREF/PAY-1\n")
    assert (ack.lifecycle, ack.direction, ack.reason_codes) == (Status.RETURNED, Direction.CREDIT, ("AC04",))


@pytest.mark.parametrize(
    "text", ["PLEASE CONFIRM THE BENEFICIARY", "?REJECT?0", "WE DO NOT /REJT/ IT", "//XXXX", "SEE //ACSP/G000"]
)
def test_words_without_a_code_change_nothing_and_are_kept(text: str) -> None:
    ack = words(text, "299")
    assert (ack.lifecycle, ack.flags, ack.bank_status) == (None, (), "MT299")
    assert ack.reason_text == text


# MT n92, n96


def test_a_recall_flags_the_payment_and_moves_nothing() -> None:
    ack = recalled(RECALL + "PAID TWICE\n:32A:260302EUR1250,75\n")
    assert (ack.lifecycle, ack.flags, ack.reason_codes) == (None, (Flag.RECALL_REQUESTED,), ("DUPL",))
    assert (ack.amount, ack.currency, ack.reason_text) == (Decimal("1250.75"), "EUR", "PAID TWICE")
    assert (ack.references.instruction_id, ack.references.message_id, ack.references.uetr) == ("PAY-1", "PAY-1", UETR)


def test_a_recall_may_name_the_uetr_in_its_text_and_copy_other_fields() -> None:
    ack = recalled(RECALL + f"/UETR/{UETR.upper()}\n:23B:CRED\n:32B:EUR5,\n:50K:US\n:20:COPY\n", "292", uetr="")
    assert (ack.references.uetr, ack.amount, ack.reason_codes, ack.bank_status) == (
        UETR,
        Decimal(5),
        ("DUPL",),
        "MT292",
    )


def test_a_copy_without_end_is_refused() -> None:
    copied = "".join(f":{tag}{letter}:{'X' * 900}\n" for tag in range(50, 60) for letter in "ABCDFGHK")
    assert taken(fin("192", RECALL + copied), "mtn92").refusal.reason == "record_too_large"


def test_one_of_several_copied_amounts_is_no_amount_of_the_payment() -> None:
    assert recalled(RECALL + ":32B:EUR5,\n:32B:EUR6,\n").amount is None


@pytest.mark.parametrize(
    ("text", "status", "lifecycle", "flags", "codes"),
    [
        ("/CNCL/\n", "CNCL", Status.CANCELLED, (), ()),
        ("/RJCR/CUST\n", "RJCR", None, (), ("CUST",)),
        ("/RJCR/\n/AC04/\n:79:/NOOR/\n", "RJCR", None, (), ("AC04", "NOOR")),
        ("/PDCR/PTNA\n", "PDCR", None, (Flag.RECALL_REQUESTED,), ("PTNA",)),
        ("CNCL\n", "CNCL", Status.CANCELLED, (), ()),
        ("/WXYZ/\n", "WXYZ", None, (), ()),
    ],
)
def test_an_answer_ends_a_recall_or_keeps_it_open(
    text: str, status: str, lifecycle: Status | None, flags: tuple[Flag, ...], codes: tuple[str, ...]
) -> None:
    ack = answered(text)
    assert (ack.bank_status, ack.lifecycle, ack.flags, ack.reason_codes) == (status, lifecycle, flags, codes)
    assert ack.references.uetr == UETR


def test_an_answer_is_about_the_payment_of_its_uetr_not_about_its_case() -> None:
    text = f"/CNCL/\n:77A:/UETR/{UETR[:27]}\n//{UETR[27:]}\n:11R:103\n260302\n"
    ack = taken(fin("196", ANSWER + text), "mtn96").only()
    assert (ack.references.uetr, ack.references.instruction_id, ack.reason_text) == (UETR, None, None)
    unnamed = taken(fin("196", ANSWER + "/CNCL/\n"), "mtn96").only()
    assert unnamed.references.instruction_id == "CASE-1"


def test_an_answer_in_words_is_kept_for_a_person() -> None:
    ack = answered("WE HAVE ASKED THE BENEFICIARY\n", "296")
    assert (ack.bank_status, ack.lifecycle, ack.reason_text) == ("MT296", None, "WE HAVE ASKED THE BENEFICIARY")


def test_an_answer_that_copies_the_recalled_message_names_its_payment() -> None:
    ack = answered("/CNCL/\n:11S:103\n260302\n:20:PAY-1\n:32A:260302EUR1250,75\n")
    assert (ack.references.instruction_id, ack.amount) == ("PAY-1", Decimal("1250.75"))


@pytest.mark.parametrize(
    ("type_", "format_", "text", "missing"),
    [
        ("199", "mt199", ":20:X\n:21:Y\n", ":79:"),
        ("192", "mtn92", ":20:X\n:21:Y\n", ":11R: or :11S: or :79:"),
        ("196", "mtn96", ":20:X\n:21:Y\n", ":76:"),
        ("196", "mtn96", ":20:X\n:76:/CNCL/\n", ":21:"),
    ],
)
def test_a_message_without_what_its_type_says_is_refused(type_: str, format_: str, text: str, missing: str) -> None:
    refusal = taken(fin(type_, text), format_).refusal
    assert (refusal.reason, refusal.expected) == ("missing_tag", missing)


@pytest.mark.parametrize("format_", ["mt900", "mt910", "mt199", "mtn92", "mtn96"])
def test_a_message_of_another_type_is_refused(format_: str) -> None:
    refusal = taken(fin("103", ":20:X\n"), format_).refusal
    assert (refusal.reason, refusal.found) == ("wrong_format", "an MT103")
