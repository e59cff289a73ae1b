"""Which payment every fact without a correlation id belongs to, recomputed from the whole log at once.

The pipeline finds it message by message (streams/domain/references.py); here the rule of contracts.md,
"Correlation", is applied to complete knowledge. Both must agree when the log is quiet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.domain.facts import Reference, ReferenceKind

SHARED: Final = frozenset(
    {ReferenceKind.INVOICE, ReferenceKind.PAYMENT_INFO_ID, ReferenceKind.MESSAGE_ID, ReferenceKind.FILE_ID}
)


@dataclass(frozen=True, slots=True)
class Sought:
    """A fact that names its payment by references, best first."""

    event_id: str
    received_at: int
    references: tuple[Reference, ...]


@dataclass(slots=True)
class Names:
    """Who goes by which reference since when: the smallest time kept, as registers say."""

    since: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def register(self, reference: str, payment: str, since: int) -> None:
        """``payment`` goes by ``reference`` (``kind:value``) since ``since`` (micros)."""
        known = self.since[reference].get(payment)
        self.since[reference][payment] = since if known is None else min(known, since)


def payments_of(fact: Sought, names: Names) -> frozenset[str]:
    """The payments that this fact must reach: one or none by a unique name, every member by a shared one."""
    if fact.references and fact.references[0].kind in SHARED:
        return frozenset(names.since.get(fact.references[0].key, ()))
    known: list[Mapping[str, int]] = [names.since.get(reference.key, {}) for reference in fact.references]
    starts = [since for row in known for since in row.values()]
    if not starts:
        return frozenset()
    as_of = max(fact.received_at, min(starts))
    for row in known:
        holders = [payment for payment, since in row.items() if since <= as_of]
        if len(holders) == 1:
            return frozenset(holders)
    return frozenset()


def expected_deliveries(facts: Iterable[Sought], names: Names) -> dict[str, frozenset[str]]:
    """Event id to the payments that must have it in the end."""
    return {fact.event_id: payments_of(fact, names) for fact in facts}
