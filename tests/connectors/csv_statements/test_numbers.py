"""Amounts: exactly as they are written, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_statements.numbers import number_of


@pytest.mark.parametrize(
    ("text", "decimal_mark", "thousands_mark", "number"),
    [
        ("-1.250,7", ",", ".", "-1250.7"),
        ("1250,70", ",", ".", "1250.70"),
        ("-99", ",", ".", "-99"),
        ("-10,7", ",", None, "-10.7"),
        ("1.250", ",", ".", "1250"),
        ("1.234.567,00", ",", ".", "1234567.00"),
        ("1,234,567.89", ".", ",", "1234567.89"),
        ("1'234.50", ".", "'", "1234.50"),
        ("1 234,50", ",", " ", "1234.50"),
        ("1\u00a0234,50", ",", " ", "1234.50"),
        ("1\u202f234,50", ",", " ", "1234.50"),
        ("12,50-", ",", None, "-12.50"),
        ("\u221212,50", ",", None, "-12.50"),
        ("(12.50)", ".", None, "-12.50"),
        ("+12.50", ".", None, "12.50"),
        ("- 12.50", ".", None, "-12.50"),
        (",50", ",", None, "0.50"),
        ("0,00", ",", None, "0.00"),
        ("000000000000012,50", ",", None, "12.50"),
    ],
)
def test_a_number_is_read_exactly(text: str, decimal_mark: str, thousands_mark: str | None, number: str) -> None:
    found = number_of(text, decimal_mark, thousands_mark, 2)
    assert found is not None
    assert str(found) == number


@pytest.mark.parametrize(
    ("text", "decimal_mark", "thousands_mark"),
    [
        ("", ",", "."),
        ("-", ",", "."),
        ("10.50", ",", None),
        ("10.50", ",", "."),
        ("1.25,00", ",", "."),
        ("1250.000,00", ",", "."),
        ("1,250", ".", None),
        ("1.250", ".", None),
        ("1.250", ".", ","),
        ("1,50,00", ",", "."),
        ("1,5E+03", ",", "."),
        ("1e3", ".", ","),
        ("12,", ",", "."),
        ("--5", ",", "."),
        ("-5-", ",", "."),
        ("-(5)", ",", "."),
        ("()", ",", "."),
        ("5 EUR", ",", " "),
        ("\u0661\u0662", ",", "."),
        ("NaN", ".", None),
        ("#####", ".", None),
        ("1234567890123456", ".", None),
        ("12345678901234567890", ".", None),
    ],
)
def test_what_is_written_otherwise_is_no_number(text: str, decimal_mark: str, thousands_mark: str | None) -> None:
    assert number_of(text, decimal_mark, thousands_mark, 2) is None


@given(minor=st.integers(-(10**15) + 1, 10**15 - 1), marks=st.sampled_from([(",", "."), (".", ","), (".", "'")]))
def test_any_amount_that_is_written_comes_back(minor: int, marks: tuple[str, str]) -> None:
    decimal_mark, thousands_mark = marks
    amount = Decimal(minor).scaleb(-2)
    written = f"{amount:,.2f}".replace(",", "T").replace(".", decimal_mark).replace("T", thousands_mark)
    assert number_of(written, decimal_mark, thousands_mark, 2) == amount
    plain = f"{amount:.2f}".replace(".", decimal_mark)
    assert number_of(plain, decimal_mark, thousands_mark, 2) == amount
