"""Reason codes."""

from __future__ import annotations

from streams.domain.reason_rows import ReasonRow

GPI_REASONS: dict[str, ReasonRow] = {}
NACHA_REASONS: dict[str, ReasonRow] = {}
