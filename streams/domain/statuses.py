"""The lifecycle as data: one row a status, one row a flag.

Ranks order the path; a status off the path closes a payment and has no rank of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a payment is. The order of the members is the order of the path."""

    UNKNOWN = "UNKNOWN"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    PROPOSED = "PROPOSED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    BANK_RECEIVED = "BANK_RECEIVED"
    BANK_ACCEPTED = "BANK_ACCEPTED"
    IN_PROCESS = "IN_PROCESS"
    PARTIALLY_SETTLED = "PARTIALLY_SETTLED"
    SETTLED = "SETTLED"
    CREDITED = "CREDITED"
    RECONCILED = "RECONCILED"
    APPROVAL_REJECTED = "APPROVAL_REJECTED"
    VOIDED = "VOIDED"
    SUBMIT_FAILED = "SUBMIT_FAILED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    RETURN_RECONCILED = "RETURN_RECONCILED"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """``rank`` orders the path (None: off the path); ``closed`` ends the payment until a fact reopens it."""

    rank: int | None
    closed: bool
    label: str


STATUSES: Final[dict[Status, StatusRow]] = {
    Status.UNKNOWN: StatusRow(0, False, "only the bank has spoken, and said nothing that ranks"),
    Status.PENDING_APPROVAL: StatusRow(5, False, "waiting for approval"),
    Status.APPROVED: StatusRow(10, False, "approved"),
    Status.PROPOSED: StatusRow(20, False, "in a payment proposal"),
    Status.RELEASED: StatusRow(40, False, "released by an authorised person"),
    Status.SUBMITTED: StatusRow(50, False, "handed to the bank"),
    Status.BANK_RECEIVED: StatusRow(60, False, "received by the bank"),
    Status.BANK_ACCEPTED: StatusRow(70, False, "accepted for execution"),
    Status.IN_PROCESS: StatusRow(80, False, "settlement under way"),
    Status.PARTIALLY_SETTLED: StatusRow(85, False, "booked for less than instructed"),
    Status.SETTLED: StatusRow(90, False, "settled"),
    Status.CREDITED: StatusRow(95, False, "creditor's account credited"),
    Status.RECONCILED: StatusRow(100, True, "reconciled"),
    Status.APPROVAL_REJECTED: StatusRow(None, True, "approval rejected"),
    Status.VOIDED: StatusRow(None, True, "voided before it was submitted"),
    Status.SUBMIT_FAILED: StatusRow(None, True, "could not be handed to the bank"),
    Status.REJECTED: StatusRow(None, True, "rejected by the bank"),
    Status.CANCELLED: StatusRow(None, True, "cancelled"),
    Status.RETURNED: StatusRow(None, True, "returned by the creditor's bank"),
    Status.RETURN_RECONCILED: StatusRow(None, True, "return reconciled"),
}


class Flag(StrEnum):
    """What is unusual about a payment, beside its status. HELD and OVERDUE carry a detail."""

    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    OVERDUE = "OVERDUE"
    CONFLICT = "CONFLICT"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    OUT_OF_SEQUENCE = "OUT_OF_SEQUENCE"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    RECALL_REQUESTED = "RECALL_REQUESTED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    BLOCKED = "BLOCKED"
    BANK_PENDING = "BANK_PENDING"
    SOD_VIOLATION = "SOD_VIOLATION"
    UNAPPROVED_RELEASE = "UNAPPROVED_RELEASE"
    CHANGED_AFTER_APPROVAL = "CHANGED_AFTER_APPROVAL"
    APPROVAL_WITHDRAWN = "APPROVAL_WITHDRAWN"
    DUPLICATE_REJECTION = "DUPLICATE_REJECTION"
    AWAITING_BANK_AUTHORISATION = "AWAITING_BANK_AUTHORISATION"


class HoldKind(StrEnum):
    """Why a payment is HELD."""

    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    SOD = "sod"
    CUTOFF = "cutoff"
    SANCTIONS = "sanctions"
    MANUAL = "manual"
