"""Rows that only paystate reads: msgpack of frozen dataclasses in the envelope of their changelog's contract.

The first byte of the payload names the kind of row, so that one table may hold several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from schemas.codec import Codec, CodecError
from schemas.records import PrivateRow

ROW_VERSION: Final = 1


class RowCodec:
    """Encodes and decodes the rows of one table. ``kinds`` are its dataclasses; their order must never change."""

    def __init__(self, contract: str, *kinds: type[Any]) -> None:
        self._envelope: Codec[PrivateRow] = Codec(contract, PrivateRow)
        self._encoder = msgspec.msgpack.Encoder()
        self._numbers = {kind: bytes((number,)) for number, kind in enumerate(kinds)}
        self._decoders: list[Callable[[bytes], Any]] = [msgspec.msgpack.Decoder(kind).decode for kind in kinds]

    def encode(self, row: Any) -> bytes:
        """The row's bytes as the changelog and the store hold them."""
        payload = self._numbers[type(row)] + self._encoder.encode(row)
        return self._envelope.encode(PrivateRow(ROW_VERSION, payload))

    def decode(self, data: bytes) -> Any:
        """The row. Raises CodecError: written by a later version, or no row of this table."""
        envelope = self._envelope.decode(data)
        if envelope.version != ROW_VERSION:
            raise CodecError(
                f"a row of version {envelope.version}: this paystate reads version {ROW_VERSION}; upgrade it"
            )
        try:
            return self._decoders[envelope.row[0]](envelope.row[1:])
        except (IndexError, msgspec.DecodeError) as error:
            raise CodecError(f"a row that this table cannot hold: {error}") from error
