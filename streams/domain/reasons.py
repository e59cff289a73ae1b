"""What to do about a reason code: a registry of codes and one function over it.

The codes are facts of published lists (ISO 20022 external code sets, SWIFT gpi, the Nacha rules); the class is our
judgement of what helps: retry with the same key, ask, try anew, repair, or stop (lifecycle.md, "Reason codes").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.domain.reason_rows import ReasonRow
from streams.domain.reasons_iso20022 import ISO20022_REASONS
from streams.domain.reasons_nacha import GPI_REASONS, NACHA_REASONS
from streams.domain.state import Reason, ReasonClass

REASONS: Final[Mapping[str, ReasonRow]] = {**ISO20022_REASONS, **GPI_REASONS, **NACHA_REASONS}

TEXT_LIMIT: Final = 500
"""Characters of a bank's own words that are kept beside the codes."""

_GRAVITY: Final[Mapping[ReasonClass, int]] = {
    ReasonClass.UNKNOWN: 0,
    ReasonClass.TRANSPORT: 1,
    ReasonClass.TRANSIENT: 2,
    ReasonClass.BUSINESS: 3,
    ReasonClass.COMPLIANCE: 4,
}


def class_of(codes: tuple[str, ...]) -> ReasonClass:
    """The gravest class among the codes that are known; UNKNOWN without any."""
    classes = [REASONS[code].reason_class for code in codes if code in REASONS]
    return max(classes, key=_GRAVITY.__getitem__, default=ReasonClass.UNKNOWN)


def reason_of(codes: tuple[str, ...], text: str | None) -> Reason | None:
    """Codes (kept raw) and text as one reason; None where there is neither."""
    if not codes and not text:
        return None
    return Reason(class_of(codes), codes, text[:TEXT_LIMIT] if text else None)


def is_known(code: str) -> bool:
    """False: kept raw, classed UNKNOWN, and somebody is told."""
    return code in REASONS
