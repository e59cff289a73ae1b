"""Who holds a payment back, which duplicate alerts and cases concern it: commands and verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.domain.facts import Command, CommandAction, Fact, Verdict, VerdictAction
from streams.domain.statuses import HoldKind


@dataclass(slots=True)
class Holds:
    """Read only. ``held``: each kind with the fact that holds; ``suspected``: ids of open duplicate alerts."""

    held: tuple[tuple[HoldKind, Fact], ...] = ()
    suspected: tuple[str, ...] = ()
    case_ids: tuple[str, ...] = ()


NOT_HELD: Final = Holds()

_HOLDING: Final = frozenset({CommandAction.HOLD, CommandAction.UNHOLD})
_RULING: Final = frozenset({CommandAction.CONFIRM_DUPLICATE, CommandAction.DISMISS_DUPLICATE})
_CASE_WORK: Final = frozenset({CommandAction.ASSIGN, CommandAction.RESOLVE})


def holds_of(commands: tuple[Command, ...], verdicts: tuple[Verdict, ...]) -> Holds:
    """A person's word stands until a later one on the same subject; a verdict until a higher number of its alert."""
    if not commands and not verdicts:
        return NOT_HELD
    ordered = sorted(commands, key=_by_sequence)
    suspects = _suspects(ordered, verdicts)
    held: dict[HoldKind, Fact] = {}
    for kind in HoldKind:
        last = _last_word(ordered, kind)
        if last is not None and last.action is CommandAction.HOLD:
            held[kind] = last
        elif kind is HoldKind.DUPLICATE:
            # a hold that the duplicates agent asked for after the release still stands
            doubts = [row for row in suspects if row.hold and (last is None or row.occurred_at > last.occurred_at)]
            if doubts:
                held[kind] = min(doubts, key=_received)
    return Holds(
        tuple(held.items()),
        tuple(sorted({row.alert_id for row in suspects})),
        _open_cases(ordered),
    )


def _by_sequence(row: Command) -> tuple[int, int, str]:
    return (row.sequence, row.occurred_at, row.event_id)


def _received(row: Fact) -> tuple[int, str]:
    return (row.received_at, row.event_id)


def _last_word(ordered: Iterable[Command], kind: HoldKind) -> Command | None:
    """The last hold or unhold of this kind; an unhold that names no kind releases all."""
    last = None
    for row in ordered:
        if row.action in _HOLDING and (
            row.hold or HoldKind.MANUAL if row.action is CommandAction.HOLD else row.hold
        ) in (
            kind,
            None,
        ):
            last = row
    return last


def _suspects(ordered: Iterable[Command], verdicts: Iterable[Verdict]) -> list[Verdict]:
    latest: dict[str, Verdict] = {}
    for row in verdicts:
        other = latest.get(row.alert_id)
        if other is None or (row.number, row.event_id) > (other.number, other.event_id):
            latest[row.alert_id] = row
    rulings = {row.alert_id: row.action for row in ordered if row.action in _RULING}
    return [
        row
        for row in latest.values()
        if row.action is VerdictAction.SUSPECT and rulings.get(row.alert_id) is not CommandAction.DISMISS_DUPLICATE
    ]


def _open_cases(ordered: Iterable[Command]) -> tuple[str, ...]:
    last = {row.case_id: row.action for row in ordered if row.action in _CASE_WORK and row.case_id is not None}
    return tuple(sorted(case for case, action in last.items() if action is CommandAction.ASSIGN))
