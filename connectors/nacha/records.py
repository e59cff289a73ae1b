"""Bytes to records of 94 characters: on lines, with blanks trimmed off, or joined without any line end."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from connectors.refused import RefusedError

RECORD_CHARACTERS: Final = 94
CHUNK_BYTES: Final = 1 << 16
_SHORTEST: Final = 55
"""A file control without its trailing blanks; of the others, only fill is shorter."""
_DEFAULT: Final = "utf-8"
_FILL: Final = re.compile(r"9+")
#: What transmissions leave at the ends of files and pages: form feed, Ctrl-Z.
_AROUND: Final = "\ufeff\x0c\x1a"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")


def records_of(stream: BinaryIO, encoding: str | None) -> Iterator[tuple[int, str]]:
    """All records, numbered from 1 and padded to their length; blank lines count for nothing.

    Raises RefusedError for bytes of another encoding, for control bytes and for records of another length.
    """
    number = 0
    for line in _lines(_decoded(stream, encoding or _DEFAULT)):
        if len(line) == RECORD_CHARACTERS and line[-1] != " ":
            number += 1
            yield number, line
            continue
        text = line.strip(_AROUND).rstrip()
        for start in range(0, len(text), RECORD_CHARACTERS):
            number += 1
            yield number, _padded(text[start : start + RECORD_CHARACTERS], number, alone=start == 0)


def _padded(text: str, number: int, *, alone: bool) -> str:
    """A record whose trailing blanks were trimmed. Where a character takes several bytes, blanks cannot be counted."""
    missing = RECORD_CHARACTERS - len(text)
    if not missing:
        return text
    if (not alone and missing > RECORD_CHARACTERS - _SHORTEST and _FILL.fullmatch(text) is None) or not text.isascii():
        raise RefusedError("record_length", f"record {number}", "94 characters", f"{len(text)}: {text[:40]!r}")
    return text.ljust(RECORD_CHARACTERS)


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Lines of the joined pieces; where there are no ends, whole records that stand one after the other."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).replace("\r\n", "\n").split("\n")
        for line in whole:
            yield from line.split("\r") if "\r" in line else (line,)
        if len(rest) > CHUNK_BYTES:
            *ended, rest = rest.split("\r")
            yield from ended
            joined = len(rest) // RECORD_CHARACTERS * RECORD_CHARACTERS
            yield rest[:joined]
            rest = rest[joined:]
    yield from rest.split("\r")


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = 0
    while True:
        chunk = stream.read(CHUNK_BYTES)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            expected = f"text in {encoding} (another encoding is declared in the bank profile: `encoding: latin-1`)"
            found = repr(bytes(error.object[error.start : error.start + 16]))
            raise RefusedError("wrong_encoding", f"about byte {done + error.start}", expected, found) from None
        stray = _CONTROL.search(text)
        if stray is not None:
            reason = "nul_byte" if stray.group() == "\0" else "control_character"
            found = f"the control character {stray.group()!r}"
            raise RefusedError(reason, f"about byte {done + stray.start()}", "text", found)
        if text:
            yield text
        if not chunk:
            return
        done += len(chunk)
