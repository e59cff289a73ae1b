"""What the bank's acknowledgements are evidence of, sorted by kind in one pass. No judgement on the payment here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streams.domain.bank_statuses import RECALL_ANSWERS, Recall, is_duplicate_rejection
from streams.domain.bookings import distinct, speaks_of_one_payment
from streams.domain.facts import Approval, BankAck, Direction, Level
from streams.domain.instants import by_their_clock
from streams.domain.statuses import STATUSES, Flag, Status

RANKS: Final[dict[Status, int]] = {status: row.rank for status, row in STATUSES.items() if row.rank is not None}

_REJECTED: Final = Status.REJECTED
_RETURNED: Final = Status.RETURNED
_ENDINGS: Final = frozenset({Status.REJECTED, Status.CANCELLED})
_DEPTH: Final = {Level.UNKNOWN: 3, Level.TRANSACTION: 3, Level.BATCH: 2, Level.GROUP: 1}
_SETTLING: Final = frozenset({Status.SETTLED, Status.PARTIALLY_SETTLED, Status.CREDITED})


@dataclass(slots=True)
class BankEvidence:
    """Read only; every list is in event id order.

    ``reports``: positive and not booked. ``debits``, ``returns_booked``: distinct bookings. ``credits``: booked
    money back without return information. ``flagged``: facts that raise flags by themselves. ``has_returns``: money
    came back, reported or booked.
    """

    reports: list[BankAck] = field(default_factory=list)
    rejections: list[BankAck] = field(default_factory=list)
    duplicate_rejections: list[BankAck] = field(default_factory=list)
    cancellations: list[BankAck] = field(default_factory=list)
    debits: tuple[BankAck, ...] = ()
    credits: tuple[BankAck, ...] = ()
    returns_booked: tuple[BankAck, ...] = ()
    returns_reported: list[BankAck] = field(default_factory=list)
    flagged: list[BankAck] = field(default_factory=list)
    recalls: list[BankAck] = field(default_factory=list)
    silent: list[BankAck] = field(default_factory=list)
    reasoned: list[BankAck] = field(default_factory=list)
    has_returns: bool = False

    @property
    def returns(self) -> tuple[BankAck, ...]:
        """All that says that money came back."""
        return (*self.returns_booked, *self.returns_reported)


SILENCE: Final = BankEvidence()


def evidence_of(acks: tuple[BankAck, ...]) -> BankEvidence:
    """Sort what the bank said. Of one source message only the lowest explicit level is heard."""
    if not acks:
        return SILENCE
    found = BankEvidence()
    debits: list[BankAck] = []
    money_back: list[BankAck] = []
    returned: list[BankAck] = []
    for ack in _heard(acks) if len(acks) > 1 else acks:
        milestone, flags = ack.milestone, ack.flags
        if flags:
            found.flagged.append(ack)
        if ack.reason_codes:
            found.reasoned.append(ack)
        if ack.bank_status in RECALL_ANSWERS or (flags and Flag.RECALL_REQUESTED in flags):
            found.recalls.append(ack)
        if (flags and Flag.DUPLICATE_REJECTION in flags) or is_duplicate_rejection(milestone, ack.reason_codes):
            found.duplicate_rejections.append(ack)
        elif milestone in _ENDINGS:
            ended = found.rejections if milestone is _REJECTED else found.cancellations
            ended.append(ack)
        elif milestone is _RETURNED:
            _sort_return(ack, returned, found)
        elif ack.booked:
            _sort_entry(ack, debits, money_back)
        elif milestone in RANKS:
            found.reports.append(ack)
        else:
            found.silent.append(ack)
    found.debits = distinct(debits) if debits else ()
    found.credits = distinct(money_back) if money_back else ()
    found.returns_booked = distinct(returned) if returned else ()
    found.has_returns = bool(found.returns_booked or found.returns_reported)
    return found


def _sort_return(ack: BankAck, returned: list[BankAck], found: BankEvidence) -> None:
    """A booked return of a whole batch says of no member that it came back."""
    if not ack.booked:
        found.returns_reported.append(ack)
    elif speaks_of_one_payment(ack):
        returned.append(ack)
    else:
        found.silent.append(ack)


def _sort_entry(ack: BankAck, debits: list[BankAck], money_back: list[BankAck]) -> None:
    if not speaks_of_one_payment(ack):
        return
    if ack.direction is Direction.CREDIT:
        money_back.append(ack)
    elif ack.milestone in _SETTLING:
        debits.append(ack)


def _heard(acks: tuple[BankAck, ...]) -> tuple[BankAck, ...]:
    """Lowest explicit level wins within one source message; without a child's own word the parent's counts."""
    depth = _DEPTH[acks[0].level]
    if all(_DEPTH[ack.level] == depth for ack in acks):
        return acks
    lowest: dict[tuple[str, str], int] = {}
    for ack in acks:
        message = (ack.source, ack.source_message_id)
        lowest[message] = max(lowest.get(message, 0), _DEPTH[ack.level])
    return tuple(ack for ack in acks if _DEPTH[ack.level] == lowest[ack.source, ack.source_message_id])


def is_evidence(fact: Approval | BankAck) -> bool:
    """Whether it says anything about an outgoing payment; a fee or a direct debit that was booked does not."""
    return isinstance(fact, Approval) or fact.milestone is not None or bool(fact.flags)


def recall_of(evidence: BankEvidence) -> tuple[Recall, BankAck] | None:
    """Where a recall stands: what was said last about it, by the bank's clock."""
    if not evidence.recalls:
        return None
    last = max(evidence.recalls, key=by_their_clock)
    return RECALL_ANSWERS.get(last.bank_status, Recall.PENDING), last
