"""The registry of reason codes: each has a class, and the gravest of several decides."""

from __future__ import annotations

import re

import pytest

from streams.domain.bank_statuses import DUPLICATE_REASONS
from streams.domain.reason_rows import Repair
from streams.domain.reasons import REASONS, TEXT_LIMIT, class_of, is_known, reason_of
from streams.domain.reasons_iso20022 import ISO20022_REASONS
from streams.domain.reasons_nacha import GPI_REASONS, NACHA_REASONS
from streams.domain.state import Reason, ReasonClass


@pytest.mark.parametrize(
    ("codes", "reason_class", "repair"),
    [
        ("R02 R03 R04 R12 R13 R20 R28", ReasonClass.BUSINESS, Repair.VENDOR_BANK_DATA),
        ("R17 R18 R19 R21 R22 R25 R26 R27", ReasonClass.BUSINESS, Repair.FORMAT),
        ("R24", ReasonClass.BUSINESS, Repair.DUPLICATE),
        ("R06 R31", ReasonClass.BUSINESS, Repair.RECALLED),
        ("R14 R15 R16 R23", ReasonClass.BUSINESS, Repair.COUNTERPARTY),
        ("R85 R90", ReasonClass.COMPLIANCE, Repair.COMPLIANCE),
    ],
)
def test_nacha_returns_of_credits_are_grouped_as_the_lifecycle_says(
    codes: str, reason_class: ReasonClass, repair: Repair
) -> None:
    for code in codes.split():
        assert (NACHA_REASONS[code].reason_class, NACHA_REASONS[code].repair) == (reason_class, repair), code


def test_no_nacha_return_is_retried_by_itself() -> None:
    retried = {ReasonClass.TRANSPORT, ReasonClass.TRANSIENT}
    assert not [code for code, row in NACHA_REASONS.items() if row.reason_class in retried]


def test_every_nacha_code_in_use_has_a_row() -> None:
    returns = {*range(1, 48), *range(50, 54), 61, 62, *range(67, 78), *range(80, 86)} - {48, 49}
    assert {f"R{number:02}" for number in returns} <= NACHA_REASONS.keys()
    assert {f"C{number:02}" for number in range(1, 15)} <= NACHA_REASONS.keys()


@pytest.mark.parametrize(
    ("prefix", "numbers"),
    [("AC", range(1, 17)), ("AG", range(1, 9)), ("BE", range(4, 24)), ("DU", range(1, 6)), ("RC", range(1, 13))],
)
def test_iso_families_are_whole(prefix: str, numbers: range) -> None:
    assert {f"{prefix}{number:02}" for number in numbers} <= ISO20022_REASONS.keys()


def test_iso_amounts_are_whole_but_for_the_one_that_does_not_exist() -> None:
    assert {f"AM{number:02}" for number in range(1, 24) if number != 8} <= ISO20022_REASONS.keys()


@pytest.mark.parametrize("code", ["RR01", "RR02", "RR03", "RR04", "AM07", "LEGL", "FRAD"])
def test_what_a_regulator_stops_is_compliance(code: str) -> None:
    assert class_of((code,)) is ReasonClass.COMPLIANCE


def test_gpi_reasons_are_progress_to_ask_about() -> None:
    assert sorted(GPI_REASONS) == [f"G00{number}" for number in range(7)]
    assert {row.reason_class for row in GPI_REASONS.values()} == {ReasonClass.UNKNOWN}


def test_what_is_refused_as_a_copy_is_known_to_the_registry() -> None:
    assert all(is_known(code) for code in DUPLICATE_REASONS)


def test_codes_are_written_as_banks_write_them_and_labels_say_something() -> None:
    for code, row in REASONS.items():
        assert re.fullmatch(r"[A-Z][A-Z0-9]{2,3}", code)
        assert len(row.label) > 5, code


def test_no_code_is_in_two_tables() -> None:
    assert len(REASONS) == len(ISO20022_REASONS) + len(GPI_REASONS) + len(NACHA_REASONS)


def test_the_gravest_class_of_several_codes_counts() -> None:
    assert class_of(("NARR", "AC04")) is ReasonClass.BUSINESS
    assert class_of(("AC04", "RR04", "TM01")) is ReasonClass.COMPLIANCE


def test_an_unknown_code_is_kept_raw_and_classed_unknown() -> None:
    assert reason_of(("XX77",), "because") == Reason(ReasonClass.UNKNOWN, ("XX77",), "because")
    assert not is_known("XX77")


def test_neither_code_nor_text_is_no_reason_and_long_text_is_cut() -> None:
    assert reason_of((), None) is None
    cut = reason_of((), "x" * 2_000)
    assert cut is not None
    assert cut.text == "x" * TEXT_LIMIT
