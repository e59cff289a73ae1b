"""All that is derived from a payment's facts: what downstream sees, and the findings behind its flags and alerts.

The view is a pure function of (kept facts, policy). It is built of parts, each a pure function of the facts of one
kind and of other parts; a new fact rebuilds the parts that it can reach and takes the others as they are. That the
result is the same as a full derivation is tested (tests/domain/test_fold_properties.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, TypeVar

from streams.domain.appearances import Fingerprint, fingerprints_of
from streams.domain.approvals import NOT_ASKED, ApprovalView, approvals_of
from streams.domain.attempts import NO_ATTEMPTS, Attempts, attempts_of
from streams.domain.bank_evidence import SILENCE, BankEvidence, evidence_of
from streams.domain.construction import quick
from streams.domain.deadlines import NO_DEADLINES, Deadlines, Mark, deadlines_of
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    Command,
    Fact,
    InvoiceAllocation,
    Level,
    PaymentFact,
    Reconciliation,
    Reference,
    ReferenceKind,
    Release,
    Verdict,
)
from streams.domain.findings import Finding, alerts_of, findings_of, flags_of
from streams.domain.fingerprints import Liveness
from streams.domain.holds import NOT_HELD, Holds, holds_of
from streams.domain.instants import by_their_clock
from streams.domain.judgement import Judgement, Known, judge, known_of, reconciled_for
from streams.domain.kept import Kept
from streams.domain.liveness import liveness_of
from streams.domain.milestones import milestones_of, our_milestones, with_lateness
from streams.domain.money import Money
from streams.domain.outlook import awaiting_of, open_of, settled_of
from streams.domain.policy import Policy
from streams.domain.reasons import reason_of
from streams.domain.reconciliation import NOT_RECONCILED, Reconciled
from streams.domain.releases import NO_RELEASES, ReleaseView, reference_order, releases_of
from streams.domain.state import ApprovalSummary, Awaiting, Milestone, RaisedFlag, Reason
from streams.domain.statuses import STATUSES, Status


@dataclass(frozen=True, slots=True)
class Live:
    """The facts in force (not withdrawn), by kind, each kind in event id order."""

    approvals: tuple[Approval, ...] = ()
    releases: tuple[Release, ...] = ()
    bank_acks: tuple[BankAck, ...] = ()
    reconciliations: tuple[Reconciliation, ...] = ()
    commands: tuple[Command, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


NOTHING_LIVE: Final = Live()


def live_of(kept: Iterable[Kept]) -> Live:
    """Sort by kind what is in force."""
    kinds: dict[type, list[PaymentFact]] = {}
    for row in kept:
        if row.live:
            kinds.setdefault(type(row.fact), []).append(row.fact)
    return Live(
        _of(kinds, Approval),
        _of(kinds, Release),
        _of(kinds, BankAck),
        _of(kinds, Reconciliation),
        _of(kinds, Command),
        _of(kinds, Verdict),
    )


_F = TypeVar("_F")


def _of(kinds: dict[type, list[PaymentFact]], kind: type[_F]) -> tuple[_F, ...]:
    return tuple(fact for fact in kinds.get(kind, ()) if isinstance(fact, kind))


@dataclass(slots=True)
class Parts:
    """What a view was built from; read only. They are functions of ``policy``, ``live`` and what fired before."""

    policy: Policy
    live: Live
    approvals: ApprovalView
    releases: ReleaseView
    evidence: BankEvidence
    attempts: Attempts
    deadlines: Deadlines
    reconciled: Reconciled
    holds: Holds
    references: tuple[Reference, ...]
    ours: dict[Status, Milestone]
    meant_at: int


@dataclass(slots=True)
class View:
    """What the facts come to; read only. Names are those of State; the last ones are for the fold itself."""

    status: Status
    closed: bool
    judgement: Judgement
    awaiting: Awaiting | None
    flags: tuple[RaisedFlag, ...]
    milestones: tuple[Milestone, ...]
    parts: Parts
    known: Known
    bank: str | None
    company_code: str | None
    region: str | None
    vendor_id: str | None
    invoices: tuple[InvoiceAllocation, ...]
    settled: Money | None
    open: Money | None
    reason: Reason | None
    alerts: dict[str, Finding]
    as_of: int
    policy_version: str
    liveness: Liveness
    fingerprints: tuple[Fingerprint, ...]

    @property
    def instructed(self) -> Money | None:
        """What the bank was, or is to be, told to pay."""
        return self.known.instructed


_view = quick(View)
_new_parts = quick(Parts)
_reference = quick(Reference)
_summary = quick(ApprovalSummary)


def derived(
    correlation_id: str,
    kept: tuple[Kept, ...],
    live: Live,
    overflowed: bool,
    policy: Policy,
    marks: tuple[Mark, ...] = (),
    before: View | None = None,
) -> View:
    """The view of these facts, and of the deadlines that have fired (``marks``).

    ``before``: the view of the same payment a fact ago, to take parts from.
    """
    rivalled = [row for row in kept if row.rivals]
    parts = _parts(
        live, rivalled, marks, policy, before.parts if before is not None and before.parts.policy is policy else None
    )
    known = known_of(policy, parts.approvals, parts.releases, parts.evidence, parts.attempts, parts.reconciled)
    judgement = judge(known)
    disputed = [row for row in rivalled if row.conflict_since is not None] if rivalled else ()
    misses = parts.deadlines.misses
    findings = findings_of(known, judgement, parts.holds, misses, disputed, kept if overflowed else ())
    flags = flags_of(findings)
    description = parts.releases.description
    approvals = live.approvals
    vendor_id = description.payee.vendor_id if description.payee is not None else None
    if vendor_id is None and approvals:
        vendor_id = _first_said(_vendor_id, approvals)
    invoices = description.invoices or _approved_invoices(approvals)
    settled = settled_of(known, judgement)
    milestones = milestones_of(parts.ours, known, judgement)
    return _view(
        judgement.status,
        STATUSES[judgement.status].closed,
        judgement,
        awaiting_of(known, judgement, flags, parts.deadlines),
        flags,
        with_lateness(milestones, misses) if misses else milestones,
        parts,
        known,
        description.bank or _first_said(_bank, live.bank_acks),
        description.company_code or _first_said(_company_code, approvals),
        description.region or _first_said(_region, approvals),
        vendor_id,
        invoices,
        settled,
        open_of(known, judgement, settled),
        _reason(judgement),
        alerts_of(correlation_id, findings) if findings else {},
        _as_of(kept, live, parts.deadlines.marks),
        policy.version,
        liveness_of(known, judgement),
        _fingerprints(parts, known, vendor_id, invoices, before),
    )


def _parts(live: Live, rivalled: list[Kept], marks: tuple[Mark, ...], policy: Policy, before: Parts | None) -> Parts:
    """Each part anew, unless everything that it is a function of is the very same object as before."""
    old = before.live if before is not None else None
    same_releases = old is not None and old.releases is live.releases
    same_approvals = old is not None and old.approvals is live.approvals
    same_acks = old is not None and old.bank_acks is live.bank_acks
    if before is None:
        before = _NO_PARTS
    releases = before.releases if same_releases else releases_of(live.releases)
    evidence = before.evidence if same_acks else evidence_of(live.bank_acks)
    approvals = before.approvals
    if not same_approvals or (approvals.by_invoice and releases.invoice_keys != before.releases.invoice_keys):
        approvals = approvals_of(live.approvals, releases.invoice_keys, policy)
    same_ours = approvals is before.approvals and same_releases
    return _new_parts(
        policy,
        live,
        approvals,
        releases,
        evidence,
        before.attempts if same_releases and same_acks else attempts_of(releases, evidence),
        before.deadlines
        if same_releases and same_acks and not rivalled and before.deadlines.marks is marks
        else _deadlines(live, rivalled, marks, policy, before),
        _reconciled(live, evidence, policy),
        before.holds
        if old is not None and old.commands is live.commands and old.verdicts is live.verdicts
        else holds_of(live.commands, live.verdicts),
        before.references if same_releases and same_acks and same_approvals else _references(releases, live),
        before.ours if same_ours else our_milestones(approvals, releases),
        before.meant_at if same_approvals and same_releases else _meant_at(live),
    )


def _deadlines(live: Live, rivalled: list[Kept], marks: tuple[Mark, ...], policy: Policy, before: Parts) -> Deadlines:
    """Where nothing waits for it, one more word of the bank changes nothing."""
    known, old = before.deadlines, before.live
    nothing_waits = old.releases is live.releases and not (known.armed or marks or rivalled)
    if nothing_waits and len(live.bank_acks) > len(old.bank_acks):
        return known
    return deadlines_of(live.releases, live.bank_acks, rivalled, marks, policy)


def _meant_at(live: Live) -> int:
    """When our side first spoke of the payment, by its clock: how far two payments are apart is judged by it."""
    facts = (*live.approvals, *live.releases)
    return facts[0].occurred_at if len(facts) == 1 else min([row.occurred_at for row in facts], default=0)


def _reconciled(live: Live, evidence: BankEvidence, policy: Policy) -> Reconciled:
    if not live.reconciliations:
        return NOT_RECONCILED
    return reconciled_for(live.reconciliations, evidence, policy)


_NO_PARTS: Final = Parts(
    Policy(),
    NOTHING_LIVE,
    NOT_ASKED,
    NO_RELEASES,
    SILENCE,
    NO_ATTEMPTS,
    NO_DEADLINES,
    NOT_RECONCILED,
    NOT_HELD,
    (),
    {},
    0,
)


def _references(releases: ReleaseView, live: Live) -> tuple[Reference, ...]:
    """The names in the releases (before there is one: in the approvals) and the bank's own for it."""
    names: Iterable[Reference] = releases.description.references
    if not live.releases:
        names = [name for row in live.approvals for name in row.references]
    ours = {
        f"{row.bank}/{row.bank_ref}" if row.bank else row.bank_ref
        for row in live.bank_acks
        if row.bank_ref is not None and row.level not in _OF_SEVERAL
    }
    if not ours and live.releases:
        return releases.description.references
    if not ours and not names:
        return ()
    found = {reference_order(name): name for name in names}
    found |= {(_BANK_REF, name): _reference(_BANK_REF, name) for name in ours}
    return tuple([found[name] for name in sorted(found)])


_BANK_REF: Final = ReferenceKind.BANK_REF
_OF_SEVERAL: Final = frozenset({Level.GROUP, Level.BATCH})


_Said = Callable[[Fact], str | None]
_bank: Final[_Said] = attrgetter("bank")
_company_code: Final[_Said] = attrgetter("company_code")
_region: Final[_Said] = attrgetter("region")
_vendor_id: Final[_Said] = attrgetter("vendor_id")


def _first_said(what: _Said, facts: Iterable[Fact]) -> str | None:
    for fact in facts:
        value = what(fact)
        if value:
            return value
    return None


def _approved_invoices(approvals: tuple[Approval, ...]) -> tuple[InvoiceAllocation, ...]:
    """What a payment that nobody has released yet will pay: as the latest approval of the payment says."""
    rows = [row for row in approvals if row.scope is ApprovalScope.PAYMENT and row.invoices]
    return max(rows, key=by_their_clock).invoices if rows else ()


def _reason(judgement: Judgement) -> Reason | None:
    fact = judgement.decided_by
    if isinstance(fact, (BankAck, Release)) and (fact.reason_codes or fact.reason_text):
        return reason_of(fact.reason_codes, fact.reason_text)
    return None


def _as_of(kept: tuple[Kept, ...], live: Live, marks: tuple[Mark, ...]) -> int:
    """The newest of what is in force and of the deadlines that have fired; of nothing in force, the newest of all."""
    newest = max([mark.due_at for mark in marks]) if marks else -1
    facts: tuple[Fact, ...]
    for facts in (live.approvals, live.releases, live.bank_acks, live.reconciliations, live.commands, live.verdicts):
        for fact in facts:
            if fact.received_at > newest:
                newest = fact.received_at
    return newest if newest >= 0 else max((row.fact.received_at for row in kept), default=0)


def _fingerprints(
    parts: Parts,
    known: Known,
    vendor_id: str | None,
    invoices: tuple[InvoiceAllocation, ...],
    before: View | None,
) -> tuple[Fingerprint, ...]:
    names = parts.releases.description.references
    if (
        before is not None
        and before.parts.releases.description.references == names
        and before.invoices == invoices
        and before.vendor_id == vendor_id
        and before.known.instructed == known.instructed
    ):
        return before.fingerprints
    return fingerprints_of(names, vendor_id, invoices, known.instructed)


def summary_of(view: View) -> ApprovalSummary:
    """How many approvals of how many, and to what content."""
    approvals = view.parts.approvals
    return _summary(approvals.required, approvals.given, approvals.content_hash)
