"""Which format is this? Told from the content, never from the file's name; an honest refusal otherwise."""

from __future__ import annotations

from typing import Final

from connectors.contract import Connector, Refusal
from connectors.registry import connectors, formats

HEAD_BYTES: Final = 64 * 1024
_SHOWN_BYTES: Final = 24


def detect(head: bytes) -> Connector | Refusal:
    """The connector whose format ``head`` (the first 64 KiB of a file) is of."""
    if not head.strip():
        return Refusal("empty", "the file", "some content", "nothing")
    for connector in connectors():
        if connector.sniff(head):
            return connector
    return Refusal(
        "unknown_format", "first bytes", f"one of {', '.join(formats())}", repr(head[:_SHOWN_BYTES])
    )
