"""What must have been reported missing, and what was: by the clock, once, of its due time, taken back when it is over.

Presence may be judged as facts come; absence only when the clock has passed its due time (contracts.md, "Order and
time"). So what must have been told follows from the facts, the policy and the ticks alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.domain.reference_kinds import names_to_look_up
from streams.domain.state import AlertKind, AlertState
from streams.score import Score, score
from streams.verify.deliveries import placing_of
from streams.verify.inputs import Inputs, Telling
from streams.verify.proved import Passed
from streams.verify.report import Report

LATE: Final = frozenset({AlertKind.SLA_MISSED})
UNPLACED: Final = frozenset({AlertKind.ORPHAN, AlertKind.AMBIGUOUS})
CLOCKED: Final = LATE | UNPLACED
_SECOND_US: Final = 1_000_000
#: Before every tick.
_AT_ONCE: Final = -1
_EITHER: Final = (AlertState.OPEN, AlertState.WITHDRAWN)

Subject = tuple[AlertKind, str]
"""What is missing, and the event that says so: the deadline's own, or the fact that has no payment."""


@dataclass(slots=True)
class Told:
    """What the alerts say of one absence. ``at``: of its first opening; ``opened``: how often that was told."""

    at: int
    opened: int
    state: AlertState


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that was not there ``at`` its due time; the clock that tells of it is ``fires_at``.

    ``over_at``: the clock from which it must have been taken back; None: it lasts. ``excused``: it need not be told, as
    what was missing had come in time, but lay in the dead letters or had a name that nobody knew yet.
    """

    subject: Subject
    place: str
    at: int
    fires_at: int
    over_at: int | None
    passed: Passed
    excused: bool = False

    @property
    def must_be_told(self) -> bool:
        """The clock has passed it."""
        return self.fires_at <= self.passed.surely and not self.excused

    @property
    def may_be_told(self) -> bool:
        """The clock may have passed it."""
        return self.fires_at <= self.passed.possibly

    @property
    def states(self) -> Collection[AlertState]:
        """How its alert may stand now."""
        if self.over_at is None or self.over_at > self.passed.possibly:
            return _EITHER if self.excused else (AlertState.OPEN,)
        return (AlertState.WITHDRAWN,) if self.over_at <= self.passed.surely else _EITHER


def unplaced_of(inputs: Inputs, grace_s: int, passed: Passed) -> list[Absence]:
    """Every bank's word that had no payment so long after it came. ``grace_s`` 0: it may wait for ever."""
    found = (_unplaced(telling, inputs, grace_s * _SECOND_US, passed) for telling in inputs.tellings.values())
    return [absence for absence in found if absence is not None and absence.may_be_told]


def _unplaced(telling: Telling, inputs: Inputs, grace_us: int, passed: Passed) -> Absence | None:
    sought = names_to_look_up(telling.references)
    if not telling.notable or telling.correlation_id:
        return None
    if not sought:
        return _nameless(telling, passed)
    if telling.is_approval or grace_us == 0:
        return None
    due_at = telling.received_at + grace_us
    by_then = placing_of(telling.references, telling.received_at, inputs.names, by=due_at)
    if by_then.payments:
        return None
    kind = AlertKind.AMBIGUOUS if by_then.known else AlertKind.ORPHAN
    over_at = max(due_at, telling.known_at) if telling.payments else None
    place = f"event {telling.event_id} by {', '.join(reference.key for reference in sought)}"
    excused = telling.told in inputs.dead.facts
    return Absence((kind, telling.event_id), place, due_at, due_at, over_at, passed, excused)


def _nameless(telling: Telling, passed: Passed) -> Absence:
    """It names nobody, so nobody has to wait for the clock: without an alert it is lost (inputs.py)."""
    subject = (AlertKind.ORPHAN, telling.event_id)
    return Absence(subject, "without a name", telling.received_at, _AT_ONCE, None, passed, excused=True)


def compare(
    absences: Iterable[Absence], told: Mapping[Subject, Told], kinds: Collection[AlertKind], report: Report
) -> Score:
    """What had to be told against what was. Every difference is a fault of the report too."""
    known = {absence.subject: absence for absence in absences}
    reported = {subject: row for subject, row in told.items() if subject[0] in kinds}
    for subject, row in reported.items():
        absence = known.get(subject)
        if absence is None or not absence.may_be_told:
            expected = "none: it was not missing" if absence is None else f"none before the clock passes {absence.at}"
            report.blame("wrong_state", _named(subject, absence), expected, f"an alert of {row.at}, {row.state}")
        else:
            _check(absence, row, report)
    must = {absence.subject for absence in known.values() if absence.must_be_told}
    for subject in must - reported.keys():
        report.blame("wrong_state", _named(subject, known[subject]), f"an alert of {known[subject].at}", "none")
    optional = {absence.subject for absence in known.values() if absence.may_be_told} - must
    return score(must, reported.keys() - optional)


def _check(absence: Absence, told: Told, report: Report) -> None:
    subject = _named(absence.subject, absence)
    if told.opened != 1:
        check = "repeated" if told.opened else "wrong_state"
        report.blame(check, subject, "opened once", f"opened {told.opened} times")
    if told.at != absence.at:
        report.blame("wrong_state", subject, f"an alert of its due time {absence.at}", f"one of {told.at}")
    if told.state not in absence.states:
        report.blame("wrong_state", subject, " or ".join(absence.states), told.state)


def _named(subject: Subject, absence: Absence | None) -> str:
    kind, event_id = subject
    return f"{kind} alert, {absence.place if absence is not None else f'event {event_id}'}"
