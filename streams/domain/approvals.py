"""What the approvals of a payment add up to: who was asked, who said yes, and to what.

A decision is keyed by (scope, scope key, round, step, actor); the source's latest sequence wins. Only the newest
round of a subject (a scope and its key) counts. A subject is approved when as many different steps said yes as it
needs and nobody's decision in force is no.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.domain.facts import Approval, ApprovalScope, Decision
from streams.domain.instants import by_their_clock
from streams.domain.policy import Policy

_YES: Final = frozenset({Decision.APPROVED, Decision.STEP_APPROVED})


@dataclass(slots=True)
class ApprovalView:
    """Read only. ``pending``, ``completed``: the facts that reached PENDING_APPROVAL and APPROVED."""

    asked: bool
    complete: bool
    required: int
    given: int
    rejected: Approval | None
    withdrawn: Approval | None
    pending: Approval | None
    completed: Approval | None
    positive: tuple[Approval, ...]
    in_force: tuple[Approval, ...]

    @property
    def content_hash(self) -> str | None:
        """What the newest decision of scope PAYMENT that says yes was bound to; else of any scope."""
        bound = [row for row in self.positive if row.content_hash is not None]
        bound = [row for row in bound if row.scope is ApprovalScope.PAYMENT] or bound
        return max(bound, key=by_their_clock).content_hash if bound else None


NOT_ASKED: Final = ApprovalView(
    asked=False,
    complete=False,
    required=0,
    given=0,
    rejected=None,
    withdrawn=None,
    pending=None,
    completed=None,
    positive=(),
    in_force=(),
)

_Subject = tuple[ApprovalScope, str]


def approvals_of(approvals: tuple[Approval, ...], invoices: tuple[str, ...], policy: Policy) -> ApprovalView:
    """``invoices``: the keys of the invoices that the payment pays, as its release says; empty if not known."""
    if not approvals and not policy.required_scopes:
        return NOT_ASKED
    subjects = _in_force(approvals)
    refusals = [row for rows in subjects.values() for row in rows if row.decision is Decision.REJECTED]
    counted = _counted(subjects, invoices, policy)
    parts = [_part(rows) for rows in counted.values()]
    required = sum(part.required for part in parts)
    given = sum(part.given for part in parts)
    complete = bool(parts) and given == required
    first = min(approvals, key=by_their_clock, default=None)
    ends = [part.last for part in parts if part.last is not None]
    completed = max(ends, key=by_their_clock) if complete else None
    undone = [row for part in parts if part.given < part.required for row in part.withdrawn]
    return ApprovalView(
        asked=bool(approvals),
        complete=complete and not refusals,
        required=required,
        given=given,
        rejected=min(refusals, key=by_their_clock, default=None),
        withdrawn=min(undone, key=by_their_clock, default=None),
        pending=first if first is not completed else None,
        completed=completed if not refusals else None,
        positive=tuple(row for rows in counted.values() for row in rows if row.decision in _YES),
        in_force=tuple(row for rows in subjects.values() for row in rows),
    )


def _in_force(approvals: Iterable[Approval]) -> dict[_Subject, list[Approval]]:
    """The decisions that hold: of each subject its newest round, of each key its latest sequence."""
    rounds: dict[_Subject, int] = {}
    for row in approvals:
        subject = (row.scope, row.scope_key)
        if row.round > rounds.get(subject, -1):
            rounds[subject] = row.round
    latest: dict[tuple[_Subject, int, str], Approval] = {}
    for row in approvals:
        subject = (row.scope, row.scope_key)
        if row.round == rounds[subject]:
            key = (subject, row.step, row.actor)
            other = latest.get(key)
            if other is None or _later(row, other):
                latest[key] = row
    subjects: dict[_Subject, list[Approval]] = {}
    for (subject, _step, _actor), row in latest.items():
        subjects.setdefault(subject, []).append(row)
    return subjects


def _later(row: Approval, other: Approval) -> bool:
    return (row.sequence, row.occurred_at, row.event_id) > (other.sequence, other.occurred_at, other.event_id)


def _counted(
    subjects: dict[_Subject, list[Approval]], invoices: tuple[str, ...], policy: Policy
) -> dict[_Subject, list[Approval]]:
    """The subjects that the payment needs, missing ones included: of scope INVOICE exactly the invoices it pays."""
    scopes = policy.required_scopes or {scope for scope, _key in subjects}
    counted = {subject: rows for subject, rows in subjects.items() if subject[0] in scopes}
    if ApprovalScope.INVOICE in scopes and invoices:
        counted = {
            subject: rows
            for subject, rows in counted.items()
            if subject[0] is not ApprovalScope.INVOICE or subject[1] in invoices
        }
        for key in invoices:
            counted.setdefault((ApprovalScope.INVOICE, key), [])
    for scope in policy.required_scopes - {scope for scope, _key in counted}:
        counted[scope, ""] = []
    return counted


@dataclass(slots=True)
class _Part:
    """One subject: steps needed, steps that said yes, the fact that completed it, who took a yes back."""

    required: int
    given: int
    last: Approval | None
    withdrawn: list[Approval]


def _part(rows: list[Approval]) -> _Part:
    required = max((row.steps_required for row in rows), default=1) or 1
    steps: dict[int, Approval] = {}
    for row in sorted((row for row in rows if row.decision in _YES), key=by_their_clock):
        steps.setdefault(row.step, row)
    yes = list(steps.values())
    given = min(len(yes), required)
    withdrawn = [row for row in rows if row.decision is Decision.WITHDRAWN]
    return _Part(required, given, yes[given - 1] if given == required else None, withdrawn)
