"""The text of a transaction: names of ours in it, and why something came back.

Some banks put each name into a continuation of its own (``88,EREF: 4711``), some between slashes (``/EREF/4711/``). A
piece without a name goes on with the one before, in the middle of a word: an id that then is too long is no id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.domain import reasons
from streams.domain.reference_kinds import usable_name

LONGEST_ID: Final = 35
"""Max35Text of ISO 20022, which these names come from."""
_NAMED: Final = re.compile(r"\s*([A-Z]{4})[:+]\s?(.*)", re.DOTALL)
#: Account numbers of debtor and creditor stay in the raw record: the words go on, to people.
_ACCOUNT: Final = re.compile(r"\s*(?:DACT|CACT)[:+]")
_BETWEEN_SLASHES: Final = re.compile(r"/(EREF|CREF|UETR)/([^/]*)")
_NAMES: Final = ("EREF", "CREF", "UETR")
_UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_CODE: Final = re.compile(r"\b(R[0-9]{2}|[A-Z]{2}[0-9]{2})\b", re.ASCII)
_TRACE: Final = re.compile(r"[0-9]{15}", re.ASCII)
_RETURN: Final = re.compile(
    r"\b(?:RETURN(?:ED|S)?|RTND?|RTD|REVERS(?:AL|ED)|REJECT(?:ED)?|CHARGEBACKS?)\b", re.IGNORECASE
)
_FEE: Final = re.compile(r"\b(?:FEES?|CHARGES?|CHRGS?|CHGS?|COMMISSION|INTEREST)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Narrative:
    """What the text says. ``clearing_reference``: what the network calls the transaction."""

    words: str
    end_to_end_id: str | None
    clearing_reference: str | None
    uetr: str | None

    @property
    def trace_number(self) -> str | None:
        """The clearing reference, if it is the trace number of an ACH entry."""
        reference = self.clearing_reference
        return reference if reference is not None and _TRACE.fullmatch(reference) else None

    @property
    def tells_of_return(self) -> bool:
        """The text calls the movement a return or a reversal."""
        return _RETURN.search(self.words) is not None

    @property
    def tells_of_fee(self) -> bool:
        """The text calls the movement a fee, charge or interest."""
        return _FEE.search(self.words) is not None

    def reason_codes(self) -> tuple[str, ...]:
        """Codes that the registries know, each once: two letters and two digits alone may be anything."""
        return tuple(dict.fromkeys(code for code in _CODE.findall(self.words) if reasons.is_known(code)))


SILENT: Final = Narrative("", None, None, None)


def narrative(pieces: Iterable[str]) -> Narrative:
    """Read the pieces of a text, one for each line."""
    lines = list(pieces)
    words = " ".join(" ".join([line for line in lines if _ACCOUNT.match(line) is None]).split())
    values = _values(lines, words)
    return Narrative(words, _id(values, "EREF"), _id(values, "CREF"), _uetr(values, words))


def _values(lines: list[str], words: str) -> dict[str, str]:
    """The value of each name, the first where one comes again."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        match = _NAMED.fullmatch(line)
        if match is not None:
            name = "" if match.group(1) in found else match.group(1)
            if name:
                found[name] = match.group(2)
        elif name:
            found[name] += line
    if "/" in words:
        for between, value in _BETWEEN_SLASHES.findall(words):
            found.setdefault(between, value)
    return {name: value.strip() for name, value in found.items() if name in _NAMES}


def _id(values: dict[str, str], name: str) -> str | None:
    value = values.get(name)
    return None if value is None or len(value) > LONGEST_ID else usable_name(value, 1)


def _uetr(values: dict[str, str], words: str) -> str | None:
    """The one that is called so, else the only one in the text."""
    found = set(_UUID.findall(values.get("UETR", "") or words)) if "-" in words else set()
    return found.pop() if len(found) == 1 else None
