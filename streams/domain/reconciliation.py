"""Whether the ERP has matched or closed a payment, and its return, as the policy wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.domain.facts import BankAck, Reconciliation, ReconciliationKind
from streams.domain.instants import by_their_clock, end_of
from streams.domain.policy import ReconciliationMode

_MATCHING: Final = frozenset({ReconciliationKind.MATCHED, ReconciliationKind.UNMATCHED})


@dataclass(slots=True)
class Reconciled:
    """The fact that made the payment reconciled, and the one that did so for its return; None: not (any more)."""

    payment: Reconciliation | None = None
    money_back: Reconciliation | None = None


NOT_RECONCILED: Final = Reconciled()


def reconciled_of(
    facts: Sequence[Reconciliation], debits: Iterable[BankAck], returns: Sequence[BankAck], mode: ReconciliationMode
) -> Reconciled:
    """A match that names the return's entry, or that is surely later than the return and names none, is of it."""
    if not facts:
        return NOT_RECONCILED
    if not returns:
        return Reconciled(_done(facts, mode), None)
    ours, theirs = _entries(debits), _entries(returns)
    first_return = min(end_of(row) for row in returns)
    about_return = [
        row
        for row in facts
        if row.entry_ref in theirs or (row.entry_ref not in ours and row.occurred_at > first_return)
    ]
    about_payment = [row for row in facts if row not in about_return]
    return Reconciled(_done(about_payment, mode), _done(about_return, mode))


def _entries(acks: Iterable[BankAck]) -> set[str]:
    return {name for ack in acks for name in (ack.bank_ref, ack.booking_key) if name is not None}


def _done(facts: Sequence[Reconciliation], mode: ReconciliationMode) -> Reconciliation | None:
    matched = _latest(row for row in facts if row.kind in _MATCHING)
    if matched is not None and matched.kind is not ReconciliationKind.MATCHED:
        matched = None
    closed = _latest(row for row in facts if row.kind is ReconciliationKind.CLOSED)
    if mode is ReconciliationMode.MATCH:
        return matched
    if mode is ReconciliationMode.ERP:
        return closed
    return max(matched, closed, key=by_their_clock) if matched is not None and closed is not None else None


def _latest(rows: Iterable[Reconciliation]) -> Reconciliation | None:
    return max(rows, key=_by_sequence, default=None)


def _by_sequence(row: Reconciliation) -> tuple[int, int, str]:
    return (row.sequence, row.occurred_at, row.event_id)
