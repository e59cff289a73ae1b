"""What stands around a message's text: SWIFT's blocks {1:} {2:} {3:}, or nothing, or a bank's own lines.

Source: SWIFT FIN, blocks 1 (basic header), 2 (application header, input or output), 3 (user header).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_SENT_TO_US: Final = re.compile(r"O(\d{3})(?:\d{10})?([A-Z0-9]{12})?")
_SENT_BY_US: Final = re.compile(r"I(\d{3})")
_BASIC: Final = re.compile(r"[A-Z]\d{2}([A-Z0-9]{12})")
_UETR: Final = re.compile(r"\{121:([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}")
_BANK_LINE: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3,4})?")
_TYPE_LINE: Final = re.compile(r":?(?:MT|FIN ?)?([1-9]\d{2})(?: ?00)?:?")


@dataclass(frozen=True, slots=True)
class Header:
    """``type``: three digits, None where nothing says it. ``sender``: a BIC of 11. ``blocks``: it had any."""

    type: str | None = None
    sender: str | None = None
    uetr: str | None = None
    blocks: bool = False


def header_of(blocks: Mapping[str, str]) -> Header:
    """From the contents of blocks 1 to 3. Of a message that was sent to us block 2 names the sender."""
    application = blocks.get("2", "")
    received, sent = _SENT_TO_US.match(application), _SENT_BY_US.match(application)
    basic = _BASIC.match(blocks.get("1", ""))
    uetr = _UETR.search(blocks.get("3", ""))
    terminal = received.group(2) if received else (basic.group(1) if basic and sent else None)
    found = received or sent
    return Header(
        type=found.group(1) if found else None,
        sender=_bic(terminal) if terminal else None,
        uetr=uetr.group(1).lower() if uetr else None,
        blocks=True,
    )


def _bic(terminal: str) -> str:
    """A logical terminal's address without its terminal letter (the ninth)."""
    return terminal[:8] + terminal[9:]


def header_of_lines(lines: list[str]) -> Header:
    """From lines before a message without blocks: a bank's BIC, the type (``ABNANL2A``, ``940``, ``:940:``)."""
    types = [match.group(1) for line in lines if (match := _TYPE_LINE.fullmatch(line.strip()))]
    banks = [line.strip() for line in lines if _BANK_LINE.fullmatch(line.strip())]
    sender = banks[0] if banks else None
    if sender is not None:
        sender = _bic(sender) if len(sender) == len("ABNANL2AXXXX") else sender
    return Header(type=types[0] if types else None, sender=sender)
