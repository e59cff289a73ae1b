"""Field 61: what is taken, and that whatever is doubtful is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.refused import RefusedError
from connectors.swift_mt.statement_line import statement_line

TAKEN = [
    # text, mark, funds code, signed amount, type, customer reference, bank reference
    ("260302D1250,75NTRFPAY-1//B1", "D", None, "-1250.75", "NTRF", "PAY-1", "B1"),
    ("2603020302C2500,NTRFNONREF", "C", None, "2500", "NTRF", "NONREF", None),
    ("2603020302DR20,00N037NONREF", "D", "R", "-20.00", "N037", "NONREF", None),
    ("2603020302CR20,00N037NONREF", "C", "R", "20.00", "N037", "NONREF", None),
    ("2603020302RCR20,5NTRFX", "RC", "R", "-20.5", "NTRF", "X", None),
    ("2603020302RDR20,5NTRFX", "RD", "R", "20.5", "NTRF", "X", None),
    ("2603020302RD20,5NTRFX", "RD", None, "20.5", "NTRF", "X", None),
    ("260302    DD212,39NMSCNONREF//", "D", "D", "-212.39", "NMSC", "NONREF", None),
    ("2006080608D12,35 NRTIKREF+//2016021783252833", "D", None, "-12.35", "NRTI", "KREF+", "2016021783252833"),
    ("0203170320CM5000,00S05168790452", "C", "M", "5000.00", "S051", "68790452", None),
    ("260302C0000000000000010,0NTRFX", "C", None, "10.0", "NTRF", "X", None),
    ("260302D0,125NTRFX", "D", None, "-0.125", "NTRF", "X", None),
    ("1710111011DF2402,00S   X", "D", "F", "-2402.00", "S   ", "X", None),
    ("2412021202CT100000,00N208NONREF          //", "C", "T", "100000.00", "N208", "NONREF", None),
    ("220804D10000,S103+220804000012157//OP1ED", "D", None, "-10000", "S103", "+220804000012157", "OP1ED"),
    ("260302D1,NTRF", "D", None, "-1", "NTRF", None, None),
    ("260302D1,NTRFAB/CD//E/F", "D", None, "-1", "NTRF", "AB/CD", "E/F"),
]

REFUSED = [
    "260302D1250.75NTRFX",
    "260302D1250NTRFX",
    "260302D1.250,75NTRFX",
    "260302D1 250,75NTRFX",
    "260302D,75NTRFX",
    "260302D-5,00NTRFX",
    "260302D1,2,3NTRFX",
    "260302D1,12345NTRFX",
    "260302D1234567890123456789,NTRFX",
    "260302X1,NTRFX",
    "260302d1,NTRFX",
    "260302 1,NTRFX",
    "260302D1,",
    "260302D1,ntrfX",
    "26030D1,NTRFX",
    "260431D1,NTRFX",
    "261301D1,NTRFX",
    "260300D1,NTRFX",
    "2603021332D1,NTRFX",
    "2603020431D1,NTRFX",
    "260302ED1,NTRFX",
    "260302D\u0661,NTRFX",
    "",
]


@pytest.mark.parametrize(("text", "mark", "funds", "signed", "type_", "customer", "bank"), TAKEN, ids=lambda x: str(x))
def test_a_line_of_the_grammar_is_read(
    text: str, mark: str, funds: str | None, signed: str, type_: str, customer: str | None, bank: str | None
) -> None:
    line = statement_line(text, "here", interim=False)
    assert (line.mark, line.funds_code, line.type) == (mark, funds, type_)
    assert str(line.signed) == signed
    assert (line.customer_reference, line.bank_reference) == (customer, bank)


@pytest.mark.parametrize("text", REFUSED)
def test_a_line_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        statement_line(text, "line 7", interim=False)
    error = refused.value
    assert error.reason in {"malformed_statement_line", "invalid_date"}
    assert error.where == "line 7"
    assert error.expected
    assert error.found


@pytest.mark.parametrize(
    ("dates", "value_date", "booking_date"),
    [
        ("2601021230", "2026-01-02", "2025-12-30"),
        ("2512300102", "2025-12-30", "2026-01-02"),
        ("2603020302", "2026-03-02", "2026-03-02"),
        ("2603011201", "2026-03-01", "2025-12-01"),
        ("260302", "2026-03-02", None),
        ("260302    ", "2026-03-02", None),
        # bankers' months have 30 days
        ("2602300230", "2026-02-28", "2026-02-28"),
        ("240230", "2024-02-29", None),
        ("260229", "2026-02-28", None),
        ("2403010229", "2024-03-01", "2024-02-29"),
    ],
)
def test_days_get_the_year_that_brings_them_together(dates: str, value_date: str, booking_date: str | None) -> None:
    line = statement_line(f"{dates}D1,NTRFX", "here", interim=False)
    assert line.value_date.isoformat() == value_date
    assert (line.booking_date.isoformat() if line.booking_date else None) == booking_date


def test_supplementary_details_stand_on_further_lines() -> None:
    line = statement_line("260302D1,NTRFX//Y\n/OCMT/USD1,2/\nmore", "here", interim=False)
    assert line.supplementary == "/OCMT/USD1,2/\nmore"


@pytest.mark.parametrize(("mark", "signed"), [("EC", Decimal(1)), ("ED", Decimal(-1))])
def test_an_interim_report_may_tell_of_expected_entries(mark: str, signed: Decimal) -> None:
    line = statement_line(f"260302{mark}1,NTRFX", "here", interim=True)
    assert (line.mark, line.signed) == (mark, signed)
