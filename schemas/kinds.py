"""Which dataclass is the value of which topic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.records import (
    BatchRecord,
    CaseRecord,
    ClockTick,
    DeadLetter,
    DeliveryRecord,
    FileEntry,
    Generations,
    Invoice,
    PolicyRecord,
    PrivateRow,
    Raw,
    StatementEntry,
    Upgrade,
    VendorRecord,
)
from streams.domain.correlation import CorrelationMessage
from streams.domain.facts import Approval, BankAck, Command, Reconciliation, Release, Verdict
from streams.domain.fingerprints import DuplicateAlert, FingerprintMessage
from streams.domain.state import Alert, State, Transition

#: The name of a topic's contract -> the dataclass of its values. Every contract has one.
KINDS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "payments.alerts.v1": Alert,
        "payments.approvals.v1": Approval,
        "payments.bank-acks.v1": BankAck,
        "payments.batches.v1": BatchRecord,
        "payments.cases.v1": CaseRecord,
        "payments.clock.v1": ClockTick,
        "payments.commands.v1": Command,
        "payments.dead-letters.v1": DeadLetter,
        "payments.deliveries.v1": DeliveryRecord,
        "payments.duplicate-alerts.v1": DuplicateAlert,
        "payments.duplicates-state.v1": PrivateRow,
        "payments.files-seen.v1": PrivateRow,
        "payments.files.v1": FileEntry,
        "payments.fingerprints.v1": FingerprintMessage,
        "payments.generations.v1": Generations,
        "payments.invoices.v1": Invoice,
        "payments.policies.v1": PolicyRecord,
        "payments.raw.v1": Raw,
        "payments.reconciliations.v1": Reconciliation,
        "payments.references-state.v1": PrivateRow,
        "payments.references.v1": CorrelationMessage,
        "payments.releases.v1": Release,
        "payments.state.v1": State,
        "payments.statement-entries.v1": StatementEntry,
        "payments.transitions.v1": Transition,
        "payments.upgrades.v1": Upgrade,
        "payments.vendors.v1": VendorRecord,
        "payments.verdicts.v1": Verdict,
    }
)
