"""Read one file to its end: its records into a spool, its last word (accepted or refused) as the result."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, Protocol

from connectors.contract import BankProfile, Connector, FileEnd, ProviderRecord, Refusal
from connectors.intake.spool import Spool, Spooled, spooled

MAX_FIELDS_BYTES: Final = 900_000
"""Kafka takes 1 MB a message: a record that says more is refused with its file, before anything is published."""
_HEAD_BYTES: Final = 64 << 10

Progress = Callable[[int], None]
"""Told the number of bytes that were read since the last time."""


def no_progress(_: int) -> None:
    """For callers that show none."""


@dataclass(frozen=True, slots=True)
class Request:
    """How to read a file. ``format`` "auto" looks into it; ``source`` None takes the bank's, else the sender's name."""

    format: str = "auto"
    profile: str = "default"
    source: str | None = None
    bank: str | None = None


class Formats(Protocol):
    """The connectors and bank profiles there are."""

    def connector(self, format_: str, head: bytes) -> Connector | Refusal:
        """The connector of that name, or with "auto" the one that knows the first bytes of the file."""

    def profile(self, name: str) -> BankProfile | Refusal:
        """The bank profile of that name."""


def read_to_end(
    stream: BinaryIO, request: Request, formats: Formats, spool: Spool, progress: Progress = no_progress
) -> FileEnd | Refusal:
    """Read the whole file into ``spool``. After a Refusal what is in the spool must not be used."""
    watched = io.BufferedReader(_Watched(stream, progress), _HEAD_BYTES)
    profile = formats.profile(request.profile)
    if isinstance(profile, Refusal):
        return profile
    connector = formats.connector(request.format, watched.peek(_HEAD_BYTES))
    if isinstance(connector, Refusal):
        return connector
    for item in connector.read(watched, profile):
        if isinstance(item, Refusal):
            return replace(item, format=item.format or connector.format)
        if isinstance(item, FileEnd):
            return _ended(item, spool)
        record = spooled(item)
        if len(record.fields) > MAX_FIELDS_BYTES:
            return _too_large(item, record, connector)
        spool.append(record)
    return Refusal("incomplete", "end of file", "the reader's verdict on the file", "none", connector.format)


def _ended(end: FileEnd, spool: Spool) -> FileEnd | Refusal:
    if end.records != spool.records:
        return Refusal(
            "count_mismatch",
            "end of file",
            f"{end.records} records",
            f"{spool.records} were read",
            end.format,
            end.message_id,
        )
    return end


def _too_large(item: ProviderRecord, record: Spooled, connector: Connector) -> Refusal:
    return Refusal(
        "record_too_large",
        item.position,
        f"a record of at most {MAX_FIELDS_BYTES} bytes",
        f"{len(record.fields)} bytes",
        connector.format,
    )


class _Watched(io.RawIOBase):
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any writable buffer, as RawIOBase wants it
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._progress(len(data))
        return len(data)
