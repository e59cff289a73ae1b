"""What came in: every raw record mapped once more, every fact with all that it says and whom it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from schemas.codec import CodecError
from schemas.records import Raw, StatementEntry
from streams.domain.facts import Approval, BankAck, Command, PaymentFact, Reconciliation, Reference, Release, Verdict
from streams.verify.contracts import COMMANDS, FACTS, RAW, VERDICTS, Codecs
from streams.verify.dead_letters import DeadLetters, Told
from streams.verify.deliveries import Names, placing_of
from streams.verify.read import Row
from streams.verify.report import Report

Mapping = Callable[[Raw, int], Sequence[object]]
"""A raw record and its time of receipt to what it tells: facts, statement entries, or errors (exceptions)."""

_CONTRACTS: Final = {kind: contract for contract, kind in FACTS.items()}
_FACTS: Final = (Approval, Release, BankAck, Reconciliation, Command, Verdict)


class Fate(Enum):
    """What became of a fact, the worst first."""

    LOST = "lost"
    WAITING = "waiting"
    DEAD = "dead_letters"
    APPLIED = "applied"
    SILENT = "silent"


@dataclass(slots=True)
class Telling:
    """One content of one event. ``received_at``: the smallest of all of its copies; ``payments``: who must have it.

    ``known_at``: when its payments were known. ``notable``: without a name it is worth an alert. ``number``: of a
    verdict, the highest told.
    ``found`` and ``missing``: in how many of its payments it was seen, or was not.
    """

    event_id: str
    payload_hash: str
    contract: str
    data: bytes
    received_at: int
    correlation_id: str
    references: tuple[Reference, ...]
    notable: bool
    number: int
    payments: frozenset[str] = frozenset()
    known_at: int = 0
    found: int = 0
    missing: int = 0
    rival: bool = False

    @property
    def told(self) -> Told:
        """What names it."""
        return (self.event_id, self.payload_hash)

    @property
    def is_approval(self) -> bool:
        """Whether it is an approver's word."""
        return self.contract == _CONTRACTS[Approval]


@dataclass(slots=True)
class Inputs:
    """Everything that came in. Facts are kept as bytes: a company of 20,000 payments takes about 100 MB."""

    codecs: Codecs
    mapping: Mapping
    dead: DeadLetters
    tellings: dict[Told, Telling] = field(default_factory=dict)
    by_payment: dict[str, list[Telling]] = field(default_factory=lambda: defaultdict(list))
    entries: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    names: Names = field(default_factory=Names)
    _records: list[tuple[int, int, tuple[Told, ...]]] = field(default_factory=list)

    def read_raw(self, rows: Iterable[Row], report: Report) -> None:
        """Map every record again; what cannot be mapped must be in the dead letters."""
        codec = self.codecs.of(RAW, Raw)
        for row in rows:
            report.inputs += 1
            if self._is_dead(RAW, row):
                report.dead_letters += 1
                continue
            try:
                told = self.mapping(codec.decode(row.value or b""), row.timestamp_us)
            except CodecError as error:
                told = (error,)
            problem = next((item for item in told if isinstance(item, Exception)), None)
            if problem is not None:
                report.blame("lost", row.place, "a dead letter", f"none, though it cannot be mapped: {problem}")
            else:
                self._count(row, told, report)

    def _count(self, row: Row, told: Sequence[object], report: Report) -> None:
        """A record of copies only is a duplicate; what became of any other is known when the states are read."""
        facts = [item for item in told if isinstance(item, _FACTS)]
        self.entries.update(item.entry_id for item in told if isinstance(item, StatementEntry))
        known = [(fact.event_id, fact.payload_hash) in self.tellings for fact in facts]
        keys = tuple(self._tell(fact) for fact in facts)
        if not facts:
            report.silent += 1
        elif all(known):
            report.duplicates += 1
        else:
            self._records.append((row.partition, row.offset, keys))

    def read_commands(self, rows: Iterable[Row], report: Report) -> None:
        """What people decided, those without a raw record among them."""
        for row in rows:
            self._read_fact(COMMANDS, row, report)

    def read_verdicts(self, rows: Iterable[Row], report: Report) -> None:
        """What the duplicates agent concluded: of each pair and payment the word of the highest number."""
        for row in rows:
            self._read_fact(VERDICTS, row, report)

    def _read_fact(self, contract: str, row: Row, report: Report) -> None:
        try:
            self._tell(self.codecs.of_facts(contract).decode(row.value or b""))
        except CodecError as error:
            if not self._is_dead(contract, row):
                report.blame("lost", row.place, "a dead letter", f"none, though it cannot be read: {error}")

    def _is_dead(self, contract: str, row: Row) -> bool:
        return (contract, row.partition, row.offset) in self.dead.records

    def _tell(self, fact: PaymentFact) -> Told:
        key = (fact.event_id, fact.payload_hash)
        known = self.tellings.get(key)
        if known is None:
            self.tellings[key] = self._telling(fact)
            self.events.add(fact.event_id)
        else:
            known.received_at = min(known.received_at, fact.received_at)
            if isinstance(fact, Verdict) and fact.number > known.number:
                known.number, known.data = fact.number, self.codecs.of_facts(VERDICTS).encode(fact)
        if isinstance(fact, Release):
            for reference in fact.references:
                self.names.register(reference.key, fact.correlation_id, fact.received_at)
        return key

    def _telling(self, fact: PaymentFact) -> Telling:
        contract = _CONTRACTS[type(fact)]
        sought: tuple[Reference, ...] = ()
        notable = isinstance(fact, Approval)
        if isinstance(fact, BankAck):
            notable = fact.milestone is not None or bool(fact.flags)
        if not fact.correlation_id and isinstance(fact, Approval | BankAck):
            sought = fact.references
        return Telling(
            fact.event_id,
            fact.payload_hash,
            contract,
            self.codecs.of_facts(contract).encode(fact),
            fact.received_at,
            fact.correlation_id,
            sought,
            notable,
            fact.number if isinstance(fact, Verdict) else 0,
        )

    def deliver(self) -> None:
        """Give every fact to its payments. Only when all releases are known."""
        for telling in self.tellings.values():
            if telling.correlation_id:
                telling.payments = frozenset({telling.correlation_id})
            else:
                placing = placing_of(telling.references, telling.received_at, self.names)
                telling.payments, telling.known_at = placing.payments, placing.since
            for payment in telling.payments:
                self.by_payment[payment].append(telling)

    def fact_of(self, telling: Telling) -> PaymentFact:
        """The fact, as received first."""
        fact: PaymentFact = self.codecs.of_facts(telling.contract).decode(telling.data)
        return fact if fact.received_at == telling.received_at else replace(fact, received_at=telling.received_at)

    def settle(self, alerted: set[str], published_entries: set[str], report: Report) -> None:
        """Say of every record what became of it. ``alerted``: events that an alert names as its cause."""
        for partition, offset, keys in self._records:
            fates = {self._fate(self.tellings[key], alerted): key for key in keys}
            fate = next(fate for fate in Fate if fate in fates)
            if fate is Fate.LOST:
                self._blame(f"{RAW}[{partition}]@{offset}", self.tellings[fates[fate]], report)
            else:
                setattr(report, fate.value, getattr(report, fate.value) + 1)
        for entry_id in self.entries - published_entries:
            report.blame("lost", f"account entry {entry_id}", "a record of payments.statement-entries.v1", "none")

    def _fate(self, telling: Telling, alerted: set[str]) -> Fate:
        dead = telling.told in self.dead.facts
        if telling.missing:
            return Fate.DEAD if dead else Fate.LOST
        if telling.found:
            return Fate.DEAD if dead and telling.rival else Fate.APPLIED
        if dead:
            return Fate.DEAD
        if telling.references:
            return Fate.WAITING
        if telling.event_id in alerted or telling.event_id in self.entries:
            return Fate.APPLIED
        return Fate.LOST if telling.notable else Fate.SILENT

    def _blame(self, place: str, telling: Telling, report: Report) -> None:
        owners = ", ".join(sorted(telling.payments)[:3]) or "an alert that it names no payment"
        fact = f"{telling.contract} event {telling.event_id}"
        found = f"not in {telling.missing} of {len(telling.payments)}" if telling.payments else "none"
        report.blame("lost", f"{place}: {fact}", f"an effect on {owners}", found)
