"""Reason codes of ISO 20022: external status, return and cancellation reasons."""

from __future__ import annotations

from streams.domain.reason_rows import ReasonRow, table
from streams.domain.state import ReasonClass

ISO20022_REASONS: dict[str, ReasonRow] = {**table(ReasonClass.BUSINESS, "AC01 account number wrong")}
