"""CSV bookings: which of them prove something about a payment of ours, and which payment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from connectors.contract import Acknowledgement, BankProfile, Mapped, MappingError, ProviderRecord, References
from connectors.csv_statements.layout import Column, Layout, layout_of
from connectors.csv_statements.line import BOOKED, Line, Moved
from connectors.iso20022.amounts import UnreadableError
from connectors.iso20022.names import own_account
from connectors.iso20022.said import Said
from connectors.iso20022.transaction_codes import Movement
from streams.domain import reasons
from streams.domain.bank_statuses import NOTHING, BankMeaning, entry_meaning
from streams.domain.facts import Direction, Level
from streams.domain.reference_kinds import usable_name
from streams.domain.statuses import Status

_PAYMENTS: Final = frozenset({Movement.TRANSFER, Movement.RETURN})
_RETURNED: Final = BankMeaning(Status.RETURNED)
_REASON: Final = re.compile(r"\b([A-Z]{2}[0-9]{2})\b")
_UETR: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: A spreadsheet wrote a long number as 1,23457E+11: its digits are gone, so that it may be any payment's.
_MANGLED: Final = re.compile(r"[0-9][.,][0-9]+E\+[0-9]+", re.IGNORECASE)
_LONGEST_NAME: Final = 36  # a UETR; the others have 35 at most
_NAMES: Final = ("end_to_end_id", "instruction_id", "payment_info_id", "uetr", "trace_number", "bank_ref")


def map_booking(record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    """The acknowledgement that a line is."""
    layout = layout_of(profile)
    if layout is None:
        return (MappingError(record.position, "profile", "a profile with options.csv", repr(profile.name)),)
    line = Line(layout, _texts(record.fields.get("cells")), _texts(record.fields.get("around")))
    try:
        return (_acknowledgement(record.position, line, line.moved(), layout, profile),)
    except UnreadableError as error:
        return (MappingError(record.position, error.field, error.expected, error.found),)


def _texts(value: Said) -> dict[str, str]:
    return {name: item for name, item in value.items() if isinstance(item, str)} if isinstance(value, dict) else {}


def _acknowledgement(position: str, line: Line, moved: Moved, layout: Layout, profile: BankProfile) -> Acknowledgement:
    names = _references(line, layout)
    kind = _kind(line, layout, profile)
    comes_back = kind is Movement.RETURN
    level = _level(names, moved)
    evidence = kind in _PAYMENTS and bool(moved.amount) and own_account(_compact(line.account), profile)
    meant = _meaning(moved, level, comes_back, profile) if evidence else NOTHING
    return Acknowledgement(
        level=level,
        references=names,
        bank_status=moved.status,
        lifecycle=meant.milestone,
        flags=meant.flags,
        reason_codes=_reason_codes(line, layout) if comes_back else (),
        reason_text=line.text if comes_back else None,
        amount=moved.amount,
        currency=moved.currency,
        value_date=moved.value_date.isoformat() if moved.value_date else None,
        direction=moved.direction,
        account=_compact(line.account),
        position=position,
        booked=moved.status == BOOKED,
        booking_date=moved.booking_date.isoformat() if moved.booking_date else None,
        batch_sum=moved.amount if level is Level.BATCH else None,
        bank=layout.bank,
        source_message_id=line.statement,
        bank_transaction_code=line.cell(layout.columns.code),
    )


def _meaning(moved: Moved, level: Level, comes_back: bool, profile: BankProfile) -> BankMeaning:
    """A debit pays; a booked credit that is a return brings back. What others pay us, and what is taken back from us,
    prove nothing."""
    if moved.direction is Direction.CREDIT:
        return _RETURNED if comes_back and moved.status == BOOKED else NOTHING
    return NOTHING if comes_back else entry_meaning(moved.status, level, profile.statuses)


def _kind(line: Line, layout: Layout, profile: BankProfile) -> Movement:
    """By the bank's code (profile option ``movements``), else by the first pattern that the text matches."""
    by_code = profile.options.get("movements") if profile.options else None
    told = by_code.get(line.cell(layout.columns.code) or "") if isinstance(by_code, dict) else None
    if isinstance(told, str):
        return Movement(told)
    words = line.text or ""
    return next((kind for pattern, kind in layout.movements.items() if re.search(pattern, words)), Movement.TRANSFER)


def _level(names: References, moved: Moved) -> Level:
    """A debit that only its batch's name names is the batch."""
    own = names.end_to_end_id or names.instruction_id or names.uetr or names.trace_number
    batch = names.payment_info_id is not None and own is None and moved.direction is Direction.DEBIT
    return Level.BATCH if batch else Level.TRANSACTION


def _references(line: Line, layout: Layout) -> References:
    """From the columns; where one is empty, from the text, by the profile's pattern."""
    found = {name: _name(line, getattr(layout.columns, name), layout, name) for name in _NAMES}
    uetr = found["uetr"]
    found["uetr"] = uetr.lower() if uetr and _UETR.fullmatch(uetr) else None
    return References(**found)


def _name(line: Line, column: Column | None, layout: Layout, name: str) -> str | None:
    told = _usable(line.cell(column))
    pattern = next((pattern for wanted, pattern in layout.names.items() if wanted == name), None)
    if told is not None or pattern is None:
        return told
    match = re.search(pattern, line.text or "")
    return _usable(match.group(1)) if match else None


def _usable(name: str | None) -> str | None:
    usable = usable_name(name, 1)
    if usable is None or len(usable) > _LONGEST_NAME or _MANGLED.fullmatch(usable):
        return None
    return usable


def _reason_codes(line: Line, layout: Layout) -> tuple[str, ...]:
    """Codes in the text that the registries know, and those that the profile reads out of the bank's words."""
    words = line.text or ""
    codes = [code for code in _REASON.findall(words) if reasons.is_known(code)]
    codes += [code for pattern, code in layout.reasons.items() if re.search(pattern, words)]
    return tuple(dict.fromkeys(codes))


def _compact(account: str | None) -> str | None:
    return None if account is None else account.replace(" ", "")
