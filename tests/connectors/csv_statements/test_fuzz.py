"""Whatever the bytes: one verdict, no traceback, no money that is not in the file."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import BankProfile, FileEnd
from tests.connectors.csv_statements.given import HEADER, layout, profile, row, statement
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import SAMPLES, profile_of, read

PATHS = sorted((SAMPLES / "csv").iterdir())
FRAGMENTS = [
    *(b"", b";", b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"-", b"+", b"(", b")"),
    *(b"9" * 30, b"1e9", b"NaN", b".", b"'", b"=", b'="1"', b" ", b"\t", "\u0661".encode(), "\u00a0".encode()),
    *(b"30.02.2026", b"Betrag", b"Buchung;Valuta", b"IBAN;DE99", b"1,23E+11", b"sep=,\n"),
]
DIGITS = re.compile(r"[0-9]+")

FOOTER = {"begins": "^Count;", "count": r"^Count;(\d+)", "total": "^Total;([^;]+)", "closing_balance": "^New;(.+)"}
NUMBERED = {"booking_date": 1, "amount": 3, "text": [2], "end_to_end_id": 4}
PROFILES = [
    profile(layout(footer=FOOTER)),
    profile(layout(footer=FOOTER), controls="ignore", footing="warn"),
    profile(layout(NUMBERED, header=False, width=4, preamble={"most_lines": 1, "opening_balance": "^Old (.+)"})),
    profile(layout({"direction": "Text"}, sign="reverses", debit_words=["S"], credit_words=["H"])),
    profile(layout({"amount": None, "debit": "Text", "credit": "Amount", "text": []}, fraction_digits=0)),
    profile(layout({"balance": "Amount"}, balance_order="newest_first", quote=None, thousands_mark=" ")),
    profile(
        layout({"currency": "Ref", "status": "Text"}, booked_words=["S"], pending_words=["H"], final_line_end=False)
    ),
    profile(layout(names={"uetr": "(.+)"}, movements={".": "return"}, reasons={"x": "AC04"}, trailing_delimiter=True)),
]
WORDS = ["S", "H", "1,00", "-1,00", "1.000", "EUR", "24.11.2026", "x", '"', ";", "\n", "", "Count;1\n", "Total;-1,00\n"]

edits = edits_of(FRAGMENTS, 20)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), changes=edits)
def test_a_mutated_sample_is_read_or_refused(path: Path, changes: list[Edit]) -> None:
    data = edited(path.read_bytes(), changes)
    done = read(data, "csv", profile_of(path))
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(positions) == len(done.mapped)
        written = "".join(DIGITS.findall(data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8", "ignore")))
        for item in done.acknowledgements():
            assert item.amount is not None
            assert "".join(DIGITS.findall(str(item.amount))).lstrip("0") in written


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3))
def test_lines_that_are_left_out_never_add_money(path: Path, places: list[float]) -> None:
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    for place in places:
        del lines[int(place * len(lines))]
    assert read(b"".join(lines), "csv", profile_of(path)).money() <= read(data, "csv", profile_of(path)).money()


@settings(max_examples=200, deadline=None)
@given(minors=st.lists(st.integers(-(10**12), 10**12), max_size=8))
def test_decimals_survive_exactly(minors: list[int]) -> None:
    amounts = [Decimal(minor).scaleb(-2) for minor in minors]
    text = HEADER + "".join(row(f"{amount:.2f}".replace(".", ",")) for amount in amounts)
    said = statement(text, profile(layout(thousands_mark=None))).acknowledgements()
    assert [str(item.amount) for item in said] == [f"{abs(amount):.2f}" if amount else "0" for amount in amounts]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.name))
def test_any_bytes_are_refused_or_say_nothing(path: Path, data: bytes) -> None:
    assert read(data, "csv", profile_of(path)).money() == 0


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    using=st.sampled_from(PROFILES),
    head=st.sampled_from(["", HEADER, "Old 1,00\n", "sep=;\n" + HEADER]),
    rows=st.lists(st.lists(st.sampled_from(WORDS), min_size=3, max_size=5), max_size=4),
)
def test_whatever_the_layout_a_file_is_read_or_refused(using: BankProfile, head: str, rows: list[list[str]]) -> None:
    done = statement(head + "".join(";".join(cells) + "\n" for cells in rows), using)
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(done.records) == len(done.acknowledgements())
        assert len(done.records) <= len(rows) + sum(cells.count("\n") for cells in rows)
