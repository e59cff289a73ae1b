"""What our own side says of a payment: proposed, released, submitted, failed, voided, and all that describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from streams.domain.construction import quick
from streams.domain.facts import InvoiceAllocation, Party, Reference, Release, ReleaseStage
from streams.domain.instants import by_their_clock
from streams.domain.money import Money

AttemptName = tuple[str | None, str | None]
"""(message id, payment information id) of the file that carried a submission; (None, None): not said."""

UNNAMED: Final[AttemptName] = (None, None)

_WEIGHT: Final[dict[ReleaseStage, int]] = {
    ReleaseStage.SUBMITTED: 4,
    ReleaseStage.RELEASED: 3,
    ReleaseStage.PROPOSED: 2,
    ReleaseStage.SUBMIT_FAILED: 1,
    ReleaseStage.VOIDED: 0,
    ReleaseStage.UNKNOWN: -1,
}


@dataclass(slots=True)
class Description:
    """What the releases say that a payment is; the furthest stage speaks first, its latest fact before others."""

    company_code: str | None = None
    source_system: str | None = None
    region: str | None = None
    bank: str | None = None
    rail: str | None = None
    run_id: str | None = None
    file_id: str | None = None
    batch_id: str | None = None
    payer: Party | None = None
    payee: Party | None = None
    requested_execution_date: str | None = None
    supersedes: str | None = None
    content_hash: str | None = None
    invoices: tuple[InvoiceAllocation, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass(slots=True)
class ReleaseView:
    """Read only. Each stage's facts in the order of their clock."""

    proposed: tuple[Release, ...]
    released: tuple[Release, ...]
    submitted: tuple[Release, ...]
    failed: tuple[Release, ...]
    voided: tuple[Release, ...]
    description: Description

    @property
    def invoice_keys(self) -> tuple[str, ...]:
        """The invoices that the payment pays, as far as a release says so."""
        return tuple(invoice.key for invoice in self.description.invoices)


_release_view = quick(ReleaseView)
NO_RELEASES: Final = ReleaseView((), (), (), (), (), Description())


def releases_of(releases: tuple[Release, ...]) -> ReleaseView:
    """One pass over what our side said."""
    if not releases:
        return NO_RELEASES
    ordered = sorted(releases, key=by_their_clock) if len(releases) > 1 else list(releases)
    stages: dict[ReleaseStage, tuple[Release, ...]] = {}
    for row in ordered:
        stages[row.stage] = (*stages.get(row.stage, ()), row)
    ordered.reverse()
    ordered.sort(key=_weight, reverse=True)
    proposed, released, submitted, failed, voided = [stages.get(stage, ()) for stage in _STAGES]
    return _release_view(proposed, released, submitted, failed, voided, _description(ordered))


_STAGES: Final = (
    ReleaseStage.PROPOSED,
    ReleaseStage.RELEASED,
    ReleaseStage.SUBMITTED,
    ReleaseStage.SUBMIT_FAILED,
    ReleaseStage.VOIDED,
)


def _weight(row: Release) -> int:
    return _WEIGHT[row.stage]


def _description(rows: list[Release]) -> Description:
    """The first row that says a thing is believed."""
    found = Description()
    for row in rows:
        found.company_code = found.company_code or row.company_code
        found.source_system = found.source_system or row.source_system
        found.region = found.region or row.region
        found.bank = found.bank or row.bank
        found.rail = found.rail or row.rail
        found.run_id = found.run_id or row.run_id
        found.file_id = found.file_id or row.file_id
        found.batch_id = found.batch_id or row.batch_id
        found.payer = found.payer or row.payer
        found.payee = found.payee or row.payee
        found.requested_execution_date = found.requested_execution_date or row.requested_execution_date
        found.supersedes = found.supersedes or row.supersedes
        found.invoices = found.invoices or row.invoices
        if row.stage in _BINDING:
            found.content_hash = found.content_hash or row.content_hash
    found.references = _names(rows)
    return found


def _names(rows: list[Release]) -> tuple[Reference, ...]:
    """All names that any of them has; most often each of them has the same."""
    names = rows[0].references
    others = [row.references for row in rows[1:] if row.references != names]
    if len(names) < 2 and not others:
        return names
    found = {reference_order(name): name for told in (names, *others) for name in told}
    return tuple([found[name] for name in sorted(found)])


_BINDING: Final = frozenset({ReleaseStage.RELEASED, ReleaseStage.SUBMITTED})


#: Names in the order of their kind's name, then of their value.
reference_order: Final[Callable[[Reference], tuple[str, str]]] = attrgetter("kind", "value")


def attempt_name(message_id: str | None, payment_info_id: str | None) -> AttemptName:
    """The name of the attempt that a fact speaks of."""
    return (message_id, payment_info_id)


def instructed_of(view: ReleaseView, attempt: AttemptName | None) -> Release | None:
    """The fact that says what was instructed: the submission of ``attempt``, else the latest release, else proposal."""
    submitted = [row for row in view.submitted if row.amount is not None]
    for row in reversed(submitted):
        if attempt is not None and attempt_name(row.message_id, row.payment_info_id) == attempt:
            return row
    for rows in (submitted, view.released, view.proposed):
        for row in reversed(rows):
            if row.amount is not None:
                return row
    return None


def differs(one: Money, other: Money, tolerance_minor: int) -> bool:
    """True if two amounts of one currency are further apart than allowed."""
    return one.currency == other.currency and abs(one.minor - other.minor) > tolerance_minor
