"""A reader's own way out: raised where a file turns out to be unusable, and turned into the reader's last word."""

from __future__ import annotations

from typing import Final

from connectors.contract import Refusal

_SHOWN_CHARACTERS: Final = 160


class RefusedError(Exception):
    """Raised inside a reader only: the whole file must not be used."""

    def __init__(self, reason: str, where: str, expected: str, found: str) -> None:
        super().__init__(reason)
        self.reason, self.where, self.expected, self.found = reason, where, expected, found

    def refusal(self, format_: str, message_id: str | None) -> Refusal:
        """The reader's last word."""
        return Refusal(self.reason, self.where, self.expected, self.found[:_SHOWN_CHARACTERS], format_, message_id)
