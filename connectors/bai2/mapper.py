"""BAI2 transactions: which of them prove something about a payment of ours, and which payment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from connectors.bai2.narrative import SILENT, narrative
from connectors.bai2.type_codes import direction_of, is_batch, is_generic, movement_of
from connectors.contract import JSON, Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.iso20022.amounts import UnreadableError
from connectors.iso20022.names import own_account
from connectors.iso20022.transaction_codes import Movement
from connectors.swift_mt.values import day_of
from streams.domain.bank_statuses import NOTHING, BankMeaning, entry_meaning
from streams.domain.construction import quick
from streams.domain.facts import Direction, Level
from streams.domain.money import EXPONENTS
from streams.domain.reference_kinds import usable_name
from streams.domain.statuses import Status

BOOKED: Final = "BOOK"
PENDING: Final = "PDNG"
INFORMATION: Final = "INFO"
_TEST_ONLY: Final = "4"
_INTERIM: Final = frozenset({"1", "3"})
"""As-of date modifiers of data that is not final, of the day before and of the same day: the final report follows."""
_MOST_DIGITS: Final = 18
_DEFAULT_CURRENCY: Final = "USD"
_VALUE_DATED: Final = "V"
_PAYMENTS: Final = frozenset({Movement.TRANSFER, Movement.RETURN})
_RETURNED: Final = BankMeaning(Status.RETURNED)
_ANY_NAME: Final = "any"
"""What the customer's reference is at a bank (profile option ``customer_reference``): ``any`` means that nothing says
which of our names it is, so that it counts as end-to-end id and as instruction id."""


_acknowledge: Final = quick(Acknowledgement)
_references_of: Final = quick(References)


def map_transaction(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a transaction (record 16) is."""
    try:
        return (_acknowledgement(_Transaction(record, profile), record.position, profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


class _Transaction:
    """One record 16 with what is around it."""

    def __init__(self, record: ProviderRecord, profile: BankProfile) -> None:
        fields = record.fields
        self.group, self.account = _part(fields, "group"), _part(fields, "account")
        self.detail = _part(fields, "detail")
        self.code = _word(self.detail, "type_code") or ""
        if not (len(self.code) == 3 and self.code.isascii() and self.code.isdigit()):
            raise UnreadableError("16/type_code", "three digits", repr(self.code))
        pieces = fields.get("text")
        self.words = (
            narrative(piece for piece in pieces if isinstance(piece, str)) if isinstance(pieces, list) else SILENT
        )
        self.direction = direction_of(self.code)
        self.customer_reference = usable_name(_word(self.detail, "customer_reference"), 1)
        self.movement = self._movement(profile)
        self.status = _status(self.group)
        self.level = self._level()
        self.sender = _word(_part(fields, "file"), "sender")
        self.currency = _word(self.account, "currency") or _word(self.group, "currency") or _DEFAULT_CURRENCY
        self.amount = self._amount(profile)

    def _movement(self, profile: BankProfile) -> Movement:
        """As the type code says. A debit of any kind that names nothing is what its text calls it."""
        movement = movement_of(self.code, profile)
        nameless = self.customer_reference is None and self.words.end_to_end_id is None and self.words.uetr is None
        if movement is Movement.TRANSFER and is_generic(self.code) and nameless:
            if self.words.tells_of_return:
                return Movement.RETURN
            if self.words.tells_of_fee:
                return Movement.FEE
        return movement

    def _amount(self, profile: BankProfile) -> Decimal | None:
        """In major units: the file has minor units of the account's currency, without a decimal mark."""
        told = _word(self.detail, "amount")
        if told is None:
            return None
        exponent = _decimals(profile, self.currency)
        if exponent is None:
            raise UnreadableError("03/currency", "a currency of ISO 4217", repr(self.currency))
        digits = told.removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= _MOST_DIGITS):
            expected = f"at most {_MOST_DIGITS} digits without a sign: the type code tells debit from credit"
            raise UnreadableError("16/amount", expected, repr(told))
        return Decimal(digits).scaleb(-exponent)

    def _level(self) -> Level:
        """A debit for a whole file is a batch, unless it names one payment."""
        if not is_batch(self.code):
            return Level.TRANSACTION
        named = self.words.end_to_end_id is not None or self.words.uetr is not None
        return Level.TRANSACTION if named else Level.BATCH

    @property
    def value_date(self) -> str | None:
        """What a value-dated transaction says (funds type V)."""
        if _word(self.detail, "funds_type") != _VALUE_DATED:
            return None
        availability = self.detail.get("availability")
        told = availability[0] if isinstance(availability, list) and availability else None
        return _day("16/availability", told) if isinstance(told, str) else None


def _part(fields: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _word(part: Mapping[str, JSON], name: str) -> str | None:
    found = part.get(name)
    return found.strip() or None if isinstance(found, str) else None


def _status(group: Mapping[str, JSON]) -> str:
    """Booked, unless the group says that it is not final, or only a test."""
    if _word(group, "status") == _TEST_ONLY:
        return INFORMATION
    return PENDING if _word(group, "modifier") in _INTERIM else BOOKED


def _acknowledgement(said: _Transaction, position: str, profile: BankProfile) -> Acknowledgement:
    level, amount, account = said.level, said.amount, _word(said.account, "number")
    meant = _meaning(said, account, profile)
    comes_back = said.movement is Movement.RETURN
    return _acknowledge(
        level=level,
        references=_references(said, level, profile),
        bank_status=said.status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=said.words.reason_codes() if comes_back else (),
        reason_text=(said.words.words or None) if comes_back else None,
        amount=amount,
        currency=None if amount is None else said.currency,
        value_date=said.value_date,
        direction=said.direction,
        account=account,
        position=position,
        booked=said.status == BOOKED,
        booking_date=_day("02/as_of_date", _word(said.group, "as_of_date")),
        batch_sum=amount if level is Level.BATCH else None,
        bank=_word(said.group, "originator") or said.sender,
        bank_transaction_code=said.code,
    )


def _meaning(said: _Transaction, account: str | None, profile: BankProfile) -> BankMeaning:
    """A debit pays; a booked credit that is a return brings back. What others pay us, what is taken back from us, and
    fees, sweeps and direct debits prove nothing."""
    ours = account is None or own_account(account.replace(" ", ""), profile)
    if said.movement not in _PAYMENTS or not said.amount or not ours:
        return NOTHING
    if said.movement is Movement.RETURN:
        return _RETURNED if said.direction is Direction.CREDIT and said.status == BOOKED else NOTHING
    return entry_meaning(said.status, said.level, profile.statuses) if said.direction is Direction.DEBIT else NOTHING


def _references(said: _Transaction, level: Level, profile: BankProfile) -> References:
    """The names in the text, and the customer's reference as what the bank's profile says it is."""
    words, own = said.words, said.customer_reference
    bank_ref = usable_name(_word(said.detail, "bank_reference"), 1)
    if level is Level.BATCH:
        return _references_of(payment_info_id=own, bank_ref=bank_ref)
    meant = _customer_reference_is(profile)
    named = words.end_to_end_id
    return _references_of(
        end_to_end_id=named or (own if meant in (_ANY_NAME, "end_to_end_id") else None),
        uetr=words.uetr,
        instruction_id=own if meant == "instruction_id" or (meant == _ANY_NAME and own != named) else None,
        payment_info_id=own if meant == "payment_info_id" else None,
        bank_ref=bank_ref,
        trace_number=words.trace_number,
    )


def _customer_reference_is(profile: BankProfile) -> str:
    told = profile.options.get("customer_reference") if profile.options else None
    return told if isinstance(told, str) else _ANY_NAME


def _decimals(profile: BankProfile, currency: str) -> int | None:
    """The decimals of the minor unit: ISO 4217's, unless the bank writes others."""
    told = profile.options.get("decimals") if profile.options else None
    own = told.get(currency) if isinstance(told, dict) else None
    return own if isinstance(own, int) else EXPONENTS.get(currency)


@lru_cache(256)
def _day(field: str, told: str | None) -> str | None:
    if not told:
        return None
    found = day_of(told)
    if found is None:
        raise UnreadableError(field, "a day that exists, as YYMMDD", repr(told))
    return found.isoformat()
