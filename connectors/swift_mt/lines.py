"""Bytes to numbered lines of text: the only place that knows of encodings, line ends and control bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from connectors.refused import RefusedError

CHUNK_BYTES: Final = 1 << 16
LONGEST_LINE: Final = 8_192
"""SWIFT's lines end at 65 characters, banks' at a few hundred: beyond this a file is no message."""
_ENDS: Final = re.compile(r"\r\n|\n|\r")
#: What transmissions leave around lines: byte order marks, SOH STX ETX EOT, form feed, Ctrl-Z, separators.
_AROUND: Final = "\ufeff\x01\x02\x03\x04\x0b\x0c\x1a\x1c\x1d\x1e\x1f"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DEFAULT: Final = "utf-8"


class Line(NamedTuple):
    """One line without its end; ``number`` counts from 1 as an editor does."""

    number: int
    text: str


def lines_of(stream: BinaryIO, encoding: str | None) -> Iterator[Line]:
    """All lines that say something. ``encoding`` None: UTF-8, or UTF-16 if a byte order mark says so.

    Raises RefusedError for bytes of another encoding, for control bytes within a line and for endless lines.
    """
    for number, text in enumerate(_split(_decoded(stream, encoding)), 1):
        if len(text) > LONGEST_LINE:
            raise _endless(number, len(text))
        said = text.strip(_AROUND)
        stray = _CONTROL.search(said)
        if stray is not None:
            reason = "nul_byte" if stray.group() == "\0" else "control_character"
            raise RefusedError(reason, f"line {number}", "text", f"the control character {stray.group()!r} in {said!r}")
        if said.strip():
            yield Line(number, said)


def _endless(number: int, length: int) -> RefusedError:
    return RefusedError("field_too_long", f"line {number}", f"at most {LONGEST_LINE} characters", f"{length} or more")


def _split(pieces: Iterator[str]) -> Iterator[str]:
    """Lines of the joined pieces; an end may be CR LF, LF or CR, and may be cut between two pieces."""
    rest = ""
    number = 0
    for piece in pieces:
        rest += piece
        held = rest.endswith("\r")
        *whole, last = _ENDS.split(rest[:-1] if held else rest)
        rest = last + ("\r" if held else "")
        number += len(whole)
        yield from whole
        if len(rest) > LONGEST_LINE + 1:
            raise _endless(number + 1, len(rest))
    if rest:
        yield rest.removesuffix("\r")


def _decoded(stream: BinaryIO, encoding: str | None) -> Iterator[str]:
    chunk = stream.read(CHUNK_BYTES)
    name = encoding or ("utf-16" if chunk.startswith(_UTF_16) else _DEFAULT)
    decoder = codecs.getincrementaldecoder(name)("strict")
    done = 0
    while chunk:
        try:
            yield decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise _wrong_encoding(error, name, done) from None
        done += len(chunk)
        chunk = stream.read(CHUNK_BYTES)
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(error, name, done) from None


def _wrong_encoding(error: UnicodeDecodeError, name: str, done: int) -> RefusedError:
    expected = f"text in {name} (another encoding is declared in the bank profile: `encoding: latin-1`)"
    found = repr(bytes(error.object[error.start : error.start + 16]))
    return RefusedError("wrong_encoding", f"about byte {done + error.start}", expected, found)
