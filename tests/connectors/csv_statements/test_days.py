"""Dates: as the profile says, of days that exist."""

from __future__ import annotations

from datetime import date

import pytest

from connectors.csv_statements.days import date_pattern, day_of


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("24.11.2026", "DD.MM.YYYY", date(2026, 11, 24)),
        ("03/02/2026", "MM/DD/YYYY", date(2026, 3, 2)),
        ("3/2/26", "M/D/YY", date(2026, 3, 2)),
        ("20261124", "YYYYMMDD", date(2026, 11, 24)),
        ("2026-11-24 23:59:07", "YYYY-MM-DD hh:mm:ss", date(2026, 11, 24)),
        ("29.02.2028", "DD.MM.YYYY", date(2028, 2, 29)),
        ("24.11.2026", "MM.DD.YYYY", None),
        ("30.02.2026", "DD.MM.YYYY", None),
        ("4.11.2026", "DD.MM.YYYY", None),
        ("24-11-2026", "DD.MM.YYYY", None),
        ("24.11.2026 ", "DD.MM.YYYY", None),
        ("\u0662\u0664.11.2026", "DD.MM.YYYY", None),
        ("00.11.2026", "DD.MM.YYYY", None),
        ("24.11.0000", "DD.MM.YYYY", None),
    ],
)
def test_a_day_is_read_as_it_is_written(text: str, date_format: str, day: date | None) -> None:
    assert day_of(text, date_format) == day


@pytest.mark.parametrize("date_format", ["", "DD.MM", "%d.%m.%Y", "DD.MM.YYYY YYYY", "D/DD/YYYY", "YYYY-mm-DD"])
def test_a_format_without_exactly_year_month_and_day_is_no_format(date_format: str) -> None:
    with pytest.raises(ValueError, match="YYYY"):
        date_pattern(date_format)
