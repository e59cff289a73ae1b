"""camt.052, camt.053, camt.054: entries on our account, and which of them prove something about a payment of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from connectors.contract import (
    Acknowledgement,
    BankProfile,
    Mapped,
    MappingError,
    ProviderRecord,
    References,
)
from connectors.iso20022.amounts import Amount, UnreadableError, amount_at, day_at, whole_at
from connectors.iso20022.names import name_at, own_account
from connectors.iso20022.parties import account_number, agent_id
from connectors.iso20022.reasons import NO_REASONS, Reasons, reasons_of
from connectors.iso20022.said import Said, code, every, first, text
from connectors.iso20022.scopes import COUNT
from connectors.iso20022.transaction_codes import Movement, TransactionCode, transaction_code
from streams.domain.bank_statuses import NOTHING, BankMeaning, entry_meaning
from streams.domain.facts import Direction, Level
from streams.domain.statuses import Flag, Status

CONTAINERS: Final = ("Ntfctn", "Stmt", "Rpt")
_DIRECTIONS: Final = {"DBIT": Direction.DEBIT, "CRDT": Direction.CREDIT}
_BOOKED: Final = "BOOK"
#: Fees, sweeps, direct debits, cards and other business prove nothing about an instruction.
_PAYMENTS: Final = frozenset({Movement.TRANSFER, Movement.RETURN})
_RETURNED: Final = BankMeaning(Status.RETURNED)
_TRUE: Final = frozenset({"true", "1"})
#: Names of one transaction. MsgId and PmtInfId name its batch; AcctSvcrRef may be the entry's.
_OWN_NAMES: Final = ("EndToEndId", "InstrId", "TxId", "UETR", "ClrSysRef", "ChqNb", "MndtId")
#: What a transaction says of itself beside names; purpose codes alone make none (bank-formats.md, trap 6).
_OWN_WORDS: Final = ("Amt", "AmtDtls", "RltdPties", "RmtInf", "RtrInf")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry, or one transaction of it, with what is around it. ``sole``: the entry is this and nothing else."""

    fields: Said
    account: Said
    entry: Said
    batch: Said
    details: Said
    level: Level
    sole: bool

    @property
    def places(self) -> tuple[Said, ...]:
        """Where to look, the lowest level first."""
        return (self.details, self.entry) if self.details is not None else (self.entry,)


def map_entry(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that an entry, or a transaction of one, is."""
    try:
        return (_acknowledgement(_entry(record), record.position, profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _entry(record: ProviderRecord) -> _Entry:
    fields = record.fields
    account = next((fields[name] for name in CONTAINERS if name in fields), None)
    entry, batch = first(fields, "Ntry"), first(fields, "NtryDtls", "Btch")
    details = first(fields, "TxDtls") if record.kind == "transaction" else None
    return _Entry(
        fields=fields,
        account=account,
        entry=entry,
        batch=batch,
        details=details,
        level=Level.TRANSACTION if _is_one_transaction(details, batch) else Level.BATCH,
        sole=record.kind == "entry" or fields.get(COUNT) == 1,
    )


def _is_one_transaction(details: Said, batch: Said) -> bool:
    """False for a batch: details that only name the batch, or say nothing; an entry that tells of a batch."""
    if not isinstance(details, dict):
        return batch is None
    references = first(details, "Refs")
    if any(name_at(references, name) for name in _OWN_NAMES):
        return True
    if name_at(references, "PmtInfId") or name_at(references, "MsgId") or name_at(batch, "PmtInfId"):
        return False
    return any(name in details for name in _OWN_WORDS) or name_at(references, "AcctSvcrRef") is not None


def _acknowledgement(said: _Entry, position: str, profile: BankProfile) -> Acknowledgement:
    status = code(said.entry, "Sts")
    if status is None:
        raise UnreadableError("Ntry/Sts", "the status of the entry", "none")
    direction = _direction(said)
    transaction = transaction_code(*said.places)
    movement = _movement(transaction, profile)
    returned = every(said.details, "RtrInf")
    comes_back = movement is Movement.RETURN or _has_return(returned) or _is_reversal(said)
    reasons = _reasons(said, returned, comes_back)
    account = account_number(first(said.account, "Acct"))
    booked = _booked_amount(said)
    amount = _as_instructed(booked, said)
    lifecycle: Status | None = None
    flags: tuple[Flag, ...] = ()
    if movement in _PAYMENTS and own_account(account, profile) and (amount is None or amount.value):
        meant = _meaning(status, said.level, direction, comes_back, profile)
        lifecycle, flags = meant.milestone, meant.flags
    charges = _charges(said)
    return Acknowledgement(
        level=said.level,
        references=_references(said),
        bank_status=status,
        lifecycle=lifecycle,
        flags=flags,
        reason_codes=reasons.codes,
        reason_text=reasons.text,
        amount=amount.value if amount else None,
        currency=amount.currency if amount else None,
        value_date=day_at(said.entry, "ValDt"),
        direction=direction,
        account=account,
        position=position,
        booked=status == _BOOKED,
        booking_date=day_at(said.entry, "BookgDt"),
        occurred_at=_occurred_at(said),
        charges=charges.value if charges else None,
        charges_currency=charges.currency if charges else None,
        batch_count=whole_at(said.batch, "NbOfTxs") if said.level is Level.BATCH else None,
        batch_sum=_batch_sum(said, amount),
        bank=agent_id(first(said.account, "Acct", "Svcr")),
        source_message_id=text(said.fields, "GrpHdr", "MsgId"),
        bank_transaction_code=str(transaction) or None,
        entry_amount=booked.value if booked and booked is not amount else None,
        entry_currency=booked.currency if booked and booked is not amount else None,
    )


def _direction(said: _Entry) -> Direction:
    """The entry's, never the transaction's: banks contradict themselves below it."""
    indicator = text(said.entry, "CdtDbtInd")
    direction = _DIRECTIONS.get(indicator or "")
    if direction is None:
        raise UnreadableError("Ntry/CdtDbtInd", "DBIT or CRDT", repr(indicator))
    return direction


def _meaning(status: str, level: Level, direction: Direction, comes_back: bool, profile: BankProfile) -> BankMeaning:
    """What a transfer proves of a payment of ours: a debit that it went out, a credit with return information that
    it came back. What others pay us, and what is taken back from us, prove nothing."""
    if comes_back and direction is Direction.CREDIT and status == _BOOKED:
        return _RETURNED
    if comes_back or direction is Direction.CREDIT:
        return NOTHING
    return entry_meaning(status, level, profile.statuses)


def _movement(transaction: TransactionCode, profile: BankProfile) -> Movement:
    """As the code sets say, unless the bank's profile says otherwise of this code or of the bank's own."""
    overrides = profile.options.get("movements") if profile.options else None
    if isinstance(overrides, dict):
        for name in (transaction.proprietary, str(transaction)):
            told = overrides.get(name or "")
            if isinstance(told, str):
                return Movement(told)
    return transaction.movement


def _has_return(returned: list[Said]) -> bool:
    return any(isinstance(told, dict) and ("Rsn" in told or "OrgnlBkTxCd" in told) for told in returned)


def _is_reversal(said: _Entry) -> bool:
    """RvslInd: the entry undoes an earlier one. CdtDbtInd already is the direction of this one."""
    return text(said.entry, "RvslInd") in _TRUE


def _reasons(said: _Entry, returned: list[Said], comes_back: bool) -> Reasons:
    """Why it came back; the bank's words about the transaction or entry where the reason has none."""
    reasons = reasons_of(returned) if returned else NO_REASONS
    if reasons.text is not None or not comes_back:
        return reasons
    words = text(said.details, "AddtlTxInf") or (text(said.entry, "AddtlNtryInf") if said.sole else None)
    return Reasons(reasons.codes, words)


def _references(said: _Entry) -> References:
    """From the lowest level that has them. A transaction is never given its batch's message id."""
    own = first(said.details, "Refs")
    one = said.level is Level.TRANSACTION
    return References(
        end_to_end_id=name_at(own, "EndToEndId"),
        uetr=name_at(own, "UETR"),
        instruction_id=name_at(own, "InstrId") or name_at(own, "TxId"),
        payment_info_id=name_at(own, "PmtInfId") or name_at(said.batch, "PmtInfId"),
        message_id=name_at(own, "MsgId") or (None if one else name_at(said.batch, "MsgId")),
        bank_ref=name_at(own, "AcctSvcrRef") or name_at(said.entry, "AcctSvcrRef"),
    )


def _booked_amount(said: _Entry) -> Amount | None:
    """What moved. The entry's amount only where the transaction is all of the entry: else it is several's sum."""
    entry = amount_at(said.entry, "Amt")
    if entry is None:
        raise UnreadableError("Ntry/Amt", "the amount of the entry", "none")
    if said.details is None:
        return entry if said.sole else amount_at(said.batch, "TtlAmt")
    own = amount_at(said.details, "Amt") or amount_at(said.details, "AmtDtls", "TxAmt", "Amt")
    return own or (entry if said.sole else None)


def _as_instructed(booked: Amount | None, said: _Entry) -> Amount | None:
    """What compares with the instruction: what was instructed, if that was in another currency or nothing else is
    told; else what moved, so that a payment that was cut short shows."""
    for place in said.places if said.sole else said.places[:1]:
        instructed = amount_at(place, "AmtDtls", "InstdAmt", "Amt")
        if instructed is not None and instructed.value:
            return booked if booked is not None and booked.currency == instructed.currency else instructed
    return booked


def _batch_sum(said: _Entry, amount: Amount | None) -> Decimal | None:
    """What the batch comes to in the acknowledgement's currency."""
    if said.level is not Level.BATCH or amount is None:
        return None
    total = amount_at(said.batch, "TtlAmt")
    return total.value if total is not None and total.currency == amount.currency else amount.value


def _charges(said: _Entry) -> Amount | None:
    """The bank's charges: their declared total, else the sum of the records of one currency."""
    for place in said.places if said.sole else said.places[:1]:
        charges = first(place, "Chrgs")
        if charges is None:
            continue
        total = amount_at(charges, "TtlChrgsAndTaxAmt")
        records = [amount_at(record, "Amt") for record in (every(charges, "Rcrd") or every(place, "Chrgs"))]
        amounts = [amount for amount in records if amount is not None]
        if total is not None:
            return total
        if amounts and len({amount.currency for amount in amounts}) == 1:
            return Amount(sum((amount.value for amount in amounts), Decimal(0)), amounts[0].currency)
    return None


def _occurred_at(said: _Entry) -> str | None:
    """When it was booked, to the second where the bank says so; a day alone is in the booking and value dates."""
    moment = text(said.entry, "BookgDt", "DtTm")
    if moment is not None or text(said.entry, "BookgDt", "Dt") or first(said.entry, "ValDt") is not None:
        return moment
    return text(said.account, "CreDtTm") or text(said.fields, "GrpHdr", "CreDtTm")
