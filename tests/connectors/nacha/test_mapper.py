"""What a NACHA entry says of a payment of ours: one row a rule."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.contract import BankProfile, MappingError
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Status
from tests.connectors.nacha.given import OWN_TRACE, TRACE, batch, entry, header, one, only, read, record, returned


def test_a_return_names_its_original_its_reason_and_its_amount() -> None:
    told = only(one(entry("21", 4565), returned("R03", at_36="NO SUCH   ACCOUNT")))
    assert told.level is Level.TRANSACTION
    assert told.bank_status == "R03"
    assert told.lifecycle is Status.RETURNED
    assert told.reason_codes == ("R03",)
    assert told.reason_text == "NO SUCH ACCOUNT"
    assert (told.amount, told.currency) == (Decimal("45.65"), "USD")
    assert told.references.trace_number == TRACE
    assert told.references.bank_ref == OWN_TRACE
    assert told.direction is Direction.CREDIT
    assert not told.booked
    assert told.bank == "691000134"
    assert told.account is None
    assert told.occurred_at == "2018-10-17T03:06:00"


@pytest.mark.parametrize(
    ("code", "reason", "lifecycle"),
    [
        *((code, "R02", Status.RETURNED) for code in ("21", "31", "41", "51")),
        *((code, "R01", None) for code in ("26", "36", "46", "56")),
        *(("21", reason, Status.RETURNED) for reason in ("R06", "R16", "R23", "R31", "R80", "R85", "R90", "R99")),
        *(("21", reason, None) for reason in ("R61", "R62", "R67", "R68", "R69", "R70")),
        *(("21", reason, None) for reason in ("R71", "R72", "R73", "R74", "R75", "R76", "R77")),
        *(("26", reason, None) for reason in ("R61", "R77")),
        # an entry of an operator's file may keep its forward code
        ("22", "R03", Status.RETURNED),
        ("27", "R01", None),
    ],
)
def test_only_a_credit_that_comes_back_is_returned(code: str, reason: str, lifecycle: Status | None) -> None:
    told = only(one(entry(code), returned(reason)))
    assert told.lifecycle is lifecycle
    assert told.reason_codes == (reason,)
    assert told.amount == Decimal("45.65")
    debit = code[1] in "67"
    assert told.direction is (Direction.DEBIT if debit else Direction.CREDIT)


def test_a_prenote_that_comes_back_is_no_payment() -> None:
    told = only(one(entry("21", 0), returned("R03")))
    assert (told.lifecycle, told.amount) == (None, Decimal("0.00"))


def test_a_dishonoured_return_tells_of_the_return() -> None:
    told = only(one(entry(), returned("R69", at_39="021000029461242", at_54="290", at_57="03", at_59="01 02")))
    assert told.references.trace_number == TRACE
    assert told.reason_text == "returned for R03 under 021000029461242, 01 02"


def test_a_contested_return_tells_of_the_return_and_of_its_dishonour() -> None:
    told = only(
        one(
            entry(),
            returned(
                "R73",
                at_22="181001",
                at_39="021000029461242",
                at_54="290",
                at_57="03",
                at_59="091000010000009",
                at_77="68",
            ),
        )
    )
    assert told.reason_text == "returned for R03 under 021000029461242, dishonoured for R68 under 091000010000009"


def test_a_death_is_told_with_its_day() -> None:
    assert only(one(entry(), returned("R15", at_22="181001"))).reason_text == "date of death 2018-10-01"


def test_an_international_return_has_the_original_amount_before_its_information() -> None:
    addenda = [record((2, str(10 + number)), kind="7") for number in range(7)]
    told = only(
        one(
            entry("21", 100000, at_13="0008".ljust(17)),
            *addenda,
            returned("R80", at_36="0000100000", at_46="WRONG CODES"),
            batch_header=batch("IAT", "FF3"),
        )
    )
    assert (told.lifecycle, told.amount, told.reason_text) == (Status.RETURNED, Decimal("1000.00"), "WRONG CODES")


@pytest.mark.parametrize(
    ("code", "data", "account"),
    [
        ("C01", "1918171614", "1918171614"),
        ("C02", "021000021", None),
        ("C03", "021000021   1918171614", "1918171614"),
        ("C04", "ROBERT MARLEY", None),
        ("C05", "32", None),
        ("C06", "1918171614          32", "1918171614"),
        ("C06", "12345678901234567   32", "12345678901234567"),
        ("C07", "0210000211918171614       32", "1918171614"),
        ("C07", "0210000211234567890123456732", "12345678901234567"),
        ("C09", "VENDOR-18", None),
    ],
)
def test_a_correction_changes_no_status_and_says_what_is_right(code: str, data: str, account: str | None) -> None:
    told = only(one(entry("21", 0), returned(code, type_="98", at_36=data), batch_header=batch("COR")))
    assert told.lifecycle is None
    assert told.flags == ()
    assert told.bank_status == code
    assert told.reason_codes == (code,)
    assert told.reason_text == f"corrected data: {' '.join(data.split())}"
    assert told.account == account
    assert told.references.trace_number == TRACE
    assert told.amount == Decimal("0.00")


def test_a_correction_with_an_amount_still_changes_no_status() -> None:
    assert (
        only(one(entry("21", 5), returned("C01", type_="98", at_36="1"), batch_header=batch("COR"))).lifecycle is None
    )


def test_an_international_correction_has_longer_data() -> None:
    account = "GB33BUKB20201555555555123456789ABCD"
    told = only(
        one(
            entry("21", 0, at_13="0000".ljust(17)),
            returned("C01", type_="98", at_36=account),
            batch_header=batch("COR", "IATCOR"),
        )
    )
    assert told.account == account


def test_a_refused_correction_says_which() -> None:
    told = only(one(entry("21", 0), returned("C65", type_="98", at_36="19", at_65="C01"), batch_header=batch("COR")))
    assert (told.bank_status, told.reason_text) == ("C65", "corrected data: 19 (refuses C01)")
    assert told.account is None


@pytest.mark.parametrize("code", ["22", "32", "27", "23", "24", "28", "55"])
def test_an_entry_that_goes_on_proves_nothing(code: str) -> None:
    cents = 0 if code in ("23", "24", "28") else 100
    told = only(one(entry(code, cents, follow=0)))
    assert (told.bank_status, told.lifecycle, told.reason_codes) == ("INFO", None, ())
    assert told.value_date == "2018-10-16"
    assert told.references.trace_number == OWN_TRACE


@pytest.mark.parametrize("entry_class", ["ACK", "ATX"])
def test_an_acknowledgement_names_the_original_and_moves_nothing(entry_class: str) -> None:
    told = entry("24", 0, follow=0, at_40=TRACE, name="0000Receiver" if entry_class == "ATX" else "Receiver")
    said = only(one(told, batch_header=batch(entry_class)))
    assert (said.bank_status, said.lifecycle) == (entry_class, None)
    assert said.references.trace_number == TRACE


def test_a_profile_says_what_a_code_means_at_this_bank() -> None:
    profile = BankProfile("x", statuses={"ACK": Status.CREDITED, "TRANSACTION:R31": None, "R01": Status.RETURNED})
    acknowledged = one(entry("24", 0, follow=0, at_40=TRACE), batch_header=batch("ACK"))
    assert only(acknowledged, profile).lifecycle is Status.CREDITED
    assert only(one(entry(), returned("R31")), profile).lifecycle is None
    # a debit that comes back is no payment, whatever its code
    assert only(one(entry("26"), returned("R01")), profile).lifecycle is None


@pytest.mark.parametrize(
    ("created", "day", "settled"),
    [
        ("181017", "290", "2018-10-17"),
        ("181231", "002", "2019-01-02"),
        ("190102", "365", "2018-12-31"),
        ("200229", "060", "2020-02-29"),
        ("191231", "366", "2020-12-31"),
        ("181017", "   ", None),
        ("181017", "000", None),
        ("181017", "367", None),
        ("      ", "290", None),
        ("189999", "290", None),
    ],
)
def test_a_return_settles_on_a_day_of_the_year_near_its_file(created: str, day: str, settled: str | None) -> None:
    told = only(one(entry(), returned(), batch_header=batch(settled=day), first=header(date=created)))
    assert told.value_date == settled


@pytest.mark.parametrize(
    ("time", "at"),
    [("0000", "2018-10-17"), ("    ", "2018-10-17"), ("2561", "2018-10-17"), ("2359", "2018-10-17T23:59:00")],
)
def test_a_file_is_as_old_as_it_says(time: str, at: str) -> None:
    assert only(one(entry(), returned(), first=header(time=time))).occurred_at == at


@pytest.mark.parametrize(
    ("addenda", "field"),
    [
        (returned("X03"), "7/4-6"),
        (returned("   "), "7/4-6"),
        (returned(trace="09140060 000003"), "7/7-21"),
        (returned(trace=" " * 15), "7/7-21"),
    ],
)
def test_a_return_that_cannot_be_read_says_where_and_spares_its_neighbours(addenda: str, field: str) -> None:
    first, second = read(one(entry(), addenda, entry(), returned())).mapped
    assert isinstance(first, MappingError)
    assert (first.position, first.field) == ("record 3", field)
    assert not isinstance(second, MappingError)


def test_a_return_without_the_addenda_that_say_why_cannot_be_read() -> None:
    [error] = read(one(entry("21", follow=0))).mapped
    assert isinstance(error, MappingError)
    assert error.field == "7"
