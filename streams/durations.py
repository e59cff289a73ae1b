"""How long a payment took from one milestone to another, told once: when both ends have become known.

Their clocks at both ends, and exact times only: evidence that carries only a date never enters a latency histogram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final, TypeAlias

from streams.domain.facts import Precision
from streams.domain.milestones import ACKNOWLEDGED
from streams.domain.state import Milestone, SettlementEvidence
from streams.domain.statuses import Status
from streams.domain.view import View

_MICROSECONDS: Final = 1e6


class Duration(Enum):
    """What is measured; the metric catalogue says from where to where."""

    ACKNOWLEDGEMENT = "acknowledgement"
    APPROVAL = "approval"
    CYCLE = "cycle"
    RECONCILIATION = "reconciliation"


_Ends: TypeAlias = tuple[Milestone, Milestone]


def completed(before: View | None, after: View) -> Iterator[tuple[Duration, float]]:
    """The durations in seconds whose second end this fact has made known.

    One that was told is not told again when earlier evidence turns up: a histogram cannot take back.
    """
    known = [milestone.name for milestone in before.milestones] if before is not None else []
    reached = [milestone.name for milestone in after.milestones]
    is_booked_now = _booked(after) and (before is None or not _booked(before))
    if known == reached and not is_booked_now:
        return
    touched = {duration for status in reached if status not in known for duration in _TOUCHED.get(status, ())}
    if is_booked_now:
        touched |= {Duration.CYCLE, Duration.RECONCILIATION}
    for duration in touched:
        ends = _ENDS[duration](after)
        if ends is None or (before is not None and _ENDS[duration](before) is not None):
            continue
        start, end = ends
        if start.precision is Precision.TIME and end.precision is Precision.TIME:
            yield duration, (end.at - start.at) / _MICROSECONDS


def _between(start: Milestone | None, end: Milestone | None) -> _Ends | None:
    return (start, end) if start is not None and end is not None and start is not end else None


def _acknowledgement(view: View) -> _Ends | None:
    first = min((row for row in view.milestones if row.name in ACKNOWLEDGED), key=_at, default=None)
    return _between(_reached(view, Status.SUBMITTED), first)


def _approval(view: View) -> _Ends | None:
    return _between(_reached(view, Status.PENDING_APPROVAL), _reached(view, Status.APPROVED))


def _cycle(view: View) -> _Ends | None:
    return _between(min(view.milestones, key=_at, default=None), _booking(view))


def _reconciliation(view: View) -> _Ends | None:
    return _between(_booking(view), _reached(view, Status.RECONCILED))


def _booking(view: View) -> Milestone | None:
    return _reached(view, Status.SETTLED) if _booked(view) else None


def _booked(view: View) -> bool:
    return view.judgement.evidence is SettlementEvidence.BOOKED


def _reached(view: View, status: Status) -> Milestone | None:
    return next((row for row in view.milestones if row.name is status), None)


def _at(milestone: Milestone) -> int:
    return milestone.at


_ENDS: Final[Mapping[Duration, Callable[[View], _Ends | None]]] = {
    Duration.ACKNOWLEDGEMENT: _acknowledgement,
    Duration.APPROVAL: _approval,
    Duration.CYCLE: _cycle,
    Duration.RECONCILIATION: _reconciliation,
}
#: Which durations a milestone may complete. The first milestone of all is known before the booking, or is none.
_TOUCHED: Final[Mapping[Status, tuple[Duration, ...]]] = {
    Status.PENDING_APPROVAL: (Duration.APPROVAL,),
    Status.APPROVED: (Duration.APPROVAL,),
    Status.SUBMITTED: (Duration.ACKNOWLEDGEMENT,),
    **dict.fromkeys(ACKNOWLEDGED, (Duration.ACKNOWLEDGEMENT,)),
    Status.SETTLED: (Duration.ACKNOWLEDGEMENT, Duration.CYCLE, Duration.RECONCILIATION),
    Status.RECONCILED: (Duration.RECONCILIATION,),
}
