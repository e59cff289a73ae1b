"""One raw record on its way to becoming facts: what it is, and how what it says is read or refused with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from schemas.records import Raw
from streams.agents.accounts import redacted
from streams.agents.instants import Instant, InstantError, bank_instant_of, instant_of, is_date
from streams.domain.facts import Precision
from streams.domain.money import Money, MoneyError, money_from_text


class UnmappableError(ValueError):
    """A record that says something we cannot take: what, where, expected, found, and what to do about it."""

    def __init__(self, position: str, field: str, expected: str, found: str, advice: str) -> None:
        super().__init__(f"{position}: {field}: expected {expected}, found {redacted(found)}; {advice}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Arrival:
    """A raw record as it came: ``received_at`` is its log-append time in microseconds UTC."""

    raw: Raw
    received_at: int

    def unmappable(self, field: str, expected: str, found: str, advice: str) -> UnmappableError:
        """The error that names this record and its message."""
        raw = self.raw
        where = f"{raw.format} message {raw.source_message_id!r} of {raw.source!r}, {raw.position or 'body'}"
        return UnmappableError(where, field, expected, found, advice)

    def money(self, field: str, amount: Decimal | str | None, currency: str | None) -> Money | None:
        """An amount, exactly. Raises UnmappableError: no currency, an unknown one, or finer than its minor unit."""
        if amount is None:
            return None
        if currency is None:
            raise self.unmappable(field, "a currency beside the amount", "none", "ask the sender to state the currency")
        try:
            return money_from_text(amount if isinstance(amount, str) else f"{amount:f}", currency)
        except MoneyError as error:
            raise self.unmappable(
                field, "an exact amount in a known currency", str(error), "ask the sender for a corrected message"
            ) from error

    def day(self, field: str, text: str | None) -> str | None:
        """A date that exists. Raises UnmappableError."""
        if text is None or is_date(text):
            return text
        raise self.unmappable(field, "a day as 2026-11-24", repr(text), "ask the sender for a corrected message")

    def instant(self, field: str, text: str) -> Instant:
        """A moment of a source of ours: with its offset, or it is refused. Raises UnmappableError."""
        try:
            return instant_of(text)
        except InstantError as error:
            raise self.unmappable(field, error.expected, str(error), "send it again with its offset") from error

    def bank_instant(self, text: str | None, day: str | None) -> Instant:
        """A bank's time; where it gives none its day, else our receipt. The last two are no exact times."""
        if text is not None:
            try:
                return bank_instant_of(text)
            except InstantError as error:
                raise self.unmappable(
                    "occurred_at", error.expected, str(error), "ask the sender for a corrected message"
                ) from error
        if day is not None:
            return bank_instant_of(day)
        if self.raw.occurred_at is not None:
            return Instant(self.raw.occurred_at, Precision.TIME)
        return Instant(self.received_at, Precision.DATE)
