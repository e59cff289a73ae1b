"""The mt-940 library as a second reader: what it silently does, and that we notice."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import mt940
import pytest

from connectors.refused import RefusedError
from connectors.swift_mt.second_reading import Checked, confirm
from connectors.swift_mt.statement_line import StatementLine, statement_line
from tests.connectors.swift_mt.test_statement_line import TAKEN


def _line(text: str) -> StatementLine:
    return statement_line(text, "here", interim=True)


@pytest.mark.parametrize("text", [row[0] for row in TAKEN] + ["260230D1,NTRFX", "260302ED1,NTRFX", "000101C5,NTRFX"])
def test_both_readers_agree(text: str) -> None:
    confirm([Checked(_line(text), "here")], "EUR")


def test_many_lines_are_confirmed_at_once() -> None:
    confirm([Checked(_line(f"260302D{number},NTRFX"), f"line {number}") for number in range(1, 65)], "JPY")


@pytest.mark.parametrize(
    "change", [{"value": Decimal("12.5")}, {"mark": "C"}, {"amount": "1250.75"}, {"amount": "12 5,"}]
)
def test_a_line_that_the_library_reads_otherwise_is_refused(change: dict[str, object]) -> None:
    good = _line("260302D125,NTRFX")
    wrong = replace(good, **change)  # type: ignore[arg-type]  # any attribute
    if "mark" in change:
        wrong = replace(wrong, value=Decimal(-125))
    if change.get("mark") == "C":
        wrong = replace(good, amount="126,")
    with pytest.raises(RefusedError) as refused:
        confirm([Checked(good, "line 1"), Checked(wrong, "line 2")], "EUR")
    assert refused.value.reason == "readers_disagree"


def test_what_the_library_does_with_a_point_is_why_the_line_is_checked_first() -> None:
    options = mt940.Options(reversal_sign=True)
    text = ":20:X\n:60F:C260101EUR0,\n:61:260302D1250.75NTRFX\n"
    [statement] = mt940.parse_statements(io.StringIO(text), options=options)
    assert statement[0].data["amount"].amount == Decimal(-1250)


def test_what_the_library_does_with_a_line_without_a_type_is_why_lines_are_counted() -> None:
    text = ":20:X\n:60F:C260101EUR0,\n:61:260302D1,\n:61:260302D2,NTRFX\n"
    [statement] = mt940.parse_statements(io.StringIO(text))
    assert len(statement) == 1
