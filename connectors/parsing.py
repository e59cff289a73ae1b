"""A file read, mapped and judged in one go, without a pipeline: what ``paystate parse`` shows."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import IO, BinaryIO, Final, Self, cast

import msgspec

from connectors.contract import JSON, FileEnd, Mapped, MappingError, ProviderRecord, Refusal
from connectors.detect import HEAD_BYTES
from connectors.formats import InstalledFormats
from connectors.reader_output import as_json, list_name, verdict

_IN_MEMORY_BYTES: Final = 4 << 20
_MOST_ERRORS: Final = 1_000
_NO_VERDICT: Final = Refusal("incomplete", "end of file", "the reader's verdict on the file", "none")


def _temporary() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)


@dataclass(slots=True)
class Parsed:
    """What one file says. It waits in a temporary file for the reader's verdict: a rejected file says nothing.

    ``count``: how many things it says. ``errors``: records of an accepted file
    that could not be understood (the first thousand), ``failed`` of them in all.
    """

    name: str
    count: int = 0
    failed: int = 0
    errors: list[MappingError] = field(default_factory=list)
    last: FileEnd | Refusal = _NO_VERDICT
    _lines: IO[bytes] = field(default_factory=_temporary)

    @property
    def kind(self) -> str:
        """What it says: acknowledgements, instructions or documents."""
        return list_name(self.last.format)

    @property
    def accepted(self) -> bool:
        """Whether what it says may be used."""
        return isinstance(self.last, FileEnd)

    def add(self, mapped: Mapped) -> None:
        """One more thing that the file says, or one that cannot be understood."""
        if isinstance(mapped, MappingError):
            self.failed += 1
            if self.failed <= _MOST_ERRORS:
                self.errors.append(mapped)
            return
        self.count += 1
        self._lines.write(msgspec.json.encode(as_json(mapped)) + b"\n")

    def said(self) -> Iterator[bytes]:
        """Each thing said as JSON, in the file's order; nothing for a rejected file."""
        if not self.accepted:
            return
        self._lines.seek(0)
        for line in self._lines:
            yield line.rstrip(b"\n")

    def write_json(self, out: IO[bytes]) -> None:
        """One object on one line, streamed however large it is."""
        head = msgspec.json.encode(verdict(self.name, self.last, self.errors))
        out.write(head[:-1] + f',"{self.kind}":['.encode())
        separator = b""
        for item in self.said():
            out.write(separator + item)
            separator = b","
        out.write(b"]}\n")
        out.flush()

    def rows(self, most: int) -> Iterator[dict[str, JSON]]:
        """The first things said, decoded."""
        for _, item in zip(range(most), self.said(), strict=False):
            yield msgspec.json.decode(item)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lines.close()


def parse_stream(stream: BinaryIO, parsed: Parsed, formats: InstalledFormats, format_: str, profile_name: str) -> None:
    """Read ``stream`` to its end into ``parsed``. Raises nothing but what reading the stream raises."""
    profile = formats.profile(profile_name)
    if isinstance(profile, Refusal):
        parsed.last = profile
        return
    head = _head(stream)
    connector = formats.connector(format_, head)
    if isinstance(connector, Refusal):
        parsed.last = connector
        return
    whole = cast("BinaryIO", io.BufferedReader(_Rejoined(head, stream), HEAD_BYTES))
    for item in connector.read(whole, profile):
        if isinstance(item, ProviderRecord):
            for mapped in connector.map(item, profile):
                parsed.add(mapped)
        else:
            parsed.last = item if item.format else replace(item, format=connector.format)


def _head(stream: BinaryIO) -> bytes:
    """The first bytes, all that come: a pipe gives them piece by piece."""
    pieces: list[bytes] = []
    missing = HEAD_BYTES
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any writable buffer, as RawIOBase wants it
        data = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)
