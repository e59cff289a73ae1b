"""What a bank profile says of a CSV file (``options.csv``): checked when profiles are loaded, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal, Self

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from connectors.contract import BankProfile
from connectors.csv_statements.days import date_pattern
from connectors.iso20022.transaction_codes import Movement
from streams.domain.money import EXPONENTS

_ANY_LINES: Final = 200


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return pattern


def _one_group(pattern: str) -> str:
    groups = re.compile(_regular(pattern)).groups
    if groups != 1:
        raise ValueError(f"a regular expression with one group (...) around what is wanted, found {groups} groups")
    return pattern


def _format(date_format: str) -> str:
    date_pattern(date_format)
    return date_format


def _currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("an ISO 4217 code, as EUR")
    return code


Column = Annotated[StrictStr, Field(min_length=1)] | Annotated[StrictInt, Field(ge=1, le=500)]
"""A column by its name in the header, or by its number, from 1."""
Character = Annotated[str, Field(min_length=1, max_length=1, pattern=r"^[^\r\n]$")]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_regular)]
Finder = Annotated[str, Field(min_length=1), AfterValidator(_one_group)]
"""A regular expression whose one group is what is wanted."""
Word = Annotated[str, Field(min_length=1)]
Currency = Annotated[str, AfterValidator(_currency)]
Reason = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,4}$")]
Sign = Literal["signed", "debit_positive", "unsigned", "agrees", "ignored", "reverses"]
Name = Literal["end_to_end_id", "instruction_id", "payment_info_id", "uetr", "trace_number", "bank_ref"]

#: Sign rules that make sense, by how a line says its direction; the first one is the default.
SIGNS: Final[Mapping[str, tuple[Sign, ...]]] = {
    "an amount": ("signed", "debit_positive"),
    "an amount and a direction": ("unsigned", "agrees", "ignored", "reverses"),
    "debit and credit columns": ("unsigned", "agrees", "ignored"),
}


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(_Described):
    """Which column says what. ``text``: the columns of the remittance text, joined in this order."""

    booking_date: Column | None = None
    value_date: Column | None = None
    amount: Column | None = None
    debit: Column | None = None
    credit: Column | None = None
    direction: Column | None = None
    currency: Column | None = None
    account: Column | None = None
    status: Column | None = None
    code: Column | None = None
    balance: Column | None = None
    text: tuple[Column, ...] = ()
    end_to_end_id: Column | None = None
    instruction_id: Column | None = None
    payment_info_id: Column | None = None
    uetr: Column | None = None
    trace_number: Column | None = None
    bank_ref: Column | None = None

    def used(self) -> Iterator[Column]:
        """Every column that is named, once or more."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            yield from value if isinstance(value, tuple) else () if value is None else (value,)


class Around(_Described):
    """Lines that are no bookings, and what is found in them. What a pattern finds more than once must be the same."""

    most_lines: Annotated[int, Field(ge=0, le=_ANY_LINES)] = _ANY_LINES
    account: Finder | None = None
    currency: Finder | None = None
    statement: Finder | None = None
    count: Finder | None = None
    total: Finder | None = None
    debits: Finder | None = None
    credits: Finder | None = None
    opening_balance: Finder | None = None
    closing_balance: Finder | None = None

    def finders(self) -> Iterator[tuple[str, str]]:
        """What is looked for, and how."""
        for name in FOUND:
            pattern = getattr(self, name)
            if pattern is not None:
                yield name, pattern


FOUND: Final = tuple(name for name in Around.model_fields if name != "most_lines")


class Footer(Around):
    """``begins``: the first line that matches it is the first of the footer, which goes on to the file's end. Each
    line of it matches a pattern, so that no booking is taken for one."""

    begins: Pattern


class Layout(_Described):
    """How one bank writes CSV. MAPPING.md explains every key."""

    columns: Columns
    delimiter: Character
    decimal_mark: Literal[".", ","]
    date_format: Annotated[str, AfterValidator(_format)]
    quote: Character | None = '"'
    header: bool = True
    width: Annotated[int, Field(ge=1, le=500)] | None = None
    trailing_delimiter: bool = False
    final_line_end: bool = True
    thousands_mark: Literal[".", ",", "'", " "] | None = None
    fraction_digits: Annotated[int, Field(ge=0, le=10)] | None = None
    sign: Sign | None = None
    debit_words: tuple[Word, ...] = ()
    credit_words: tuple[Word, ...] = ()
    booked_words: tuple[Word, ...] = ()
    pending_words: tuple[Word, ...] = ()
    currency: Currency | None = None
    account: Word | None = None
    bank: Word | None = None
    balance_order: Literal["oldest_first", "newest_first"] = "oldest_first"
    names: dict[Name, Finder] = {}
    movements: dict[Pattern, Movement] = {}
    reasons: dict[Pattern, Reason] = {}
    preamble: Around = Around(most_lines=0)
    footer: Footer | None = None

    @property
    def says_direction_by(self) -> str:
        """How a line says whether it is a debit."""
        if self.columns.amount is None:
            return "debit and credit columns"
        return "an amount and a direction" if self.columns.direction is not None else "an amount"

    @property
    def sign_rule(self) -> Sign:
        """The rule that is declared, else the default."""
        return self.sign or SIGNS[self.says_direction_by][0]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        problems = [*_problems_of_amounts(self), *_problems_of_columns(self), *_problems_of_text(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _problems_of_amounts(layout: Layout) -> Iterator[str]:
    columns = layout.columns
    split = (columns.debit is not None, columns.credit is not None)
    if (columns.amount is not None) == any(split) or any(split) != all(split):
        yield "columns: either amount, or both of debit and credit"
    if columns.direction is not None and not (layout.debit_words and layout.credit_words):
        yield "columns.direction needs debit_words and credit_words"
    if columns.direction is not None and any(split):
        yield "columns.direction goes with columns.amount"
    if set(layout.debit_words) & set(layout.credit_words):
        yield "debit_words and credit_words share a word"
    if layout.sign is not None and layout.sign not in SIGNS[layout.says_direction_by]:
        yield f"sign: with {layout.says_direction_by} one of {', '.join(SIGNS[layout.says_direction_by])}"
    if layout.thousands_mark == layout.decimal_mark:
        yield "thousands_mark and decimal_mark are the same"
    found = (columns.currency, layout.currency, layout.preamble.currency)
    if not any(found):
        yield "a currency: columns.currency, preamble.currency, or currency itself"


def _problems_of_columns(layout: Layout) -> Iterator[str]:
    columns = layout.columns
    if columns.booking_date is None and columns.value_date is None:
        yield "columns: booking_date, value_date or both"
    if layout.delimiter == layout.quote:
        yield "delimiter and quote are the same"
    if layout.header:
        if not any(isinstance(column, str) for column in columns.used()):
            yield "columns: at least one by its name, by which the header line is known (or header: false)"
        return
    if layout.width is None:
        yield "header: false needs width, the number of columns"
    named = [column for column in columns.used() if isinstance(column, str)]
    if named:
        yield f"header: false needs columns by number, found {', '.join(named)}"
    if layout.width is not None and any(isinstance(column, int) and column > layout.width for column in columns.used()):
        yield "a column's number is beyond width"


def _problems_of_text(layout: Layout) -> Iterator[str]:
    if (layout.names or layout.movements or layout.reasons) and not layout.columns.text:
        yield "names, movements and reasons look into columns.text, which is missing"
    if layout.columns.status is not None and not layout.booked_words:
        yield "columns.status needs booked_words"
    if set(layout.booked_words) & set(layout.pending_words):
        yield "booked_words and pending_words share a word"


def layout_of(profile: BankProfile) -> Layout | None:
    """The layout that a profile describes; None if it describes none."""
    described = profile.options.get("csv") if profile.options else None
    return None if described is None else _layout(msgspec.json.encode(described))


@lru_cache(64)
def _layout(described: bytes) -> Layout:
    return Layout.model_validate_json(described)
