"""Rows that only paystate reads: msgpack of frozen dataclasses in the envelope of their changelog's contract.

The first byte of the payload names the kind of row, so that one table may hold several. In a table that has deadlines
the next eight bytes say when the row needs the clock (big-endian microseconds, 0: never), so that the index of due
times is restored without decoding a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from schemas.codec import Codec, CodecError
from schemas.records import PrivateRow

ROW_VERSION: Final = 1
"""Kind, msgpack."""
DUE_ROW_VERSION: Final = 2
"""Kind, due time, msgpack."""
_DUE_BYTES: Final = 8
_NEVER: Final = bytes(_DUE_BYTES)
_SINGLE_OBJECT: Final = 0xC3
#: What stands before the Avro record: a marker and a fingerprint, or a zero byte and the registry's id.
_FINGERPRINT_BYTES: Final = 2 + 8
_REGISTRY_BYTES: Final = 1 + 4

DueOf = Callable[[Any], int | None]


class RowCodec:
    """Encodes and decodes the rows of one table. ``kinds`` are its dataclasses; their order must never change.

    ``due`` says of a kind when (microseconds since 1970 UTC) a row of it needs the clock, None: never. Kinds that are
    not in it never do. A table without deadlines leaves it out.
    """

    def __init__(self, contract: str, *kinds: type[Any], due: Mapping[type[Any], DueOf] | None = None) -> None:
        self._envelope: Codec[PrivateRow] = Codec(contract, PrivateRow)
        self._encoder = msgspec.msgpack.Encoder()
        self._numbers = {kind: bytes((number,)) for number, kind in enumerate(kinds)}
        self._decoders: list[Callable[[bytes], Any]] = [msgspec.msgpack.Decoder(kind).decode for kind in kinds]
        self._due = due or {}
        self._version = ROW_VERSION if due is None else DUE_ROW_VERSION

    def encode(self, row: Any) -> bytes:
        """The row's bytes as the changelog and the store hold them."""
        payload = self._numbers[type(row)] + self._due_bytes(row) + self._encoder.encode(row)
        return self._envelope.encode(PrivateRow(self._version, payload))

    def _due_bytes(self, row: Any) -> bytes:
        if self._version == ROW_VERSION:
            return b""
        due = self.due_of_value(row)
        return _NEVER if due is None else due.to_bytes(_DUE_BYTES, "big")

    def decode(self, data: bytes) -> Any:
        """The row. Raises CodecError: written by a later version, or no row of this table."""
        envelope = self._envelope.decode(data)
        if envelope.version > self._version:
            raise CodecError(
                f"a row of version {envelope.version}: this paystate reads version {self._version}; upgrade it"
            )
        begin = 1 if envelope.version == ROW_VERSION else 1 + _DUE_BYTES
        try:
            return self._decoders[envelope.row[0]](envelope.row[begin:])
        except (IndexError, msgspec.DecodeError) as error:
            raise CodecError(f"a row that this table cannot hold: {error}") from error

    def due_of_value(self, row: Any) -> int | None:
        """When the row needs the clock, microseconds since 1970 UTC; None: never."""
        due_of = self._due.get(type(row))
        due = None if due_of is None else due_of(row)
        return None if due is None else max(1, due)  # 0 stands for never

    def due_of_row(self, data: bytes) -> int | None:
        """The same from the encoded row, for each row of a restore: read in its place, nothing is decoded."""
        at = _FINGERPRINT_BYTES if data[0] == _SINGLE_OBJECT else _REGISTRY_BYTES
        if data[at] != DUE_ROW_VERSION << 1:  # Avro's zig-zag; a row of an earlier release says it only when decoded
            return self.due_of_value(self.decode(data))
        at += 1
        while data[at] > 0x7F:  # the length of the payload: 7 bits a byte, the last one below 0x80
            at += 1
        return int.from_bytes(data[at + 2 : at + 2 + _DUE_BYTES], "big") or None
