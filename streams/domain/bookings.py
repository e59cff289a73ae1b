"""Account entries of one payment: which of them are the same booking told twice, and what they sum to.

The same booking comes in camt.054, camt.053 and MT940: across messages a booking key counts once. Inside one message
position is identity: entries that are equal in every field are as many bookings. So a key counts as often as in the
message that has it most often. Where a bank gives no key, the amount and the day stand in for it, and a booking
without a key adds nothing to as many bookings of the same amount that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.domain.facts import BankAck, Level
from streams.domain.money import Money

_Amount = tuple[int, str] | None


def distinct(entries: Sequence[BankAck]) -> tuple[BankAck, ...]:
    """One fact for each booking, by event id; ``entries`` are in event id order."""
    if len(entries) <= 1:
        return tuple(entries)
    amounts: dict[_Amount, list[BankAck]] = {}
    for entry in entries:
        amounts.setdefault(_amount(entry.amount), []).append(entry)
    kept: list[BankAck] = []
    for rows in amounts.values():
        keyed = _most_often(row for row in rows if row.booking_key is not None)
        unkeyed = _most_often(row for row in rows if row.booking_key is None)
        kept.extend(keyed if len(keyed) >= len(unkeyed) else unkeyed)
    return tuple(sorted(kept, key=_event_id))


def _amount(amount: Money | None) -> _Amount:
    return None if amount is None else (amount.minor, amount.currency)


def _event_id(entry: BankAck) -> str:
    return entry.event_id


def _most_often(entries: Iterable[BankAck]) -> list[BankAck]:
    """Of each booking the entries of the message that has most of them (the smallest message id, if several)."""
    bookings: dict[str, dict[tuple[str, str], list[BankAck]]] = {}
    for entry in entries:
        name = entry.booking_key or entry.booking_date or entry.value_date or ""
        bookings.setdefault(name, {}).setdefault((entry.source, entry.source_message_id), []).append(entry)
    kept: list[BankAck] = []
    for messages in bookings.values():
        most = max(len(rows) for rows in messages.values())
        kept.extend(messages[min(name for name, rows in messages.items() if len(rows) == most)])
    return kept


def speaks_of_one_payment(entry: BankAck) -> bool:
    """False for the booking of a whole batch: its amount is not this payment's, so it never settles a child.

    The debit of a batch moves its children only if count and sum equal its members; who they are is known where
    batches are kept, not here. A batch of one is the exception: it is its only member.
    """
    return entry.level in _ONE or entry.batch_count == 1


_ONE = frozenset({Level.TRANSACTION, Level.UNKNOWN})


@dataclass(slots=True)
class Booked:
    """Read only. What distinct bookings come to.

    ``total`` None: no booking says an amount that compares with the instructed one.
    ``foreign``: booked in another currency than instructed (FX at the bank), which is no mismatch.
    """

    total: Money | None
    charges: Money | None
    foreign: bool
    count: int

    def short_of(self, instructed: Money, tolerance_minor: int) -> bool:
        """Booked for less than instructed, charges excluded."""
        if self.total is None or self.foreign or self.total.currency != instructed.currency:
            return False
        return self.total.minor + self._charges_in(instructed) < instructed.minor - tolerance_minor

    def beyond(self, instructed: Money, tolerance_minor: int) -> bool:
        """Booked for more than instructed, charges excluded."""
        if self.total is None or self.foreign or self.total.currency != instructed.currency:
            return False
        return self.total.minor - self._charges_in(instructed) > instructed.minor + tolerance_minor

    def _charges_in(self, instructed: Money) -> int:
        charges = self.charges
        return charges.minor if charges is not None and charges.currency == instructed.currency else 0


def booked_of(bookings: Sequence[BankAck], instructed: Money | None) -> Booked:
    """Sum distinct bookings in the instructed currency; where none has it, in the currency of the first."""
    if len(bookings) == 1:
        return _booked_once(bookings[0], instructed)
    first = next((row.amount for row in bookings if row.amount is not None), None)
    if first is None:
        return Booked(None, _charges(bookings, None), foreign=False, count=len(bookings))
    wanted = first.currency
    if instructed is not None and any(row.amount and row.amount.currency == instructed.currency for row in bookings):
        wanted = instructed.currency
    amounts = [row.amount for row in bookings if row.amount is not None and row.amount.currency == wanted]
    total = Money(sum(amount.minor for amount in amounts), wanted, amounts[0].exponent)
    foreign = len(amounts) < len(bookings) or (instructed is not None and wanted != instructed.currency)
    return Booked(total, _charges(bookings, wanted), foreign, len(bookings))


def _booked_once(booking: BankAck, instructed: Money | None) -> Booked:
    """The usual case, cheaply."""
    total = booking.amount
    foreign = total is not None and instructed is not None and total.currency != instructed.currency
    return Booked(total, booking.charges, foreign, 1)


def _charges(bookings: Sequence[BankAck], currency: str | None) -> Money | None:
    rows = [row.charges for row in bookings if row.charges is not None]
    rows = [row for row in rows if row.currency == currency] or rows
    if not rows:
        return None
    same = [row.minor for row in rows if row.currency == rows[0].currency]
    return Money(sum(same), rows[0].currency, rows[0].exponent)
