"""The topics that the verifier reads, by contract, and how their records are decoded: without the engine's tables."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from schemas.codec import Codec, SchemaIds
from schemas.names import topic_name
from streams.domain.facts import Approval, BankAck, Command, Reconciliation, Release, Verdict

V = TypeVar("V")

RAW: Final = "payments.raw.v1"
REFERENCES: Final = "payments.references.v1"
STATE: Final = "payments.state.v1"
TRANSITIONS: Final = "payments.transitions.v1"
ALERTS: Final = "payments.alerts.v1"
DUPLICATE_ALERTS: Final = "payments.duplicate-alerts.v1"
DEAD_LETTERS: Final = "payments.dead-letters.v1"
STATEMENT_ENTRIES: Final = "payments.statement-entries.v1"
COMMANDS: Final = "payments.commands.v1"
VERDICTS: Final = "payments.verdicts.v1"
CLOCK: Final = "payments.clock.v1"

FACTS: Final[dict[str, type[Any]]] = {
    "payments.approvals.v1": Approval,
    "payments.releases.v1": Release,
    "payments.bank-acks.v1": BankAck,
    "payments.reconciliations.v1": Reconciliation,
    COMMANDS: Command,
    VERDICTS: Verdict,
}
#: What the agents read: while any of it is not taken yet, the outputs are not all there.
INPUTS: Final = (RAW, REFERENCES, *FACTS, "payments.fingerprints.v1")
PAYMENTS_TABLE: Final = "payments"
REFERENCES_TABLE: Final = "references"
#: The agents' own tables beside the payments, and their changelogs.
TABLES: Final = {
    "files-seen": "payments.files-seen.v1",
    REFERENCES_TABLE: "payments.references-state.v1",
    "duplicates": "payments.duplicates-state.v1",
}
#: Every contract that is read as a topic; facts are read from the raw records, not from what was made of them.
READ: Final = (
    RAW,
    COMMANDS,
    VERDICTS,
    STATE,
    TRANSITIONS,
    ALERTS,
    DUPLICATE_ALERTS,
    DEAD_LETTERS,
    STATEMENT_ENTRIES,
    CLOCK,
    *TABLES.values(),
)


class Codecs:
    """The codecs of one generation. ``ids``: the schema registry, if there is one."""

    def __init__(self, generation: int = 1, ids: SchemaIds | None = None) -> None:
        self._ids = ids
        names = {*READ, *FACTS, REFERENCES}
        self._contracts = {topic_name(contract, number): contract for contract in names for number in (1, generation)}
        self._codecs: dict[str, Codec[Any]] = {}

    def contract_of(self, topic: str) -> str:
        """The contract of a Kafka topic; the name itself if it is none that we read."""
        return self._contracts.get(topic, topic)

    def of(self, contract: str, kind: type[V]) -> Codec[V]:
        """The codec of a contract, whose records are of that kind. Raises CodecError if there is no such contract."""
        known = self._codecs.get(contract)
        if known is None:
            known = self._codecs[contract] = Codec(contract, kind, self._ids)
        return known

    def of_facts(self, contract: str) -> Codec[Any]:
        """The codec of a topic of facts. Raises KeyError if it is none."""
        return self.of(contract, FACTS[contract])
