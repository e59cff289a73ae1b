"""The records of a file that is still being read: on disk, not in memory, until its end and controls are seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from connectors.contract import ProviderRecord

_IN_MEMORY_BYTES: Final = 1 << 20
_LENGTH_BYTES: Final = 4


class Spooled(msgspec.Struct, array_like=True, frozen=True):
    """One provider-shaped record, its fields already JSON."""

    kind: str
    position: str
    fields: bytes


def spooled(record: ProviderRecord) -> Spooled:
    """The record with its fields as JSON."""
    return Spooled(record.kind, record.position, msgspec.json.encode(record.fields))


@dataclass(slots=True)
class Spool:
    """A sequence of records in a temporary file (in memory below 1 MiB); written once, read as often as needed."""

    _file: IO[bytes]
    records: int = 0

    @classmethod
    def create(cls) -> Spool:
        """An empty spool; leaving it removes it."""
        return cls(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))

    def append(self, record: Spooled) -> None:
        """Add one record at the end."""
        line = _encode(record)
        self._file.write(len(line).to_bytes(_LENGTH_BYTES, "big"))
        self._file.write(line)
        self.records += 1

    def read(self, skip: int = 0) -> Iterator[tuple[int, Spooled]]:
        """The records in order, each with its number (0 for the first), without the first ``skip``."""
        self._file.seek(0)
        for number in range(self.records):
            line = self._file.read(int.from_bytes(self._file.read(_LENGTH_BYTES), "big"))
            if number >= skip:
                yield number, _decode(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Spooled).decode
