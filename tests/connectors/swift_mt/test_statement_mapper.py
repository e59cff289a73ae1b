"""Lines of MT940 and MT942: which prove something about a payment of ours, and which payment."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import BankProfile
from connectors.formats import InstalledFormats
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status
from tests.connectors.files import SAMPLES, read
from tests.connectors.swift_mt.given import ACCOUNT, IGNORED, credit, debit, interim, line, statement, taken


def profile(**options: object) -> BankProfile:
    return BankProfile("bank", footing="ignore", options=dict(options))  # type: ignore[arg-type]  # any JSON


def test_a_booked_debit_settles() -> None:
    ack = debit("/EREF/PAY-1/REMI/INVOICE/", "NTRFNONREF//BANK-1")
    assert (ack.lifecycle, ack.booked, ack.direction, ack.level) == (
        Status.SETTLED,
        True,
        Direction.DEBIT,
        Level.TRANSACTION,
    )
    assert (ack.amount, ack.currency, ack.account) == (Decimal("10.50"), "EUR", ACCOUNT)
    assert (ack.value_date, ack.booking_date) == ("2026-03-02", "2026-03-02")
    assert (ack.references.end_to_end_id, ack.references.bank_ref) == ("PAY-1", "BANK-1")
    assert ack.reason_text is None


def test_money_that_comes_in_proves_nothing_whatever_names_it_carries() -> None:
    assert credit("/EREF/PAY-1/").lifecycle is None


@pytest.mark.parametrize(
    ("kind", "information"),
    [
        ("NCHGNONREF", ""),
        ("NINTNONREF", ""),
        ("NDDTNONREF", "/EREF/X/"),
        ("NFEXNONREF", ""),
        ("NCMZNONREF", ""),
        ("FCHGNONREF", ""),
        ("NMSCNONREF", "808?00ENTGELT?20SVWZ+PREIS"),
        ("NMSCNONREF", "105?00LASTSCHRIFT?20EREF+X"),
        ("NTRFNONREF", "833?00CASH CONCENTRATION"),
        ("NMSCNONREF", "106?00KARTENZAHLUNG"),
    ],
)
def test_fees_sweeps_cards_and_direct_debits_are_no_payments_of_ours(kind: str, information: str) -> None:
    assert debit(information or "x", kind).lifecycle is None


@pytest.mark.parametrize("kind", ["NTRFX", "NMSCX", "S103X", "NSTOX", "NCHKX", "N051X", "FTRFX"])
def test_transfers_and_unknown_types_are_payments_by_their_names(kind: str) -> None:
    assert debit("x", kind).lifecycle is Status.SETTLED


def test_a_profile_says_what_a_code_is_at_this_bank() -> None:
    by_type = profile(movements={"NMSC": "fee"})
    assert debit("x", "NMSCX", by_type).lifecycle is None
    assert debit("x", "NTRFX", by_type).lifecycle is Status.SETTLED
    by_own_code = profile(movements={"835": "fee", "808": "transfer"})
    assert debit("835?00X", "NMSCX", by_own_code).lifecycle is None
    assert debit("808?00X", "NMSCX", by_own_code).lifecycle is Status.SETTLED
    by_both = profile(movements={"NMSC/835": "fee"})
    assert debit("835?00X", "NMSCX", by_both).lifecycle is None
    assert debit("835?00X", "NTRFX", by_both).lifecycle is Status.SETTLED


@pytest.mark.parametrize(
    ("kind", "information"),
    [
        ("NRTIX", "closed"),
        ("NTRFX", "/RTRN/AC04//EREF/PAY-1/"),
        ("NTRFX", "159?00RETOURE?20EREF+PAY-1?21SVWZ+RETURN AC04"),
    ],
)
def test_a_booked_credit_that_is_a_return_brings_back(kind: str, information: str) -> None:
    assert credit(information, kind).lifecycle is Status.RETURNED
    assert debit(information, kind).lifecycle is None


def test_a_return_says_why() -> None:
    ack = credit("159?00RETOURE?20EREF+PAY-1?21SVWZ+RETURN AC04 ZZ99 KON?22TO GESCHLOSSEN")
    assert (ack.reason_codes, ack.reason_text) == (("AC04",), "RETURN AC04 ZZ99 KONTO GESCHLOSSEN")
    assert ack.references.end_to_end_id == "PAY-1"


def test_a_reversed_debit_brings_back_and_a_reversed_credit_takes_nothing_of_ours() -> None:
    back = line(":61:260302RD10,NTRFPAY-1")
    assert (back.lifecycle, back.direction) == (Status.RETURNED, Direction.CREDIT)
    taken_back = line(":61:260302RC10,NTRFPAY-1")
    assert (taken_back.lifecycle, taken_back.direction) == (None, Direction.DEBIT)


def test_a_zero_amount_is_information() -> None:
    assert line(":61:260302D0,NTRFPAY-1").lifecycle is None


def test_another_account_of_the_file_is_not_ours() -> None:
    ours = BankProfile("p", footing="ignore", own_accounts=frozenset({ACCOUNT}))
    others = BankProfile("p", footing="ignore", own_accounts=frozenset({"DE99"}))
    assert debit("x", "NTRFX", ours).lifecycle is Status.SETTLED
    assert debit("x", "NTRFX", others).lifecycle is None


@pytest.mark.parametrize(
    ("told", "account"),
    [
        ("NL20INGB0001234567EUR", "NL20INGB0001234567"),
        ("NL20INGB0001234567 EUR", "NL20INGB0001234567"),
        ("25040066/0123456789EUR", "25040066/0123456789"),
        ("UBRTHUHB/123456789150ABCDEF002/EUR", "UBRTHUHB/123456789150ABCDEF002"),
        ("NL20INGB0001234567USD", "NL20INGB0001234567USD"),
        ("ABCEUR", "ABCEUR"),
    ],
)
def test_an_account_is_named_without_its_currency(told: str, account: str) -> None:
    text = statement(":61:260302D1,NTRFX").replace(ACCOUNT, told)
    assert taken(text, "mt940", IGNORED).only().account == account


def test_a_debit_named_by_its_files_reference_is_a_batch() -> None:
    ack = debit("191?00SAMMLER?20KREF+BATCH-1?21SVWZ+SALARIES", "NTRFKREF+")
    assert (ack.level, ack.references.payment_info_id, ack.batch_sum) == (Level.BATCH, "BATCH-1", Decimal("10.50"))
    assert ack.references.end_to_end_id is None
    assert ack.lifecycle is Status.SETTLED


def test_a_payment_of_a_batch_keeps_both_names() -> None:
    ack = debit("116?20EREF+PAY-1?21KREF+BATCH-1", "NTRFKREF+")
    assert ack.level is Level.TRANSACTION
    assert (ack.references.end_to_end_id, ack.references.payment_info_id) == ("PAY-1", "BATCH-1")


def test_a_batch_by_its_code_alone_takes_the_customer_reference() -> None:
    ack = debit("191?00SAMMLER?20SVWZ+SALARIES", "NTRFFILE-7")
    assert (ack.level, ack.references.payment_info_id) == (Level.BATCH, "FILE-7")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NTRFPAY-1", ("PAY-1", "PAY-1", None)),
        ("NTRFNONREF", (None, None, None)),
        ("NTRFNOTPROVIDED", (None, None, None)),
        ("NTRFEREF+", (None, None, None)),
        ("NTRF", (None, None, None)),
        ("NOVBNL47INGB9999999999", (None, None, None)),
        ("NTRFPAY-CUT-OFF-BY-+", (None, None, None)),
        ("N0440121470966      W.P. Jansen", (None, None, None)),
        ("N102EREF            ", (None, None, None)),
    ],
)
def test_subfield_7_is_one_of_our_names(kind: str, expected: tuple[str | None, str | None, str | None]) -> None:
    names = debit("words", kind).references
    assert (names.end_to_end_id, names.instruction_id, names.payment_info_id) == expected


@pytest.mark.parametrize(
    ("meant", "expected"),
    [
        ("any", ("PAY-1", "PAY-1", None)),
        ("end_to_end_id", ("PAY-1", None, None)),
        ("instruction_id", (None, "PAY-1", None)),
        ("payment_info_id", (None, None, "PAY-1")),
        ("none", (None, None, None)),
    ],
)
def test_a_profile_says_which_of_our_names_it_is(
    meant: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    names = debit("words", "NTRFPAY-1", profile(customer_reference=meant)).references
    assert (names.end_to_end_id, names.instruction_id, names.payment_info_id) == expected


def test_subfield_7_never_stands_against_field_86() -> None:
    other = debit("/EREF/PAY-1-WHOLE-AND-LONGER/", "NTRFINSTR-9").references
    assert (other.end_to_end_id, other.instruction_id) == ("PAY-1-WHOLE-AND-LONGER", "INSTR-9")
    cut = debit("/EREF/PAY-1-WHOLE-AND-LONGER/", "NTRFPAY-1-WHOLE-AND").references
    assert (cut.end_to_end_id, cut.instruction_id) == ("PAY-1-WHOLE-AND-LONGER", None)


def test_what_was_instructed_in_another_currency_compares_not_what_was_booked() -> None:
    ack = line(":61:260302D92,50NTRFPAY-1//B", "/OCMT/USD100,//CHGS/EUR2,5/")
    assert (ack.amount, ack.currency) == (Decimal(100), "USD")
    assert (ack.entry_amount, ack.entry_currency) == (Decimal("92.50"), "EUR")
    assert (ack.charges, ack.charges_currency) == (Decimal("2.5"), "EUR")
    same = line(":61:260302D12,35NTRFPAY-1//B", "/OCMT/EUR11,85//CHGS/EUR0,50/")
    assert (same.amount, same.entry_amount) == (Decimal("12.35"), None)


def test_interim_entries_are_under_way_and_expected_ones_not_even_that() -> None:
    booked, expected, back = taken(
        interim(":61:260302D10,NTRFPAY-1", ":61:260302ED11,NTRFPAY-2", ":61:260302RD12,NTRFPAY-3"), "mt942"
    ).acknowledgements()
    assert (booked.lifecycle, booked.flags, booked.booked) == (Status.IN_PROCESS, (Flag.BANK_PENDING,), False)
    assert (expected.lifecycle, expected.direction, expected.bank_status) == (None, Direction.DEBIT, "FUTR")
    assert back.lifecycle is None


def test_a_profile_overrides_what_a_booking_means() -> None:
    none = BankProfile("p", footing="ignore", statuses={"BATCH:BOOK": None})
    assert debit("191?20KREF+B", "NTRFX", none).lifecycle is None
    assert debit("116?20EREF+B", "NTRFX", none).lifecycle is Status.SETTLED


def test_samples_that_do_not_foot_are_read_by_a_profile_that_does_not_ask() -> None:
    unproved = InstalledFormats().profile("unproved-statements")
    assert isinstance(unproved, BankProfile)
    returned = read((SAMPLES / "mt940/jejik_commerzbank.txt").read_bytes(), "mt940", unproved).only()
    assert returned.references.end_to_end_id == "A1.200080779.400143254.4961336"
    assert returned.references.payment_info_id == "SEPA-DA20200601221740-34972000-P1"
    assert (returned.lifecycle, returned.direction, returned.charges) == (None, Direction.DEBIT, Decimal("0.50"))
    dutch = read((SAMPLES / "mt940/jejik_abnamro.sta").read_bytes(), "mt940", unproved).acknowledgements()
    amounts = ["9", "11.59", "11.63", "11.8", "13.45", "15.49", "107", "141.48", "9.49", "15"]
    assert [str(ack.amount) for ack in dutch] == amounts
    interim_ = read((SAMPLES / "mt942/self_mt942.sta").read_bytes(), "mt942", unproved).only()
    assert (interim_.amount, interim_.references.bank_ref) == (Decimal("0.42"), "055001022000001")


def test_the_words_of_a_return_stand_behind_their_keyword() -> None:
    ack = credit("159?00RETOURE?100399?20EREF+TFNR 40005 00005?21MTLG:Konto gesperr\nt Rueckue?22berweisung?34903")
    assert (ack.lifecycle, ack.reason_text) == (Status.RETURNED, "Konto gesperrt Rueckueberweisung")
    assert ack.references.end_to_end_id == "TFNR 40005 00005"


def test_every_line_names_its_statement_by_day_not_by_a_constant() -> None:
    ack = debit("x", profile=IGNORED)
    assert ack.source_message_id is not None
    assert ack.source_message_id.startswith("STMT/5/1/2026-03-01/")
