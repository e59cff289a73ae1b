"""Rows that only paystate reads: msgpack of frozen dataclasses in the envelope of their changelog's contract.

The envelope's version names the form that wrote the row (streams/forms.py), and whether it says when it is due: form
``n`` is version ``2n - 1`` without and ``2n`` with that. The first byte of the payload names the kind of row, so that
one table may hold several. In a table that has deadlines the next eight bytes say when the row needs the clock
(big-endian microseconds, 0: never), so that the index of due times is restored without decoding a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from schemas.codec import Codec, CodecError
from schemas.records import PrivateRow
from streams.forms import FORMS, Encode, Form, Writing, thinned

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

    ``encode``: the row's bytes as the changelog and the store hold them. Raises CodecError for a row that the form
    being written cannot hold.
    """

    def __init__(
        self,
        contract: str,
        *kinds: type[Any],
        due: Mapping[type[Any], DueOf] | None = None,
        writing: Writing | None = None,
    ) -> None:
        self.contract = contract
        self.kinds = kinds
        self._writing = writing or Writing(FORMS)
        self._envelope: Codec[PrivateRow] = Codec(contract, PrivateRow)
        self._pack = msgspec.msgpack.Encoder().encode
        self._numbers = {kind: bytes((number,)) for number, kind in enumerate(kinds)}
        self._decoders: list[Callable[[bytes], Any]] = [msgspec.msgpack.Decoder(kind).decode for kind in kinds]
        self._due = due
        self.encode: Encode[Any] = self._writing.encoder(self._encoder_in)

    def writing(self, writing: Writing) -> RowCodec:
        """The same rows, in the form that ``writing`` says at each of them."""
        return RowCodec(self.contract, *self.kinds, due=self._due, writing=writing)

    def _encoder_in(self, form: Form) -> Encode[Any]:
        later = self._writing.forms.later_fields(form)
        version = 2 * form.number - (self._due is None)
        pack, numbers, envelope, due_bytes = self._pack, self._numbers, self._envelope, self._due_bytes

        def encode(row: Any) -> bytes:
            return envelope.encode(PrivateRow(version, numbers[type(row)] + due_bytes(row) + pack(row)))

        def encode_thin(row: Any) -> bytes:
            payload = numbers[type(row)] + due_bytes(row) + pack(thinned(row, later))
            return envelope.encode(PrivateRow(version, payload))

        return encode_thin if later else encode

    def _due_bytes(self, row: Any) -> bytes:
        if self._due is None:
            return b""
        due = self.due_of_value(row)
        return _NEVER if due is None else due.to_bytes(_DUE_BYTES, "big")

    def decode(self, data: bytes) -> Any:
        """The row; what a later form added has its default. Raises CodecError: of an unknown form, or of no table."""
        envelope, forms = self._envelope.decode(data), self._writing.forms
        form = (envelope.version + 1) // 2
        if not forms.reads(form):
            raise CodecError(f"{self.contract}: a row of {forms.unknown(form)}")
        begin = 1 if envelope.version % 2 else 1 + _DUE_BYTES
        try:
            return self._decoders[envelope.row[0]](envelope.row[begin:])
        except (IndexError, msgspec.DecodeError) as error:
            raise CodecError(f"a row that this table cannot hold: {error}") from error

    def due_of_value(self, row: Any) -> int | None:
        """When the row needs the clock, microseconds since 1970 UTC; None: never."""
        due_of = None if self._due is None else self._due.get(type(row))
        due = None if due_of is None else due_of(row)
        return None if due is None else max(1, due)  # 0 stands for never

    def due_of_row(self, data: bytes) -> int | None:
        """The same from the encoded row, for each row of a restore: read in its place, nothing is decoded."""
        at = _FINGERPRINT_BYTES if data[0] == _SINGLE_OBJECT else _REGISTRY_BYTES
        if data[at] & 2:  # an odd version, in Avro's zig-zag: an earlier release's row says it only when decoded
            return self.due_of_value(self.decode(data))
        for _ in range(2):  # the version, then the length of the payload: 7 bits a byte, the last one below 0x80
            while data[at] > 0x7F:
                at += 1
            at += 1
        return int.from_bytes(data[at + 1 : at + 1 + _DUE_BYTES], "big") or None
