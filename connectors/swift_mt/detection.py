"""Which message is it? Told from block 2, else from a bank's header line, else from the tags that only one type has."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

from connectors.swift_mt.header import header_of_lines

_MOST_BYTES: Final = 64 << 10
_BLOCK_2: Final = re.compile(r"\{2:[IO]([0-9]{3})")
_TEXT_BLOCK: Final = re.compile(r"\{4:\s*:[0-9]{2}[A-Z]?:")
_FIRST_TAG: Final = re.compile(r"^:([0-9]{2}[A-Z]?|NS):", re.MULTILINE)
_TAG: Final = _FIRST_TAG
_LINE_END: Final = re.compile(r"\r\n|\r")
_LEADING: Final = "\ufeff\x01\x02\x03\x04 \t\n"
_LONGEST_PREAMBLE: Final = 2_000
_BALANCES: Final = frozenset({"60", "60F", "60M", "62", "62F", "62M"})
_INTERIM: Final = frozenset({"34F", "13D", "90C", "90D"})
_LINES: Final = frozenset({"61", "86", "28", "28C"})
_PAYERS: Final = frozenset({"50A", "50F", "50K"})


def message_type(head: bytes) -> str | None:
    """Three digits, or None if the beginning of the file is no SWIFT MT message."""
    return _message_type(head[:_MOST_BYTES])


@lru_cache(8)
def _message_type(head: bytes) -> str | None:
    text = _LINE_END.sub("\n", _text(head)).lstrip(_LEADING)
    first = _FIRST_TAG.search(text)
    block = _BLOCK_2.search(text)
    if text.startswith("{1:") or (block is not None and block.start() < _LONGEST_PREAMBLE and text[:1] == "{"):
        return block.group(1) if block is not None and _TEXT_BLOCK.search(text) else None
    if first is None or first.start() > _LONGEST_PREAMBLE or text[:1] in "<{[":
        return None
    told = header_of_lines(text[: first.start()].splitlines()).type
    return told or _by_tags(frozenset(_TAG.findall(text)))


def _by_tags(tags: frozenset[str]) -> str | None:
    """A message without blocks. MT900 and an MT910 without a payer look the same: neither is guessed."""
    if tags & _BALANCES:
        return "940"
    if ("28C" in tags and tags & _INTERIM) or "34F" in tags:
        return "942"
    if "76" in tags and "21" in tags:
        return "196"
    if "11S" in tags and "21" in tags:
        return "192"
    if "79" in tags and "20" in tags:
        return "199"
    if {"25", "32A"} <= tags and tags & _PAYERS:
        return "910"
    return "940" if tags & _LINES else None


def _text(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace")
    return head.decode("latin-1").removeprefix("\xef\xbb\xbf")
