"""Alerts: none opened twice in a row; and one for every pair of payments that pays the same thing, none for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from schemas.codec import Codec
from streams.domain.duplicates import MEMBERS_KEPT, WINDOW_US, pair_of
from streams.domain.fingerprints import DuplicateAlert, DuplicateState, Liveness, Rule
from streams.domain.state import Alert, AlertKind, AlertState
from streams.verify.absences import CLOCKED, Subject, Told
from streams.verify.payments import Stand
from streams.verify.read import Row
from streams.verify.report import Report

#: One alert for many payments: each of them may tell it.
_SHARED: Final = frozenset({AlertKind.UNKNOWN_BANK_STATUS, AlertKind.LIMIT_EXCEEDED})
_DEAD: Final = frozenset({Liveness.DEAD, Liveness.GONE})
_JUDGED: Final = frozenset({DuplicateState.CONFIRMED, DuplicateState.DISMISSED})


@dataclass(slots=True)
class Alerts:
    """``causes``: every event that an alert names; ``absences``: what is told of something that is missing."""

    causes: set[str] = field(default_factory=set)
    absences: dict[Subject, Told] = field(default_factory=dict)
    _states: dict[str, AlertState] = field(default_factory=dict)
    _subjects: dict[str, Subject] = field(default_factory=dict)

    def read(self, rows: Iterable[Row], codec: Codec[Alert], report: Report) -> None:
        """Check all alerts; those of one id are in one partition, in order."""
        for row in rows:
            if row.value is None:
                continue
            alert = codec.decode(row.value)
            report.alerts += 1
            self.causes.add(alert.cause_event_id)
            if alert.kind not in _SHARED and self._states.get(alert.alert_id) is alert.state:
                found = f"{alert.state} twice in a row at {row.place}"
                report.blame("repeated", f"{alert.kind} alert {alert.alert_id}", "once", found)
            if alert.kind in CLOCKED:
                self._take_absence(alert)
            self._states[alert.alert_id] = alert.state

    def _take_absence(self, alert: Alert) -> None:
        """The cause of its opening names it; what takes it back is another event."""
        subject = self._subjects.setdefault(alert.alert_id, (alert.kind, alert.cause_event_id))
        told = self.absences.setdefault(subject, Told(alert.at, 0, alert.state))
        if alert.state is AlertState.OPEN and self._states.get(alert.alert_id) is not AlertState.OPEN:
            told.opened += 1
        told.state = alert.state


@dataclass(slots=True)
class Pairs:
    """The newest alert of every pair."""

    alerts: dict[str, DuplicateAlert] = field(default_factory=dict)

    def read(self, rows: Iterable[Row], codec: Codec[DuplicateAlert], report: Report) -> None:
        """Check that the versions of one alert count up."""
        for row in rows:
            if row.value is None:
                continue
            alert = codec.decode(row.value)
            report.duplicate_alerts += 1
            before = self.alerts.get(alert.alert_id)
            expected = before.number + 1 if before is not None else 1
            if alert.number != expected:
                check = "repeated" if alert.number < expected else "reordered"
                found = f"number {alert.number} at {row.place}"
                report.blame(check, f"duplicate alert {alert.alert_id}", f"number {expected}", found)
            self.alerts[alert.alert_id] = alert

    def compare(
        self, stands: Mapping[str, Stand], fingerprints: Mapping[tuple[str, str], list[str]], report: Report
    ) -> None:
        """Against every pair that the recomputed payments make. A person's word stands whatever the rules say."""
        expected: dict[str, tuple[str, ...]] = {}
        for first, second in _pairs(stands, fingerprints):
            expected[pair_of(first, second)] = (first, second)
        for alert_id, pair in expected.items():
            alert = self.alerts.get(alert_id)
            if alert is None or alert.state is DuplicateState.WITHDRAWN:
                found = "none" if alert is None else alert.state.value
                report.blame("wrong_state", f"payments {' and '.join(pair)}", "an open duplicate alert", found)
        for alert_id, alert in self.alerts.items():
            self._check(alert, alert_id in expected, stands, report)

    def _check(self, alert: DuplicateAlert, holds: bool, stands: Mapping[str, Stand], report: Report) -> None:
        pair = (alert.first.correlation_id, alert.second.correlation_id)
        subject = f"duplicate alert {alert.alert_id} of {' and '.join(pair)}"
        unknown = [payment for payment in pair if payment not in stands]
        if unknown or pair_of(*pair) != alert.alert_id:
            report.blame("wrong_state", subject, "two payments that exist", f"unknown: {', '.join(unknown) or 'pair'}")
        elif not holds and alert.state not in _JUDGED and alert.state is not DuplicateState.WITHDRAWN:
            report.blame("wrong_state", subject, "withdrawn: they share nothing, or one is proved dead", alert.state)


def _pairs(stands: Mapping[str, Stand], fingerprints: Mapping[tuple[str, str], list[str]]) -> Iterator[tuple[str, str]]:
    """Payments that share a fingerprint, both alive and near enough in time for its rule."""
    for (rule, _), members in fingerprints.items():
        if not 1 < len(members) <= MEMBERS_KEPT:
            continue
        window_us = WINDOW_US[Rule(rule)]
        alive = [payment for payment in members if stands[payment].liveness not in _DEAD]
        for first, second in combinations(alive, 2):
            if window_us is None or abs(stands[first].meant_at - stands[second].meant_at) <= window_us:
                yield first, second
