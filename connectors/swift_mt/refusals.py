"""Why a file is refused: raised inside a reader only, and turned into its last word."""

from __future__ import annotations

from typing import Final

from connectors.contract import Refusal

_SHOWN: Final = 160


class RefusedError(Exception):
    """The whole file must not be used."""

    def __init__(self, reason: str, where: str, expected: str, found: str) -> None:
        super().__init__(reason)
        self.reason, self.where, self.expected, self.found = reason, where, expected, found

    def refusal(self, format_: str, message_id: str | None) -> Refusal:
        """The reader's last word."""
        return Refusal(self.reason, self.where, self.expected, self.found[:_SHOWN], format_, message_id)
