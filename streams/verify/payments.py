"""Each payment once more from its facts, in one shot, against the state that was published of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from math import inf
from typing import Final

from streams.domain.deadlines import Mark
from streams.domain.facts import PaymentFact
from streams.domain.fingerprints import Liveness
from streams.domain.kept import Kept, merged
from streams.domain.payment import Context, Envelope, Payment, as_state, payment_of, unpacked
from streams.domain.policy import Policy
from streams.domain.state import AlertKind, State
from streams.domain.statuses import Status
from streams.verify.absences import Absence
from streams.verify.deadlines import Deadline, deadlines_of
from streams.verify.inputs import Inputs, Telling
from streams.verify.proved import Passed
from streams.verify.report import Report

KeptOf = Callable[[bytes], tuple[bool, tuple[Kept, ...], tuple[Mark, ...]]]
"""``internal`` of a state to whether facts overflowed, the facts kept, and the deadlines that have fired."""

#: What depends on the order in which facts came, and ``internal``, whose facts are compared one by one.
_ENVELOPE: Final = frozenset(
    {"internal", "version", "last_transition_id", "last_transition_seq", "updated_at", "generation"}
)
#: A fact takes back what the clock has told, without waiting for the clock.
_AT_ONCE: Final = 0
_COMPARED: Final = tuple(field.name for field in fields(State) if field.name not in _ENVELOPE)


@dataclass(frozen=True, slots=True)
class Stand:
    """What the other checks need of a published state and of its recomputation."""

    status: Status
    last_transition_id: str | None
    last_transition_seq: int
    liveness: Liveness
    meant_at: int


@dataclass(frozen=True, slots=True)
class Published:
    """A state, when its row says that it next needs the clock (microseconds; None: never), and how far that was."""

    state: State
    due: int | None
    passed: Passed


@dataclass(slots=True)
class Payments:
    """Checks one payment after the other; ``stands`` and ``fingerprints`` are what the recomputation says of all."""

    inputs: Inputs
    kept_of: KeptOf
    policy: Policy
    stands: dict[str, Stand] = field(default_factory=dict)
    fingerprints: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)

    def check(self, correlation_id: str, published: Published | None, report: Report) -> None:
        """A payment that facts tell of, or a state, or both."""
        tellings = self.inputs.by_payment.get(correlation_id, [])
        if published is None:
            for telling in tellings:
                telling.missing += 1
            return
        report.payments += 1
        state = published.state
        _, kept, marks = self.kept_of(state.internal)
        rows = self._rows(correlation_id, kept, report)
        present = [telling for telling in tellings if _is_in(rows, telling)]
        self._blame_strangers(correlation_id, rows, tellings, report)
        payment = self._recomputed(state, rows, marks, present, len({telling.event_id for telling in tellings}))
        self._check_deadlines(deadlines_of(payment.kept, self.policy), published, marks, present, report)
        self._compare(as_state(payment, state.internal), state, report)
        self._note(payment, state)

    def _rows(self, correlation_id: str, kept: Iterable[Kept], report: Report) -> dict[str, Kept]:
        rows: dict[str, Kept] = {}
        for row in kept:
            if row.event_id in rows:
                report.blame("repeated", correlation_id, f"event {row.event_id} once", "twice among its facts")
            rows[row.event_id] = row
        return rows

    def _blame_strangers(
        self, correlation_id: str, rows: dict[str, Kept], tellings: Iterable[Telling], report: Report
    ) -> None:
        """Facts in force that belong to another payment, or that nobody told."""
        own = {telling.event_id for telling in tellings}
        for event_id, row in rows.items():
            if event_id in own or not row.live:
                continue
            if event_id in self.inputs.events:
                found = "in force here too"
                report.blame("repeated", f"{correlation_id}: event {event_id}", "only in its own payments", found)
            else:
                report.blame("wrong_state", f"{correlation_id}: event {event_id}", "only what was told", "a fact of it")

    def _recomputed(
        self, state: State, rows: dict[str, Kept], marks: tuple[Mark, ...], present: list[Telling], told: int
    ) -> Payment:
        """From the inputs' own facts. What correlate took back, and what is here by fault, is taken as it is kept.

        So is which deadlines have fired: whether they had to is checked by itself.
        """
        facts: dict[str, Kept] = {}
        for telling in present:
            fact = self.inputs.fact_of(telling)
            known = facts.get(telling.event_id)
            facts[telling.event_id] = _kept(fact) if known is None else merged(known, fact, unpacked)
        others = [row for event_id, row in rows.items() if event_id not in facts]
        envelope = Envelope(
            state.version, state.last_transition_seq, state.last_transition_id, state.updated_at, state.generation
        )
        crowded = told + len(others) > self.policy.fact_cap
        kept = (*facts.values(), *others)
        return payment_of(state.correlation_id, kept, envelope, Context(policy=self.policy), crowded, marks)

    def _check_deadlines(
        self,
        deadlines: list[Deadline],
        published: Published,
        marks: tuple[Mark, ...],
        present: Iterable[Telling],
        report: Report,
    ) -> None:
        """Those that the clock has passed in vain, and no others, have fired; of the rest, the row knows the next."""
        payment, passed = published.state.correlation_id, published.passed
        self._note_absences(deadlines, passed, present)
        fired = {(mark.armed_by, mark.due_at) for mark in marks}
        open_ones = [row for row in deadlines if row.may_be_missed]
        must = {row.mark for row in open_ones if row.fires_at <= passed.surely}
        may = {row.mark for row in open_ones if row.fires_at <= passed.possibly}
        if not must <= fired <= may or len(fired) < len(marks):
            report.blame("wrong_state", f"{payment}: deadlines that have fired", str(sorted(must)), str(sorted(fired)))
        due = min((row.fires_at for row in open_ones if row.mark not in fired), default=None)
        if published.due != due:
            report.blame("wrong_state", f"{payment}: when it needs the clock", str(due), str(published.due))

    def _note_absences(self, deadlines: Iterable[Deadline], passed: Passed, present: Iterable[Telling]) -> None:
        """What must have been told of deadlines, and what may have been."""
        known_at = {telling.event_id: self._known_at(telling) for telling in present}
        for row in deadlines:
            excused = bool(row.in_time) and all(known_at.get(event_id, 0) > row.due_at for event_id in row.in_time)
            if row.fires_at <= passed.possibly and (row.may_be_missed or excused):
                subject, payment = (AlertKind.SLA_MISSED, row.event_id), row.submission.correlation_id
                over_at = _AT_ONCE if row.over else None
                self.absences.append(Absence(subject, payment, row.due_at, row.fires_at, over_at, passed, excused))

    def _known_at(self, telling: Telling) -> float:
        """When it could be known of the payment: later than it was received where its names were known later."""
        return inf if telling.told in self.inputs.dead.facts else max(telling.received_at, telling.known_at)

    def _compare(self, expected: State, found: State, report: Report) -> None:
        wrong = [name for name in _COMPARED if getattr(expected, name) != getattr(found, name)]
        if wrong:
            report.blame(
                "wrong_state",
                f"{found.correlation_id}: {', '.join(wrong)}",
                _shown(expected, wrong),
                _shown(found, wrong),
            )

    def _note(self, payment: Payment, state: State) -> None:
        view = payment.view
        self.stands[state.correlation_id] = Stand(
            state.status, state.last_transition_id, state.last_transition_seq, view.liveness, view.parts.meant_at
        )
        for row in view.fingerprints:
            self.fingerprints.setdefault((row.rule.value, row.value), []).append(state.correlation_id)


def _is_in(rows: dict[str, Kept], telling: Telling) -> bool:
    """Whether the fact is kept and in force, or has left its trace beside the one that counts. Notes what it is."""
    row = rows.get(telling.event_id)
    counts = row is not None and row.live and row.fact.payload_hash == telling.payload_hash
    rival = row is not None and any(other.payload_hash == telling.payload_hash for other in row.rivals)
    telling.rival = telling.rival or (rival and not counts)
    if counts or rival:
        telling.found += 1
    else:
        telling.missing += 1
    return counts or rival


def _kept(fact: PaymentFact) -> Kept:
    return Kept(fact.event_id, fact, b"")


def _shown(state: State, names: Iterable[str]) -> str:
    return ", ".join(f"{name}={getattr(state, name)!r}" for name in names)[:600]
