"""What a BAI2 transaction says of a payment of ours: one row a rule."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bai2.constants import TypeCodes

from connectors.bai2.type_codes import direction_of, movement_of
from connectors.contract import DEFAULT_PROFILE, BankProfile, MappingError
from connectors.iso20022.transaction_codes import Movement
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.bai2.given import GROUP, WIRE, one, only, read

UETR = "7b1c7a3e-6f3a-4d3e-9d2b-0f1e2d3c4b5a"


def test_a_booked_wire_names_its_payment_its_account_and_its_amount() -> None:
    told = only(one("16,495,505000,V,261124,,BANKREF1,PAY-4711,WIRE OUT/"))
    assert told.level is Level.TRANSACTION
    assert told.bank_status == "BOOK"
    assert told.booked
    assert told.lifecycle is Status.SETTLED
    assert told.flags == ()
    assert (told.amount, told.currency) == (Decimal("5050.00"), "USD")
    assert told.direction is Direction.DEBIT
    assert told.account == "1234567890"
    assert told.value_date == "2026-11-24"
    assert told.booking_date == "2026-11-23"
    assert told.references.end_to_end_id == "PAY-4711"
    assert told.references.instruction_id == "PAY-4711"
    assert told.references.bank_ref == "BANKREF1"
    assert told.bank == "BANKID"
    assert told.bank_transaction_code == "495"
    assert told.reason_text is None


def rows(codes: str, direction: Direction, lifecycle: Status | None) -> list[tuple[str, Direction, Status | None]]:
    return [(code, direction, lifecycle) for code in codes.split()]


@pytest.mark.parametrize(
    ("code", "direction", "lifecycle"),
    [
        # wires, ACH and real-time payments, cheques, book transfers: what we pay
        *rows("495 491 493 506 508 458 462 464 475 474 516 447", Direction.DEBIT, Status.SETTLED),
        # any debit: its references decide
        *rows("409 469 529 699", Direction.DEBIT, Status.SETTLED),
        # what we paid comes back
        *rows("266 257 255 261 252 258 395 123", Direction.CREDIT, Status.RETURNED),
        # what others paid us is taken back
        *rows("557 555 552 558 561 566 694 423", Direction.DEBIT, None),
        # what others pay us
        *rows("195 108 115 142 158 165 175 218 301 399", Direction.CREDIT, None),
        # collections by others
        *rows("451 455", Direction.DEBIT, None),
        # fees and interest
        *rows("698 661 564 567 524 654 659", Direction.DEBIT, None),
        *rows("354 398 224", Direction.CREDIT, None),
        # sweeps
        *rows("575 577 501 445 656", Direction.DEBIT, None),
        *rows("275 277 201 145 347", Direction.CREDIT, None),
        # cash machines, loans, securities, foreign exchange, corrections
        *rows("595 481 531 514 554 631 408", Direction.DEBIT, None),
        # totals where transactions belong
        ("400", Direction.DEBIT, None),
        ("100", Direction.CREDIT, None),
        # a bank's own: credits to 959, debits from 960
        ("930", Direction.CREDIT, None),
        ("959", Direction.CREDIT, None),
        ("960", Direction.DEBIT, Status.SETTLED),
        ("999", Direction.DEBIT, Status.SETTLED),
        # in the ranges of credits and debits, but in no table
        ("199", Direction.CREDIT, None),
        ("599", Direction.DEBIT, Status.SETTLED),
        # neither: status codes, nobody's codes
        ("015", Direction.UNKNOWN, None),
        ("910", Direction.UNKNOWN, None),
        ("890", Direction.UNKNOWN, None),
        ("811", Direction.UNKNOWN, None),
    ],
)
def test_a_type_code_says_what_a_movement_is(code: str, direction: Direction, lifecycle: Status | None) -> None:
    told = only(one(f"16,{code},505000,Z,B,PAY-4711,TEXT/"))
    assert (told.direction, told.lifecycle) == (direction, lifecycle)
    assert told.bank_transaction_code == code


@pytest.mark.parametrize("code", sorted(TypeCodes))
def test_no_code_of_the_standard_pays_and_comes_back(code: str) -> None:
    if movement_of(code, DEFAULT_PROFILE) in (Movement.TRANSFER, Movement.RETURN):
        assert direction_of(code) in (Direction.CREDIT, Direction.DEBIT) or code in ("890", "906", "907")


@pytest.mark.parametrize(
    ("modifier", "status", "lifecycle", "flags"),
    [
        ("", "BOOK", Status.SETTLED, ()),
        ("2", "BOOK", Status.SETTLED, ()),
        ("4", "BOOK", Status.SETTLED, ()),
        ("1", "PDNG", Status.IN_PROCESS, (Flag.BANK_PENDING,)),
        ("3", "PDNG", Status.IN_PROCESS, (Flag.BANK_PENDING,)),
    ],
)
def test_interim_data_is_no_booking(modifier: str, status: str, lifecycle: Status, flags: tuple[Flag, ...]) -> None:
    told = only(one(WIRE, group=f"02,US,BANKID,1,261123,2400,,{modifier}/"))
    assert (told.bank_status, told.lifecycle, told.flags) == (status, lifecycle, flags)
    assert told.booked is (status == "BOOK")
    back = only(one("16,266,505000,Z,B,PAY-4711,BACK/", group=f"02,US,BANKID,1,261123,2400,,{modifier}/"))
    assert back.lifecycle is (Status.RETURNED if status == "BOOK" else None)


def test_a_test_proves_nothing_and_a_correction_is_a_booking() -> None:
    assert only(one(WIRE, group=GROUP.replace(",1,", ",4,"))).lifecycle is None
    assert only(one(WIRE, group=GROUP.replace(",1,", ",4,"))).bank_status == "INFO"
    assert only(one(WIRE, group=GROUP.replace(",1,", ",3,"))).lifecycle is Status.SETTLED


@pytest.mark.parametrize(
    ("account", "group", "currency", "amount"),
    [
        ("USD", "", "USD", "5050.00"),
        ("", "CAD", "CAD", "5050.00"),
        ("EUR", "CAD", "EUR", "5050.00"),
        ("", "", "USD", "5050.00"),
        ("JPY", "", "JPY", "505000"),
        ("KWD", "", "KWD", "505.000"),
        ("CLF", "", "CLF", "50.5000"),
    ],
)
def test_minor_units_are_those_of_the_accounts_currency(account: str, group: str, currency: str, amount: str) -> None:
    data = one(WIRE, account=f"03,1,{account},010,100000,,/", group=f"02,US,B,1,261123,,{group},2/")
    told = only(data)
    assert (f"{told.amount:f}", told.currency) == (amount, currency)


def test_a_bank_that_writes_other_decimals_says_so_in_its_profile() -> None:
    data = one(WIRE, account="03,1,JPY,010,100000,,/")
    assert only(data, BankProfile("x", options={"decimals": {"JPY": 2}})).amount == Decimal("5050.00")


@pytest.mark.parametrize(
    ("lines", "references"),
    [
        ((WIRE,), {"end_to_end_id": "PAY-4711", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: E-1"), {"end_to_end_id": "E-1", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: PAY-4711"), {"end_to_end_id": "PAY-4711"}),
        ((WIRE, "88,EREF+E-1"), {"end_to_end_id": "E-1", "instruction_id": "PAY-4711"}),
        ((WIRE + " /EREF/E-1/REMI/X",), {"end_to_end_id": "E-1", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: E-", "88,12", "88,REMI: X"), {"end_to_end_id": "E-12", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: E-1", "88,EREF: E-2"), {"end_to_end_id": "E-1", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: " + "X" * 36), {"end_to_end_id": "PAY-4711", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,EREF: NOTPROVIDED"), {"end_to_end_id": "PAY-4711", "instruction_id": "PAY-4711"}),
        ((WIRE, "88,CREF: 021000020000021"), {"trace_number": "021000020000021"}),
        ((WIRE, "88,CREF: 20210706MMQFMPU8000001"), {"trace_number": None}),
        ((WIRE, f"88,UETR {UETR}"), {"uetr": UETR}),
        ((WIRE, f"88,{UETR} {UETR[:-1]}b"), {"uetr": None}),
        ((WIRE, f"88,{UETR[:-1]}b", f"88,UETR: {UETR}"), {"uetr": UETR}),
        (("16,495,505000,Z,0000,NONREF,X/",), {"bank_ref": None, "end_to_end_id": None, "instruction_id": None}),
    ],
)
def test_a_transaction_is_named_by_its_references_and_its_text(
    lines: tuple[str, ...], references: dict[str, str | None]
) -> None:
    told = only(one(*lines)).references
    expected = {"bank_ref": "BANKREF1", **references}
    assert {name: getattr(told, name) for name in expected} == expected
    if "end_to_end_id" in references and "instruction_id" not in references:
        assert told.instruction_id is None


@pytest.mark.parametrize(
    ("meaning", "references"),
    [
        ("end_to_end_id", ("PAY-4711", None, None)),
        ("instruction_id", (None, "PAY-4711", None)),
        ("payment_info_id", (None, None, "PAY-4711")),
        ("none", (None, None, None)),
        ("any", ("PAY-4711", "PAY-4711", None)),
    ],
)
def test_a_profile_says_which_of_our_names_the_customer_reference_is(
    meaning: str, references: tuple[str | None, ...]
) -> None:
    told = only(one(WIRE), BankProfile("x", options={"customer_reference": meaning})).references
    assert (told.end_to_end_id, told.instruction_id, told.payment_info_id) == references


def test_a_debit_for_a_whole_file_is_a_batch_unless_it_names_one_payment() -> None:
    batch = only(one("16,447,505000,Z,B,FILE-9,ACH/"))
    assert (batch.level, batch.references.payment_info_id, batch.batch_sum) == (
        Level.BATCH,
        "FILE-9",
        Decimal("5050.00"),
    )
    assert batch.references.end_to_end_id is None
    one_payment = only(one("16,447,505000,Z,B,FILE-9,ACH", "88,EREF: E-1"))
    assert (one_payment.level, one_payment.references.end_to_end_id) == (Level.TRANSACTION, "E-1")


def test_a_profile_says_what_a_code_is_at_this_bank() -> None:
    profile = BankProfile("x", options={"movements": {"970": "fee", "451": "transfer", "945": "return"}})
    assert only(one("16,970,505000,Z,B,C,T/"), profile).lifecycle is None
    assert only(one("16,451,505000,Z,B,C,T/"), profile).lifecycle is Status.SETTLED
    assert only(one("16,945,505000,Z,B,C,T/"), profile).lifecycle is Status.RETURNED


def test_a_profile_says_what_a_status_means_and_which_accounts_are_ours() -> None:
    assert only(one(WIRE), BankProfile("x", statuses={"BOOK": Status.IN_PROCESS})).lifecycle is Status.IN_PROCESS
    data = one(WIRE, account="03,12 34,USD,010,100000,,/")
    assert only(data, BankProfile("x", own_accounts=frozenset({"1234"}))).lifecycle is Status.SETTLED
    assert only(data, BankProfile("x", own_accounts=frozenset({"99"}))).lifecycle is None


@pytest.mark.parametrize(
    ("text", "lifecycle"),
    [
        ("RETURNED CHEQUE", None),
        ("RTN-UNKNOWN", None),
        ("RTD CHQ SERVICE CHRG", None),
        ("MONTHLY FEE", None),
        ("PAYMENT TO COFFEE RETURNEE", Status.SETTLED),
    ],
)
def test_a_nameless_debit_of_any_kind_is_what_its_text_calls_it(text: str, lifecycle: Status | None) -> None:
    assert only(one(f"16,409,505000,Z,B,,{text}/")).lifecycle is lifecycle
    # one that names a payment is that payment's
    assert only(one(f"16,409,505000,Z,B,PAY-4711,{text}/")).lifecycle is Status.SETTLED
    # and so is one whose code says what it is
    assert only(one(f"16,495,505000,Z,B,,{text}/")).lifecycle is Status.SETTLED


def test_a_return_says_why_in_the_banks_words_and_with_its_codes() -> None:
    told = only(
        one(
            '16,257,505000,Z,B,PAY-4711,ACH Return,From: X, Reason: "R02"',
            "88,EREF: PAY-4711",
            "88,DACT: 101152046",
            "88,CRNM: ZZ99",
        )
    )
    assert told.reason_codes == ("R02",)
    assert told.reason_text == 'ACH Return,From: X, Reason: "R02" EREF: PAY-4711 CRNM: ZZ99'


@pytest.mark.parametrize("amount", ["0", "000", ""])
def test_nothing_moved_proves_nothing(amount: str) -> None:
    told = only(one(f"16,495,{amount},Z,B,PAY-4711,X/", amount=0))
    assert told.lifecycle is None
    assert told.amount == (Decimal("0.00") if amount else None)
    assert (told.currency is None) == (told.amount is None)


@pytest.mark.parametrize(
    ("line", "account", "group", "field"),
    [
        ("16,495,-505000,Z,B,C,X/", "03,1,USD,010,100000,,/", GROUP, "16/amount"),
        (f"16,495,{10**18},Z,B,C,X/", "03,1,USD,010,100000,,/", GROUP, "16/amount"),
        ("16,495,505000,Z,B,C,X/", "03,1,XXX,010,100000,,/", GROUP, "03/currency"),
        ("16,495,505000,V,260230X,,B,C,X/", "03,1,USD,010,100000,,/", GROUP, "16/availability"),
        ("16,495,505000,V,261301,,B,C,X/", "03,1,USD,010,100000,,/", GROUP, "16/availability"),
        ("16,495,505000,Z,B,C,X/", "03,1,USD,010,100000,,/", GROUP.replace("261123", "261140"), "02/as_of_date"),
    ],
)
def test_a_transaction_that_cannot_be_read_says_where(line: str, account: str, group: str, field: str) -> None:
    amount = int(line.split(",")[2])
    [error] = read(one(line, amount=amount, account=account, group=group)).mapped
    assert isinstance(error, MappingError)
    assert (error.position, error.field) == ("line 4", field)
    assert error.expected
    assert error.found


def test_a_file_without_an_as_of_date_has_no_booking_date() -> None:
    assert only(one(WIRE, group="02,US,BANKID,1,,,,2/")).booking_date is None
