"""What the verifier found, as one value."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Final

from streams.score import Score

EXAMPLES_KEPT: Final = 10
"""Findings kept of each check."""
FAULTS: Final = ("lost", "repeated", "reordered", "wrong_state", "store_mismatch")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check, about what, what was expected and what was found."""

    check: str
    subject: str
    expected: str
    found: str


@dataclass(slots=True)
class Report:
    """Counts over the whole log. The five faults must be 0; ``findings`` keeps the first examples of each.

    Every record on payments.raw.v1 (``inputs``) is exactly one of: ``applied`` (it had an effect), ``duplicates`` (an
    exact copy of one that had), ``dead_letters`` (kept for a person), ``waiting`` (its payment is not known yet),
    ``silent`` (it says nothing about a payment of ours), or ``lost``. ``lag``: records that the workers have not taken
    yet; while it is not 0, "lost" may only mean "late". ``proved_at``: the clock, in microseconds UTC,
    that workers had taken in every partition. ``late`` and ``orphans``: alerts about deadlines missed, and
    about words of a bank without a payment, against what the clock had passed; each difference is a fault as well.
    """

    inputs: int = 0
    applied: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    waiting: int = 0
    silent: int = 0
    payments: int = 0
    transitions: int = 0
    alerts: int = 0
    duplicate_alerts: int = 0
    stores: int = 0
    store_rows: int = 0
    lag: int = 0
    proved_at: int = 0
    late: Score = field(default_factory=Score)
    orphans: Score = field(default_factory=Score)
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    wrong_state: int = 0
    store_mismatch: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def blame(self, check: str, subject: str, expected: str, found: str) -> None:
        """Count one fault under ``check`` (the name of one of the five) and keep it as an example."""
        setattr(self, check, getattr(self, check) + 1)
        if Counter(finding.check for finding in self.findings)[check] < EXAMPLES_KEPT:
            self.findings.append(Finding(check, subject, expected, found))

    @property
    def faults(self) -> int:
        """The sum of the five."""
        return sum(getattr(self, check) for check in FAULTS)

    @property
    def ok(self) -> bool:
        """Nothing lost, repeated, reordered, misjudged or stored otherwise than published; and nothing left to take."""
        return self.faults == 0 and self.lag == 0

    def as_json(self) -> dict[str, object]:
        """The report as one JSON object."""
        return {**asdict(self), "ok": self.ok}
