"""Which format is this? Told from the content, never from the file's name; an honest refusal otherwise."""

from __future__ import annotations

from typing import Final

from connectors.contract import Connector, Refusal
from connectors.registry import connectors, described, formats

HEAD_BYTES: Final = 64 * 1024
_SHOWN_BYTES: Final = 40


def detect(head: bytes) -> Connector | Refusal:
    """The connector whose format ``head`` (the first 64 KiB of a file) is of."""
    if not head.strip():
        return Refusal("empty", "the file", "some content", "nothing")
    for connector in connectors():
        if connector.sniff(head):
            return connector
    shown = repr(head[:_SHOWN_BYTES])
    seen = described(head)
    found = f"{seen}, first bytes {shown}" if seen else f"first bytes {shown}"
    return Refusal("unknown_format", "the file", f"one of the formats {', '.join(formats())}", found)
