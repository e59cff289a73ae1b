"""Which deadlines a payment had, found the long way round: every submission against everything else that was said.

The pipeline arms them as facts come and keeps what has fired (streams/domain/deadlines.py). Here the rule is applied to
all facts at once, whatever the order in which they came:

- a submission has a deadline, unless one received earlier tells of the same attempt and no failure lies between them;
- it is so long after the submission as its bank may take; nothing happens after we have heard of it;
- any word of the bank about the attempt, or about none in particular, that was received by then meets it;
- our own word that the submission failed, received before the deadline could fire, ends it.

An event of several contents has no deadline; of the bank, it counts as a word from its first content on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streams.domain.facts import BankAck, Precision, Release, ReleaseStage
from streams.domain.identity import stable_id
from streams.domain.instants import by_their_clock
from streams.domain.kept import Kept
from streams.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Deadline:
    """``fires_at``: the clock that decides it. ``words``: the bank's, by when they were received (micros), with their
    events. ``failed_at``: when we heard first that the submission had failed.
    """

    submission: Release
    due_at: int
    fires_at: int
    words: tuple[tuple[int, str], ...]
    failed_at: int | None

    @property
    def event_id(self) -> str:
        """What a miss of it is called for ever."""
        return stable_id("deadline", self.submission.correlation_id, "acknowledgement", self.submission.event_id)

    @property
    def mark(self) -> tuple[str, int]:
        """What a row keeps of it once it has fired."""
        return (self.submission.event_id, self.due_at)

    @property
    def in_time(self) -> tuple[str, ...]:
        """The words that meet it."""
        return tuple(event_id for received_at, event_id in self.words if received_at <= self.due_at)

    @property
    def may_be_missed(self) -> bool:
        """Neither met nor ended before the clock could decide it."""
        ended = self.failed_at is not None and self.failed_at <= self.fires_at
        return not self.in_time and not ended

    @property
    def over(self) -> bool:
        """Whether what was missed has come after all, or will never come."""
        return bool(self.words) or self.failed_at is not None


def deadlines_of(kept: Iterable[Kept], policy: Policy) -> list[Deadline]:
    """Every deadline that the facts of one payment had."""
    rows = [row for row in kept if row.live]
    ours = [row.fact for row in rows if isinstance(row.fact, Release) and not row.rivals]
    failures = [row for row in ours if row.stage is ReleaseStage.SUBMIT_FAILED]
    found: list[Deadline] = []
    counted: list[Release] = []
    for submission in sorted((row for row in ours if row.stage is ReleaseStage.SUBMITTED), key=_heard):
        due_at = _due_at(submission, (row.fact for row in rows), policy)
        fires_at = max(due_at or 0, submission.received_at)
        known = [row for row in failures if row.received_at <= fires_at]
        if any(_is_the_same(other, submission, known) for other in counted):
            continue
        counted.append(submission)
        if due_at is not None:
            words = tuple(sorted(_words(submission, rows)))
            found.append(Deadline(submission, due_at, fires_at, words, _failed_at(submission, failures)))
    return found


def _heard(fact: Release) -> tuple[int, str]:
    return (fact.received_at, fact.event_id)


def _due_at(submission: Release, facts: Iterable[object], policy: Policy) -> int | None:
    named = (fact for fact in facts if isinstance(fact, Release) and fact.bank)
    by_then = sorted((fact for fact in named if fact.received_at <= submission.received_at), key=_heard)
    bank = submission.bank or next((fact.bank for fact in by_then), None)
    within_s = policy.acknowledgement_within_s_by_bank.get(bank or "", policy.acknowledgement_within_s)
    if within_s == 0:
        return None
    began_at = submission.received_at
    if submission.precision is Precision.TIME:
        began_at = min(began_at, submission.occurred_at)
    return began_at + within_s * 1_000_000


def _is_the_same(earlier: Release, later: Release, failures: Iterable[Release]) -> bool:
    """One attempt, told of twice: nothing between the two says that it had failed and was made again."""
    if not _about_one(earlier, later):
        return False
    first, last = by_their_clock(earlier), by_their_clock(later)
    return not any(_about_one(failure, earlier) and first < by_their_clock(failure) < last for failure in failures)


def _about_one(one: Release | BankAck, other: Release | BankAck) -> bool:
    """A name that one of the two leaves out fits any."""
    pairs = ((one.message_id, other.message_id), (one.payment_info_id, other.payment_info_id))
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


def _words(submission: Release, rows: Iterable[Kept]) -> Iterator[tuple[int, str]]:
    for row in rows:
        if isinstance(row.fact, BankAck):
            if _about_one(submission, row.fact):
                yield row.fact.received_at, row.event_id
            for rival in row.rivals:
                if not rival.withdrawn:
                    yield rival.received_at, row.event_id


def _failed_at(submission: Release, failures: Iterable[Release]) -> int | None:
    after = by_their_clock(submission)
    rows = (row for row in failures if _about_one(submission, row) and by_their_clock(row) > after)
    return min((row.received_at for row in rows), default=None)
