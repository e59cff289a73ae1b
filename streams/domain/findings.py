"""What is unusual about a payment: each finding raises a flag, an alert, or both, and goes when its reason goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from streams.domain import bank_statuses, reasons
from streams.domain.attempts import Attempt
from streams.domain.bank_evidence import RANKS, recall_of
from streams.domain.bank_statuses import Recall
from streams.domain.deadlines import Miss
from streams.domain.facts import Approval, ApprovalScope, BankAck, Fact, Level, Missed, Release
from streams.domain.holds import Holds
from streams.domain.identity import stable_id
from streams.domain.instants import by_their_clock, surely_after
from streams.domain.judgement import Judgement, Known
from streams.domain.kept import Kept
from streams.domain.money import Money
from streams.domain.releases import attempt_name, differs
from streams.domain.state import AlertKind, RaisedFlag, Severity
from streams.domain.statuses import STATUSES, Flag, Status


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should know. ``fact`` made it true; its time and trace are the finding's.

    ``subject`` tells findings of one kind apart; ``shared``: the alert is about more than this payment.
    """

    fact: Fact
    text: str
    flag: Flag | None = None
    detail: str | None = None
    kind: AlertKind | None = None
    severity: Severity = Severity.WARNING
    subject: str = ""
    shared: bool = False

    def alert_id(self, correlation_id: str) -> str | None:
        """One id for one condition of one payment, for ever."""
        if self.kind is None:
            return None
        return stable_id("alert", "" if self.shared else correlation_id, self.kind, self.subject)


def findings_of(
    known: Known,
    judgement: Judgement,
    holds: Holds,
    misses: tuple[Miss, ...],
    disputed: Iterable[Kept],
    crowded: tuple[Kept, ...],
) -> tuple[Finding, ...]:
    """All findings; a payment without anything unusual costs a few looks.

    ``disputed``: events with several payloads. ``crowded``: all kept facts, if there were more than may be kept.
    """
    found: list[Finding] = []
    evidence = known.evidence
    if crowded:
        found.append(_crowded(crowded))
    found += [_disputed(kept) for kept in disputed]
    several = known.attempts.live_named > 1 or len(known.releases.submitted) > 1
    if several or judgement.contradicted or judgement.report_contradicted:
        found.extend(_contradictions(known, judgement))
    if known.instructed is not None:
        found += _mismatches(known, known.instructed)
    if known.approvals.asked and _is_released(known, judgement):
        found += _approval_findings(known)
    if judgement.cancel_requested:
        found.append(_cancel_requested(known))
    if evidence.recalls:
        found.extend(_recall(known, judgement))
    if evidence.duplicate_rejections:
        found.extend(_refused_as_copy(ack) for ack in evidence.duplicate_rejections)
    if evidence.flagged:
        found.extend(_bank_flags(known, judgement))
    if evidence.silent or evidence.reasoned:
        found.extend(_unknown_codes(known))
    if judgement.status in _ALERTING and judgement.decided_by is not None:
        found.append(_closing_alert(known, judgement, judgement.decided_by))
    found += [overdue(miss.fact) for miss in misses if miss.ended_by is None]
    for kind, fact in holds.held:
        found.append(Finding(fact, f"held: {kind}", Flag.HELD, kind))
    return tuple(found)


def flags_of(findings: tuple[Finding, ...]) -> tuple[RaisedFlag, ...]:
    """One flag a name and detail, since its earliest reason, in the order of the flags."""
    if not findings:
        return ()
    since: dict[tuple[Flag, str | None], int] = {}
    for finding in findings:
        if finding.flag is not None:
            key = (finding.flag, finding.detail)
            since[key] = min(since.get(key, finding.fact.received_at), finding.fact.received_at)
    return tuple(RaisedFlag(name, detail, since[name, detail]) for name, detail in sorted(since, key=_flag_order))


_FLAG_ORDER: Final = {flag: place for place, flag in enumerate(Flag)}


def _flag_order(key: tuple[Flag, str | None]) -> tuple[int, str]:
    return (_FLAG_ORDER[key[0]], key[1] or "")


def alerts_of(correlation_id: str, findings: tuple[Finding, ...]) -> dict[str, Finding]:
    """Alert id to the finding behind it; of several the one known first."""
    alerts: dict[str, Finding] = {}
    for finding in findings:
        alert_id = finding.alert_id(correlation_id)
        if alert_id is not None:
            other = alerts.get(alert_id)
            if other is None or _known_at(finding.fact) < _known_at(other.fact):
                alerts[alert_id] = finding
    return alerts


def _known_at(fact: Fact) -> tuple[int, str]:
    return (fact.received_at, fact.event_id)


def _later(one: Fact, other: Fact) -> Fact:
    """A contradiction is known when the second of the two has come."""
    return max(one, other, key=_known_at)


def _first(facts: Iterable[Fact]) -> Fact:
    return min(facts, key=_known_at)


def _disputed(kept: Kept) -> Finding:
    return Finding(
        kept.fact,
        f"event {kept.event_id} came with {len(kept.rivals) + 1} contents; the one with the smallest hash counts",
        Flag.CONFLICT,
        kind=AlertKind.CONFLICT,
        severity=Severity.CRITICAL,
        subject=f"event:{kept.event_id}",
    )


def _crowded(kept: tuple[Kept, ...]) -> Finding:
    return Finding(
        max((row.fact for row in kept), key=_known_at),
        f"more than {len(kept)} facts: the first {len(kept)} received count, the others are dead letters",
        kind=AlertKind.LIMIT_EXCEEDED,
        severity=Severity.CRITICAL,
        subject="facts",
    )


def _contradictions(known: Known, judgement: Judgement) -> Iterator[Finding]:
    attempts = known.attempts
    if judgement.contradicted:
        ended = _first(fact for row in attempts.all for fact in (*row.rejections, *row.cancellations))
        yield _conflict(
            _later(ended, _first(known.evidence.debits)), "rejected by the bank, and debited all the same", "settlement"
        )
    settled = attempts.last_dead.settled_by_report if attempts.last_dead is not None else None
    if judgement.report_contradicted and settled is not None and judgement.decided_by is not None:
        yield _conflict(_later(settled, judgement.decided_by), "rejected, and reported as settled", "report")
    if attempts.live_named > 1:
        live = [row.leading for row in attempts.all if row.live and row.leading is not None]
        second = sorted(live, key=_known_at)[1]
        names = ", ".join("/".join(part or "" for part in row.name) for row in attempts.all if row.live)
        yield _conflict(second, f"more than one live submission: {names}", "attempts")
    yield from _twice_in_one_file(known)


def _twice_in_one_file(known: Known) -> Iterator[Finding]:
    """A file that instructs under one name more than once: what looks like one payment here is several at the bank."""
    first: dict[tuple[str | None, ...], Release] = {}
    for row in sorted(known.releases.submitted, key=_known_at):
        message = row.source_event_id.partition("/")[0]  # the rest is the place in it
        file = (row.source, message, row.file_id, row.message_id, row.payment_info_id)
        if row.file_id is not None and first.setdefault(file, row) is not row:
            yield _conflict(row, "the file instructs it more than once: find out which payments are meant", "file")


def overdue(fact: Missed) -> Finding:
    """A deadline that has passed, and nothing has come of what it waited for."""
    return Finding(
        fact,
        "no word of the bank in time about the submission",
        Flag.OVERDUE,
        fact.stage,
        AlertKind.SLA_MISSED,
        subject=f"{fact.stage}/{fact.armed_by}",
    )


def _conflict(fact: Fact, text: str, subject: str) -> Finding:
    return Finding(fact, text, Flag.CONFLICT, kind=AlertKind.CONFLICT, severity=Severity.CRITICAL, subject=subject)


def _mismatches(known: Known, instructed: Money) -> list[Finding]:
    """Instructed is compared with instructed (merge rule 9); what was booked only if it is more."""
    found: list[Finding] = []
    booked, tolerance_minor = known.booked, known.policy.tolerance_minor
    if booked is not None and booked.beyond(instructed, tolerance_minor) and not known.evidence.has_returns:
        last = max(known.evidence.debits, key=_known_at)
        found.append(_mismatch(last, Flag.AMOUNT_MISMATCH, "booked for more than instructed"))
    for fact, amount in _stated(known):
        if fact is not known.instructed_by and amount is not instructed and amount != instructed:
            found += _stated_otherwise(fact, amount, instructed, known)
    return found


def _stated_otherwise(fact: Fact, amount: Money, instructed: Money, known: Known) -> Iterator[Finding]:
    by, tolerance_minor = known.instructed_by, known.policy.tolerance_minor
    if amount.currency != instructed.currency:
        if by is None or not by.equivalent_amount:
            yield _mismatch(fact, Flag.CURRENCY_MISMATCH, f"{amount.currency}, instructed {instructed.currency}")
    elif differs(amount, instructed, tolerance_minor):
        text = f"{amount.decimal_text()}, instructed {instructed.decimal_text()} {instructed.currency}"
        yield _mismatch(fact, Flag.AMOUNT_MISMATCH, text)


_PAYMENT: Final = ApprovalScope.PAYMENT


def _stated(known: Known) -> list[tuple[Fact, Money]]:
    """Everybody who states the instructed amount: the approvals of the payment, the release, the bank's reports."""
    stated: list[tuple[Fact, Money]] = [
        (row, row.amount) for row in known.approvals.positive if row.scope is _PAYMENT and row.amount is not None
    ]
    for release in known.releases.released[-1:]:
        if release.amount is not None and _same_attempt(release, known.instructed_by):
            stated += [(release, release.amount)]
    stated += [
        (ack, ack.amount) for ack in known.evidence.reports if ack.amount is not None and _states_instructed(ack)
    ]
    return stated


def _same_attempt(release: Fact, by: Fact | None) -> bool:
    if not isinstance(release, Release) or not isinstance(by, Release):
        return False
    name = attempt_name(release.message_id, release.payment_info_id)
    return name in ((None, None), attempt_name(by.message_id, by.payment_info_id))


_SETTLEMENT_AMOUNTS: Final = ("gpi", "pacs", "mt", "camt")
"""Formats whose status messages state what was settled or credited, not what was instructed."""


def _states_instructed(ack: BankAck) -> bool:
    return (
        ack.level in (Level.TRANSACTION, Level.UNKNOWN)
        and ack.milestone is not Status.CREDITED
        and not ack.format.startswith(_SETTLEMENT_AMOUNTS)
    )


def _mismatch(fact: Fact, flag: Flag, text: str) -> Finding:
    return Finding(fact, text, flag, kind=AlertKind.MISMATCH, subject=flag)


_RELEASED_RANK: Final = RANKS[Status.RELEASED]


def _is_released(known: Known, judgement: Judgement) -> bool:
    """By our own word, or because the bank has it."""
    releases = known.releases
    return bool(releases.released or releases.submitted) or RANKS.get(judgement.status, 0) >= _RELEASED_RANK


def _approval_findings(known: Known) -> list[Finding]:
    """What is wrong between who approved what and who released what."""
    found: list[Finding] = []
    approvals, releases = known.approvals, known.releases
    if approvals.rejected is not None or approvals.withdrawn is not None:
        found += _unapproved(known)
    if releases.released:
        found += _released_by_an_approver(known)
    content_hash = releases.description.content_hash
    if content_hash is not None:
        found += [_changed(row, known) for row in approvals.positive if _bound_otherwise(row, content_hash)]
    return found


def _released_by_an_approver(known: Known) -> Iterator[Finding]:
    approvers = {row.actor: row for row in known.approvals.positive}
    for row in known.releases.released:
        if row.actor is not None and row.actor in approvers:
            both = _later(row, approvers[row.actor])
            yield _sod(both, Flag.SOD_VIOLATION, f"{row.actor} approved and released")


def _unapproved(known: Known) -> Iterator[Finding]:
    """Released although somebody said no; a yes taken back after the release is a withdrawal only."""
    approvals, released = known.approvals, known.releases.released or known.releases.submitted
    no: Approval | None = approvals.rejected
    if approvals.withdrawn is not None:
        withdrawn = approvals.withdrawn
        yield _sod(withdrawn, Flag.APPROVAL_WITHDRAWN, f"{withdrawn.actor} took the approval back")
        if no is None and not (released and surely_after(withdrawn, released[0])):
            no = withdrawn
    if no is not None:
        fact = _later(no, released[0]) if released else no
        yield _sod(fact, Flag.UNAPPROVED_RELEASE, f"released without the approval of {no.actor}")


def _sod(fact: Fact, flag: Flag, text: str) -> Finding:
    return Finding(fact, text, flag, kind=AlertKind.SOD, severity=Severity.CRITICAL, subject=flag)


def _bound_otherwise(approval: Approval, content_hash: str) -> bool:
    """An approval of the payment binds to its content; one of an invoice or a run hashes something else."""
    return approval.scope is _PAYMENT and approval.content_hash not in (None, content_hash)


def _changed(approval: Approval, known: Known) -> Finding:
    rows = known.releases.submitted or known.releases.released
    return Finding(
        _later(approval, rows[0]) if rows else approval,
        f"not what {approval.actor} approved",
        Flag.CHANGED_AFTER_APPROVAL,
        kind=AlertKind.MISMATCH,
        severity=Severity.CRITICAL,
        subject=Flag.CHANGED_AFTER_APPROVAL,
    )


def _cancel_requested(known: Known) -> Finding:
    return Finding(known.releases.voided[-1], "voided when only the bank could stop it", Flag.CANCEL_REQUESTED)


def _recall(known: Known, judgement: Judgement) -> Iterator[Finding]:
    """Asked for and not answered, or granted for money that has left: until the bank refuses or the money is back."""
    stands = recall_of(known.evidence)
    if stands is None or stands[0] is Recall.REFUSED or STATUSES[judgement.status].rank is None:
        return
    recall, last = stands
    if recall is Recall.PENDING or RANKS[judgement.status] >= RANKS[Status.PARTIALLY_SETTLED]:
        yield Finding(last, f"recall {recall.value}", Flag.RECALL_REQUESTED)


def _refused_as_copy(ack: BankAck) -> Finding:
    return Finding(
        ack,
        "the bank refused a copy of what it already has: " + (", ".join(ack.reason_codes) or ack.bank_status),
        Flag.DUPLICATE_REJECTION,
        kind=AlertKind.DUPLICATE_REJECTION,
        subject="/".join((ack.message_id or "", ack.payment_info_id or "")),
    )


_OWN_RULES: Final = frozenset({Flag.RECALL_REQUESTED, Flag.DUPLICATE_REJECTION})


def _bank_flags(known: Known, judgement: Judgement) -> Iterator[Finding]:
    """Flags that a bank's message raises by itself stand until the bank says something later that ranks."""
    rank = RANKS.get(judgement.status)
    if rank is None or rank >= RANKS[Status.PARTIALLY_SETTLED]:
        return
    heard = [row for row in known.evidence.reports if not row.flags]
    for ack in known.evidence.flagged:
        for flag in ack.flags:
            if flag in _OWN_RULES:
                continue
            if flag is Flag.AWAITING_BANK_AUTHORISATION:
                stands = rank <= RANKS[Status.BANK_RECEIVED]
            else:
                stands = not any(by_their_clock(row) > by_their_clock(ack) for row in heard)
            if stands:
                yield Finding(ack, f"bank status {ack.bank_status}", flag)


def _unknown_codes(known: Known) -> Iterator[Finding]:
    """An unknown code changes nothing and is kept raw: one alert a bank and code, the same id from every payment."""
    policy = known.policy
    for ack in known.evidence.silent:
        code = ack.bank_status
        known_code = bank_statuses.is_known(code) or reasons.is_known(code) or code in policy.silent_statuses
        if not ack.flags and not known_code:
            yield _unknown(ack, "status", code)
    for ack in known.evidence.reasoned:
        for code in ack.reason_codes:
            if not reasons.is_known(code) and code not in policy.known_reasons:
                yield _unknown(ack, "reason", code)


def _unknown(ack: BankAck, what: str, code: str) -> Finding:
    return Finding(
        ack,
        f"unknown {what} code {code!r} of {ack.bank or 'an unnamed bank'} ({ack.format}): add it to the bank's profile",
        kind=AlertKind.UNKNOWN_BANK_STATUS,
        subject=f"{ack.bank or ''}\x1f{what}\x1f{code}",
        shared=True,
    )


_ALERTING: Final = frozenset({Status.REJECTED, Status.RETURNED})


def _closing_alert(known: Known, judgement: Judgement, fact: Fact) -> Finding:
    if judgement.status is Status.RETURNED:
        first = _first(known.evidence.returns)
        return Finding(first, "returned", kind=AlertKind.RETURN, severity=Severity.CRITICAL, subject="return")
    dead: Attempt | None = known.attempts.last_dead
    subject = "/".join(part or "" for part in dead.name) if dead is not None else ""
    codes = ", ".join(fact.reason_codes) if isinstance(fact, BankAck) else ""
    return Finding(
        fact,
        f"rejected by the bank: {codes or 'no reason given'}",
        kind=AlertKind.REJECTION,
        subject=subject,
        severity=Severity.CRITICAL,
    )
