"""Money is exact: minor units of a currency that is known, never a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.money import EXPONENTS, Money, MoneyError, money_from_text


@pytest.mark.parametrize(
    ("amount", "currency", "money", "text"),
    [
        ("10.5", "USD", Money(1_050, "USD", 2), "10.50"),
        ("1250", "JPY", Money(1_250, "JPY", 0), "1250"),
        ("1.234", "KWD", Money(1_234, "KWD", 3), "1.234"),
        ("1.50000", "EUR", Money(150, "EUR", 2), "1.50"),
        ("-0.01", "EUR", Money(-1, "EUR", 2), "-0.01"),
        (".5", "USD", Money(50, "USD", 2), "0.50"),
        ("7.", "USD", Money(700, "USD", 2), "7.00"),
        ("+3", "JPY", Money(3, "JPY", 0), "3"),
        ("1" * 40, "EUR", Money(int("1" * 40) * 100, "EUR", 2), "1" * 40 + ".00"),
    ],
)
def test_an_amount_is_read_exactly_and_written_with_the_digits_of_its_currency(
    amount: str, currency: str, money: Money, text: str
) -> None:
    assert money_from_text(amount, currency) == money
    assert money.decimal_text() == text


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1", "XXX", "unknown currency 'XXX'"),
        ("1", "usd", "unknown currency 'usd'"),
        ("1,50", "EUR", "not a decimal number"),
        ("", "EUR", "not a decimal number"),
        (".", "EUR", "not a decimal number"),
        ("1e3", "EUR", "not a decimal number"),
        ("1_000", "EUR", "not a decimal number"),
        ("١٢", "EUR", "not a decimal number"),
        ("NaN", "EUR", "not a decimal number"),
        ("Infinity", "EUR", "not a decimal number"),
        ("0.001", "EUR", "finer than the minor unit of EUR"),
        ("0.5", "JPY", "finer than the minor unit of JPY"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_is_wrong(amount: str, currency: str, said: str) -> None:
    with pytest.raises(MoneyError, match=said):
        money_from_text(amount, currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_text_and_money_say_the_same(minor: int, currency: str) -> None:
    money = Money(minor, currency, EXPONENTS[currency])
    assert money_from_text(money.decimal_text(), currency) == money
    assert Decimal(money.decimal_text()).scaleb(money.exponent) == minor
