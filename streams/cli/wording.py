"""How moments, amounts, delays and places are written for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from streams.domain.facts import Party, Precision
from streams.domain.money import Money
from streams.domain.state import Deadline, Evidence, Milestone, RaisedFlag, Reason, ReasonClass

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_HOUR_US: Final = 60 * _MINUTE_US
_DAY_US: Final = 24 * _HOUR_US
_HASH_SHOWN: Final = 12


def moment(at_us: int, precision: Precision = Precision.TIME) -> str:
    """A moment in UTC; of a date only its day."""
    try:
        when = _EPOCH + timedelta(microseconds=at_us)
    except OverflowError:
        return f"{at_us} us since 1970"
    return f"{when:%Y-%m-%d}" if precision is Precision.DATE else f"{when:%Y-%m-%d %H:%M:%S}Z"


def delay(us: int) -> str:
    """A duration in its two largest units; before zero means out of order."""
    return ("-" if us < 0 else "+") + duration(abs(us))


def duration(us: int) -> str:
    """A time span in its two largest units."""
    if us < _SECOND_US:
        return f"{us // 1000} ms"
    if us < _MINUTE_US:
        return f"{us / _SECOND_US:.1f} s"
    if us < _HOUR_US:
        return f"{us // _MINUTE_US} min {us % _MINUTE_US // _SECOND_US} s"
    if us < _DAY_US:
        return f"{us // _HOUR_US} h {us % _HOUR_US // _MINUTE_US} min"
    return f"{us // _DAY_US} d {us % _DAY_US // _HOUR_US} h"


def amount(money: Money | None) -> str:
    """``1,234,567.50 EUR``; empty for none."""
    return "" if money is None else f"{Decimal(money.decimal_text()):,} {money.currency}"


def party(who: Party | None) -> str:
    """A payer or payee as far as we keep one."""
    if who is None:
        return "unknown"
    account = f"account …{who.account_last4}" if who.account_last4 else None
    return ", ".join(part for part in (who.name or who.vendor_id, account) if part) or "unknown"


def reason(why: Reason | None) -> str:
    """Codes and text of a reason, with its class where it is known."""
    if why is None:
        return ""
    known = f"({why.reason_class.value.lower()})" if why.reason_class is not ReasonClass.UNKNOWN else None
    return " ".join(part for part in (", ".join(why.codes), why.text, known) if part)


def deadline(row: Deadline) -> str:
    """What must happen until when, and whose rule that is."""
    return f"{row.stage} until {moment(row.due_at)} (policy {row.policy})"


def lateness(milestone: Milestone) -> str:
    """A milestone that came after its deadline; empty for one that did not."""
    return "" if milestone.late_by_us is None else f"{milestone.name.value} {duration(milestone.late_by_us)} late"


def flag(raised: RaisedFlag) -> str:
    """A flag with its detail."""
    return f"{raised.name.value}({raised.detail})" if raised.detail else raised.name.value


def place(topic: str, partition: int, offset: int) -> str:
    """Where a record is: ``topic[partition]@offset``."""
    return f"{topic}[{partition}]@{offset}"


def in_file(name: str | None, file_hash: str | None, position: str | None) -> str:
    """A place in a file, by the file's name if the ledger knows it."""
    file = name or (file_hash or "")[:_HASH_SHOWN]
    return " ".join(part for part in (file, position) if part)


def evidence(proof: Evidence, file_name: str | None) -> str:
    """Where the cause of a step can be read: in its file if it came in one, else on its topic."""
    return in_file(file_name, proof.file_hash, proof.position) or place(proof.topic, proof.partition, proof.offset)
