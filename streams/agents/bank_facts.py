"""Facts from files of banks: what a bank said (acknowledgements), what it was sent (instructions), what it booked."""

from __future__ import annotations

from connectors.contract import Account, Acknowledgement, Instruction, References
from schemas.records import StatementEntry
from streams.agents.accounts import Accounts, redacted
from streams.agents.arrivals import Arrival
from streams.agents.canonical import Content, Event, event_id_of, fact
from streams.agents.names import Naming
from streams.domain.facts import (
    BankAck,
    Direction,
    InvoiceAllocation,
    Party,
    Release,
    ReleaseStage,
)
from streams.domain.identity import stable_id
from streams.domain.money import Money
from streams.domain.statuses import Status


def bank_ack_of(arrival: Arrival, ack: Acknowledgement, number: int, accounts: Accounts, naming: Naming) -> BankAck:
    """What a bank said, the ``number``-th thing of its record. Raises UnmappableError."""
    raw, names = arrival.raw, ack.references
    account = accounts.hashed(ack.account)
    account_hash = None if account is None else account.hash
    content: Content = {
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
        "amount": arrival.money("amount", ack.amount, ack.currency),
        "charges": arrival.money("charges", ack.charges, ack.charges_currency or ack.currency),
        "value_date": arrival.day("value_date", ack.value_date),
        "booking_date": arrival.day("booking_date", ack.booking_date),
        "account_hash": account_hash,
        "bank_ref": names.bank_ref,
        "booking_key": booking_key_of(names, account_hash, ack.direction) if ack.booked else None,
        "batch_count": ack.batch_count,
        "batch_sum": arrival.money("batch_sum", ack.batch_sum, ack.currency),
        "message_id": names.message_id,
        "payment_info_id": names.payment_info_id,
    }
    references = naming.of_acknowledgement(ack.level, names) if is_about_our_payment(ack) else ()
    day = ack.booking_date or ack.value_date
    event = Event(
        event_id_of(raw.source, raw.format, raw.source_message_id, raw.position or "", number),
        raw.source,
        f"{raw.source_message_id}/{ack.position}",
        arrival.bank_instant(ack.occurred_at, day),
        day,
    )
    return fact(
        BankAck,
        arrival,
        event,
        content,
        correlation_id="",
        file_hash=raw.file_hash,
        references=references,
        delivery=0,
        withdrawn=False,
    )


def is_about_our_payment(ack: Acknowledgement) -> bool:
    """False for money that comes in and is no return: it carries the *sender's* names, booked or pending."""
    return ack.direction is not Direction.CREDIT or ack.lifecycle is Status.RETURNED


def release_of(arrival: Arrival, instruction: Instruction, number: int, accounts: Accounts, naming: Naming) -> Release:
    """What was handed to the bank, the ``number``-th instruction of its record. Raises UnmappableError.

    Its payment is named by its end-to-end id, else its instruction id: that is the field in which an ERP gives its own
    id of the payment. The same name in a later file is the same payment's next attempt.
    """
    raw, names = arrival.raw, instruction.references
    event_id = event_id_of(raw.source, raw.format, raw.source_message_id, raw.position or "", number)
    invoices = tuple(InvoiceAllocation(invoice, invoice, None) for invoice in instruction.invoices)
    content: Content = {
        "correlation_id": naming.usable(names.end_to_end_id) or naming.usable(names.instruction_id) or event_id,
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
        "amount": arrival.money("amount", instruction.amount, instruction.currency),
        "equivalent_amount": instruction.equivalent_amount,
        "requested_execution_date": arrival.day("requested_execution_date", instruction.requested_execution_date),
        "invoices": invoices,
        "content_hash": None,
        "actor": None,
        "supersedes": None,
        "reason_codes": (),
        "reason_text": None,
    }
    event = Event(
        event_id,
        raw.source,
        f"{raw.source_message_id}/{instruction.position}",
        arrival.bank_instant(instruction.created_at, None),
    )
    references = naming.of_instruction(names, invoices)
    return fact(Release, arrival, event, content, file_id=raw.file_hash, references=references)


def statement_entry_of(
    ack: BankAck, moved: Money | None, last4: str | None, bank_transaction_code: str | None
) -> StatementEntry | None:
    """The account entry that a booked acknowledgement is; None: no whole entry. ``moved``: on our account."""
    if not ack.booked or moved is None or ack.account_hash is None:
        return None
    return StatementEntry(
        entry_id=ack.event_id,
        account_hash=ack.account_hash,
        account_last4=last4 or "",
        direction=ack.direction,
        amount=moved,
        booking_date=ack.booking_date,
        value_date=ack.value_date,
        bank_ref=ack.bank_ref,
        bank_transaction_code=bank_transaction_code,
        correlation_id=None,
        file_hash=ack.file_hash,
        position=ack.position,
    )


def _party(account: Account, accounts: Accounts) -> Party:
    number = accounts.hashed(account.number)
    name = redacted(account.name, (account.number,))
    return Party(None, name, None if number is None else number.last4, None if number is None else number.hash)


def booking_key_of(names: References, account_hash: str | None, direction: Direction) -> str | None:
    """One booking in camt.054, camt.053 and MT940: account + the bank's reference + the transaction's own."""
    if names.bank_ref is None:
        return None
    transaction = names.end_to_end_id or names.instruction_id or names.uetr or names.trace_number or ""
    return stable_id("booking", account_hash or "", names.bank_ref, transaction, direction)
