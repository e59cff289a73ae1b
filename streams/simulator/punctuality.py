"""What was late, as payments.raw.v1 itself tells: JSON as the ERP and the banks sent it, and when it was appended.

Nothing of the pipeline is asked, not even how it maps a record: a slow machine changes what is late, never the verdict.
Banks that answer in files are not looked at.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.records import Raw

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_OWN_NAMES: Final = ("uetr", "end_to_end_id", "instruction_id")
_FILE_NAMES: Final = ("message_id", "payment_info_id")

_File = tuple[str, ...]
"""What names the file that carried an attempt."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A submission that its bank did not answer in time. ``answered_at``: when it did after all. Microseconds UTC."""

    payment: str
    due_at: int
    answered_at: int | None


@dataclass(slots=True)
class Punctuality:
    """``note`` every record, in any order; then ask. ``within_us``: how long a bank may take; 0: for ever."""

    within_us: Mapping[str, int]
    _due: dict[tuple[str, _File], int] = field(default_factory=dict)
    _owners: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _answers: dict[tuple[str, _File], int] = field(default_factory=dict)

    def note(self, raw: Raw, appended_at: int) -> None:
        """One record, and when the broker appended it (microseconds UTC)."""
        if raw.format == "release.json":
            self._note_release(_document(raw), appended_at)
        elif raw.format == "acknowledgement.json":
            self._note_answer(_document(raw), appended_at)

    def _note_release(self, said: Mapping[str, Any], appended_at: int) -> None:
        payment, within_us = said.get("correlation_id"), self.within_us.get(said.get("bank", ""), 0)
        if payment is None or not within_us:
            return
        names = said.get("references", {})
        for name in _OWN_NAMES:
            if name in names:
                self._owners[names[name]].add(payment)
        if said["stage"] == "submitted":
            attempt = (payment, _file(names))
            due_at = _began_at(said["occurred_at"], appended_at) + within_us
            self._due[attempt] = min(due_at, self._due.get(attempt, due_at))

    def _note_answer(self, said: Mapping[str, Any], appended_at: int) -> None:
        names = said.get("references", {})
        for name in _OWN_NAMES:
            if name in names:
                answer = (names[name], _file(names))
                self._answers[answer] = min(appended_at, self._answers.get(answer, appended_at))

    def silences(self, until: int) -> Iterator[Silence]:
        """Every submission whose time was up at ``until`` and that had not been answered by then."""
        answered: dict[tuple[str, _File], int] = {}
        for (name, file), at in self._answers.items():
            for payment in self._owners.get(name, ()):
                answered[payment, file] = min(at, answered.get((payment, file), at))
        for attempt, due_at in self._due.items():
            answered_at = answered.get(attempt)
            if due_at <= until and (answered_at is None or answered_at > due_at):
                yield Silence(attempt[0], due_at, answered_at)


def unanswered(silences: Iterable[Silence]) -> frozenset[str]:
    """Payments of which a submission has never been answered."""
    return frozenset(row.payment for row in silences if row.answered_at is None)


def _document(raw: Raw) -> Mapping[str, Any]:
    """What the sender wrote; what is no JSON object says nothing."""
    try:
        said = json.loads(raw.payload)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _file(names: Mapping[str, str]) -> _File:
    return tuple(names.get(name, "") for name in _FILE_NAMES)


def _began_at(occurred_at: str, appended_at: int) -> int:
    """Nothing happens after we have heard of it, and of a day nobody knows the hour."""
    moment = datetime.fromisoformat(occurred_at)
    return appended_at if moment.tzinfo is None else min(appended_at, (moment - _EPOCH) // _MICROSECOND)
