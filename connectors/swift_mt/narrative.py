"""Free text with codes in it: gpi status lines, /REJT/ and /RETN/, answers to recalls.

Sources: SWIFT gpi, MT199 status confirmations; SWIFT Payments Guidelines, rejects and returns; SWIFT Standards, n96.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from connectors.iso20022.reasons import Reasons
from connectors.swift_mt.values import AMOUNT, CURRENCY, amount_of, moment_of
from streams.domain import reasons
from streams.domain.bank_statuses import PAYMENT_STATUSES

_MOMENT_LINE: Final = re.compile(r"(?://)?([0-9]{10}(?:[+-][0-9]{4})?)")
_STATUS_LINE: Final = re.compile(r"//([A-Z]{4})(?:/([A-Z0-9]{3,4}))?/?")
_AMOUNT_LINE: Final = re.compile(rf"//({CURRENCY})({AMOUNT})(?:/[A-Z]{{3,4}})?")
_CHARGE_LINE: Final = re.compile(rf"//:71F:({CURRENCY})({AMOUNT})")
#: At a line's beginning only: ``?REJECT?0`` rejects nothing.
_REJECTION: Final = re.compile(r"/(REJT|RETN)/(.*)")
_REASON_LINE: Final = re.compile(r"/(?:XT99/)?([A-Z]{2}[0-9]{2}|NARR)(?:/(.*))?")
"""XT99 is no reason: the ISO code behind it is."""
_REFERENCE: Final = re.compile(r"/(MREF|TREF|UETR)/(.*)")
_TEXT_LINE: Final = re.compile(r"/TEXT/+(?:UETR/(?P<uetr>.*)|(?P<text>.*))")
_CODED_LINE: Final = re.compile(r"/([A-Z0-9]{2,8})(?:/.*)?")
_REASON_CODE: Final = re.compile(r"[A-Z]{2}[0-9]{2}|NARR")
_CHARGES: Final = re.compile(rf"/CHGS/({CURRENCY})({AMOUNT})")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that a text tells of."""

    currency: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Tracked:
    """A gpi status: ``charges`` None unless all deductions are of one currency."""

    status: str
    reason: str | None
    at: str | None
    amount: Money | None
    charges: Money | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """What /REJT/ or /RETN/ says."""

    returned: bool
    codes: tuple[str, ...]
    text: str | None
    references: dict[str, str]
    charges: Money | None

    @property
    def duplicate(self) -> bool:
        """The bank says that it has the message already."""
        return Reasons(self.codes, self.text).duplicate


def tracked(text: str) -> Tracked | None:
    """The gpi status in field 79: after the line with its moment, or a code that the table of statuses knows."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    moment = _MOMENT_LINE.fullmatch(lines[0]) if lines else None
    told = lines[1:] if moment else lines[:1]
    status = next((match for line in told if (match := _STATUS_LINE.fullmatch(line))), None)
    if status is None or (moment is None and status.group(1) not in PAYMENT_STATUSES):
        return None
    amounts = [money for line in lines if (money := _money(_AMOUNT_LINE.fullmatch(line)))]
    charges = [money for line in lines if (money := _money(_CHARGE_LINE.fullmatch(line)))]
    currencies = {money.currency for money in charges}
    total = sum((money.value for money in charges), Decimal(0))
    return Tracked(
        status=status.group(1),
        reason=status.group(2),
        at=moment_of(moment.group(1)) if moment else None,
        amount=amounts[0] if len(amounts) == 1 else None,
        charges=Money(currencies.pop(), total) if len(currencies) == 1 else None,
    )


def rejection(text: str) -> Rejection | None:
    """The rejection or return in a text; None if no line begins with its code."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        head = _REJECTION.match(line)
        if head is not None:
            return _rejection(head, lines[index + 1 :])
    return None


def _rejection(head: re.Match[str], lines: list[str]) -> Rejection:
    """What stands behind the code (the field at fault, often the reason) and on the lines after it."""
    beside = (part.strip() for part in head.group(2).split("/"))
    codes = dict.fromkeys(part for part in beside if _REASON_CODE.fullmatch(part))
    words: list[str] = []
    references: dict[str, str] = {}
    charges = None
    for line in lines:
        if named := _REFERENCE.fullmatch(line):
            references.setdefault(named.group(1), named.group(2).strip())
        elif money := _money(_CHARGES.match(line)):
            charges = money
        elif reason := _REASON_LINE.fullmatch(line):
            codes[reason.group(1)] = None
            words.append(reason.group(2) or "")
        elif told := _TEXT_LINE.fullmatch(line):
            words.append(told["text"] or "")
            if told["uetr"]:
                references.setdefault("UETR", told["uetr"].strip())
        elif (coded := _CODED_LINE.fullmatch(line)) is None:
            words.append(line.removeprefix("//"))
        elif reasons.is_known(coded.group(1)):
            codes[coded.group(1)] = None
    joined = " ".join(" ".join(words).split()) or None
    return Rejection(head.group(1) == "RETN", tuple(codes), joined, references, charges)


def _money(match: re.Match[str] | None) -> Money | None:
    value = amount_of(match.group(2)) if match else None
    return Money(match.group(1), value) if match is not None and value is not None else None
