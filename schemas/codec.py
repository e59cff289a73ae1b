"""Values to bytes and back, framed so that every reader knows the schema that wrote them.

Avro single-object encoding (C3 01, CRC-64-AVRO fingerprint) needs no registry; Confluent's framing (00, schema id) is
used where a registry is configured. Readers accept both, and every released writer schema of their topic.
"""

from __future__ import annotations

import io
import json
import struct
import typing
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Generic, Protocol, TypeVar

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.compiled import compile_codec
from schemas.contract_files import load_schema, released
from schemas.plain import from_plain, to_plain
from schemas.shapes import Schema, shape_of
from schemas.varints import MalformedError

T = TypeVar("T")

SINGLE_OBJECT: Final = b"\xc3\x01"
_HEADER_BYTES: Final = 10
_CONFLUENT: Final = struct.Struct(">bI")
_MALFORMED: Final = (IndexError, KeyError, UnicodeDecodeError, MalformedError, ValueError, TypeError, EOFError)


class CodecError(ValueError):
    """Bytes or a value that do not fit the contract: what, what was expected, what was found."""


class SchemaIds(Protocol):
    """A schema registry, as far as the codec needs it."""

    def id_of(self, subject: str, schema: str) -> int:
        """The id under which the schema is registered, registering it if it is new."""

    def schema_of(self, schema_id: int) -> str:
        """The schema of an id. Raises KeyError if there is none."""


def schema_fingerprint(schema: Schema) -> bytes:
    """CRC-64-AVRO of the parsing canonical form, little-endian, as single-object encoding wants it."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


def header_in(schema: Schema) -> bytes:
    """What single-object encoding in this schema begins with."""
    return SINGLE_OBJECT + schema_fingerprint(schema)


class Codec(Generic[T]):
    """Encodes and decodes one dataclass under one topic's contract.

    Raises CodecError for bytes and values that do not fit; an unreachable registry raises what ``ids`` raises, because
    the record is not at fault.
    """

    def __init__(self, contract: str, kind: type[T], ids: SchemaIds | None = None) -> None:
        self.contract = contract
        self.kind = kind
        self.schema = load_schema(contract)
        compiled = compile_codec(shape_of(self.schema, kind))
        self.source = compiled.source
        self._write, self._read = compiled.encode, compiled.decode
        self._own = header_in(self.schema)
        self._ids = ids
        self._header = self._own
        if ids is not None:
            self._header = _CONFLUENT.pack(0, ids.id_of(f"{contract}-value", json.dumps(self.schema)))
        self._header_text = self._header.decode("latin-1")
        self._registered: dict[int, _Resolution[T]] = {}

    @property
    def single_object_header(self) -> bytes:
        """What single-object encoding in the current schema begins with."""
        return self._own

    def encode(self, value: T) -> bytes:
        """The framed bytes of a value."""
        try:
            return (self._header_text + self._write(value)).encode("latin-1")
        except MemoryError:
            raise
        except Exception as error:
            raise CodecError(f"{self.contract}: {_complaint(self.schema, value) or error}") from error

    def encoder_in(self, schema: Schema) -> Callable[[T], bytes]:
        """Writes values in another schema of the topic, an earlier release's: fields that it has not are left out.

        ``encode`` itself if both write the same bytes. Raises CodecError for a value that the schema cannot hold, such
        as a symbol that came later.
        """
        if to_parsing_canonical_form(schema) == to_parsing_canonical_form(self.schema):
            return self.encode
        header = header_in(schema)
        if self._ids is not None:
            header = _CONFLUENT.pack(0, self._ids.id_of(f"{self.contract}-value", json.dumps(schema)))
        return _Writer(self.contract, schema, header).write

    def decode(self, data: bytes) -> T:
        """The value of framed bytes."""
        header = data[:_HEADER_BYTES]
        if header == self._own:
            return self._decode_own(data, _HEADER_BYTES)
        if header.startswith(SINGLE_OBJECT):
            return self._decode_earlier(data, header)
        return self._decode_confluent(data)

    def _decode_own(self, data: bytes, start: int) -> T:
        try:
            value, end = self._read(data, data.decode("latin-1"), start)
        except _MALFORMED as error:
            what = f"{len(data)} bytes are no {self.kind.__name__}"
            raise CodecError(f"{self.contract}: {what}: {_fault(error)}") from error
        if end != len(data):
            kind = "truncated" if end > len(data) else "followed by others"
            raise CodecError(f"{self.contract}: expected {end} bytes, found {len(data)}: {kind}")
        made: T = value
        return made

    def _decode_earlier(self, data: bytes, header: bytes) -> T:
        earlier = self._earlier.get(header)
        if earlier is None:
            raise CodecError(
                f"{self.contract}: unknown schema fingerprint {header[2:].hex()}: expected {self._own[2:].hex()} or "
                f"that of one of {len(self._earlier)} releases; upgrade paystate or ask the producer"
            )
        return earlier.read(data, _HEADER_BYTES)

    @cached_property
    def _earlier(self) -> dict[bytes, _Resolution[T]]:
        """Readers of what releases wrote, by header. Made when the first such record comes: most processes see none."""
        return {
            header_in(row.schema): _Resolution(self.contract, self.kind, row.schema, self.schema)
            for row in released(self.contract)
        }

    def _decode_confluent(self, data: bytes) -> T:
        if len(data) < _CONFLUENT.size or data[0] != 0:
            raise CodecError(
                f"{self.contract}: expected Avro framing (C3 01 or 00), found {data[:2].hex() or 'nothing'}"
            )
        schema_id: int = _CONFLUENT.unpack_from(data)[1]
        if self._ids is None:
            raise CodecError(f"{self.contract}: schema id {schema_id}, but no registry: set SCHEMA_REGISTRY_URL")
        if data.startswith(self._header):
            return self._decode_own(data, _CONFLUENT.size)
        other = self._registered.get(schema_id)
        if other is None:
            other = self._registered[schema_id] = self._resolution(self._ids, schema_id)
        return other.read(data, _CONFLUENT.size)

    def _resolution(self, ids: SchemaIds, schema_id: int) -> _Resolution[T]:
        try:
            text = ids.schema_of(schema_id)
        except KeyError:
            raise CodecError(f"{self.contract}: unknown schema id {schema_id}: it is not in the registry") from None
        try:
            return _Resolution(self.contract, self.kind, json.loads(text), self.schema)
        except Exception as error:
            raise CodecError(f"{self.contract}: schema id {schema_id} is no Avro schema: {error!r}") from error


class _Writer:
    """Writes in another schema than the current one: for the time of an upgrade, so speed does not matter."""

    def __init__(self, contract: str, schema: Schema, header: bytes) -> None:
        self._contract = contract
        self._schema = schema
        self._parsed = parse_schema(schema)
        self._header = header

    def write(self, value: Any) -> bytes:
        """The framed bytes of a value. Raises CodecError."""
        stream = io.BytesIO()
        stream.write(self._header)
        try:
            fastavro.schemaless_writer(stream, self._parsed, to_plain(value))
        except MemoryError:
            raise
        except Exception as error:
            why = _complaint(self._schema, value) or error
            raise CodecError(f"{self._contract}: cannot be written as an earlier release writes it: {why}") from error
        return stream.getvalue()


class _Resolution(Generic[T]):
    """Reads what another schema wrote; made once a schema, because parsing one costs more than a hundred reads."""

    def __init__(self, contract: str, kind: type[T], writer: Schema, reader: Schema) -> None:
        self._contract = contract
        self._kind = kind
        self._writer = parse_schema(writer)
        self._reader = parse_schema(reader)

    def read(self, data: bytes, start: int) -> T:
        stream = io.BytesIO(data)
        stream.seek(start)
        try:
            record = fastavro.schemaless_reader(stream, self._writer, self._reader)
            if stream.tell() != len(data):
                raise MalformedError(f"expected {stream.tell()} bytes, found {len(data)}")
            return typing.cast("T", from_plain(self._kind, record))
        except MemoryError:
            raise
        except Exception as error:
            raise CodecError(f"{self._contract}: cannot read another schema's bytes: {error!r}") from error


_made: Final[dict[tuple[str, type[Any]], Codec[Any]]] = {}


def codec(contract: str, kind: type[T]) -> Codec[T]:
    """The codec of a topic's contract without a registry, made once."""
    made = _made.get((contract, kind))
    if made is None:
        made = _made[contract, kind] = Codec(contract, kind)
    return made


def _fault(error: Exception) -> str:
    """What the generated decoder's way to stop means."""
    match error:
        case IndexError():
            return "they end too early: truncated"
        case KeyError():
            return f"byte {error} where a symbol, a boolean or a branch is expected"
        case TypeError():
            return "a negative length"
    return str(error)


def _complaint(schema: Schema, value: Any) -> str | None:
    """What fastavro's validator says is wrong, with the field's path; None if it finds nothing."""
    try:
        fastavro.validate(to_plain(value), parse_schema(schema), raise_errors=True)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the explanation
        return " ".join(str(error).split())
    return None
