"""What must have happened by when, and what has not: absence is judged by the clock alone (contracts.md).

One stage: *acknowledgement*, the bank's first word about a submission. A deadline is a function of the facts and the
policy; that it has fired is a mark kept with the payment, for as long as the facts bear it out. Everything is judged
by what had been received by then, so when a fact comes makes no difference once the clock has passed it:

- a submission arms a deadline unless an earlier received one tells of the same attempt;
- the deadline is met by any word of the bank received by then that names the attempt, or none;
- it is void if, by the time it would fire, our own side has said that the submission failed.

An event in dispute (several contents) arms nothing, and counts as a word from its first content on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.domain.construction import quick
from streams.domain.facts import BankAck, Missed, Precision, Release, ReleaseStage
from streams.domain.identity import stable_id
from streams.domain.instants import by_their_clock
from streams.domain.kept import Kept
from streams.domain.policy import Policy
from streams.domain.releases import AttemptName

ACKNOWLEDGEMENT: Final = "acknowledgement"
_EXACT: Final = Precision.TIME
_SUBMITTED: Final = ReleaseStage.SUBMITTED
_FAILED: Final = ReleaseStage.SUBMIT_FAILED


@dataclass(frozen=True, slots=True)
class Mark:
    """That a deadline has fired: all that a row keeps of it."""

    armed_by: str
    due_at: int
    policy: str


@dataclass(frozen=True, slots=True)
class Armed:
    """A deadline that waits for the clock. It fires at the first tick at or after ``fires_at``.

    ``due_at`` is the deadline itself. It fires later only if the submission was heard of later.
    """

    submission: Release
    due_at: int
    fires_at: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A deadline that has fired. ``ended_by``: what came too late, the bank's word or our own that it failed."""

    fact: Missed
    ended_by: BankAck | Release | None
    late_by_us: int | None


@dataclass(slots=True)
class Deadlines:
    """Read only. ``armed`` in the order in which they fire; ``marks`` by ``armed_by``, one for each of ``misses``.

    ``met`` counts the submissions that the bank answered in time and that did not fail before.
    """

    armed: tuple[Armed, ...] = ()
    marks: tuple[Mark, ...] = ()
    misses: tuple[Miss, ...] = ()
    met: int = 0

    @property
    def next_at(self) -> int | None:
        """When the payment next needs the clock; None: never."""
        return self.armed[0].fires_at if self.armed else None

    @property
    def awaited_at(self) -> int | None:
        """The earliest deadline that is waited for, passed or not."""
        times = [row.due_at for row in self.armed]
        times.extend(row.fact.received_at for row in self.misses if row.ended_by is None)
        return min(times, default=None)


NO_DEADLINES: Final = Deadlines()
_ANSWERED: Final = Deadlines(met=1)
_armed = quick(Armed)
_deadlines = quick(Deadlines)


def deadlines_of(
    releases: Sequence[Release],
    acks: Sequence[BankAck],
    rivalled: Sequence[Kept],
    marks: tuple[Mark, ...],
    policy: Policy,
) -> Deadlines:
    """What waits, what was missed. ``rivalled``: events of several contents; ``marks``: what has fired so far."""
    submitted, failed = _of_our_side(releases, rivalled)
    if not submitted:
        return NO_DEADLINES
    if len(submitted) == 1 and not (failed or marks or rivalled):
        return _of_one(submitted[0], releases, acks, policy)
    fired = {mark.armed_by: mark for mark in marks} if marks else {}
    armed: list[Armed] = []
    borne_out: list[Mark] = []
    misses: list[Miss] = []
    opened = _Opened()
    met = 0
    for row in submitted:
        mark = fired.get(row.event_id)
        due_at = mark.due_at if mark is not None else _due_at(row, releases, policy)
        fires_at = max(due_at, row.received_at)
        if opened.rows and _is_told_of(row, opened.near(row), failed, fires_at):
            continue
        opened.add(row)
        if not due_at:
            continue
        failure = _failure(row, failed) if failed else None
        if failure is not None and failure.received_at <= fires_at:
            continue
        word = _first_word(row, acks, rivalled) if acks else None
        if word is not None and word[0] <= due_at:
            met += 1
            continue
        if mark is None:
            armed.append(_armed(row, due_at, fires_at))
        else:
            borne_out.append(mark)
            misses.append(_miss(row, mark, word, failure))
    if len(armed) > 1:
        armed.sort(key=_firing_order)
    return _deadlines(tuple(armed), tuple(sorted(borne_out, key=_armed_by)), tuple(misses), met)


class _Opened:
    """Submissions that armed a deadline. Most name their attempt whole, and then only that one and half names fit."""

    def __init__(self) -> None:
        self.rows: list[Release] = []
        self._by_name: dict[AttemptName, list[Release]] = {}
        self._half_named: list[Release] = []

    def add(self, row: Release) -> None:
        """One more."""
        self.rows.append(row)
        if row.message_id is None or row.payment_info_id is None:
            self._half_named.append(row)
        else:
            self._by_name.setdefault((row.message_id, row.payment_info_id), []).append(row)

    def near(self, row: Release) -> Iterable[Release]:
        """Those that may be of the row's attempt: no others are, some of these may not be."""
        if row.message_id is None or row.payment_info_id is None:
            return self.rows
        return (*self._by_name.get((row.message_id, row.payment_info_id), ()), *self._half_named)


def _of_one(row: Release, releases: Sequence[Release], acks: Sequence[BankAck], policy: Policy) -> Deadlines:
    """The same where there is one submission and nothing unusual about it: nearly always."""
    due_at = _due_at(row, releases, policy)
    if not due_at:
        return NO_DEADLINES
    for ack in acks:
        if ack.received_at <= due_at and _speak_of_one(row, ack):
            return _ANSWERED
    received_at = row.received_at
    return _deadlines((_armed(row, due_at, max(due_at, received_at)),))


def _of_our_side(releases: Sequence[Release], rivalled: Sequence[Kept]) -> tuple[list[Release], list[Release]]:
    """Submissions and failures, undisputed, in the order in which we heard of them."""
    submitted: list[Release] = []
    failed: list[Release] = []
    for row in releases:
        stage = row.stage
        if stage is _SUBMITTED:
            submitted.append(row)
        elif stage is _FAILED:
            failed.append(row)
    if rivalled:
        disputed = {row.event_id for row in rivalled}
        submitted = [row for row in submitted if row.event_id not in disputed]
        failed = [row for row in failed if row.event_id not in disputed]
    if len(submitted) > 1:
        submitted.sort(key=_heard_order)
    return submitted, failed


def _due_at(submission: Release, releases: Sequence[Release], policy: Policy) -> int:
    """So long after the submission as its bank may take; 0: as long as it likes.

    By their clock where that is exact, but nothing happens after we have heard of it; else from when we heard.
    """
    within_us = policy.acknowledgement_within_us(submission.bank or _bank_known(submission, releases))
    if not within_us:
        return 0
    received_at = submission.received_at
    exact = submission.precision is _EXACT and submission.occurred_at < received_at
    return (submission.occurred_at if exact else received_at) + within_us


def _bank_known(submission: Release, releases: Sequence[Release]) -> str | None:
    """The bank that our side had named first by the time that we heard of the submission."""
    rows = [row for row in releases if row.bank and row.received_at <= submission.received_at]
    return min(rows, key=_heard_order).bank if rows else None


def _is_told_of(row: Release, opened: Iterable[Release], failed: Iterable[Release], by: int) -> bool:
    """Whether an earlier received submission is of the same attempt: no failure, known ``by`` then, lies between."""
    return any(
        _speak_of_one(row, other)
        and not any(
            failure.received_at <= by
            and _speak_of_one(failure, other)
            and by_their_clock(other) < by_their_clock(failure) < by_their_clock(row)
            for failure in failed
        )
        for other in opened
    )


def _failure(row: Release, failed: Iterable[Release]) -> Release | None:
    """What we heard first of the submission's failure."""
    later = [other for other in failed if _speak_of_one(row, other) and by_their_clock(other) > by_their_clock(row)]
    return min(later, key=_heard_order, default=None)


def _first_word(row: Release, acks: Sequence[BankAck], rivalled: Sequence[Kept]) -> tuple[int, str, BankAck] | None:
    """When the bank first spoke of the submission, and how. What else a disputed event said may have named any."""
    first: tuple[int, str, BankAck] | None = None
    for ack in acks:
        if (first is None or ack.received_at <= first[0]) and _speak_of_one(row, ack):
            word = (ack.received_at, ack.event_id, ack)
            if first is None or word[:2] < first[:2]:
                first = word
    for kept in rivalled:
        times = [rival.received_at for rival in kept.rivals if not rival.withdrawn]
        if times and kept.live and isinstance(kept.fact, BankAck):
            word = (min(times), kept.event_id, kept.fact)
            if first is None or word[:2] < first[:2]:
                first = word
    return first


def _speak_of_one(one: Release | BankAck, other: Release | BankAck) -> bool:
    """Whether they may speak of the same attempt: what a name leaves out fits any."""
    mine, theirs = one.message_id, other.message_id
    if mine != theirs and mine is not None and theirs is not None:
        return False
    mine, theirs = one.payment_info_id, other.payment_info_id
    return mine == theirs or mine is None or theirs is None


def _miss(row: Release, mark: Mark, word: tuple[int, str, BankAck] | None, failure: Release | None) -> Miss:
    fact = missed(row, mark)
    if word is not None:
        return Miss(fact, word[2], word[0] - mark.due_at)
    return Miss(fact, failure, None)


def missed(submission: Release, mark: Mark) -> Missed:
    """The deadline as a fact: the same, whenever the clock reached it."""
    event_id = stable_id("deadline", submission.correlation_id, ACKNOWLEDGEMENT, submission.event_id)
    return Missed(
        event_id,
        stable_id(event_id, str(mark.due_at), mark.policy),
        submission.correlation_id,
        "clock",
        f"{ACKNOWLEDGEMENT}/{submission.event_id}",
        mark.due_at,
        _EXACT,
        mark.due_at,
        submission.trace_id,
        ACKNOWLEDGEMENT,
        submission.event_id,
        mark.policy,
    )


def _heard_order(row: Release) -> tuple[int, str]:
    return (row.received_at, row.event_id)


def _firing_order(row: Armed) -> tuple[int, str]:
    return (row.fires_at, row.submission.event_id)


def _armed_by(mark: Mark) -> str:
    return mark.armed_by
