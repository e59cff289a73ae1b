"""What the verifier found, as one value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final

EXAMPLES_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check, about what, what was expected and what was found."""

    check: str
    subject: str
    expected: str
    found: str


@dataclass(slots=True)
class Report:
    """Counts over the whole log. The last five must be 0; ``findings`` keeps the first examples of what is not.

    inputs: records on payments.raw.v1. applied: those with an effect; duplicates: exact copies of one that had;
    dead_letters: those kept for a person. Every input is exactly one of the three, or it is lost.
    """

    inputs: int = 0
    applied: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    payments: int = 0
    transitions: int = 0
    store_rows: int = 0
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    wrong_state: int = 0
    store_mismatch: int = 0
    findings: list[Finding] = field(default_factory=list)

    def blame(self, check: str, subject: str, expected: str, found: str) -> None:
        """Count one fault under ``check`` (the name of one of the last five counts) and keep it as an example."""
        setattr(self, check, getattr(self, check) + 1)
        if len(self.findings) < EXAMPLES_KEPT:
            self.findings.append(Finding(check, subject, expected, found))

    @property
    def ok(self) -> bool:
        """Nothing lost, repeated, reordered, misjudged or stored otherwise than published."""
        return not (self.lost or self.repeated or self.reordered or self.wrong_state or self.store_mismatch)

    def as_json(self) -> dict[str, object]:
        """The report as one JSON object."""
        return {**asdict(self), "ok": self.ok}
