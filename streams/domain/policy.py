"""What the company decides about its payments, as data. One version of it judges a payment at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from streams.domain.facts import ApprovalScope
from streams.domain.state import AlertKind

_SECOND_US: Final = 1_000_000

FACT_CAP: Final = 256
"""Facts kept a payment; what comes beyond goes to the dead letters."""


class ReconciliationMode(Enum):
    """What makes a booked payment RECONCILED: matched to its entry, closed in the ERP, or both."""

    MATCH = "match"
    ERP = "erp"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Route:
    """Whose an alert is, and the channel that it goes to."""

    owner: str | None
    route: str | None


NO_ROUTE: Final = Route(None, None)


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules that are the company's to choose.

    ``required_scopes``: the approval scopes that a payment needs; empty: every scope that asked must be fully
    approved. ``tolerance_minor``: how far two amounts may differ, in minor units of their currency. ``fact_cap``:
    facts kept a payment. ``silent_statuses`` and ``known_reasons``: codes that a bank profile knows and that the
    registries do not, so that nobody is alerted about them. ``acknowledgement_within_s``: how long a bank may take to
    say its first word of a submission, by bank where it is named; 0: as long as it likes.
    """

    version: str = "default"
    required_scopes: frozenset[ApprovalScope] = frozenset()
    reconciliation: ReconciliationMode = ReconciliationMode.MATCH
    tolerance_minor: int = 0
    fact_cap: int = FACT_CAP
    silent_statuses: frozenset[str] = frozenset()
    known_reasons: frozenset[str] = frozenset()
    routes: Mapping[AlertKind, Route] = field(default_factory=dict)
    acknowledgement_within_s: int = 3_600
    acknowledgement_within_s_by_bank: Mapping[str, int] = field(default_factory=dict)

    def acknowledgement_within_us(self, bank: str | None) -> int:
        """Microseconds from submission to the first word of this bank; 0: it has no deadline."""
        within_s = self.acknowledgement_within_s
        if bank is not None and self.acknowledgement_within_s_by_bank:
            within_s = self.acknowledgement_within_s_by_bank.get(bank, within_s)
        return within_s * _SECOND_US


DEFAULT_POLICY: Final = Policy()
