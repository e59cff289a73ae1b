"""A small CSV statement and the profile that describes it, one thing different in each test."""

from __future__ import annotations

from typing import Any

from connectors.bank_profiles import ProfileFile
from connectors.contract import BankProfile
from tests.connectors.files import Read, read

LAYOUT: dict[str, Any] = {
    "delimiter": ";",
    "decimal_mark": ",",
    "thousands_mark": ".",
    "date_format": "DD.MM.YYYY",
    "currency": "EUR",
    "columns": {"booking_date": "Day", "amount": "Amount", "text": ["Text"], "end_to_end_id": "Ref"},
}
HEADER = "Day;Text;Amount;Ref\n"
ROW = "24.11.2026;Invoice 1;-10,50;PAY-1\n"


def layout(columns: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The layout with other columns (None takes one away) and options."""
    merged = {**LAYOUT["columns"], **(columns or {})}
    return {**LAYOUT, **changes, "columns": {name: column for name, column in merged.items() if column is not None}}


def profile(described: dict[str, Any] | None = None, **options: Any) -> BankProfile:
    """A bank profile as it is loaded, with this layout."""
    movements = options.pop("movements", {})
    file = {"description": "x", "options": {"csv": described or LAYOUT, "movements": movements}, **options}
    return ProfileFile.model_validate(file).profile("test")


def statement(text: str | bytes, using: BankProfile | None = None) -> Read:
    """What is read of a file."""
    return read(text if isinstance(text, bytes) else text.encode(), "csv", using or profile())


def row(amount: str = "-10,50", text: str = "Invoice 1", ref: str = "PAY-1", day: str = "24.11.2026") -> str:
    """One line."""
    return f"{day};{text};{amount};{ref}\n"
