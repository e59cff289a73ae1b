"""What was kept for a person: which records, and which facts are in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import CodecError
from schemas.records import DeadLetter
from streams.domain.correlation import CarriedType, CorrelationMessage
from streams.verify.contracts import RAW, REFERENCES, Codecs
from streams.verify.read import Row
from streams.verify.report import Report

#: The offset of a dead letter that is no record of its own: a fact that gave way to one received earlier.
_NO_OFFSET: Final = -1
_CARRIED: Final = {CarriedType.APPROVAL: "payments.approvals.v1", CarriedType.BANK_ACK: "payments.bank-acks.v1"}

Told = tuple[str, str]
"""A fact and what it says: event id, payload hash."""


@dataclass(slots=True)
class DeadLetters:
    """``records``: contract, partition and offset of each; ``facts``: those in records of later stages than raw."""

    codecs: Codecs
    records: set[tuple[str, int, int]] = field(default_factory=set)
    facts: set[Told] = field(default_factory=set)
    _places: set[tuple[str, str, int, int]] = field(default_factory=set)

    def read(self, rows: Iterable[Row], report: Report) -> None:
        """Take all dead letters; one record of one stage may be there once."""
        codec = self.codecs.of("payments.dead-letters.v1", DeadLetter)
        for row in rows:
            if row.value is None:
                continue
            letter = codec.decode(row.value)
            place = (letter.stage, letter.source_topic, letter.source_partition, letter.source_offset)
            if letter.source_offset != _NO_OFFSET:
                if place in self._places:
                    found = f"another one at {row.place}"
                    report.blame("repeated", _named(letter), "one dead letter", found)
                self._places.add(place)
            self._take(letter)

    def _take(self, letter: DeadLetter) -> None:
        contract = self.codecs.contract_of(letter.source_topic)
        self.records.add((contract, letter.source_partition, letter.source_offset))
        if contract != RAW and letter.value is not None and (fact := self._fact_in(contract, letter.value)) is not None:
            self.facts.add(fact)

    def _fact_in(self, contract: str, value: bytes) -> Told | None:
        """The fact in a record of a later stage; None where it holds none, or cannot be read (why it is here)."""
        try:
            if contract == REFERENCES:
                message = self.codecs.of(REFERENCES, CorrelationMessage).decode(value)
                if message.fact is None:
                    return None
                contract, value = _CARRIED[message.fact.type], message.fact.payload
            fact = self.codecs.of_facts(contract).decode(value)
        except (CodecError, KeyError):
            return None
        return (fact.event_id, fact.payload_hash)


def _named(letter: DeadLetter) -> str:
    return f"{letter.source_topic}[{letter.source_partition}]@{letter.source_offset} in {letter.stage}"
