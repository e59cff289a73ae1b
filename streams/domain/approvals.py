"""What the approvals of a payment add up to: who was asked, who said yes, and to what.

A decision is keyed by (scope, scope key, round, step, actor); the source's latest sequence wins. Only the newest
round of a subject (a scope and its key) counts. A subject is approved when as many different steps said yes as it
needs and nobody's decision in force is no.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.domain.construction import quick
from streams.domain.facts import Approval, ApprovalScope, Decision
from streams.domain.instants import by_their_clock
from streams.domain.policy import Policy

_YES: Final = frozenset({Decision.APPROVED, Decision.STEP_APPROVED})
_REJECTED: Final = Decision.REJECTED
_WITHDRAWN: Final = Decision.WITHDRAWN
_INVOICE: Final = ApprovalScope.INVOICE
_PAYMENT: Final = ApprovalScope.PAYMENT


@dataclass(slots=True)
class ApprovalView:
    """Read only. ``pending``, ``completed``: the facts that reached PENDING_APPROVAL and APPROVED.

    ``content_hash``: what the newest decision of scope PAYMENT that says yes was bound to; else of any scope.
    ``by_invoice``: all this depends on which invoices the payment pays.
    """

    asked: bool
    complete: bool
    required: int
    given: int
    rejected: Approval | None
    withdrawn: Approval | None
    pending: Approval | None
    completed: Approval | None
    content_hash: str | None
    positive: tuple[Approval, ...]
    in_force: tuple[Approval, ...]
    by_invoice: bool


_approval_view = quick(ApprovalView)
NOT_ASKED: Final = ApprovalView(
    asked=False,
    complete=False,
    required=0,
    given=0,
    rejected=None,
    withdrawn=None,
    pending=None,
    completed=None,
    content_hash=None,
    positive=(),
    in_force=(),
    by_invoice=False,
)

_Subject = tuple[ApprovalScope, str]


def approvals_of(approvals: tuple[Approval, ...], invoices: tuple[str, ...], policy: Policy) -> ApprovalView:
    """``invoices``: the keys of the invoices that the payment pays, as its release says; empty if not known."""
    if not approvals and not policy.required_scopes:
        return NOT_ASKED
    subjects = _in_force(approvals)
    in_force = [row for rows in subjects.values() for row in rows]
    refusals = [row for row in in_force if row.decision is _REJECTED]
    counted = _counted(subjects, invoices, policy)
    parts = [_part(rows) for rows in counted.values()]
    required = given = 0
    positive: list[Approval] = []
    for part in parts:
        required += part.required
        given += part.given
        positive += part.positive
    completed = _last([part.last for part in parts if part.last is not None]) if given == required else None
    first = _first(approvals)
    return _approval_view(
        asked=bool(approvals),
        complete=completed is not None and not refusals,
        required=required,
        given=given,
        rejected=_first(refusals),
        withdrawn=_first([row for part in parts if part.given < part.required for row in part.withdrawn]),
        pending=first if first is not completed else None,
        completed=completed if not refusals else None,
        content_hash=_content_hash(positive),
        positive=tuple(positive),
        in_force=tuple(in_force),
        by_invoice=_INVOICE in policy.required_scopes or any(scope is _INVOICE for scope, _key in subjects),
    )


def _first(rows: Sequence[Approval]) -> Approval | None:
    return min(rows, key=by_their_clock) if len(rows) > 1 else (rows[0] if rows else None)


def _last(rows: Sequence[Approval]) -> Approval | None:
    return max(rows, key=by_their_clock) if len(rows) > 1 else (rows[0] if rows else None)


def _content_hash(positive: Iterable[Approval]) -> str | None:
    bound = [row for row in positive if row.content_hash is not None]
    newest = _last([row for row in bound if row.scope is _PAYMENT] or bound)
    return newest.content_hash if newest is not None else None


def _in_force(approvals: Iterable[Approval]) -> dict[_Subject, list[Approval]]:
    """The decisions that hold: of each subject its newest round, of each key its latest sequence."""
    rounds: dict[_Subject, int] = {}
    subjects: dict[_Subject, dict[tuple[int, str], Approval]] = {}
    for row in approvals:
        subject = (row.scope, row.scope_key)
        newest = rounds.get(subject)
        if newest is None or row.round > newest:
            rounds[subject] = row.round
            subjects[subject] = {(row.step, row.actor): row}
        elif row.round == newest:
            decisions, key = subjects[subject], (row.step, row.actor)
            other = decisions.get(key)
            if other is None or _later(row, other):
                decisions[key] = row
    return {subject: [*decisions.values()] for subject, decisions in subjects.items()}


def _later(row: Approval, other: Approval) -> bool:
    return (row.sequence, row.occurred_at, row.event_id) > (other.sequence, other.occurred_at, other.event_id)


def _counted(
    subjects: dict[_Subject, list[Approval]], invoices: tuple[str, ...], policy: Policy
) -> dict[_Subject, list[Approval]]:
    """The subjects that the payment needs, missing ones included: of scope INVOICE exactly the invoices it pays."""
    if not policy.required_scopes and not (invoices and any(scope is _INVOICE for scope, _key in subjects)):
        return subjects
    scopes = policy.required_scopes or {scope for scope, _key in subjects}
    counted = {subject: rows for subject, rows in subjects.items() if subject[0] in scopes}
    if _INVOICE in scopes and invoices:
        counted = {
            subject: rows for subject, rows in counted.items() if subject[0] is not _INVOICE or subject[1] in invoices
        }
        for key in invoices:
            counted.setdefault((_INVOICE, key), [])
    for scope in policy.required_scopes - {scope for scope, _key in counted}:
        counted[scope, ""] = []
    return counted


@dataclass(slots=True)
class _Part:
    """One subject: steps needed, steps that said yes, the fact that completed it, who said yes, who took it back."""

    required: int
    given: int
    last: Approval | None
    positive: list[Approval]
    withdrawn: list[Approval]


_subject_part = quick(_Part)


def _part(rows: list[Approval]) -> _Part:
    required = max([1, *[row.steps_required for row in rows]])
    positive = [row for row in rows if row.decision in _YES]
    steps: dict[int, Approval] = {}
    for row in sorted(positive, key=by_their_clock) if len(positive) > 1 else positive:
        steps.setdefault(row.step, row)
    yes = list(steps.values())
    given = min(len(yes), required)
    withdrawn = [row for row in rows if row.decision is _WITHDRAWN]
    return _subject_part(required, given, yes[given - 1] if given == required else None, positive, withdrawn)
