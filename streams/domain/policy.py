"""What the company decides about its payments, as data. One version of it judges a payment at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from streams.domain.facts import ApprovalScope
from streams.domain.state import AlertKind

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
    registries do not, so that nobody is alerted about them.
    """

    version: str = "default"
    required_scopes: frozenset[ApprovalScope] = frozenset()
    reconciliation: ReconciliationMode = ReconciliationMode.MATCH
    tolerance_minor: int = 0
    fact_cap: int = FACT_CAP
    silent_statuses: frozenset[str] = frozenset()
    known_reasons: frozenset[str] = frozenset()
    routes: Mapping[AlertKind, Route] = field(default_factory=dict)


DEFAULT_POLICY: Final = Policy()
