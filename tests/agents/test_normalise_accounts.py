"""Account numbers leave as last four and keyed hash, never whole."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.accounts import Accounts, redacted

KEY = b"a key of the test"


@pytest.mark.parametrize(
    "written", ["NL91ABNA0417164300", "NL91 ABNA 0417 1643 00", "nl91abna0417164300", " NL91-ABNA.0417/164300"]
)
def test_one_number_has_one_hash_however_it_is_written(written: str) -> None:
    hashed = Accounts(KEY).hashed(written)
    assert hashed is not None
    assert hashed == Accounts(KEY).hashed("NL91ABNA0417164300")
    assert hashed.last4 == "4300"


def test_another_key_gives_another_hash() -> None:
    assert Accounts(KEY).hashed("NL91ABNA0417164300") != Accounts(b"other").hashed("NL91ABNA0417164300")


@pytest.mark.parametrize("number", [None, "", "   ", "-"])
def test_no_number_has_no_hash(number: str | None) -> None:
    assert Accounts(KEY).hashed(number) is None


def test_a_number_too_short_for_four_shows_nothing() -> None:
    hashed = Accounts(KEY).hashed("1234567")
    assert hashed is not None
    assert hashed.last4 is None


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=34))
def test_what_is_kept_never_holds_the_number(number: str) -> None:
    hashed = Accounts(KEY).hashed(number)
    assert hashed is not None
    assert hashed.last4 is None or len(hashed.last4) < len(number)
    assert hashed.last4 != number


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        ("account NL91 ABNA 0417 1643 00 is closed", (), "account ****4300 is closed"),
        ("account NL91ABNA0417164300 is closed", (), "account ****4300 is closed"),
        ("from 12-3456-78 to 99", ("12345678",), "from ****5678 to 99"),
        ("Invoice 2026 ends 14", (None, ""), "Invoice 2026 ends 14"),
        ("AC01 incorrect account number", ("4711",), "AC01 incorrect account number"),
        (None, ("1",), None),
    ],
)
def test_texts_lose_the_account_numbers_in_them(
    text: str | None, numbers: tuple[str | None, ...], expected: str | None
) -> None:
    assert redacted(text, numbers) == expected


@given(st.text(string.digits, min_size=5, max_size=20), st.text(), st.text())
def test_a_known_number_never_survives_in_a_text(number: str, before: str, after: str) -> None:
    assert number not in (redacted(f"{before} {number} {after}", (number,)) or "")
