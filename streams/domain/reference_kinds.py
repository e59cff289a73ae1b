"""Which names are worth something: kinds of references, and names that are none.

Sources: bank-formats.md traps 1, 3 and 8; ISO 20022 NOTPROVIDED (EPC rulebooks); SWIFT NONREF.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from streams.domain.facts import Reference, ReferenceKind


class Sharing(Enum):
    """UNIQUE names one payment. MANY: payments share it by nature (an invoice). GROUP: a message, batch or file."""

    UNIQUE = "unique"
    MANY = "many"
    GROUP = "group"


SHARING: Final[dict[ReferenceKind, Sharing]] = {
    ReferenceKind.UETR: Sharing.UNIQUE,
    ReferenceKind.END_TO_END_ID: Sharing.UNIQUE,
    ReferenceKind.INSTRUCTION_ID: Sharing.UNIQUE,
    ReferenceKind.TRACE_NUMBER: Sharing.UNIQUE,
    ReferenceKind.BANK_REF: Sharing.UNIQUE,
    ReferenceKind.DOCUMENT_NUMBER: Sharing.UNIQUE,
    ReferenceKind.INVOICE: Sharing.MANY,
    ReferenceKind.PAYMENT_INFO_ID: Sharing.GROUP,
    ReferenceKind.MESSAGE_ID: Sharing.GROUP,
    ReferenceKind.FILE_ID: Sharing.GROUP,
    ReferenceKind.RUN_ID: Sharing.GROUP,
}

#: Names that a fact may be looked up by. The others name a payment for a person, and nobody registers them: what a bank
#: calls a payment and what the ERP calls its document never come back to us in a fact.
SOUGHT: Final = frozenset(SHARING) - {ReferenceKind.BANK_REF, ReferenceKind.DOCUMENT_NUMBER}

#: What banks and tools write where they have no name.
NO_NAMES: Final = frozenset({"NOTPROVIDED", "NONREF", "UNKNOWN", "NONE", "N/A", "NULL", "NOREF"})


def is_shared(kind: ReferenceKind) -> bool:
    """Whether several payments may go by one name of this kind."""
    return SHARING.get(kind, Sharing.UNIQUE) is not Sharing.UNIQUE


def usable_name(value: str | None, min_length: int) -> str | None:
    """The name without padding, or None if it names nothing: absent, a filler, too short, cut off (trailing +), or
    with control characters, which separate the parts of our keys.
    """
    if value is None:
        return None
    trimmed = value.strip()
    stripped = trimmed.strip("0 -/.")
    if len(trimmed) < min_length or not stripped or trimmed.upper() in NO_NAMES or trimmed.endswith("+"):
        return None
    if not trimmed.isprintable():
        return None
    return trimmed


def names_to_look_up(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """What a fact may be looked up by: all of its unique names, best first, else exactly one shared name."""
    ordered = sorted(dict.fromkeys(references), key=lambda reference: _ORDER[reference.kind])
    unique = tuple(reference for reference in ordered if not is_shared(reference.kind))
    return unique or tuple(ordered[:1])


_ORDER: Final = {kind: index for index, kind in enumerate(ReferenceKind)}
