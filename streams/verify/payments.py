"""Each payment once more from its facts, in one shot, against the state that was published of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Final

from streams.domain.deadlines import Mark
from streams.domain.facts import PaymentFact
from streams.domain.fingerprints import Liveness
from streams.domain.kept import Kept, merged
from streams.domain.payment import Context, Envelope, Payment, as_state, payment_of, unpacked
from streams.domain.policy import Policy
from streams.domain.state import State
from streams.domain.statuses import Status
from streams.verify.inputs import Inputs, Telling
from streams.verify.report import Report

KeptOf = Callable[[bytes], tuple[bool, tuple[Kept, ...], tuple[Mark, ...]]]
"""``internal`` of a state to whether facts overflowed, the facts kept, and the deadlines that have fired."""

#: What depends on the order in which facts came, and ``internal``, whose facts are compared one by one.
_ENVELOPE: Final = frozenset(
    {"internal", "version", "last_transition_id", "last_transition_seq", "updated_at", "generation"}
)
_COMPARED: Final = tuple(field.name for field in fields(State) if field.name not in _ENVELOPE)


@dataclass(frozen=True, slots=True)
class Stand:
    """What the other checks need of a published state and of its recomputation."""

    status: Status
    last_transition_id: str | None
    last_transition_seq: int
    liveness: Liveness
    meant_at: int


@dataclass(slots=True)
class Payments:
    """Checks one payment after the other; ``stands`` and ``fingerprints`` are what the recomputation says of all."""

    inputs: Inputs
    kept_of: KeptOf
    policy: Policy
    stands: dict[str, Stand] = field(default_factory=dict)
    fingerprints: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def check(self, correlation_id: str, state: State | None, report: Report) -> None:
        """A payment that facts tell of, or a state, or both."""
        tellings = self.inputs.by_payment.get(correlation_id, [])
        if state is None:
            for telling in tellings:
                telling.missing += 1
            return
        report.payments += 1
        _, kept, marks = self.kept_of(state.internal)
        rows = self._rows(correlation_id, kept, report)
        present = [telling for telling in tellings if _is_in(rows, telling)]
        self._blame_strangers(correlation_id, rows, tellings, report)
        payment = self._recomputed(state, rows, marks, present, len({telling.event_id for telling in tellings}))
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
        """From the inputs' own facts. What correlate took back, and what is here by fault, is taken as it is kept."""
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
