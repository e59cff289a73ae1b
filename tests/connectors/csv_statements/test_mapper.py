"""Which bookings prove something about a payment of ours: signs, directions, kinds, names, reasons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import DEFAULT_PROFILE, JSON, MappingError, ProviderRecord, References
from connectors.csv_statements.mapper import map_booking
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.csv_statements.given import HEADER, ROW, layout, profile, row, statement

OUT, IN = Direction.DEBIT, Direction.CREDIT
WORDS: dict[str, Any] = {"debit_words": ["S", "Soll"], "credit_words": ["H"]}


def test_a_debit_is_a_booked_payment_by_its_reference() -> None:
    only = statement(HEADER + ROW).only()
    assert (only.lifecycle, only.booked, only.bank_status) == (Status.SETTLED, True, "BOOK")
    assert (only.amount, only.currency, only.direction) == (Decimal("10.50"), "EUR", OUT)
    assert only.references == References(end_to_end_id="PAY-1")
    assert (only.booking_date, only.value_date, only.level) == ("2026-11-24", None, Level.TRANSACTION)


def test_a_credit_is_no_evidence_about_an_outgoing_payment() -> None:
    only = statement(HEADER + row("10,50")).only()
    assert (only.lifecycle, only.direction) == (None, IN)


def test_zero_has_no_direction_and_proves_nothing() -> None:
    only = statement(HEADER + row("0,00")).only()
    assert (only.lifecycle, only.direction, only.amount) == (None, Direction.UNKNOWN, Decimal(0))


@pytest.mark.parametrize(
    ("sign", "amount", "direction"),
    [("signed", "-5", OUT), ("signed", "5", IN), ("debit_positive", "5", OUT), ("debit_positive", "-5", IN)],
)
def test_an_amount_says_its_direction_by_its_sign(sign: str, amount: str, direction: Direction) -> None:
    only = statement(HEADER + row(amount), profile(layout(sign=sign))).only()
    assert (only.amount, only.direction) == (Decimal(5), direction)


@pytest.mark.parametrize(
    ("sign", "amount", "word", "direction"),
    [
        ("unsigned", "5", "S", OUT),
        ("unsigned", "5", "Soll", OUT),
        ("unsigned", "5", "H", IN),
        ("unsigned", "-5", "S", None),
        ("unsigned", "-5", "H", None),
        ("agrees", "-5", "S", OUT),
        ("agrees", "5", "H", IN),
        ("agrees", "5", "S", None),
        ("agrees", "-5", "H", None),
        ("ignored", "-5", "H", IN),
        ("ignored", "5", "S", OUT),
        ("reverses", "-5", "H", OUT),
        ("reverses", "-5", "S", IN),
        ("reverses", "5", "S", OUT),
    ],
)
def test_a_direction_against_the_sign_is_refused_or_as_the_profile_says(
    sign: str, amount: str, word: str, direction: Direction | None
) -> None:
    using = profile(layout({"direction": "D/C"}, sign=sign, **WORDS))
    done = statement(HEADER.replace("\n", ";D/C\n") + row(amount).replace("\n", f";{word}\n"), using)
    if direction is None:
        assert (done.refusal.reason, done.refusal.where) == ("contradictory_sign", "line 2, amount")
        assert "csv.sign" in done.refusal.expected
    else:
        assert (done.only().amount, done.only().direction) == (Decimal(5), direction)


def test_an_unknown_direction_is_refused() -> None:
    using = profile(layout({"direction": "D/C"}, **WORDS))
    refusal = statement(HEADER.replace("\n", ";D/C\n") + row("5").replace("\n", ";X\n"), using).refusal
    assert (refusal.reason, refusal.found) == ("unknown_direction", "'X'")


@pytest.mark.parametrize(
    ("sign", "debit", "credit", "said"),
    [
        (None, "5,00", "", (OUT, Decimal("5.00"))),
        (None, "", "5,00", (IN, Decimal("5.00"))),
        (None, "0,00", "5,00", (IN, Decimal("5.00"))),
        (None, "5,00", "0,00", (OUT, Decimal("5.00"))),
        (None, "0,00", "0,00", (Direction.UNKNOWN, Decimal(0))),
        (None, "5,00", "5,00", "ambiguous_amount"),
        (None, "", "", "ambiguous_amount"),
        (None, "-5,00", "", "contradictory_sign"),
        (None, "", "-5,00", "contradictory_sign"),
        ("agrees", "-5,00", "", (OUT, Decimal("5.00"))),
        ("agrees", "5,00", "", "contradictory_sign"),
        ("agrees", "", "5,00", (IN, Decimal("5.00"))),
        ("ignored", "-5,00", "", (OUT, Decimal("5.00"))),
        (None, "5.0", "", "malformed_amount"),
    ],
)
def test_of_a_debit_and_a_credit_column_one_says_the_amount(
    sign: str | None, debit: str, credit: str, said: tuple[Direction, Decimal] | str
) -> None:
    columns: dict[str, Any] = {"amount": None, "debit": "Out", "credit": "In", "text": []}
    using = profile(layout(columns, sign=sign))
    done = statement(f"Day;Out;In;Ref\n24.11.2026;{debit};{credit};PAY-1\n", using)
    if isinstance(said, str):
        assert done.refusal.reason == said
    else:
        assert (done.only().direction, done.only().amount) == said


@pytest.mark.parametrize(("amount", "accepted"), [("-1000", True), ("-1000,5", False)])
def test_an_amount_has_no_more_digits_than_its_currency(amount: str, accepted: bool) -> None:
    done = statement(HEADER + row(amount), profile(layout(currency="JPY")))
    assert done.accepted is accepted
    assert statement(HEADER + row("-1,500"), profile(layout(currency="KWD"))).only().amount == Decimal("1.500")


def test_a_profile_may_allow_more_digits() -> None:
    only = statement(HEADER + row("-10,5000"), profile(layout(fraction_digits=4))).only()
    assert str(only.amount) == "10.5000"


@pytest.mark.parametrize(("word", "reason"), [("EUR", None), ("XXX", "unknown_currency"), ("eur", "unknown_currency")])
def test_a_currency_is_one_that_exists(word: str, reason: str | None) -> None:
    using = profile(layout({"currency": "Cur"}, currency=None))
    done = statement(HEADER.replace("\n", ";Cur\n") + ROW.replace("\n", f";{word}\n"), using)
    assert done.accepted if reason is None else done.refusal.reason == reason


@pytest.mark.parametrize(
    ("word", "status", "lifecycle", "flags"),
    [
        ("Booked", "BOOK", Status.SETTLED, ()),
        ("Pending", "PDNG", Status.IN_PROCESS, (Flag.BANK_PENDING,)),
        ("Maybe", None, None, ()),
    ],
)
def test_a_status_column_says_what_is_booked(
    word: str, status: str | None, lifecycle: Status | None, flags: tuple[Flag, ...]
) -> None:
    using = profile(layout({"status": "State"}, booked_words=["Booked"], pending_words=["Pending"]))
    done = statement(HEADER.replace("\n", ";State\n") + ROW.replace("\n", f";{word}\n"), using)
    if status is None:
        assert (done.refusal.reason, done.refusal.found) == ("unknown_status", "'Maybe'")
        return
    only = done.only()
    assert (only.bank_status, only.lifecycle, only.flags, only.booked) == (status, lifecycle, flags, status == "BOOK")


KINDS = {"(?i)^return": "return", "^FEE": "fee", "^SWEEP": "sweep", "^DD ": "direct debit", "^CARD": "card"}


@pytest.mark.parametrize(
    ("text", "amount", "lifecycle"),
    [
        ("Invoice 1", "-5", Status.SETTLED),
        ("FEE for the account", "-5", None),
        ("SWEEP", "-5", None),
        ("DD telephone", "-5", None),
        ("CARD 4711", "-5", None),
        ("Return AC04", "5", Status.RETURNED),
        ("Return of theirs", "-5", None),
        ("REFUND", "5", None),
    ],
)
def test_a_text_says_what_kind_of_movement_it_is(text: str, amount: str, lifecycle: Status | None) -> None:
    only = statement(HEADER + row(amount, text), profile(layout(movements=KINDS))).only()
    assert only.lifecycle is lifecycle


def test_the_banks_code_says_the_kind_before_the_text_does() -> None:
    using = profile(layout({"code": "Code"}, movements=KINDS), movements={"Z24": "fee", "NTRF": "transfer"})
    lines = [ROW.replace("\n", ";Z24\n"), row("-5", "FEE").replace("\n", ";NTRF\n"), ROW.replace("\n", ";A1\n")]
    said = statement(HEADER.replace("\n", ";Code\n") + "".join(lines), using).acknowledgements()
    assert [item.lifecycle for item in said] == [None, Status.SETTLED, Status.SETTLED]
    assert [item.bank_transaction_code for item in said] == ["Z24", "NTRF", "A1"]


def test_a_pending_return_has_not_come_back() -> None:
    using = profile(layout({"status": "State"}, movements=KINDS, booked_words=["B"], pending_words=["P"]))
    text = HEADER.replace("\n", ";State\n") + row("5", "Return").replace("\n", ";P\n")
    assert statement(text, using).only().lifecycle is None


def test_a_return_says_why_in_codes_that_exist_or_in_words_that_the_profile_knows() -> None:
    using = profile(layout(movements=KINDS, reasons={"account closed": "AC04", "no such": "AC03"}))
    returned = statement(HEADER + row("5", "Return AC01 ZZ99 account closed"), using).only()
    assert returned.reason_codes == ("AC01", "AC04")
    assert returned.reason_text == "Return AC01 ZZ99 account closed"
    paid = statement(HEADER + row("-5", "AC01 account closed"), using).only()
    assert (paid.reason_codes, paid.reason_text) == ((), None)


@pytest.mark.parametrize(
    ("ref", "text", "name"),
    [
        ("PAY-1", "EREF+PAY-2", "PAY-1"),
        ("", "EREF+PAY-2 rest", "PAY-2"),
        ("NOTPROVIDED", "EREF+PAY-2", "PAY-2"),
        ("", "EREF+NONREF", None),
        ("", "nothing", None),
        ("1,23457E+11", "nothing", None),
        ("1.2E+5", "nothing", None),
        ("CUT-OFF+", "nothing", None),
        ("X" * 37, "nothing", None),
        ('="0042"', "nothing", "0042"),
        ("0000", "nothing", None),
    ],
)
def test_a_name_comes_from_its_column_else_from_the_text(ref: str, text: str, name: str | None) -> None:
    using = profile(layout(names={"end_to_end_id": r"EREF\+(\S+)"}))
    assert statement(HEADER + row(ref=ref, text=text), using).only().references.end_to_end_id == name


def test_every_name_has_its_column() -> None:
    names = ("end_to_end_id", "instruction_id", "payment_info_id", "uetr", "trace_number", "bank_ref")
    using = profile(layout({"text": [], **{name: name for name in names}}))
    uetr = "97ED4827-7B6F-4491-A06F-B548D5A7512D"
    text = f"Day;Amount;{';'.join(names)}\n24.11.2026;-1;E;I;P;{uetr};T;B\n"
    assert statement(text, using).only().references == References("E", uetr.lower(), "I", "P", None, "B", "T")
    assert statement(text.replace(uetr, "no-uuid"), using).only().references.uetr is None


@pytest.mark.parametrize(("amount", "level"), [("-5", Level.BATCH), ("5", Level.TRANSACTION)])
def test_a_debit_with_only_its_batchs_name_is_the_batch(amount: str, level: Level) -> None:
    using = profile(layout({"end_to_end_id": None, "payment_info_id": "Ref"}))
    only = statement(HEADER + row(amount), using).only()
    assert (only.level, only.batch_sum) == (level, Decimal(5) if level is Level.BATCH else None)


def test_an_account_that_is_not_ours_is_no_evidence() -> None:
    for account, lifecycle in (("DE02 1203", Status.SETTLED), ("DE99", None)):
        using = profile(layout(account=account), own_accounts=["DE021203"])
        assert statement(HEADER + ROW, using).only().lifecycle is lifecycle


def test_a_record_that_its_profile_no_longer_describes_is_an_error() -> None:
    fields: dict[str, JSON] = {"cells": {"Day": "24.11.2026", "Amount": "-10.50"}, "around": {}}
    record = ProviderRecord("booking", "line 2", fields)
    [undescribed] = map_booking(record, DEFAULT_PROFILE)
    [unreadable] = map_booking(record, profile())
    [empty] = map_booking(ProviderRecord("booking", "line 2", {}), profile())
    for error, field in ((undescribed, "profile"), (unreadable, "amount"), (empty, "amount")):
        assert isinstance(error, MappingError)
        assert (error.field, error.position) == (field, "line 2")
