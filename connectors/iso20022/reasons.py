"""Why: reason codes and texts of statuses, returns and cancellations, and rejections that only say "again"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connectors.iso20022.said import Said, every, text, texts
from streams.domain.bank_statuses import DUPLICATE_REASONS
from streams.domain.reference_kinds import NO_NAMES

#: Codes that say nothing by themselves: the text is the reason.
_TEXT_IS_THE_REASON: Final = frozenset({"NARR"})
_LONGEST_PIECE: Final = 105
"""AddtlInf is a Max105Text: banks cut longer texts into several."""
#: A bank that has no code for "I have that already" says so in words (bank-formats.md, trap 1).
_THING: Final = (
    r"(?:file|message|msg|payment|transaction|instruction|order|batch|reference|id|identification|datei|auftrag)s?"
)
_AGAIN: Final = re.compile(
    rf"^duplicat|\bduplicat\w*\s+{_THING}\b|\b{_THING}\s+(?:is\s+)?(?:an?\s+)?duplicat|\bnot unique\b"
    r"|\balready (?:been|exist|present|process|receiv|used)"
    r"|\bdoppel(?:einreichung|t eingereicht)|\bbereits (?:eingereicht|erhalten|verarbeitet|vorhanden)"
    r"|\bdoublon\b|\bdéjà (?:reçu|trait)|\bduplicad[oa]\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Codes as the bank gives them, each once and in its order; the texts beside them as one line."""

    codes: tuple[str, ...] = ()
    text: str | None = None

    @property
    def duplicate(self) -> bool:
        """They say that the bank has the file, message or instruction already."""
        codes = set(self.codes)
        if not codes.isdisjoint(DUPLICATE_REASONS):
            return True
        own = not codes or not codes.isdisjoint(_TEXT_IS_THE_REASON) or all(len(code) != 4 for code in codes)
        return own and self.text is not None and _AGAIN.search(self.text) is not None

    def __bool__(self) -> bool:
        return bool(self.codes or self.text)


NO_REASONS: Final = Reasons()


def reasons_of(informations: Iterable[Said]) -> Reasons:
    """The reasons in ``StsRsnInf``, ``RtrRsnInf``, ``RtrInf``, ``CxlRsnInf``: each may come several times."""
    codes: dict[str, None] = {}
    words: dict[str, None] = {}
    for information in informations:
        for reason in every(information, "Rsn"):
            for code in (text(reason), text(reason, "Cd"), text(reason, "Prtry")):
                if code is not None:
                    codes[code] = None
        words.update(dict.fromkeys(texts(information, "AddtlInf")))
    return Reasons(tuple(codes), _joined(word for word in words if word.upper() not in NO_NAMES))


def _joined(words: Iterable[str]) -> str | None:
    """One text. A piece as long as the field can be goes on in the next piece, mid-word."""
    joined = ""
    for word in words:
        joined += word if len(word) >= _LONGEST_PIECE else word + " "
    return joined.strip() or None
