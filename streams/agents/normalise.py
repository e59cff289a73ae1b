"""From what arrived to facts: each raw record is mapped by its format's connector and sent on its way.

A fact that knows its payment goes straight to the topic of its kind; one that does not is looked up by its names. A
release also makes its payment known under each of its names, in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from connectors.contract import (
    Acknowledgement,
    BankProfile,
    Connector,
    Instruction,
    Mapped,
    MappingError,
    ProviderRecord,
    Refusal,
)
from connectors.documents import (
    AcknowledgementDocument,
    ApprovalDocument,
    CommandDocument,
    ReconciliationDocument,
)
from schemas.records import Raw, StatementEntry
from streams.agents.accounts import Accounts
from streams.agents.arrivals import Arrival, UnmappableError
from streams.agents.bank_facts import bank_ack_of, release_of, statement_entry_of
from streams.agents.document_facts import DocumentMapper
from streams.agents.names import Naming
from streams.agents.rows import RowCodec
from streams.domain.alerts import alert_about
from streams.domain.bank_evidence import is_evidence
from streams.domain.correlation import CarriedFact, CarriedType
from streams.domain.facts import Approval, BankAck, Command, Reconciliation, Release
from streams.domain.identity import stable_id
from streams.domain.money import Money
from streams.domain.references import lookup_of, registers_of
from streams.domain.state import Alert, AlertKind
from streams.engine import BadRecord, Outbox, Record, Table
from streams.topics import Topics

MappedFact: TypeAlias = Approval | Release | BankAck | Reconciliation | Command
Told: TypeAlias = MappedFact | StatementEntry | UnmappableError
Handler = Callable[[Record, "Table[Any]", Outbox], None]


class Formats(Protocol):
    """The connectors and the bank profiles that are installed."""

    def connector_named(self, format_: str) -> Connector | None:
        """The connector of a format; None if there is none."""

    def profile(self, name: str) -> BankProfile | Refusal:
        """The bank profile of that name."""


class Normaliser:
    """Maps raw records to facts. Pure: the same record and time of receipt give the same facts."""

    def __init__(self, formats: Formats, accounts: Accounts, min_reference_length: int) -> None:
        self._formats = formats
        self._accounts = accounts
        self._naming = Naming(min_reference_length)
        self._documents = DocumentMapper(accounts, self._naming)

    def facts_of(self, raw: Raw, received_at: int) -> list[Told]:
        """What a raw record tells, in its order. If an error is among it, the record as a whole cannot be taken.

        A fact without a correlation id has ``correlation_id`` "" and is looked up by its ``references``; one that has
        neither says nothing about a payment of ours. Never raises on what the record says.
        """
        arrival = Arrival(raw, received_at)
        try:
            connector, profile = self._reading(arrival)
            fields = _fields(arrival)
        except UnmappableError as error:
            return [error]
        record = ProviderRecord(raw.kind, raw.position or "body", fields)
        told: list[Told] = []
        for number, mapped in enumerate(connector.map(record, profile)):
            try:
                told.extend(self._facts(arrival, mapped, number, profile))
            except UnmappableError as error:
                told.append(error)
        return told

    def _reading(self, arrival: Arrival) -> tuple[Connector, BankProfile]:
        raw = arrival.raw
        connector = self._formats.connector_named(raw.format)
        if connector is None:
            raise arrival.unmappable("format", "a format that is installed", raw.format, "upgrade paystate, replay")
        profile = self._formats.profile(raw.profile)
        if isinstance(profile, Refusal):
            raise arrival.unmappable("profile", profile.expected, profile.found, "install the profile, replay")
        return connector, profile

    def _facts(self, arrival: Arrival, mapped: Mapped, number: int, profile: BankProfile) -> Iterator[Told]:
        documents = self._documents
        match mapped:
            case MappingError(position, field, expected, found):
                yield UnmappableError(position, field, expected, found, "correct the source or the mapping, replay")
            case Acknowledgement():
                ack = bank_ack_of(arrival, mapped, number, self._accounts, self._naming)
                yield ack
                moved = arrival.money("entry_amount", mapped.entry_amount, mapped.entry_currency)
                yield from self._entry(ack, moved or ack.amount, mapped.account, mapped.bank_transaction_code)
            case Instruction():
                yield release_of(arrival, mapped, number, self._accounts, self._naming)
            case ApprovalDocument():
                yield documents.approval(arrival, mapped)
            case AcknowledgementDocument():
                ack = documents.acknowledgement(arrival, mapped, profile)
                yield ack
                yield from self._entry(ack, ack.amount, mapped.account, None)
            case ReconciliationDocument():
                yield documents.reconciliation(arrival, mapped)
            case CommandDocument():
                yield documents.command(arrival, mapped)
            case _:
                yield documents.release(arrival, mapped)

    def _entry(
        self, ack: BankAck, moved: Money | None, account: str | None, code: str | None
    ) -> Iterator[StatementEntry]:
        """What was booked is an entry of our account, whatever it is about."""
        hashed = self._accounts.hashed(account)
        entry = statement_entry_of(ack, moved, hashed.last4 if hashed else None, code)
        if entry is not None:
            yield entry


def _no_float(number: str) -> Any:
    """An amount is decimal text: a number with a fraction has been rounded already, or will be."""
    raise ValueError(f"the number {number}: amounts are decimal text")


_read_json: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float).decode


def _fields(arrival: Arrival) -> dict[str, Any]:
    """The payload: JSON as the source wrote it."""
    try:
        fields = _read_json(arrival.raw.payload.decode())
    except (ValueError, RecursionError) as error:
        raise arrival.unmappable("payload", "JSON in UTF-8", str(error)[:200], "send it again whole") from error
    if not isinstance(fields, dict):
        raise arrival.unmappable("payload", "a JSON object", type(fields).__name__, "send one object a message")
    return fields


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one message id of one source: which file it came in, and whether its mapping has an alert."""

    file_hash: str | None
    alerted: bool


ROWS: Final = RowCodec("payments.files-seen.v1", Seen)


def normalise(topics: Topics, normaliser: Normaliser, generation: int) -> Handler:
    """The handler of payments.raw.v1."""
    sender = _Sender(topics, generation)

    def handle(record: Record, seen: Table[Any], out: Outbox) -> None:
        raw: Raw = record.value
        if raw.file_hash is not None and _is_another_file(record, raw, seen):
            sender.quarantine(record, raw, seen, out)
            return
        told = normaliser.facts_of(raw, record.timestamp_us)
        errors = [row for row in told if isinstance(row, UnmappableError)]
        if errors:
            sender.refuse(record, raw, errors, seen, out)
            return
        for row in told:
            if not isinstance(row, UnmappableError):
                sender.send(row, seen, out)

    return handle


def _is_another_file(record: Record, raw: Raw, seen: Table[Any]) -> bool:
    """Whether the message id came before in other bytes; notes the first file that it comes in."""
    known: Seen | None = seen.get(record.key)
    if known is None or known.file_hash is None:
        seen[record.key] = Seen(raw.file_hash, alerted=known is not None and known.alerted)
        return False
    return known.file_hash != raw.file_hash


class _Sender:
    """Sends facts to their topics, and what cannot be taken to the dead letters with one alert a message."""

    def __init__(self, topics: Topics, generation: int) -> None:
        self._topics = topics
        self._generation = generation

    def send(self, row: MappedFact | StatementEntry, seen: Table[Any], out: Outbox) -> None:
        """One fact on its way."""
        topics = self._topics
        match row:
            case Release():
                out.send(topics.releases, row.correlation_id, row)
                for message in registers_of(row):
                    out.send(topics.references, message.key, message)
            case Reconciliation():
                out.send(topics.reconciliations, row.correlation_id, row)
            case Command():
                out.send(topics.commands, row.correlation_id, row)
            case StatementEntry():
                out.send(topics.statement_entries, f"{row.account_hash}/{row.entry_id}", row)
            case Approval():
                if row.correlation_id:
                    out.send(topics.approvals, row.correlation_id, row)
                else:
                    self._look_up(row, CarriedType.APPROVAL, topics.approvals.encode(row), seen, out)
            case BankAck():
                if row.correlation_id:
                    out.send(topics.bank_acks, row.correlation_id, row)
                else:
                    self._look_up(row, CarriedType.BANK_ACK, topics.bank_acks.encode(row), seen, out)

    def _look_up(
        self, fact: Approval | BankAck, kind: CarriedType, payload: bytes, seen: Table[Any], out: Outbox
    ) -> None:
        carried = CarriedFact(fact.event_id, fact.received_at, kind, payload, fact.references)
        message = lookup_of(carried, fact.trace_id)
        if message is not None:
            out.send(self._topics.references, message.key, message)
        elif is_evidence(fact) and fact.event_id not in seen:  # a redelivery raises nothing
            seen[fact.event_id] = Seen(None, alerted=True)
            self._raise(self._nameless(fact), out)

    def _nameless(self, fact: Approval | BankAck) -> Alert:
        """Evidence about some payment of ours without any name: no clock is needed to know that nobody has it."""
        return self._alert(
            AlertKind.ORPHAN,
            fact.event_id,
            f"{fact.source} message {fact.source_event_id}: names no payment: find it by hand, by amount and date",
            fact.received_at,
            fact.trace_id,
            fact.bank if isinstance(fact, BankAck) else None,
        )

    def quarantine(self, record: Record, raw: Raw, seen: Table[Any], out: Outbox) -> None:
        """The same message id with other bytes: the first file counts, this one is kept for a person."""
        text = (
            f"message {raw.source_message_id!r} of {raw.source!r} came before in another file: expected the same "
            f"bytes, found file {raw.file_hash}; ask the sender which one is meant"
        )
        out.dead_letter(record, BadRecord(text, "conflict"))
        subject = f"{record.key}/{raw.file_hash}"
        if subject not in seen:
            seen[subject] = Seen(raw.file_hash, alerted=True)
            alert = self._alert(AlertKind.CONFLICT, subject, text, record.timestamp_us, raw.trace_id, raw.sender)
            self._raise(alert, out)

    def refuse(self, record: Record, raw: Raw, errors: list[UnmappableError], seen: Table[Any], out: Outbox) -> None:
        """A record that cannot be mapped: kept whole; its message raises one alert, however many records fail."""
        text = "; ".join(str(error) for error in errors)
        out.dead_letter(record, BadRecord(text, "unmappable"))
        known: Seen | None = seen.get(record.key)
        if known is not None and known.alerted:
            return
        seen[record.key] = Seen(known.file_hash if known else None, alerted=True)
        self._raise(
            self._alert(AlertKind.MAPPING_FAILURE, record.key, text, record.timestamp_us, raw.trace_id, raw.sender), out
        )

    def _raise(self, alert: Alert, out: Outbox) -> None:
        out.send(self._topics.alerts, alert.correlation_id, alert)
        out.note(alert)

    def _alert(self, kind: AlertKind, subject: str, detail: str, at: int, trace_id: str, bank: str | None) -> Alert:
        return alert_about(
            subject,
            kind,
            detail,
            alert_id=stable_id(kind, subject),
            cause_event_id=subject,
            at=at,
            generation=self._generation,
            trace_id=trace_id,
            bank=bank,
        )
