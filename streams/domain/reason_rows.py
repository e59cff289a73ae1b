"""One row of the registry of reason codes, and how a table of them is written down."""

from __future__ import annotations

from dataclasses import dataclass

from streams.domain.state import ReasonClass


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A code's class and a short label of our own."""

    reason_class: ReasonClass
    label: str


def table(reason_class: ReasonClass, rows: str) -> dict[str, ReasonRow]:
    """One class of codes, written as lines ``CODE label``."""
    parts = (line.strip().partition(" ") for line in rows.strip().splitlines())
    return {code: ReasonRow(reason_class, label.strip()) for code, _space, label in parts}
