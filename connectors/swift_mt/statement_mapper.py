"""MT940 and MT942 lines: which of them prove something about a payment of ours, and which payment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.iso20022.names import own_account
from connectors.iso20022.said import Said, first, text
from connectors.iso20022.transaction_codes import Movement
from connectors.swift_mt.information import Information, information, usable_id
from connectors.swift_mt.movements import BATCHES, movement
from connectors.swift_mt.narrative import Money
from connectors.swift_mt.values import AMOUNT, amount_of
from streams.domain import reasons
from streams.domain.bank_statuses import NOTHING, BankMeaning, entry_meaning
from streams.domain.facts import Direction, Level
from streams.domain.reference_kinds import usable_name
from streams.domain.statuses import Status

BOOKED: Final = "BOOK"
PENDING: Final = "PDNG"
EXPECTED: Final = "FUTR"
_OUT: Final = frozenset({"D", "RC", "ED"})
_REVERSALS: Final = frozenset({"RC", "RD"})
_EXPECTED_MARKS: Final = frozenset({"EC", "ED"})
_PAYMENTS: Final = frozenset({Movement.TRANSFER, Movement.RETURN})
_RETURNED: Final = BankMeaning(Status.RETURNED)
#: Subfield 7 may only point to field 86: the reference there counts.
_MARKERS: Final = frozenset({"KREF", "EREF", "PREF", "MARF", "IREF"})
#: /OCMT/USD100,/ and /CHGS/EUR0,50/: original amount and charges, in subfield 9 or field 86.
_MONEY: Final = {name: re.compile(rf"/{name}/([A-Z]{{3}})({AMOUNT})") for name in ("OCMT", "CHGS")}
_COUNTERPARTY: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_LONGEST_REFERENCE: Final = 16
_ANY_NAME: Final = "any"
"""What subfield 7 is at a bank (profile option ``customer_reference``): ``any`` means that nothing says which of our
names it is, so that it counts as end-to-end id and as instruction id."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One record, read: field 61 (``line``), field 86 (``words``)."""

    fields: Said
    line: Said
    words: Information
    interim: bool

    @property
    def mark(self) -> str:
        return text(self.line, "mark") or ""

    @property
    def out(self) -> bool:
        return self.mark in _OUT

    @property
    def status(self) -> str:
        if self.mark in _EXPECTED_MARKS:
            return EXPECTED
        return PENDING if self.interim else BOOKED

    @property
    def comes_back(self) -> bool:
        """The line undoes an earlier booking, or says that it is a return."""
        return self.mark in _REVERSALS or self.words.tells_of_return


def map_booked(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a line of an MT940 is."""
    return (_acknowledgement(record, profile, interim=False),)


def map_interim(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a line of an MT942 is: under way, not booked."""
    return (_acknowledgement(record, profile, interim=True),)


def _acknowledgement(record: ProviderRecord, profile: BankProfile, *, interim: bool) -> Acknowledgement | MappingError:
    line = first(record.fields, "61")
    said = _Line(record.fields, line, information(text(record.fields, "86")), interim)
    booked, currency = amount_of(text(line, "amount") or ""), text(record.fields, "currency")
    if booked is None or currency is None:
        return MappingError(record.position, "61", "an amount and its currency", repr(text(line, "amount")))
    type_ = text(line, "type") or ""
    kind = movement(type_, said.words.code, profile)
    comes_back = said.comes_back or kind is Movement.RETURN
    level = _level(said)
    account = _account(text(record.fields, "25"), currency)
    evidence = kind in _PAYMENTS and bool(booked) and own_account(_compact(account), profile)
    meant = _meaning(said, level, comes_back, profile) if evidence else NOTHING
    charges, original = _money(said, "CHGS"), _original(said, currency)
    amount = original.value if original else booked
    return Acknowledgement(
        level=level,
        references=_references(said, level, profile),
        bank_status=said.status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=_reason_codes(said) if comes_back else (),
        reason_text=said.words.text if comes_back else None,
        amount=amount,
        currency=original.currency if original else currency,
        value_date=text(line, "value_date"),
        direction=Direction.DEBIT if said.out else Direction.CREDIT,
        account=account,
        position=record.position,
        booked=said.status == BOOKED,
        booking_date=text(line, "booking_date"),
        charges=charges.value if charges else None,
        charges_currency=charges.currency if charges else None,
        batch_sum=amount if level is Level.BATCH else None,
        bank=text(record.fields, "sender"),
        source_message_id=text(record.fields, "statement"),
        bank_transaction_code=f"{type_}/{said.words.code}" if said.words.code else type_,
        entry_amount=booked if original else None,
        entry_currency=currency if original else None,
    )


def _meaning(said: _Line, level: Level, comes_back: bool, profile: BankProfile) -> BankMeaning:
    """A debit pays; a booked credit that is a return brings back. What others pay us, and what is taken back from us,
    prove nothing."""
    if comes_back and not said.out and said.status == BOOKED:
        return _RETURNED
    if comes_back or not said.out:
        return NOTHING
    return entry_meaning(said.status, level, profile.statuses)


def _level(said: _Line) -> Level:
    """A debit named by the customer's reference of its file is a batch, and so is one whose code says it."""
    if said.words.end_to_end_id or said.words.uetr:
        return Level.TRANSACTION
    batch = said.out and (said.words.batch_id is not None or said.words.code in BATCHES)
    return Level.BATCH if batch else Level.TRANSACTION


def _references(said: _Line, level: Level, profile: BankProfile) -> References:
    """The names in field 86; what subfield 7 adds. NONREF and markers name nothing."""
    words, own = said.words, _customer_reference(said.line)
    bank_ref = usable_name(text(said.line, "bank_reference"), 1)
    if level is Level.BATCH:
        return References(payment_info_id=words.batch_id or own, bank_ref=bank_ref)
    end_to_end_id, instruction_id, batch_id = words.end_to_end_id, words.instruction_id, words.batch_id
    meant = _option(profile)
    if own is not None and own not in (end_to_end_id, batch_id):
        cut_off = end_to_end_id is not None and end_to_end_id.startswith(own)
        if meant in (_ANY_NAME, "end_to_end_id"):
            end_to_end_id = end_to_end_id or own
        if meant in (_ANY_NAME, "instruction_id") and not cut_off:
            instruction_id = instruction_id or own
        if meant == "payment_info_id":
            batch_id = batch_id or own
    return References(
        end_to_end_id=end_to_end_id,
        uetr=words.uetr,
        instruction_id=instruction_id,
        payment_info_id=batch_id,
        bank_ref=bank_ref,
    )


def _option(profile: BankProfile) -> str:
    told = profile.options.get("customer_reference") if profile.options else None
    return told if isinstance(told, str) else _ANY_NAME


def _customer_reference(line: Said) -> str | None:
    """Subfield 7; None if it is a marker (``KREF+``), columns (an account and a name), or an account by its length,
    which some Dutch banks put there."""
    found = text(line, "customer_reference")
    if found is None or found.rstrip("+") in _MARKERS or "  " in found:
        return None
    if len(found) > _LONGEST_REFERENCE and _COUNTERPARTY.fullmatch(found):
        return None
    return usable_id(found)


def _reason_codes(said: _Line) -> tuple[str, ...]:
    """Codes that the registries know; two letters and two digits alone may be anything."""
    return tuple(code for code in said.words.return_reasons() if reasons.is_known(code))


def _original(said: _Line, currency: str) -> Money | None:
    """What was instructed, where that was in another currency than the account's."""
    told = _money(said, "OCMT")
    return told if told is not None and told.currency != currency and told.value else None


def _money(said: _Line, name: str) -> Money | None:
    for place in (text(said.line, "supplementary"), text(said.fields, "86")):
        match = _MONEY[name].search((place or "").replace("\n", ""))
        value = amount_of(match.group(2)) if match else None
        if match is not None and value is not None:
            return Money(match.group(1), value)
    return None


def _account(told: str | None, currency: str) -> str | None:
    """Field 25 without the account's currency, which Dutch banks write behind it (``NL20INGB0001234567EUR``)."""
    if told is None or not told.endswith(currency):
        return told
    number = told.removesuffix(currency).rstrip(" /")
    return number if number[-1:].isdigit() else told


def _compact(account: str | None) -> str | None:
    return None if account is None else account.replace(" ", "")
