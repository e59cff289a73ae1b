"""Which payment every fact without a correlation id belongs to, recomputed from the whole log at once.

The pipeline finds it message by message (streams/domain/references.py); here the rule of contracts.md,
"Correlation", is applied to complete knowledge. Both must agree when the log is quiet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Placing:
    """Whom a fact belongs to, and since when that was so (micros). ``known``: whether anybody goes by its names."""

    payments: frozenset[str]
    since: int
    known: bool


_NOBODY: Final = Placing(frozenset(), 0, known=False)


def placing_of(references: tuple[Reference, ...], received_at: int, names: Names, by: int | None = None) -> Placing:
    """The payments that a fact must reach: one or none by its unique names, every member by a shared one.

    ``by``: names that payments have only since later do not count.
    """
    sought = names_to_look_up(references)
    known = [_by_then(names.since.get(reference.key, {}), by) for reference in sought]
    starts = [since for row in known for since in row.values()]
    if not starts:
        return _NOBODY
    as_of = max(received_at, min(starts))
    if is_shared(sought[0].kind):
        return Placing(frozenset(known[0]), as_of, known=True)
    for row in known:
        holders = [payment for payment, since in row.items() if since <= as_of]
        if len(holders) == 1:
            return Placing(frozenset(holders), as_of, known=True)
    return Placing(frozenset(), as_of, known=True)


def _by_then(since: Mapping[str, int], by: int | None) -> Mapping[str, int]:
    return since if by is None else {payment: at for payment, at in since.items() if at <= by}
