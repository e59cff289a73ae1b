"""Bytes to lines of text, with their ends: the only place that knows of encodings and control bytes."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from connectors.refused import RefusedError

LONGEST_LINE: Final = 65_536
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PEEKED_BYTES: Final = 3


class Lines:
    """The lines of a file, one by one. ``number`` is that of the last one, from 1; ``ended``: it had a line end.

    A byte order mark says the encoding, else the profile does, else it is UTF-8. Iterating raises RefusedError.
    """

    def __init__(self, stream: BinaryIO, encoding: str | None) -> None:
        start = stream.read(_PEEKED_BYTES)
        self._encoding = next((name for bom, name in _BOMS if start.startswith(bom)), encoding or "utf-8")
        whole = cast("BinaryIO", _Rejoined(start, stream))
        self._text = io.TextIOWrapper(whole, encoding=self._encoding, newline="")
        self.number = 0
        self.ended = True

    def __iter__(self) -> Iterator[str]:
        while line := self._next():
            self.number += 1
            self.ended = line.endswith(("\n", "\r"))
            if len(line) > LONGEST_LINE:
                limit = f"at most {LONGEST_LINE} characters"
                raise RefusedError("field_too_long", f"line {self.number}", limit, "more")
            stray = _CONTROL.search(line)
            if stray is not None:
                reason = "nul_byte" if stray.group() == "\0" else "control_character"
                raise RefusedError(reason, f"line {self.number}", "text", f"the control character {stray.group()!r}")
            yield line

    def _next(self) -> str:
        try:
            return self._text.readline(LONGEST_LINE + 1)
        except UnicodeError as error:
            expected = f"text in {self._encoding} (a profile's `encoding` says another one)"
            where = f"after line {self.number}"
            raise RefusedError("wrong_encoding", where, expected, str(error)) from None


class _Rejoined(io.BufferedIOBase):
    """A stream whose first bytes were read already. It does not own the stream: closing it closes nothing."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        data = self._start or self._rest.read(size)
        self._start = b""
        return data
