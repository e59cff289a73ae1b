"""Field 86, information to the account owner, in the dialects of banks: which names it gives, what it says of a return.

Three ways of writing the same are told apart by their shape, not by the bank:
``166?00TEXT?20EREF+ID?21...`` (DK, Poland with ~ ^ or < for ?), ``/EREF/ID/REMI/...`` (Dutch banks, SWIFT) and
keywords in running text, ``EREF+ID SVWZ+...`` or ``EREF: ID MTLG: ...``. Lines end anywhere, in the middle of a word
or keyword: they are joined as they stand. An id that then has more than it should is no id of ours; one that was cut
at a line's end could be somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from streams.domain.reference_kinds import usable_name

LONGEST_ID: Final = 35
"""Max35Text: a longer one is no id of ISO 20022."""
_STRUCTURED: Final = re.compile(r"(?P<code>[0-9]{3})(?P<mark>[?~^<>@#&|!])[0-9]{2}")
#: The same without a code.
_UNCODED: Final = re.compile(r"(?P<code>)(?P<mark>\?)(?:00|2[0-9])")
#: Subfields of the purpose, in the order of their numbers: ?20 to ?29, ?60 to ?63.
_PURPOSE: Final = re.compile(r"2[0-9]|6[0-3]")
_POSTING_TEXT: Final = "00"

#: Keywords of the SEPA agreements; each ends the value of the one before.
_KEYWORDS: Final = (
    *("EREF", "KREF", "MREF", "CRED", "DEBT", "SVWZ", "ABWA", "ABWE", "IBAN", "BIC", "PURP", "COAM", "OAMT", "BREF"),
    *("RREF", "RTRN", "SQTP", "ORCR", "ORMR", "DDAT", "MDAT", "MTLG", "REMI", "UETR", "TAN", "KENMERK"),
    *("OMSCHRIJVING", "MACHTIGING", "INCASSANT", "NAAM"),
)
_IN_TEXT: Final = re.compile(rf"({'|'.join(_KEYWORDS)}) ?[+:]")
#: Codes between slashes; each ends the value of the one before.
_CODES: Final = (
    *("EREF", "PREF", "IREF", "MARF", "CSID", "CNTP", "REMI", "RTRN", "TRTP", "IBAN", "BIC", "NAME", "PURP", "ULTC"),
    *("ULTD", "ULTB", "ORDP", "BENM", "ISDT", "SVCL", "EXCH", "CHGS", "OCMT", "OAMT", "UETR", "TRCD", "INIT", "KREF"),
    *("CREF", "CDTRREFTP", "CDTRREF", "USTD", "STRD", "ADDR", "ID", "PROC", "CUST", "INFO", "SUM", "BTCH", "NBTR"),
)
_BETWEEN_SLASHES: Final = re.compile(rf"(?:^|/)({'|'.join(_CODES)})/")
_ALIASES: Final = {"KENMERK": "EREF", "PREF": "KREF", "IREF": "INST"}
_TEXTS: Final = ("SVWZ", "REMI", "MTLG", "OMSCHRIJVING")
#: In running text a column of blanks ends a value too.
_COLUMN: Final = re.compile(r" {2,}")
_REASON: Final = re.compile(r"\b([A-Z]{2}[0-9]{2})\b")
_UETR: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Information:
    """What field 86 says. ``code``: the bank's transaction code (GVC); ``values`` by keyword, each as it stands."""

    code: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    words: str = ""

    @property
    def end_to_end_id(self) -> str | None:
        """EREF."""
        return self._id("EREF")

    @property
    def batch_id(self) -> str | None:
        """KREF: the customer's name of the file or batch, given for a whole batch."""
        return self._id("KREF")

    @property
    def instruction_id(self) -> str | None:
        """IREF."""
        return self._id("INST")

    @property
    def uetr(self) -> str | None:
        """The transaction's UETR."""
        found = self.values.get("UETR", "").strip()
        return found.lower() if _UETR.fullmatch(found) else None

    @property
    def tells_of_return(self) -> bool:
        """It names a return by its code; the word RETURN in a text does not."""
        return "RTRN" in self.values

    def return_reasons(self) -> tuple[str, ...]:
        """Reason codes of a return: what RTRN says, else what the text begins with."""
        told = self.values.get("RTRN") or self._told
        return tuple(dict.fromkeys(_REASON.findall(told)))

    @property
    def text(self) -> str | None:
        """The words in it, on one line."""
        return " ".join(self._told.split()) or None

    @property
    def _told(self) -> str:
        """What it says beside names."""
        return next((self.values[key] for key in _TEXTS if self.values.get(key)), self.words)

    def _id(self, key: str) -> str | None:
        return usable_id(self.values.get(key))


def usable_id(value: str | None) -> str | None:
    """An id that names something; None if it cannot be one of ours: absent, a filler, cut off, too long."""
    usable = usable_name(value, 1)
    return usable if usable is not None and len(usable) <= LONGEST_ID else None


def information(text: str | None) -> Information:
    """Field 86, read. Never fails: what has no shape is words."""
    if text is None:
        return Information()
    joined = text.replace("\n", "")
    structured = _STRUCTURED.match(joined) or _UNCODED.match(joined)
    if structured is not None:
        return _structured(joined, structured)
    values = _values(joined, _BETWEEN_SLASHES) or _values(joined, _IN_TEXT, columns=True)
    return Information(None, values, text.replace("\n", " "))


def _structured(joined: str, match: re.Match[str]) -> Information:
    parts = re.split(rf"{re.escape(match['mark'])}([0-9]{{2}})", joined)
    subfields = list(zip(parts[1::2], parts[2::2], strict=True))
    purpose = "".join(text for name, text in subfields if _PURPOSE.fullmatch(name))
    posting = " ".join(text for name, text in subfields if name == _POSTING_TEXT)
    values = _values(purpose, _IN_TEXT) or _values(purpose, _BETWEEN_SLASHES)
    return Information(match["code"] or None, values, purpose or posting)


def _values(text: str, keywords: re.Pattern[str], *, columns: bool = False) -> dict[str, str]:
    """What follows each keyword, up to the next one. A keyword that comes twice keeps its first value."""
    found: dict[str, str] = {}
    for key, value in _pairs(keywords.split(text)[1:]):
        clean = value.strip()
        if columns:
            clean = _COLUMN.split(clean)[0]
        found.setdefault(_ALIASES.get(key, key), clean.rstrip("/") if keywords is _BETWEEN_SLASHES else clean)
    return found


def _pairs(parts: list[str]) -> Iterable[tuple[str, str]]:
    return zip(parts[::2], parts[1::2], strict=True)
