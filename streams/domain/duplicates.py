"""Which payments pay the same thing: from appearances under fingerprints to one alert a pair.

Two kinds of rows, each changed by the messages of its key alone. At a fingerprint (``rule:fingerprint``) stand the
payments that have it; every change is told to the home of each pair (``pair:<alert id>``). There the hits of all rules
are merged, a person's verdict is kept, and the alert and the verdicts for both payments follow. Pure functions; the
final alerts do not depend on the order of messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from streams.domain.facts import Precision, Verdict, VerdictAction
from streams.domain.fingerprints import (
    Appearance,
    DuplicateAction,
    DuplicateAlert,
    DuplicateState,
    FingerprintMessage,
    FingerprintMessageType,
    Hit,
    Liveness,
    PairVerdict,
    Rule,
)
from streams.domain.identity import stable_id
from streams.domain.state import Mode, Severity

MEMBERS_KEPT: Final = 64
"""Payments compared under one fingerprint; beyond it is a name that names nothing, and an alert says so.

Each of them keeps a verdict about each other: of the facts that a payment can keep (``FACT_CAP``) these may take a
quarter only, or there would be no room for the bank's word.
"""
_DAY_US: Final = 86_400_000_000
#: How far apart two payments may be for a rule to hold, in microseconds; None: for life (lifecycle.md).
WINDOW_US: Final[dict[Rule, int | None]] = {
    Rule.SAME_INSTRUCTION: None,
    Rule.EXACT_INVOICE: 731 * _DAY_US,
}
#: How sure a rule is, in thousandths; both are of the block tier (precision >= 0.98).
SCORES: Final[dict[Rule, int]] = {Rule.SAME_INSTRUCTION: 1_000, Rule.EXACT_INVOICE: 990}
_NOT_ALIVE: Final = frozenset({Liveness.DEAD, Liveness.GONE})
_WITH_THE_BANK: Final = frozenset({Liveness.SUBMITTED, Liveness.SETTLED})
_SUSPECT: Final = frozenset({DuplicateState.OPEN, DuplicateState.CONFIRMED})


@dataclass(frozen=True, slots=True)
class PairRow:
    """At a pair's home: the newest hit of each (rule, fingerprint), a person's verdict, and what was published."""

    hits: tuple[tuple[str, Hit], ...] = ()
    verdict: PairVerdict | None = None
    alert: DuplicateAlert | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What follows from one message at a pair's home; ``alert`` None: nothing changed."""

    row: PairRow
    alert: DuplicateAlert | None
    verdicts: tuple[Verdict, ...]


def pair_of(first: str, second: str) -> str:
    """The alert id of two payments, whichever comes first."""
    return stable_id("duplicate", *sorted((first, second)))


def newer(known: Appearance | None, told: Appearance) -> bool:
    """Whether ``told`` says something newer about its payment under this fingerprint."""
    return known is None or told.version > known.version


def hits_of(told: Appearance, others: Iterable[Appearance], message: FingerprintMessage) -> list[FingerprintMessage]:
    """What to tell the homes of the pairs that ``told`` makes with the other payments of its fingerprint."""
    return [_hit_message(told, other, message) for other in others if other.correlation_id != told.correlation_id]


def _hit_message(told: Appearance, other: Appearance, message: FingerprintMessage) -> FingerprintMessage:
    first, second = sorted((told, other), key=_by_time)
    alert_id = pair_of(first.correlation_id, second.correlation_id)
    hit = Hit(told.rule, first, second, _holds(first, second))
    key = f"pair:{alert_id}"
    return FingerprintMessage(FingerprintMessageType.HIT, key, message.received_at, None, hit, None, message.trace_id)


def _holds(first: Appearance, second: Appearance) -> bool:
    """Both alive (only the bank's proof makes one dead) and near enough in time for the rule."""
    window_us = WINDOW_US[first.rule]
    near = window_us is None or abs(second.at - first.at) <= window_us
    return near and first.liveness not in _NOT_ALIVE and second.liveness not in _NOT_ALIVE


def judge(row: PairRow, message: FingerprintMessage, generation: int, mode: Mode = Mode.LIVE) -> Judged:
    """One message at a pair's home: a hit or a person's verdict."""
    changed = row
    if message.hit is not None:
        changed = replace(row, hits=_with_hit(row.hits, message.hit))
    if message.verdict is not None:
        changed = replace(changed, verdict=max(row.verdict or message.verdict, message.verdict, key=_last_word))
    if changed == row:
        return Judged(row, None, ())
    alert = _alert(changed, message, generation, mode)
    if alert is None or (row.alert is not None and _same(alert, row.alert)):
        return Judged(changed, None, ())
    return Judged(replace(changed, alert=alert), alert, _verdicts(alert, _held(alert), message))


def _last_word(verdict: PairVerdict) -> tuple[int, bool, str, str]:
    """The highest number; what else is in it only makes ties harmless."""
    return (verdict.number, verdict.confirmed, verdict.actor, verdict.reason)


def _with_hit(hits: tuple[tuple[str, Hit], ...], new: Hit) -> tuple[tuple[str, Hit], ...]:
    """The newest hit of a fingerprint is the one whose appearances are newest: versions only grow."""
    key = f"{new.rule}:{new.first.fingerprint}"
    known = dict(hits)
    old = known.get(key)
    if old is None or _age(new) > _age(old):
        known[key] = new
    return tuple(sorted(known.items()))


def _age(hit: Hit) -> int:
    return hit.first.version + hit.second.version


def _alert(row: PairRow, message: FingerprintMessage, generation: int, mode: Mode) -> DuplicateAlert | None:
    """The alert as it must stand now; None while nothing has ever held. A person rules on what once did."""
    holding = [hit for _, hit in row.hits if hit.holds]
    if not row.hits or (not holding and row.alert is None and row.verdict is None):
        return None
    shown = holding or [hit for _, hit in row.hits]
    first, second = _both(shown)
    rules = tuple(sorted({hit.rule for hit in shown}))
    action = _action(first.liveness, second.liveness)
    return DuplicateAlert(
        alert_id=pair_of(first.correlation_id, second.correlation_id),
        rules=rules,
        score=max(SCORES[rule] for rule in rules),
        first=first,
        second=second,
        compared=tuple(sorted({text for hit in shown for text in hit.first.compared})),
        severity=Severity.WARNING if action is DuplicateAction.STOP else Severity.CRITICAL,
        action=action,
        state=_state(row.verdict, holds=bool(holding)),
        actor=row.verdict.actor if row.verdict else None,
        reason=row.verdict.reason if row.verdict else None,
        number=row.alert.number + 1 if row.alert else 1,
        at=message.received_at,
        generation=generation,
        mode=mode,
        trace_id=message.trace_id,
    )


def _both(hits: Iterable[Hit]) -> tuple[Appearance, Appearance]:
    """The newest appearance of each of the two payments, the one that was meant first in front."""
    newest: dict[str, Appearance] = {}
    for row in sorted((row for hit in hits for row in (hit.first, hit.second)), key=_by_version):
        newest[row.correlation_id] = row
    first, second = sorted(newest.values(), key=_by_time)
    return first, second


def _by_version(row: Appearance) -> tuple[int, Rule, str]:
    return (row.version, row.rule, row.fingerprint)


def _by_time(row: Appearance) -> tuple[int, str]:
    return (row.at, row.correlation_id)


def _state(verdict: PairVerdict | None, *, holds: bool) -> DuplicateState:
    """A person's word stands whatever the rules say later."""
    if verdict is not None:
        return DuplicateState.CONFIRMED if verdict.confirmed else DuplicateState.DISMISSED
    return DuplicateState.OPEN if holds else DuplicateState.WITHDRAWN


def _action(first: Liveness, second: Liveness) -> DuplicateAction:
    with_the_bank = sum(liveness in _WITH_THE_BANK for liveness in (first, second))
    if with_the_bank == 0:
        return DuplicateAction.STOP
    if first is Liveness.SETTLED and second is Liveness.SETTLED:
        return DuplicateAction.RECALL
    return DuplicateAction.HOLD_OTHER


def _held(alert: DuplicateAlert) -> str | None:
    """Which of the two to hold: the one that the bank does not have yet, the later one if it has neither."""
    if alert.state not in _SUSPECT:
        return None
    planned = [row for row in (alert.first, alert.second) if row.liveness is Liveness.PLANNED]
    return planned[-1].correlation_id if planned else None


def _verdicts(alert: DuplicateAlert, held: str | None, message: FingerprintMessage) -> tuple[Verdict, ...]:
    first, second = alert.first.correlation_id, alert.second.correlation_id
    return tuple(
        _verdict(alert, mine, other, message, hold=mine == held) for mine, other in ((first, second), (second, first))
    )


def _verdict(alert: DuplicateAlert, mine: str, other: str, message: FingerprintMessage, *, hold: bool) -> Verdict:
    """One fact a pair and payment: a later one of a higher number takes its place."""
    return Verdict(
        event_id=stable_id("verdict", alert.alert_id, mine),
        payload_hash=stable_id("verdict", alert.alert_id),
        correlation_id=mine,
        source="duplicates",
        source_event_id=alert.alert_id,
        occurred_at=message.received_at,
        precision=Precision.TIME,
        received_at=message.received_at,
        trace_id=message.trace_id,
        alert_id=alert.alert_id,
        other=other,
        rules=tuple(rule.value for rule in alert.rules),
        action=VerdictAction.SUSPECT if alert.state in _SUSPECT else VerdictAction.CLEAR,
        hold=hold,
        number=alert.number,
    )


def _same(alert: DuplicateAlert, published: DuplicateAlert) -> bool:
    """Whether only what changes with every look is different."""
    return (
        replace(
            alert,
            number=published.number,
            at=published.at,
            trace_id=published.trace_id,
            first=_as_published(alert.first, published.first),
            second=_as_published(alert.second, published.second),
        )
        == published
    )


def _as_published(now: Appearance, then: Appearance) -> Appearance:
    return replace(now, version=then.version, rule=then.rule, fingerprint=then.fingerprint, compared=then.compared)
