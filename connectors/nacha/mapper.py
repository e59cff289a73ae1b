"""NACHA entries: returns and corrections of payments of ours; everything else proves nothing about one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.iso20022.amounts import UnreadableError
from connectors.nacha import layout
from connectors.nacha.layout import BatchHeader, Entry, FileHeader, ReturnAddenda, TransactionCode
from connectors.nacha.reader import CHANGE, FORWARD, RETURN, is_iat
from connectors.nacha.records import RECORD_CHARACTERS
from connectors.swift_mt.values import day_of
from streams.domain.construction import quick
from streams.domain.facts import Direction, Level
from streams.domain.reference_kinds import usable_name
from streams.domain.statuses import Status

CURRENCY: Final = "USD"
"""The network settles in nothing else; the other currency of an IAT entry stands in its addenda."""
INFORMATION: Final = "INFO"
"""What an entry says that is no return, no correction and no acknowledgement: it states no status."""
_BLANKS: Final = re.compile(r"\s{2,}")
_DAY_OF_YEAR: Final = re.compile(r"[0-9]{3}")
_DAYS: Final = range(1, 367)
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9]", re.ASCII)


_acknowledge: Final = quick(Acknowledgement)
_references: Final = quick(References)


def map_entry(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that an entry is."""
    try:
        return (_acknowledgement(_Said(record), profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


class _Said:
    """One entry, its addenda and the headers around it, as they stand in the file."""

    def __init__(self, record: ProviderRecord) -> None:
        fields = record.fields
        self.kind = record.kind
        self.position = record.position
        self.file = _padded(fields.get("1"))
        self.batch = _padded(fields.get("5"))
        self.entry = _padded(fields.get("6"))
        self.addenda = _deciding(fields.get("7")) if record.kind != FORWARD else ""
        self.entry_class = self.batch[BatchHeader.entry_class]
        self.is_iat = is_iat(self.batch)
        self.code = self._code()

    def _code(self) -> TransactionCode:
        code = self.entry[Entry.transaction_code]
        meant = layout.TRANSACTION_CODES.get(code)
        if meant is None:
            raise UnreadableError("6/2-3", "a transaction code that says credit or debit", repr(code))
        if meant.returned and self.kind == FORWARD:
            raise UnreadableError("7", f"addenda 98 or 99 that say why, for transaction code {code}", "none")
        return meant

    @property
    def amount(self) -> Decimal:
        place = Entry.adv_amount if self.entry_class == layout.ADV else Entry.amount
        cents = self.entry[place]
        if not (cents.isascii() and cents.isdigit()):
            raise UnreadableError("6/30-39", "an amount in cents", repr(cents))
        return Decimal(cents).scaleb(-2)

    @property
    def status(self) -> str:
        """The code of the return or correction; of an acknowledgement its entry class."""
        if self.kind == FORWARD:
            return self.entry_class if self.entry_class in layout.ACKNOWLEDGEMENTS else INFORMATION
        code = self.addenda[ReturnAddenda.code]
        if layout.CODE.fullmatch(code) is None:
            raise UnreadableError("7/4-6", "a code such as R03 or C01", repr(code))
        return code

    @property
    def original_trace(self) -> str | None:
        """The trace number of the entry that is spoken of."""
        if self.kind != FORWARD:
            trace = self.addenda[ReturnAddenda.original_trace]
            if layout.TRACE.fullmatch(trace) is None:
                raise UnreadableError("7/7-21", "the trace number of the original entry, 15 digits", repr(trace))
            return usable_name(trace, 1)
        if self.entry_class in layout.ACKNOWLEDGEMENTS:
            return usable_name(self.entry[Entry.identification], 1)
        return usable_name(self.entry[Entry.trace], 1)


def _acknowledgement(said: _Said, profile: BankProfile) -> Acknowledgement:
    status, amount = said.status, said.amount
    why = () if said.kind == FORWARD else (status,)
    account = _corrected_account(said, status)
    return _acknowledge(
        level=Level.TRANSACTION,
        references=_references(trace_number=said.original_trace, bank_ref=_own_trace(said)),
        bank_status=status,
        lifecycle=_lifecycle(said, status, amount, profile),
        flags=(),
        reason_codes=why,
        reason_text=_reason_text(said, status),
        amount=amount,
        currency=CURRENCY,
        value_date=_value_date(said),
        direction=said.code.direction,
        account=account,
        position=said.position,
        occurred_at=_created_at(said.file),
        bank=said.file[FileHeader.origin].strip() or said.batch[BatchHeader.origin].strip() or None,
        bank_transaction_code=f"{said.entry_class}/{said.entry[Entry.transaction_code]}",
    )


def _lifecycle(said: _Said, status: str, amount: Decimal, profile: BankProfile) -> Status | None:
    """A credit of ours that comes back, with its money. A debit that comes back is no payment; a return that is
    disputed between the banks is a case; a correction, an acknowledgement and any zero amount move nothing."""
    if said.kind == FORWARD:
        return _told(profile, status, None) if status in layout.ACKNOWLEDGEMENTS else None
    if said.code.direction is not Direction.CREDIT or not amount:
        return None
    disputed = status in layout.DISHONOURED or status in layout.CONTESTED
    return _told(profile, status, Status.RETURNED if said.kind == RETURN and not disputed else None)


def _told(profile: BankProfile, status: str, otherwise: Status | None) -> Status | None:
    """What the bank's profile says of the code."""
    overrides = profile.statuses or {}
    for name in (f"{Level.TRANSACTION.value}:{status}", status):
        if name in overrides:
            return overrides[name]
    return otherwise


def _own_trace(said: _Said) -> str | None:
    """What the bank that speaks calls its own entry; an entry that only passes by is named by its trace number."""
    return None if said.kind == FORWARD else usable_name(said.entry[Entry.trace], 1)


def _reason_text(said: _Said, status: str) -> str | None:
    if said.kind == FORWARD:
        return None
    if said.kind == CHANGE:
        corrected = _words(_corrected(said))
        refused = said.addenda[ReturnAddenda.refused_code]
        answered = f" (refuses {refused})" if status in layout.REFUSED_CHANGES and refused.strip() else ""
        return f"corrected data: {corrected}{answered}" if corrected or answered else None
    if status in layout.DISHONOURED:
        return _joined(_returned(said), _words(said.addenda[ReturnAddenda.dishonoured_information]))
    if status in layout.CONTESTED:
        trace, reason = said.addenda[ReturnAddenda.dishonoured_trace], said.addenda[ReturnAddenda.dishonoured_reason]
        return _joined(_returned(said), f"dishonoured for R{reason} under {trace}")
    information = said.addenda[ReturnAddenda.iat_information if said.is_iat else ReturnAddenda.information]
    died = _day(said.addenda[ReturnAddenda.date_of_death])
    return _joined(_words(information), f"date of death {died}" if died else "")


def _returned(said: _Said) -> str:
    """The return that the banks dispute about."""
    trace, reason = said.addenda[ReturnAddenda.return_trace], said.addenda[ReturnAddenda.return_reason]
    return f"returned for R{reason} under {trace}"


def _corrected(said: _Said) -> str:
    place = ReturnAddenda.iat_corrected if said.is_iat else ReturnAddenda.corrected
    return said.addenda[place].strip()


def _corrected_account(said: _Said, status: str) -> str | None:
    """The new account number of a correction: it is named apart so that it is hidden where account numbers are."""
    pattern = layout.CORRECTED_ACCOUNTS.get(status) if said.kind == CHANGE else None
    found = pattern.fullmatch(_corrected(said)) if pattern else None
    return found.group("account").strip() or None if found else None


def _value_date(said: _Said) -> str | None:
    """When a return settles: the operator writes the day of the year. Of an entry that goes on, the day asked for.
    A day that does not exist is absent: nothing is decided by it."""
    if said.kind == FORWARD:
        return _day(said.batch[BatchHeader.effective_date])
    created, day = day_of(said.file[FileHeader.date]), said.batch[BatchHeader.settlement_day]
    if created is None or _DAY_OF_YEAR.fullmatch(day) is None or int(day) not in _DAYS:
        return None
    years = (created.year - 1, created.year, created.year + 1)
    candidates = [found for year in years if (found := date(year, 1, 1) + timedelta(int(day) - 1)).year == year]
    return min(candidates, key=lambda found: abs(found - created)).isoformat() if candidates else None


def _created_at(header: str) -> str | None:
    """When the file was made, as far as it says: in the time of its place, which it does not name."""
    day, time = _day(header[FileHeader.date]), header[FileHeader.time]
    if day is None or _TIME.fullmatch(time) is None or time == "0000":
        return day
    return f"{day}T{time[:2]}:{time[2:]}:00"


def _day(text_: str) -> str | None:
    found = day_of(text_)
    return None if found is None else found.isoformat()


def _words(told: str) -> str:
    return _BLANKS.sub(" ", told.strip())


def _joined(*parts: str) -> str | None:
    return ", ".join(part for part in parts if part) or None


def _padded(line: object) -> str:
    """A record at its full length; one that the file lacks is blank."""
    return (line if isinstance(line, str) else "").ljust(RECORD_CHARACTERS)


def _deciding(addenda: object) -> str:
    """The addenda that say why."""
    lines = addenda if isinstance(addenda, list) else []
    told = [line for line in lines if isinstance(line, str) and line[ReturnAddenda.type] in layout.RETURN_TYPES]
    return _padded(told[0] if told else "")
