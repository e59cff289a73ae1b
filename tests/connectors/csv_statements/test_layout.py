"""Layouts are checked when profiles are loaded, and every problem is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.bank_profiles import ProfileError, load
from connectors.csv_statements.layout import layout_of
from tests.connectors.csv_statements.given import LAYOUT, layout, profile


def problems(tmp_path: Path, *layouts: dict[str, Any]) -> str:
    for number, described in enumerate(layouts):
        text = yaml.safe_dump({"description": "x", "options": {"csv": described}})
        (tmp_path / f"p{number}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as raised:
        load(tmp_path)
    return str(raised.value)


def test_a_layout_comes_out_of_a_profile_as_it_was_described() -> None:
    described = layout({"amount": 3, "text": ["Text", 2]}, footer={"begins": "^Sum", "total": "(.+)"})
    found = layout_of(profile(described))
    assert found is not None
    assert found.columns.amount == 3
    assert found.columns.text == ("Text", 2)
    assert found.footer is not None
    assert found.footer.begins == "^Sum"
    assert layout_of(profile(described)) is found


def test_a_profile_without_one_has_no_layout() -> None:
    assert layout_of(load()["default"]) is None


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({}, "Field required"),
        (layout(colour="red"), "colour"),
        (layout(delimiter=";;"), "delimiter"),
        (layout(decimal_mark="."), "thousands_mark and decimal_mark are the same"),
        (layout(quote=";"), "delimiter and quote are the same"),
        (layout(date_format="%d.%m"), "a date format"),
        (layout(currency="EURO"), "ISO 4217"),
        (layout(currency=None), "a currency"),
        (layout({"amount": None}), "either amount, or both of debit and credit"),
        (layout({"debit": "Soll", "credit": "Haben"}), "either amount, or both of debit and credit"),
        (layout({"amount": None, "debit": "Soll"}), "either amount, or both of debit and credit"),
        (layout({"direction": "S/H"}), "debit_words and credit_words"),
        (layout({"direction": "S/H"}, debit_words=["S"], credit_words=["S"]), "share a word"),
        (layout(sign="agrees"), "with an amount one of signed, debit_positive"),
        (layout({"amount": None, "debit": 3, "credit": 4}, sign="signed"), "one of unsigned, agrees, ignored"),
        (layout({"booking_date": None}), "booking_date, value_date or both"),
        (layout({"amount": 0}), "amount"),
        (layout({"amount": True}), "amount"),
        (layout(header=False), "needs width"),
        (layout(header=False, width=4), "columns by number, found Day"),
        (
            layout({"booking_date": 1, "amount": 9, "text": [2], "end_to_end_id": 3}, header=False, width=4),
            "beyond width",
        ),
        (layout({"status": "State"}), "needs booked_words"),
        (layout({"text": []}, names={"uetr": "(x)"}), "columns.text"),
        (layout(names={"uetr": "x"}), "one group"),
        (layout(names={"colour": "(x)"}), "colour"),
        (layout(movements={"(": "fee"}), "no regular expression"),
        (layout(movements={"x": "gift"}), "gift"),
        (layout(reasons={"x": "lower"}), "reasons"),
        (layout(preamble={"most_lines": 3, "account": "IBAN"}), "one group"),
        (layout(footer={"total": "(x)"}), "begins"),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused_when_it_is_loaded(
    tmp_path: Path, described: dict[str, Any], told: str
) -> None:
    assert told in problems(tmp_path, described)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        layout({"amount": None, "booking_date": None}, decimal_mark=".", currency=None),
        layout(delimiter="", date_format="x", colour="red"),
    )
    for problem in ("either amount", "booking_date, value_date", "the same", "a currency"):
        assert f"{problem}" in told
    for problem in ("csv.delimiter", "csv.date_format", "csv.colour"):
        assert problem in told


def test_every_key_is_explained() -> None:
    mapping = (Path(__file__).parents[3] / "connectors/csv_statements/MAPPING.md").read_text(encoding="utf-8")
    described = layout_of(profile(LAYOUT))
    assert described is not None
    for part in (described, described.columns, described.preamble):
        for key in type(part).model_fields:
            assert key in mapping, key
