"""One raw record, mapped by its connector, to the facts that the pipeline works with. Pure: no I/O, no clock.

Every fact's ``event_id`` depends only on what names the fact at its source; ``payload_hash`` on all that the fact says
but on neither when nor in which file it reached us. Account numbers leave this module as last four + keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from connectors.contract import Acknowledgement, Instruction, References
from schemas.records import Raw
from streams.agents.accounts import Accounts, redacted
from streams.agents.instants import Instant, InstantError, bank_instant_of, is_date
from streams.domain.facts import (
    BankAck,
    Fact,
    Party,
    Precision,
    Reference,
    ReferenceKind,
    Release,
    ReleaseStage,
)
from streams.domain.identity import stable_id
from streams.domain.money import Money, MoneyError, money_from_text

_F = TypeVar("_F", bound=Fact)

_NOT_SAID_BY_THE_SOURCE: Final = frozenset({"received_at", "payload_hash", "trace_id", "file_hash"})
_encode = msgspec.msgpack.Encoder(decimal_format="string").encode


class UnmappableError(ValueError):
    """A record that says something we cannot take: what, where, expected, found, and what to do about it."""

    def __init__(self, position: str, field: str, expected: str, found: str, advice: str) -> None:
        super().__init__(f"{position}: {field}: expected {expected}, found {redacted(found)}; {advice}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A raw record as it came: ``received_at`` is its log-append time in microseconds UTC."""

    raw: Raw
    received_at: int

    def unmappable(self, field: str, expected: str, found: str, advice: str) -> UnmappableError:
        """The error that names this record and its message."""
        raw = self.raw
        where = f"{raw.format} message {raw.source_message_id!r} of {raw.source!r}, {raw.position or 'body'}"
        return UnmappableError(where, field, expected, found, advice)


def bank_ack_of(arrival: Arrival, ack: Acknowledgement, number: int, accounts: Accounts) -> BankAck:
    """What a bank said, the ``number``-th thing of its record. Raises UnmappableError."""
    raw, names = arrival.raw, ack.references
    account = accounts.hashed(ack.account)
    account_hash = None if account is None else account.hash
    content: _Content = {
        "bank": ack.bank or raw.sender,
        "format": raw.format,
        "level": ack.level,
        "source_message_id": ack.source_message_id or raw.source_message_id,
        "position": ack.position,
        "bank_status": ack.bank_status,
        "milestone": ack.lifecycle,
        "flags": ack.flags,
        "reason_codes": ack.reason_codes,
        "reason_text": redacted(ack.reason_text, (ack.account,)),
        "booked": ack.booked,
        "direction": ack.direction,
        "amount": _money(arrival, "amount", ack.amount, ack.currency),
        "charges": _money(arrival, "charges", ack.charges, ack.charges_currency or ack.currency),
        "value_date": _day(arrival, "value_date", ack.value_date),
        "booking_date": _day(arrival, "booking_date", ack.booking_date),
        "account_hash": account_hash,
        "bank_ref": names.bank_ref,
        "booking_key": _booking_key(ack, account_hash),
        "batch_count": ack.batch_count,
        "batch_sum": _money(arrival, "batch_sum", ack.batch_sum, ack.currency),
        "message_id": names.message_id,
        "payment_info_id": names.payment_info_id,
    }
    told = _Told(ack.position, number, ack.occurred_at, ack.booking_date or ack.value_date)
    fact = _fact(BankAck, arrival, told, content, file_hash=raw.file_hash, references=(), delivery=0, withdrawn=False)
    return replace(fact, references=())


def release_of(arrival: Arrival, instruction: Instruction, number: int, accounts: Accounts) -> Release:
    """What was handed to the bank, the ``number``-th instruction of its record. Raises UnmappableError."""
    raw, names = arrival.raw, instruction.references
    content: _Content = {
        "stage": ReleaseStage.SUBMITTED,
        "message_id": names.message_id,
        "payment_info_id": names.payment_info_id,
        "source_system": raw.source,
        "company_code": None,
        "region": None,
        "bank": instruction.debtor.agent or raw.sender,
        "rail": instruction.rail,
        "run_id": None,
        "batch_id": names.payment_info_id,
        "payer": _party(instruction.debtor, accounts),
        "payee": _party(instruction.creditor, accounts),
        "amount": _money(arrival, "amount", instruction.amount, instruction.currency),
        "equivalent_amount": instruction.equivalent_amount,
        "requested_execution_date": _day(arrival, "requested_execution_date", instruction.requested_execution_date),
        "invoices": tuple(InvoiceAllocation(invoice, invoice, None) for invoice in instruction.invoices),
        "content_hash": None,
        "actor": None,
        "supersedes": None,
        "reason_codes": (),
        "reason_text": redacted(instruction.remittance_text, (instruction.debtor.number, instruction.creditor.number)),
    }
    told = _Told(instruction.position, number, instruction.created_at, None)
    return _fact(Release, arrival, told, content, file_id=raw.file_hash, references=())


@dataclass(frozen=True, slots=True)
class _Told:
    """When and where in its record a bank or a file says something."""

    position: str
    number: int
    occurred_at: str | None
    day: str | None


def _fact(kind: type[_F], arrival: Arrival, told: _Told, content: _Content, **unhashed: object) -> _F:
    raw = arrival.raw
    instant = _instant(arrival, told)
    said = [instant.at if instant.precision is Precision.TIME else told.day, *content.values()]
    return kind(
        event_id=stable_id("fact", raw.source, raw.format, raw.source_message_id, raw.position or "", str(told.number)),
        payload_hash=blake2b(_encode(said), digest_size=16).hexdigest(),
        correlation_id="",
        source=raw.source,
        source_event_id=f"{raw.source_message_id}/{told.position}",
        occurred_at=instant.at,
        precision=instant.precision,
        received_at=arrival.received_at,
        trace_id=raw.trace_id,
        **content,
        **unhashed,
    )


def _party(account: Account, accounts: Accounts) -> Party:
    number = accounts.hashed(account.number)
    name = redacted(account.name, (account.number,))
    return Party(None, name, None if number is None else number.last4, None if number is None else number.hash)


def _booking_key(ack: Acknowledgement, account_hash: str | None) -> str | None:
    """One booking in camt.054, camt.053 and MT940: account + the bank's reference + the transaction's own."""
    names = ack.references
    if not ack.booked or names.bank_ref is None:
        return None
    transaction = names.end_to_end_id or names.instruction_id or names.uetr or names.trace_number or ""
    return stable_id("booking", account_hash or "", names.bank_ref, transaction, ack.direction)


def _money(arrival: Arrival, field: str, amount: Decimal | None, currency: str | None) -> Money | None:
    if amount is None:
        return None
    if currency is None:
        raise arrival.unmappable(field, "a currency beside the amount", "none", "ask the sender to state the currency")
    try:
        return money_from_text(f"{amount:f}", currency)
    except MoneyError as error:
        raise arrival.unmappable(
            field, "an exact amount in a known currency", str(error), "ask the sender for a corrected message"
        ) from error


def _day(arrival: Arrival, field: str, text: str | None) -> str | None:
    if text is None or is_date(text):
        return text
    raise arrival.unmappable(field, "a day as 2026-11-24", repr(text), "ask the sender for a corrected message")


def _instant(arrival: Arrival, told: _Told) -> Instant:
    """Their time; where they give none, their day, else our receipt. The last two are no exact times."""
    if told.occurred_at is None:
        return _day_or_receipt(arrival, told)
    try:
        return bank_instant_of(told.occurred_at)
    except InstantError as error:
        raise arrival.unmappable(
            "occurred_at", error.expected, str(error), "ask the sender for a correction"
        ) from error


def _day_or_receipt(arrival: Arrival, told: _Told) -> Instant:
    if told.day is not None:
        return bank_instant_of(told.day)
    if arrival.raw.occurred_at is not None:
        return Instant(arrival.raw.occurred_at, Precision.TIME)
    return Instant(arrival.received_at, Precision.DATE)
