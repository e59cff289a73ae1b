"""Values to bytes and back, framed so that every reader knows the schema that wrote them.

Avro single-object encoding (C3 01, CRC-64-AVRO fingerprint) needs no registry; Confluent's framing (00, schema id) is
used where a registry is configured. Readers accept both, and every released writer schema of their topic.
"""

from __future__ import annotations

import io
import json
import struct
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any, Final, Generic, Protocol, TypeVar

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.compiled import compile_codec
from schemas.shapes import Schema, shape_of
from schemas.varints import MalformedError, read_span

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


def load_schema(contract: str) -> Schema:
    """The current schema of a topic's contract, as parsed JSON. Raises CodecError if there is none."""
    path = files("schemas").joinpath("avro", f"{contract}.avsc")
    if not path.is_file():
        raise CodecError(f"no Avro schema for topic {contract!r}")
    return json.loads(path.read_text(encoding="utf-8"))


def released_schemas(contract: str) -> list[Schema]:
    """Earlier released schemas of a topic's contract, oldest first."""
    folder = files("schemas").joinpath("avro", "released", contract)
    if not folder.is_dir():
        return []
    found = sorted((path for path in folder.iterdir() if path.name.endswith(".avsc")), key=lambda path: path.name)
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def schema_fingerprint(schema: Schema) -> bytes:
    """CRC-64-AVRO of the parsing canonical form, little-endian, as single-object encoding wants it."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


class Codec(Generic[T]):
    """Encodes and decodes one dataclass under one topic's contract. Raises CodecError, and nothing else."""

    def __init__(self, contract: str, kind: type[T], ids: SchemaIds | None = None) -> None:
        self.contract = contract
        self.kind = kind
        self.schema = load_schema(contract)
        compiled = compile_codec(shape_of(self.schema, kind))
        self.source = compiled.source
        self._write, self._read = compiled.encode, compiled.decode
        self._own = SINGLE_OBJECT + schema_fingerprint(self.schema)
        self._ids = ids
        self._header = self._own
        if ids is not None:
            self._header = _CONFLUENT.pack(0, ids.id_of(f"{contract}-value", json.dumps(self.schema)))
        self._header_text = self._header.decode("latin-1")
        self._older = {SINGLE_OBJECT + schema_fingerprint(old): old for old in released_schemas(contract)}

    def encode(self, value: T) -> bytes:
        """The framed bytes of a value."""
        try:
            return (self._header_text + self._write(value)).encode("latin-1")
        except Exception as error:
            raise CodecError(f"{self.contract}: {_complaint(self.schema, value) or error}") from error

    def decode(self, data: bytes) -> T:
        """The value of framed bytes."""
        header = data[:_HEADER_BYTES]
        if header == self._own:
            return self._decode_own(data, _HEADER_BYTES)
        if header.startswith(SINGLE_OBJECT):
            return self._decode_older(data, header)
        return self._decode_confluent(data)

    def _decode_own(self, data: bytes, start: int) -> T:
        try:
            value, end = self._read(data, data.decode("latin-1"), start)
        except _MALFORMED as error:
            raise CodecError(f"{self.contract}: {len(data)} bytes are no {self.kind.__name__}: {error!r}") from error
        if end != len(data):
            kind = "truncated" if end > len(data) else "followed by others"
            raise CodecError(f"{self.contract}: expected {end} bytes, found {len(data)}: {kind}")
        return typing.cast("T", value)

    def _decode_older(self, data: bytes, header: bytes) -> T:
        writer = self._older.get(header)
        if writer is None:
            raise CodecError(
                f"{self.contract}: unknown schema fingerprint {header[2:].hex()}: expected {self._own[2:].hex()} or "
                f"that of one of {len(self._older)} earlier releases; upgrade paystate or ask the producer"
            )
        return self._resolve(writer, data, _HEADER_BYTES)

    def _decode_confluent(self, data: bytes) -> T:
        if len(data) < _CONFLUENT.size or data[0] != 0:
            raise CodecError(
                f"{self.contract}: expected Avro framing (C3 01 or 00), found {data[:2].hex() or 'nothing'}"
            )
        schema_id = _CONFLUENT.unpack_from(data)[1]
        if self._ids is None:
            raise CodecError(f"{self.contract}: schema id {schema_id}, but no registry: set SCHEMA_REGISTRY_URL")
        if data.startswith(self._header):
            return self._decode_own(data, _CONFLUENT.size)
        try:
            writer = json.loads(self._ids.schema_of(schema_id))
        except KeyError:
            raise CodecError(f"{self.contract}: unknown schema id {schema_id}: it is not in the registry") from None
        return self._resolve(writer, data, _CONFLUENT.size)

    def _resolve(self, writer: Schema, data: bytes, start: int) -> T:
        stream = io.BytesIO(data)
        stream.seek(start)
        try:
            record = fastavro.schemaless_reader(stream, parse_schema(writer), parse_schema(self.schema))
            if stream.read(1):
                raise MalformedError("bytes follow the record")
            return typing.cast("T", from_plain(self.kind, record))
        except Exception as error:
            raise CodecError(f"{self.contract}: cannot read an earlier schema's bytes: {error!r}") from error


@cache
def codec(contract: str, kind: type[Any]) -> Codec[Any]:
    """The codec of a topic's contract without a registry, made once."""
    return Codec(contract, kind)


def state_internal(data: bytes) -> bytes:
    """``internal`` of an encoded State, read alone: it is the first field. Raises CodecError."""
    start = _HEADER_BYTES if data.startswith(SINGLE_OBJECT) else _CONFLUENT.size
    try:
        position, end = read_span(data, start)
    except _MALFORMED as error:
        raise CodecError(f"payments.state.v1: {len(data)} bytes hold no state: {error!r}") from error
    if end > len(data):
        raise CodecError(f"payments.state.v1: internal would end at byte {end} of {len(data)}")
    return data[position:end]


def to_plain(value: Any) -> Any:
    """A dataclass as fastavro and JSON want it: dicts, lists, enum symbols."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def from_plain(hint: Any, value: Any) -> Any:
    """The value of type ``hint`` from its plain form; the reverse of ``to_plain``."""
    if value is None:
        return None
    if typing.get_origin(hint) is tuple:
        return tuple(from_plain(typing.get_args(hint)[0], item) for item in value)
    if typing.get_args(hint):
        (hint,) = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        return from_plain(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint[value]
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        plain: Mapping[str, Any] = value
        make = typing.cast("Callable[..., Any]", hint)
        return make(**{field.name: from_plain(hints[field.name], plain[field.name]) for field in fields(hint)})
    return value


def _complaint(schema: Schema, value: Any) -> str | None:
    """What fastavro's validator says is wrong, with the field's path; None if it finds nothing."""
    try:
        fastavro.validate(to_plain(value), parse_schema(schema), raise_errors=True)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the explanation
        return str(error)
    return None
