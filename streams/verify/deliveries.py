"""Which payment every fact without a correlation id belongs to, recomputed from the whole log at once.

The pipeline finds it message by message (streams/domain/references.py); here the rule of contracts.md,
"Correlation", is applied to complete knowledge. Both must agree when the log is quiet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.domain.facts import Reference
from streams.domain.reference_kinds import is_shared, names_to_look_up


@dataclass(slots=True)
class Names:
    """Who goes by which reference since when: the smallest time kept, as registers say."""

    since: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def register(self, reference: str, payment: str, since: int) -> None:
        """``payment`` goes by ``reference`` (``kind:value``) since ``since`` (micros)."""
        known = self.since[reference].get(payment)
        self.since[reference][payment] = since if known is None else min(known, since)


def payments_of(references: tuple[Reference, ...], received_at: int, names: Names) -> frozenset[str]:
    """The payments that a fact must reach: one or none by its unique names, every member by a shared one."""
    sought = names_to_look_up(references)
    if sought and is_shared(sought[0].kind):
        return frozenset(names.since.get(sought[0].key, ()))
    known: list[Mapping[str, int]] = [names.since.get(reference.key, {}) for reference in sought]
    starts = [since for row in known for since in row.values()]
    if not starts:
        return frozenset()
    as_of = max(received_at, min(starts))
    for row in known:
        holders = [payment for payment, since in row.items() if since <= as_of]
        if len(holders) == 1:
            return frozenset(holders)
    return frozenset()
