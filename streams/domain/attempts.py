"""Submission attempts: which file carried the payment to the bank, and what became of each.

Bank evidence belongs to the attempt that it names (message id + payment information id). Evidence that names none
belongs to the only attempt there is; among several, to the last one submitted before it by their clocks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.domain.bank_evidence import RANKS, BankEvidence
from streams.domain.bank_statuses import is_granted_recall
from streams.domain.construction import quick
from streams.domain.facts import BankAck, Release
from streams.domain.instants import by_their_clock
from streams.domain.releases import UNNAMED, AttemptName, ReleaseView, attempt_name
from streams.domain.statuses import Status

SUBMITTED_RANK: Final = RANKS[Status.SUBMITTED]
SETTLED_RANK: Final = RANKS[Status.SETTLED]
_UNKNOWN: Final = Status.UNKNOWN
_SUBMITTED: Final = Status.SUBMITTED


@dataclass(slots=True)
class Attempt:
    """One submission. ``leading``: the fact that gives it its rank; ``ended``: what killed it, if anything did.

    ``already_there``: the bank refused it as a copy.
    """

    name: AttemptName
    submitted: Sequence[Release]
    failed: Sequence[Release]
    reports: Sequence[BankAck]
    rejections: Sequence[BankAck]
    cancellations: Sequence[BankAck]
    already_there: bool = False
    start: int = 0
    rank: int = 0
    status: Status = _UNKNOWN
    leading: BankAck | Release | None = None
    ended: BankAck | Release | None = None

    @property
    def live(self) -> bool:
        """The bank, or the way to it, has the attempt, and nothing has ended it."""
        return self.ended is None and self.rank > 0

    @property
    def settled_by_report(self) -> BankAck | None:
        """The earliest report that says settled or credited."""
        rows = [row for row in self.reports if row.milestone is not None and RANKS[row.milestone] >= SETTLED_RANK]
        return min(rows, key=by_their_clock, default=None)


@dataclass(slots=True)
class Attempts:
    """Read only. ``all`` in the order of their start; ``best``: the live one that counts; ``last_dead``: else."""

    all: tuple[Attempt, ...] = ()
    best: Attempt | None = None
    last_dead: Attempt | None = None
    live_named: int = 0

    @property
    def number(self) -> int:
        """Which attempt the payment stands on, counted from 1; 0: none."""
        chosen = self.best or self.last_dead
        return 0 if chosen is None else self.all.index(chosen) + 1

    def named(self, name: AttemptName) -> Attempt | None:
        """The attempt that a fact names, where that is beyond doubt."""
        matching = [row for row in self.all if _fits(name, row.name)] if name != UNNAMED else []
        return matching[0] if len(matching) == 1 else None


NO_ATTEMPTS = Attempts()
_attempt = quick(Attempt)
_attempts = quick(Attempts)


def attempts_of(releases: ReleaseView, evidence: BankEvidence) -> Attempts:
    """Give every submission and every report to its attempt, then see which attempts live."""
    told = (evidence.reports, evidence.rejections, evidence.cancellations)
    ours = (releases.submitted, releases.failed)
    names: dict[AttemptName, None] = {}
    for rows in (*ours, *told):
        for row in rows:
            names[row.message_id, row.payment_info_id] = None
    if not names:
        return NO_ATTEMPTS
    names.pop(UNNAMED, None)
    if len(names) <= 1:
        return _weighed([_only(next(iter(names), UNNAMED), releases, evidence)])
    return _weighed(_several(_resolved(names), releases, evidence))


def _only(name: AttemptName, releases: ReleaseView, evidence: BankEvidence) -> Attempt:
    return _attempt(
        name, releases.submitted, releases.failed, evidence.reports, evidence.rejections, evidence.cancellations
    )


def _resolved(names: Iterable[AttemptName]) -> dict[AttemptName, AttemptName]:
    """Every name as said to the attempt meant: half a name means the only whole one that it fits."""
    known = sorted(names, key=_name_order)
    whole_by_half: dict[AttemptName, list[AttemptName]] = {}
    for name in known:
        if None not in name:
            for half in ((name[0], None), (None, name[1])):
                whole_by_half.setdefault(half, []).append(name)
    meant: dict[AttemptName, AttemptName] = {UNNAMED: UNNAMED}
    for name in known:
        fitting = whole_by_half.get(name, ())
        if None not in name or (not fitting and name[0] is not None):
            meant[name] = name
        else:
            meant[name] = fitting[0] if len(fitting) == 1 else UNNAMED
    return meant


def _name_order(name: AttemptName) -> tuple[str, str]:
    return (name[0] or "", name[1] or "")


def _fits(said: AttemptName, whole: AttemptName) -> bool:
    return all(part is None or part == other for part, other in zip(said, whole, strict=True))


def _several(meant: dict[AttemptName, AttemptName], releases: ReleaseView, evidence: BankEvidence) -> list[Attempt]:
    attempts = {name: _empty(name) for name in sorted({*meant.values()} - {UNNAMED}, key=_name_order)}
    if not attempts:
        return [_only(UNNAMED, releases, evidence)]
    unnamed = _give(_only(UNNAMED, releases, evidence), attempts, meant)
    by_start = sorted(attempts.values(), key=_start_order)
    starts = [_start(attempt) for attempt in by_start]
    for kind, fact in unnamed:
        _add(by_start[_under_way(starts, fact)], kind, fact)
    for ack in evidence.duplicate_rejections:
        name = meant.get(attempt_name(ack.message_id, ack.payment_info_id), UNNAMED)
        (attempts[name] if name != UNNAMED else by_start[_under_way(starts, ack)]).already_there = True
    return by_start


_KINDS: Final = ("submitted", "failed", "reports", "rejections", "cancellations")


def _empty(name: AttemptName) -> Attempt:
    return Attempt(name, (), (), (), (), ())


def _add(attempt: Attempt, kind: str, fact: Release | BankAck) -> None:
    setattr(attempt, kind, (*getattr(attempt, kind), fact))


def _give(
    everything: Attempt, attempts: dict[AttemptName, Attempt], meant: dict[AttemptName, AttemptName]
) -> list[tuple[str, Release | BankAck]]:
    """Give each fact to the attempt that it names; what names none is left."""
    unnamed: list[tuple[str, Release | BankAck]] = []
    for kind in _KINDS:
        facts: Sequence[Release | BankAck] = getattr(everything, kind)
        for fact in facts:
            name = meant[fact.message_id, fact.payment_info_id]
            if name == UNNAMED:
                unnamed.append((kind, fact))
            else:
                _add(attempts[name], kind, fact)
    return unnamed


def _start(attempt: Attempt) -> int:
    """When the attempt began: its submission by our clock, else the first that anybody said of it."""
    ours: Sequence[Release | BankAck] = attempt.submitted or attempt.failed
    facts = ours or (*attempt.reports, *attempt.rejections, *attempt.cancellations)
    if len(facts) == 1:
        return facts[0].occurred_at
    return min([fact.occurred_at for fact in facts], default=0)


def _start_order(attempt: Attempt) -> tuple[int, tuple[str, str]]:
    return (_start(attempt), _name_order(attempt.name))


def _under_way(starts: list[int], fact: Release | BankAck) -> int:
    """The place of the last attempt begun when the fact happened; of the first one if it happened before all."""
    return max(bisect_right(starts, fact.occurred_at) - 1, 0)


def _weighed(attempts: list[Attempt]) -> Attempts:
    for attempt in attempts:
        _weigh(attempt)
    if len(attempts) == 1:
        return _alone(attempts[0])
    _drop_copies(attempts)
    attempts.sort(key=_order)
    live = [attempt for attempt in attempts if attempt.live]
    dead = [attempt for attempt in attempts if attempt.ended is not None]
    return _attempts(
        all=tuple(attempts),
        best=max(live, key=_merit) if live else None,
        last_dead=dead[-1] if dead else None,
        live_named=sum(attempt.name != UNNAMED for attempt in live),
    )


def _alone(attempt: Attempt) -> Attempts:
    live, dead = attempt.live, attempt.ended is not None
    return _attempts(
        (attempt,), attempt if live else None, attempt if dead else None, 1 if live and attempt.name != UNNAMED else 0
    )


def _order(attempt: Attempt) -> tuple[int, tuple[str, str]]:
    return (attempt.start, _name_order(attempt.name))


def _merit(attempt: Attempt) -> tuple[int, int, tuple[str, str]]:
    return (attempt.rank, attempt.start, _name_order(attempt.name))


def _drop_copies(attempts: list[Attempt]) -> None:
    """A file that the bank refused as a copy, and that it says nothing else about, is no second live attempt."""
    if any(attempt.live and not attempt.already_there for attempt in attempts):
        for attempt in attempts:
            if attempt.already_there and not attempt.reports:
                attempt.rank = 0


def _weigh(attempt: Attempt) -> None:
    """Find the attempt's rank and what ended it. The bank's word outranks our own failure to hear it."""
    attempt.start = _start(attempt)
    if attempt.submitted:
        attempt.rank, attempt.status = SUBMITTED_RANK, _SUBMITTED
        ours = attempt.submitted
        attempt.leading = ours[0] if len(ours) == 1 else min(ours, key=by_their_clock)
    highest: BankAck | None = None
    for row in attempt.reports:
        if row.milestone is not None:
            rank = RANKS[row.milestone]
            if rank > attempt.rank or (
                rank == attempt.rank and highest is not None and by_their_clock(row) < by_their_clock(highest)
            ):
                attempt.rank, attempt.status, attempt.leading, highest = rank, row.milestone, row, row
    if attempt.rejections or attempt.cancellations or attempt.failed:
        attempt.ended = _ended(attempt)


def _ended(attempt: Attempt) -> BankAck | Release | None:
    # a cancellation granted on request is too late for money that has left: it waits for the return
    granted_too_late = attempt.rank >= SETTLED_RANK
    cancelled = [row for row in attempt.cancellations if not (is_granted_recall(row.bank_status) and granted_too_late)]
    final = [*attempt.rejections, *cancelled]
    if final:
        return max(final, key=by_their_clock)
    if attempt.failed and attempt.rank <= SUBMITTED_RANK:
        last = max((*attempt.submitted, *attempt.failed), key=by_their_clock)
        return last if last in attempt.failed else None
    return None
