"""What two views of one payment, a fact apart, mean for others: a transition, alerts, appearances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streams.domain.appearances import Fingerprint
from streams.domain.bank_evidence import RANKS
from streams.domain.construction import quick
from streams.domain.deadlines import Miss
from streams.domain.facts import (
    Approval,
    BankAck,
    Command,
    Fact,
    Happened,
    Missed,
    Reconciliation,
    Release,
    Verdict,
)
from streams.domain.findings import Finding, overdue
from streams.domain.fingerprints import Appearance, Liveness
from streams.domain.identity import stable_id
from streams.domain.kept import delivery_of
from streams.domain.money import Money
from streams.domain.payment import Context, Envelope, Payment
from streams.domain.policy import NO_ROUTE
from streams.domain.reasons import reason_of
from streams.domain.state import Alert, AlertKind, AlertState, Cause, RaisedFlag, Reason, Transition, TransitionKind
from streams.domain.statuses import STATUSES, Status
from streams.domain.view import View

_transition = quick(Transition)
_cause = quick(Cause)
_appearance = quick(Appearance)

_TYPES: Final[dict[type, str]] = {
    Approval: "approval",
    Release: "release",
    BankAck: "bank_ack",
    Reconciliation: "reconciliation",
    Command: "command",
    Verdict: "verdict",
    Missed: "deadline",
}

_ADVANCE: Final = TransitionKind.ADVANCE
_DEAD: Final = Liveness.DEAD
_Change = tuple[TransitionKind, tuple[RaisedFlag, ...], tuple[RaisedFlag, ...]]


def transition_between(
    last: Envelope | None, before: View | None, view: View, fact: Happened, context: Context
) -> Transition | None:
    """The one step that this fact made, with all flags that it raised and cleared; None: none that shows."""
    change = _change(before, view, fact)
    if change is None:
        return None
    kind, raised, cleared = change
    previous = before.status if before is not None else None
    description = view.parts.releases.description
    return _transition(
        _transition_id(fact, last, kind, previous, view.status, raised, cleared),
        fact.correlation_id,
        last.seq + 1 if last is not None else 1,
        last.last_transition_id if last is not None else None,
        last.version + 1 if last is not None else 1,
        kind,
        previous,
        view.status,
        _cause(fact.event_id, _TYPES[type(fact)], fact.source, _actor(fact)),
        context.evidence,
        fact.occurred_at,
        fact.precision,
        fact.received_at,
        raised,
        cleared,
        _said(fact),
        _amount(fact, view),
        view.bank,
        description.rail,
        view.region,
        view.company_code,
        description.run_id,
        view.policy_version,
        context.generation,
        context.mode,
        fact.trace_id,
    )


def _change(before: View | None, view: View, fact: Happened) -> _Change | None:
    if before is None:
        return _ADVANCE, view.flags, ()
    raised: tuple[RaisedFlag, ...] = ()
    cleared: tuple[RaisedFlag, ...] = ()
    if view.flags != before.flags:
        raised, cleared = _missing_in(before.flags, view.flags), _missing_in(view.flags, before.flags)
    missed = before.parts.deadlines.marks
    if missed and not set(missed) <= set(view.parts.deadlines.marks):  # not missed, as we now know
        return TransitionKind.CORRECTION, raised, cleared
    if view.status is not before.status:
        return _move(before.status, view.status, fact), raised, cleared
    if raised or cleared:
        return TransitionKind.FLAG, raised, cleared
    if _fills(before, view):
        return TransitionKind.MILESTONE_FILLED, (), ()
    return None


def _missing_in(others: tuple[RaisedFlag, ...], flags: tuple[RaisedFlag, ...]) -> tuple[RaisedFlag, ...]:
    """The flags whose name and detail are not among the others; another ``since`` is no other flag."""
    known = {(flag.name, flag.detail) for flag in others}
    return tuple(flag for flag in flags if (flag.name, flag.detail) not in known)


def _move(previous: Status, status: Status, fact: Happened) -> TransitionKind:
    """Forward, back (something was taken back), or out of a status that had closed the payment."""
    if isinstance(fact, (Approval, BankAck)) and fact.withdrawn:
        return TransitionKind.CORRECTION
    if STATUSES[previous].closed:
        return TransitionKind.ADVANCE if status is Status.RETURN_RECONCILED else TransitionKind.REOPEN
    rank = RANKS.get(status)
    if rank is not None and rank < RANKS[previous]:
        return TransitionKind.CORRECTION
    return _ADVANCE


def _fills(before: View, view: View) -> bool:
    if view.milestones == before.milestones:
        return False
    reached = {milestone.name for milestone in before.milestones}
    return any(milestone.name not in reached for milestone in view.milestones)


def _transition_id(
    fact: Happened,
    last: Envelope | None,
    kind: TransitionKind,
    previous: Status | None,
    status: Status,
    raised: tuple[RaisedFlag, ...],
    cleared: tuple[RaisedFlag, ...],
) -> str:
    """Unique in the chain: one copy of a fact (hash, delivery, receipt) changes a payment only once.

    A copy that was merged is part of the kept set, so telling it again changes nothing and makes no transition. What
    the clock says may be taken back and said again: there the step before tells them apart.
    """
    details: list[str] = []
    if isinstance(fact, Missed) and last is not None:
        details.append(last.last_transition_id or "")
    if raised:
        details += [f"+{flag.name}{{{flag.detail or ''}}}" for flag in raised]
    if cleared:
        details += [f"-{flag.name}{{{flag.detail or ''}}}" for flag in cleared]
    return stable_id(
        "transition",
        fact.correlation_id,
        fact.event_id,
        fact.payload_hash,
        str(delivery_of(fact)),
        str(fact.received_at),
        kind,
        previous or "",
        status,
        *details,
    )


def _actor(fact: Happened) -> str | None:
    return None if isinstance(fact, (BankAck, Verdict, Missed)) else fact.actor


def _said(fact: Happened) -> Reason | None:
    if isinstance(fact, (BankAck, Release)) and (fact.reason_codes or fact.reason_text):
        return reason_of(fact.reason_codes, fact.reason_text)
    return None


def _amount(fact: Happened, view: View) -> Money | None:
    stated = None if isinstance(fact, (Command, Verdict, Missed)) else fact.amount
    return stated if stated is not None else view.instructed


def alerts_between(before: View | None, view: View, fact: Happened, context: Context) -> tuple[Alert, ...]:
    """Conditions that appeared, then those that went away, each in the order of their ids."""
    old = before.alerts if before is not None else {}
    if old.keys() == view.alerts.keys():
        return ()
    return (*_opened(old, view, fact, context), *_withdrawn(old, view, fact, context))


def _opened(old: dict[str, Finding], view: View, fact: Happened, context: Context) -> Iterator[Alert]:
    for alert_id in sorted(view.alerts.keys() - old.keys()):
        finding = view.alerts[alert_id]
        yield _alert(alert_id, finding, finding.fact, AlertState.OPEN, view, fact.correlation_id, context)


def _withdrawn(old: dict[str, Finding], view: View, fact: Happened, context: Context) -> Iterator[Alert]:
    for alert_id in sorted(old.keys() - view.alerts.keys()):
        finding = old[alert_id]
        if not finding.shared:  # others may still have a reason for it
            yield _alert(alert_id, finding, fact, AlertState.WITHDRAWN, view, fact.correlation_id, context)


def alerts_of_a_miss(miss: Miss, view: View, context: Context) -> tuple[Alert, ...]:
    """Of a deadline that has fired although what it waited for is there, too late: raised, and withdrawn at once."""
    fact, finding = miss.fact, overdue(miss.fact)
    alert_id = finding.alert_id(fact.correlation_id)
    if miss.ended_by is None or alert_id is None:
        return ()
    return (
        _alert(alert_id, finding, fact, AlertState.OPEN, view, fact.correlation_id, context),
        _alert(alert_id, finding, miss.ended_by, AlertState.WITHDRAWN, view, fact.correlation_id, context),
    )


def _alert(
    alert_id: str,
    finding: Finding,
    cause: Fact,
    state: AlertState,
    view: View,
    correlation_id: str,
    context: Context,
) -> Alert:
    """An alert says what the facts say: its time, cause and trace are those of the fact that made it true."""
    kind = finding.kind or AlertKind.UNKNOWN  # a finding with an alert id has a kind
    route = context.policy.routes.get(kind, NO_ROUTE)
    return Alert(
        alert_id,
        correlation_id,
        kind,
        finding.severity,
        state,
        finding.text,
        cause.received_at,
        cause.event_id,
        view.bank,
        view.parts.releases.description.rail,
        view.region,
        view.company_code,
        view.instructed,
        route.owner,
        route.route,
        context.generation,
        context.mode,
        cause.trace_id,
    )


def appearances_between(before: View | None, payment: Payment) -> tuple[Appearance, ...]:
    """Every fingerprint again when one of them, or what the rules must know of its life, changed; a lost one as GONE.

    The rules ask of a payment that is in no pair only whether it is dead. Of one that is in a pair they ask how far it
    is, so the first verdict about a payment makes it tell, and from then on it tells every change of liveness. Telling
    all of everybody would cost more than the fold.
    """
    view = payment.view
    if before is None:
        if not view.fingerprints:
            return ()
        old: tuple[Fingerprint, ...] = ()
    else:
        old = before.fingerprints
        same_marks = view.fingerprints is old or view.fingerprints == old
        if same_marks and view.parts.meant_at == before.parts.meant_at and _told_life(view) is _told_life(before):
            return ()
    told = [_appearance_of(row, payment, view.liveness) for row in view.fingerprints]
    if old:
        now = {(row.rule, row.value) for row in view.fingerprints}
        told += [_appearance_of(row, payment, Liveness.GONE) for row in old if (row.rule, row.value) not in now]
    return tuple(told)


def _told_life(view: View) -> Liveness | None:
    """What the duplicate rules know of a payment's life; None: alive, and in no pair."""
    if view.parts.live.verdicts or view.liveness is _DEAD:
        return view.liveness
    return None


def _appearance_of(row: Fingerprint, payment: Payment, liveness: Liveness) -> Appearance:
    view = payment.view
    return _appearance(
        row.rule,
        row.value,
        payment.correlation_id,
        payment.envelope.version,
        liveness,
        view.status,
        view.parts.meant_at,
        view.bank,
        view.company_code,
        view.region,
        view.vendor_id,
        view.instructed,
        view.invoices,
        row.compared,
    )
