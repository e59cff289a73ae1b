"""Account numbers on their way out: the last four characters and a keyed hash, never the number itself."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_HASH_CHARACTERS: Final = 32
_SHORTEST_SHOWN: Final = 8
"""Below this length the last four characters would be half of the number or more: none are shown."""
_NOT_PART_OF_A_NUMBER: Final = re.compile(r"[\s./-]")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


@dataclass(frozen=True, slots=True)
class AccountHash:
    """What is kept of an account number."""

    last4: str | None
    hash: str


class Accounts:
    """Hashes account numbers with one key (HMAC-SHA-256, from the settings): equal numbers give equal hashes."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.new(key, None, "sha256")

    def hashed(self, number: str | None) -> AccountHash | None:
        """The last four and the hash of an IBAN or other account number; written forms of one number agree."""
        plain = "" if number is None else _NOT_PART_OF_A_NUMBER.sub("", number).upper()
        if not plain:
            return None
        keyed = self._key.copy()
        keyed.update(plain.encode())
        last4 = plain[-4:] if len(plain) >= _SHORTEST_SHOWN else None
        return AccountHash(last4, keyed.hexdigest()[:_HASH_CHARACTERS])


def redacted(text: str | None, numbers: Iterable[str | None] = ()) -> str | None:
    """``text`` without whole account numbers: those of ``numbers`` in any spacing, and whatever looks like an IBAN."""
    if text is None:
        return None
    for number in numbers:
        plain = "" if number is None else _NOT_PART_OF_A_NUMBER.sub("", number)
        if plain and _may_hold(text, plain):
            spaced = r"[\s./-]*".join(map(re.escape, plain))
            text = re.sub(spaced, _mask(plain), text, flags=re.IGNORECASE)
    return _IBAN.sub(lambda found: _mask(found.group()), text)


def _may_hold(text: str, plain: str) -> bool:
    """False only if the number is surely not in the text: a pattern of its own for each number costs a millisecond."""
    return not text.isascii() or plain.lower() in _NOT_PART_OF_A_NUMBER.sub("", text).lower()


def _mask(number: str) -> str:
    plain = _NOT_PART_OF_A_NUMBER.sub("", number)
    return f"****{plain[-4:]}" if len(plain) >= _SHORTEST_SHOWN else "****"
