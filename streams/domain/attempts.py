"""Submission attempts: which file carried the payment to the bank, and what became of each.

Bank evidence belongs to the attempt that it names (message id + payment information id). Evidence that names none
belongs to the only attempt there is; among several, to the last one submitted before it by their clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.domain.bank_evidence import RANKS, BankEvidence
from streams.domain.facts import BankAck, Release
from streams.domain.instants import by_their_clock
from streams.domain.releases import UNNAMED, AttemptName, ReleaseView, attempt_name
from streams.domain.statuses import Status

SUBMITTED_RANK = RANKS[Status.SUBMITTED]
SETTLED_RANK = RANKS[Status.SETTLED]


@dataclass(slots=True)
class Attempt:
    """One submission. ``leading``: the fact that gives it its rank; ``ended``: what killed it, if anything did."""

    name: AttemptName
    submitted: list[Release] = field(default_factory=list)
    failed: list[Release] = field(default_factory=list)
    reports: list[BankAck] = field(default_factory=list)
    rejections: list[BankAck] = field(default_factory=list)
    cancellations: list[BankAck] = field(default_factory=list)
    already_there: bool = False
    start: int = 0
    rank: int = 0
    status: Status = Status.UNKNOWN
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


def attempts_of(releases: ReleaseView, evidence: BankEvidence) -> Attempts:
    """Give every submission and every report to its attempt, then see which attempts live."""
    told = (evidence.reports, evidence.rejections, evidence.cancellations)
    ours = (releases.submitted, releases.failed)
    if not any(told) and not any(ours):
        return NO_ATTEMPTS
    names: dict[AttemptName, None] = {}
    for rows in (*ours, *told):
        for row in rows:
            names[row.message_id, row.payment_info_id] = None
    names.pop(UNNAMED, None)
    if len(names) <= 1:
        return _weighed([_only(next(iter(names), UNNAMED), releases, evidence)])
    return _weighed(_several(_resolved(names), releases, evidence))


def _only(name: AttemptName, releases: ReleaseView, evidence: BankEvidence) -> Attempt:
    return Attempt(
        name,
        list(releases.submitted),
        list(releases.failed),
        evidence.reports,
        evidence.rejections,
        evidence.cancellations,
    )


def _resolved(names: Iterable[AttemptName]) -> dict[AttemptName, AttemptName]:
    """Every name as said to the attempt meant: half a name means the only whole one that it fits."""
    known = sorted(names, key=_name_order)
    whole = [name for name in known if None not in name]
    meant: dict[AttemptName, AttemptName] = {UNNAMED: UNNAMED}
    for name in known:
        fitting = [other for other in whole if _fits(name, other)]
        if name in whole or (not fitting and name[0] is not None):
            meant[name] = name
        else:
            meant[name] = fitting[0] if len(fitting) == 1 else UNNAMED
    return meant


def _name_order(name: AttemptName) -> tuple[str, str]:
    return (name[0] or "", name[1] or "")


def _fits(said: AttemptName, whole: AttemptName) -> bool:
    return all(part is None or part == other for part, other in zip(said, whole, strict=True))


def _several(meant: dict[AttemptName, AttemptName], releases: ReleaseView, evidence: BankEvidence) -> list[Attempt]:
    attempts = {name: Attempt(name) for name in sorted({*meant.values()} - {UNNAMED}, key=_name_order)}
    if not attempts:
        return [_only(UNNAMED, releases, evidence)]
    unnamed: list[tuple[str, Release | BankAck]] = []
    rows: Sequence[tuple[str, Sequence[Release | BankAck]]] = (
        ("submitted", releases.submitted),
        ("failed", releases.failed),
        ("reports", evidence.reports),
        ("rejections", evidence.rejections),
        ("cancellations", evidence.cancellations),
    )
    for kind, facts in rows:
        for fact in facts:
            name = meant[fact.message_id, fact.payment_info_id]
            if name == UNNAMED:
                unnamed.append((kind, fact))
            else:
                getattr(attempts[name], kind).append(fact)
    by_start = sorted(attempts.values(), key=_start_order)
    for kind, fact in unnamed:
        getattr(_under_way(by_start, fact), kind).append(fact)
    for ack in evidence.duplicate_rejections:
        name = meant.get(attempt_name(ack.message_id, ack.payment_info_id), UNNAMED)
        (attempts[name] if name != UNNAMED else _under_way(by_start, ack)).already_there = True
    return by_start


def _start(attempt: Attempt) -> int:
    """When the attempt began: its submission by our clock, else the first that anybody said of it."""
    ours: Sequence[Release | BankAck] = attempt.submitted or attempt.failed
    facts = ours or (*attempt.reports, *attempt.rejections, *attempt.cancellations)
    return min((fact.occurred_at for fact in facts), default=0)


def _start_order(attempt: Attempt) -> tuple[int, tuple[str, str]]:
    return (_start(attempt), _name_order(attempt.name))


def _under_way(by_start: list[Attempt], fact: Release | BankAck) -> Attempt:
    """The last attempt begun when the fact happened; the first one if it happened before all."""
    begun = [attempt for attempt in by_start if _start(attempt) <= fact.occurred_at]
    return begun[-1] if begun else by_start[0]


def _weighed(attempts: list[Attempt]) -> Attempts:
    for attempt in attempts:
        _weigh(attempt)
    if len(attempts) > 1:
        _drop_copies(attempts)
        attempts.sort(key=_order)
    live = [attempt for attempt in attempts if attempt.live]
    dead = [attempt for attempt in attempts if attempt.ended is not None]
    return Attempts(
        all=tuple(attempts),
        best=max(live, key=_merit) if live else None,
        last_dead=dead[-1] if dead else None,
        live_named=sum(attempt.name != UNNAMED for attempt in live),
    )


def _order(attempt: Attempt) -> tuple[int, tuple[str, str]]:
    return (attempt.start, _name_order(attempt.name))


def _merit(attempt: Attempt) -> tuple[int, int, tuple[str, str]]:
    return (attempt.rank, attempt.start, _name_order(attempt.name))


def _drop_copies(attempts: list[Attempt]) -> None:
    """A file that the bank refused as a copy, and that it says nothing else about, is no second live attempt."""
    for attempt in attempts:
        others = any(other.live for other in attempts if other is not attempt and not other.already_there)
        if attempt.already_there and not attempt.reports and others:
            attempt.rank = 0


def _weigh(attempt: Attempt) -> None:
    """Find the attempt's rank and what ended it. The bank's word outranks our own failure to hear it."""
    attempt.start = _start(attempt)
    if attempt.submitted:
        attempt.rank, attempt.status = SUBMITTED_RANK, Status.SUBMITTED
        attempt.leading = min(attempt.submitted, key=by_their_clock)
    for row in sorted(attempt.reports, key=by_their_clock) if len(attempt.reports) > 1 else attempt.reports:
        if row.milestone is not None and RANKS[row.milestone] > attempt.rank:
            attempt.rank, attempt.status, attempt.leading = RANKS[row.milestone], row.milestone, row
    attempt.ended = _ended(attempt)


def _ended(attempt: Attempt) -> BankAck | Release | None:
    # a cancellation granted on request (CNCL) is too late for money that has left: it waits for the return
    granted_too_late = attempt.rank >= SETTLED_RANK
    cancelled = [row for row in attempt.cancellations if not (row.bank_status == "CNCL" and granted_too_late)]
    final = [*attempt.rejections, *cancelled]
    if final:
        return max(final, key=by_their_clock)
    if attempt.failed and attempt.rank <= SUBMITTED_RANK:
        last = max((*attempt.submitted, *attempt.failed), key=by_their_clock)
        return last if last in attempt.failed else None
    return None
