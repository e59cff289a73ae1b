"""What can become of a payment, as data: the steps that are told about it, and where it must end.

The expected end is written down here by hand, from lifecycle.md; it is never computed with the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from streams.domain.statuses import Flag, Status


class Step(Enum):
    """One thing that somebody says about a payment."""

    REQUESTED = "requested"
    APPROVED = "approved"
    FIRST_APPROVED = "first_approved"
    SECOND_APPROVED = "second_approved"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    INVOICE_APPROVED = "invoice_approved"
    APPROVAL_REJECTED = "approval_rejected"
    PROPOSED = "proposed"
    RELEASED = "released"
    HELD = "held"
    SUBMITTED = "submitted"
    SUBMIT_FAILED = "submit_failed"
    VOIDED = "voided"
    RESUBMITTED = "resubmitted"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    IN_PROCESS = "in_process"
    SETTLED = "settled"
    REJECTED = "rejected"
    RUN_REJECTED = "run_rejected"
    ACCEPTED_AGAIN = "accepted_again"
    COPY_REFUSED = "copy_refused"
    CANCELLED = "cancelled"
    CREDITED = "credited"
    BOOKED = "booked"
    BOOKED_SHORT = "booked_short"
    BOOKED_FIRST_HALF = "booked_first_half"
    BOOKED_SECOND_HALF = "booked_second_half"
    RETURNED = "returned"
    MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Story:
    """A course of events. ``weight`` is its share among stories, in thousandths; ``flags`` must be up at the end.

    ``held_back``: steps that are told only when others have waited for them in vain. ``prompt``: of prompt banks only.
    What is overdue in the end depends on the policy and on real time: it is no flag of the story.
    """

    name: str
    weight: int
    steps: tuple[Step, ...]
    ends: Status
    flags: frozenset[Flag] = frozenset()
    closed: bool = False
    held_back: frozenset[Step] = frozenset()
    prompt: bool = False


_RELEASED: Final = (Step.APPROVED, Step.RELEASED, Step.SUBMITTED)

STORIES: Final[tuple[Story, ...]] = (
    Story(
        "straight_through",
        320,
        (*_RELEASED, Step.RECEIVED, Step.ACCEPTED, Step.BOOKED, Step.MATCHED),
        Status.RECONCILED,
        closed=True,
    ),
    Story("booked", 149, (*_RELEASED, Step.RECEIVED, Step.BOOKED), Status.SETTLED),
    Story(
        "two_approvers",
        30,
        (Step.REQUESTED, Step.FIRST_APPROVED, Step.SECOND_APPROVED, Step.RELEASED, Step.SUBMITTED, Step.BOOKED),
        Status.SETTLED,
    ),
    Story("by_invoice", 120, (Step.INVOICE_APPROVED, Step.RELEASED, Step.SUBMITTED, Step.BOOKED), Status.SETTLED),
    Story("accepted", 80, (*_RELEASED, Step.RECEIVED, Step.ACCEPTED), Status.BANK_ACCEPTED),
    Story("in_process", 40, (*_RELEASED, Step.ACCEPTED, Step.IN_PROCESS), Status.IN_PROCESS),
    Story("settled_reported", 30, (*_RELEASED, Step.ACCEPTED, Step.SETTLED), Status.SETTLED),
    Story("credited", 30, (*_RELEASED, Step.BOOKED, Step.CREDITED), Status.CREDITED),
    Story("rejected", 40, (*_RELEASED, Step.RECEIVED, Step.REJECTED), Status.REJECTED, closed=True),
    Story(
        "repaired",
        15,
        (*_RELEASED, Step.REJECTED, Step.RESUBMITTED, Step.ACCEPTED_AGAIN),
        Status.BANK_ACCEPTED,
    ),
    Story("returned", 20, (*_RELEASED, Step.BOOKED, Step.RETURNED), Status.RETURNED, closed=True),
    Story("booked_short", 10, (*_RELEASED, Step.BOOKED_SHORT), Status.PARTIALLY_SETTLED),
    Story(
        "rejected_but_booked",
        5,
        (*_RELEASED, Step.REJECTED, Step.BOOKED),
        Status.SETTLED,
        frozenset({Flag.CONFLICT}),
    ),
    Story("booked_in_two", 8, (*_RELEASED, Step.BOOKED_FIRST_HALF, Step.BOOKED_SECOND_HALF), Status.SETTLED),
    Story("cancelled", 5, (*_RELEASED, Step.ACCEPTED, Step.CANCELLED), Status.CANCELLED, closed=True),
    Story(
        "copy_refused",
        5,
        (*_RELEASED, Step.ACCEPTED, Step.COPY_REFUSED),
        Status.BANK_ACCEPTED,
        frozenset({Flag.DUPLICATE_REJECTION}),
    ),
    Story("run_rejected", 10, (*_RELEASED, Step.RUN_REJECTED), Status.REJECTED, closed=True),
    Story("pending", 15, (Step.REQUESTED,), Status.PENDING_APPROVAL),
    Story("half_approved", 4, (Step.REQUESTED, Step.FIRST_APPROVED), Status.PENDING_APPROVAL),
    Story("approval_withdrawn", 3, (Step.APPROVED, Step.APPROVAL_WITHDRAWN), Status.PENDING_APPROVAL),
    Story(
        "withdrawn_too_late",
        3,
        (*_RELEASED, Step.APPROVAL_WITHDRAWN),
        Status.SUBMITTED,
        frozenset({Flag.APPROVAL_WITHDRAWN}),
    ),
    Story("held", 3, (Step.APPROVED, Step.RELEASED, Step.HELD), Status.RELEASED, frozenset({Flag.HELD})),
    Story("proposed", 10, (Step.APPROVED, Step.PROPOSED), Status.PROPOSED),
    Story("approval_rejected", 10, (Step.REQUESTED, Step.APPROVAL_REJECTED), Status.APPROVAL_REJECTED, closed=True),
    Story("voided", 8, (Step.APPROVED, Step.RELEASED, Step.VOIDED), Status.VOIDED, closed=True),
    Story(
        "voided_too_late",
        4,
        (*_RELEASED, Step.VOIDED),
        Status.SUBMITTED,
        frozenset({Flag.CANCEL_REQUESTED}),
    ),
    Story("never_answered", 8, _RELEASED, Status.SUBMITTED, prompt=True),
    Story(
        "answered_late",
        8,
        (*_RELEASED, Step.ACCEPTED),
        Status.BANK_ACCEPTED,
        held_back=frozenset({Step.ACCEPTED}),
        prompt=True,
    ),
    Story(
        "known_late",
        4,
        (*_RELEASED, Step.ACCEPTED),
        Status.BANK_ACCEPTED,
        held_back=frozenset({Step.RELEASED, Step.SUBMITTED}),
        prompt=True,
    ),
    Story("submit_failed", 3, (Step.APPROVED, Step.RELEASED, Step.SUBMIT_FAILED), Status.SUBMIT_FAILED, closed=True),
)


def by_name(name: str) -> Story:
    """The story of that name; KeyError if there is none."""
    return next(story for story in STORIES if story.name == name)
