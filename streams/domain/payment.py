"""A payment: the facts kept about it, the envelope of what was published of it, and the view derived from both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.domain.construction import quick
from streams.domain.deadlines import ACKNOWLEDGEMENT, Armed, Mark
from streams.domain.facts import BankAck, Party, PaymentFact
from streams.domain.kept import Kept, Pack, by_event_id
from streams.domain.policy import DEFAULT_POLICY, Policy
from streams.domain.state import Deadline, Evidence, Mode, State
from streams.domain.view import View, derived, live_of, summary_of

_state = quick(State)
_deadline = quick(Deadline)


def unpacked(_fact: PaymentFact) -> bytes:
    """The packing of who stores no rows."""
    return b""


NOWHERE: Final = Evidence("", 0, 0, None, None)


@dataclass(frozen=True, slots=True)
class Context:
    """What a fold needs beside the payment and the fact; ``evidence``: where the fact can be read.

    ``pack`` writes one fact for the row (the row codec's; the same fact must give the same bytes).
    """

    policy: Policy = DEFAULT_POLICY
    generation: int = 1
    mode: Mode = Mode.LIVE
    evidence: Evidence = NOWHERE
    pack: Pack = unpacked


@dataclass(frozen=True, slots=True)
class Envelope:
    """What depends on the order in which facts came, and only that.

    ``version`` counts published states, ``seq`` transitions; ``updated_at`` is the received_at of the last fact
    that changed anything, so no wall clock is in it.
    """

    version: int
    seq: int
    last_transition_id: str | None
    updated_at: int
    generation: int


@dataclass(frozen=True, slots=True)
class Payment:
    """``kept`` in canonical order (by event id), so that equal sets are equal bytes.

    ``overflowed``: more facts came than may be kept. ``view`` is a function of these two, the policy and ``marks``.
    """

    correlation_id: str
    kept: tuple[Kept, ...]
    overflowed: bool
    envelope: Envelope
    view: View

    @property
    def facts(self) -> tuple[PaymentFact, ...]:
        """The facts that count, by event id, withdrawn ones included."""
        return tuple(row.fact for row in self.kept)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The deadlines that have fired, as far as the facts bear them out: kept with the payment."""
        return self.view.parts.deadlines.marks

    @property
    def due_at(self) -> int | None:
        """When the payment next needs the clock, microseconds since 1970-01-01 UTC; None: never."""
        return self.view.parts.deadlines.next_at


def payment_of(
    correlation_id: str,
    kept: Iterable[Kept],
    envelope: Envelope,
    context: Context,
    overflowed: bool = False,
    marks: tuple[Mark, ...] = (),
) -> Payment:
    """Rebuild a payment from its stored facts and the deadlines that have fired. ``kept`` may come in any order."""
    rows = tuple(sorted(kept, key=by_event_id))
    return Payment(
        correlation_id,
        rows,
        overflowed,
        envelope,
        derived(correlation_id, rows, live_of(rows), overflowed, context.policy, marks),
    )


def as_state(payment: Payment, internal: bytes) -> State:
    """What downstream reads. ``internal``: ``payment.kept`` (and ``overflowed``) as the row codec wrote them."""
    view, envelope = payment.view, payment.envelope
    parts, known = view.parts, view.known
    told = parts.releases.description
    payee = told.payee
    if payee is None and view.vendor_id is not None:
        payee = Party(view.vendor_id, None, None, None)
    booked, debits = known.booked, known.evidence.debits
    entry = max(debits, key=_entry_order) if len(debits) > 1 else (debits[0] if debits else None)
    return _state(
        internal,
        payment.correlation_id,
        envelope.version,
        view.status,
        view.closed,
        view.judgement.evidence,
        view.awaiting,
        view.flags,
        view.milestones,
        view.company_code,
        told.source_system,
        view.region,
        view.bank,
        told.rail,
        told.run_id,
        told.file_id,
        told.batch_id,
        parts.attempts.number,
        parts.references,
        told.payer,
        payee,
        known.instructed,
        view.settled,
        known.returned,
        view.open,
        booked.charges if booked is not None else None,
        None,
        told.requested_execution_date,
        entry.booking_date if entry is not None else None,
        entry.value_date if entry is not None else None,
        view.invoices,
        summary_of(view),
        view.reason,
        told.supersedes,
        None,
        open_alerts_of(view),
        parts.holds.case_ids,
        _told(parts.deadlines.armed, view.policy_version) if parts.deadlines.armed else (),
        envelope.last_transition_id,
        envelope.seq,
        view.as_of,
        envelope.updated_at,
        view.policy_version,
        envelope.generation,
    )


def _told(armed: tuple[Armed, ...], policy_version: str) -> tuple[Deadline, ...]:
    return tuple([_deadline(ACKNOWLEDGEMENT, row.due_at, policy_version) for row in armed])


def _entry_order(row: BankAck) -> tuple[str, str]:
    return (row.booking_date or row.value_date or "", row.event_id)


def open_alerts_of(view: View) -> tuple[str, ...]:
    """Ids of what is open on the alert topics: ours, and the duplicate alerts that suspect this payment."""
    suspected = view.parts.holds.suspected
    if not view.alerts and not suspected:
        return ()
    return tuple(sorted({*view.alerts, *suspected}))
