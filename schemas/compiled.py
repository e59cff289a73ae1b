"""Avro encoders and decoders as Python source, generated from the schema for one dataclass.

Why not fastavro on the hot path: it wants dicts, so each record would be built twice, and it takes about two thirds of
an event's budget. The generated functions read attributes and call constructors directly. Strings, enums and the
zig-zag varints of small numbers come from tables. ``Compiled.source`` is the generated text, for a person who debugs.

Layout: Apache Avro 1.12 specification, "Binary encoding".
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Any

_TABLE_SIZE: Final = 8192
_LONG_LIMIT: Final = 1 << 63
_MOST_VARINT_BYTES: Final = 10


class MalformedError(ValueError):
    """Bytes that are not what the schema says, or a value that the schema cannot hold."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """``encode(buffer, value)`` appends to a bytearray; ``decode(data, position)`` gives (value, next position).

    ``decode`` does not look at the end of ``data`` by itself: the caller compares the position reached with the length
    (a slice past the end is short, so the position tells) and turns IndexError and the like into its own error.
    """

    encode: Callable[[bytearray, Any], None]
    decode: Callable[[bytes, int], tuple[Any, int]]
    source: str


def varint(number: int) -> bytes:
    """Zig-zag varint of a long. Raises MalformedError outside of 64 bits."""
    if not -_LONG_LIMIT <= number < _LONG_LIMIT:
        raise MalformedError(f"{number} does not fit 64 bits")
    coded = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while coded > 0x7F:
        out.append(coded & 0x7F | 0x80)
        coded >>= 7
    out.append(coded)
    return bytes(out)


VARINTS: Final = tuple(varint(number) for number in range(_TABLE_SIZE))


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The zig-zag coded number at ``position``, still coded, and the position behind it. Raises MalformedError."""
    coded, shift, start = 0, 0, position
    while True:
        byte = data[position]
        position += 1
        coded |= (byte & 0x7F) << shift
        if byte < 0x80:
            return coded, position
        shift += 7
        if position - start >= _MOST_VARINT_BYTES:
            raise MalformedError(f"a number of more than {_MOST_VARINT_BYTES} bytes at byte {start}")


def compile_codec(schema: Schema, kind: type[Any]) -> Compiled:
    """Generate the codec of ``kind`` from its record ``schema`` (parsed JSON). Raises TypeError if they disagree."""
    writer = _Writer()
    name = writer.record(schema, kind)
    source = "\n".join(writer.lines)
    scope = dict(writer.constants)
    exec(compile(source, f"<avro {name}>", "exec"), scope)  # noqa: S102 -- our own text, made from our own schemas
    return Compiled(scope[f"w_{name}"], scope[f"r_{name}"], source)


class _Writer:
    """Collects the functions of a record and of the records in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {
            "VARINTS": VARINTS,
            "varint": varint,
            "read_varint": read_varint,
            "MalformedError": MalformedError,
        }
        self._named: dict[str, Schema] = {}
        self._done: set[str] = set()
        self._count = 0

    def record(self, schema: Schema, kind: type[Any]) -> str:
        """Functions ``w_<name>(b, v)`` and ``r_<name>(d, p)`` of one record type; returns the name."""
        schema = self._resolve(schema)
        name: str = schema["name"]
        if name in self._done:
            return name
        self._done.add(name)
        if not is_dataclass(kind):
            raise TypeError(f"{name}: {kind} is no dataclass")
        hints = typing.get_type_hints(kind)
        attributes = [field.name for field in fields(kind)]
        declared = [field["name"] for field in schema["fields"]]
        if attributes != declared:
            raise TypeError(f"{name}: the schema has {declared}, the dataclass {attributes}")
        self.constants[f"C_{name}"] = kind
        self.constants[f"T_{name}"] = _open_twin(kind)
        write = [f"def w_{name}(b, v):"]
        read = [f"def r_{name}(d, p):"]
        for index, field in enumerate(schema["fields"]):
            write.append(f"    x = v.{field['name']}")
            write += self._write(field["type"], hints[field["name"]], "x", 1)
            read += self._read(field["type"], hints[field["name"]], f"a{index}", 1)
        read.append(f"    v = T_{name}()")
        read += [f"    v.{attribute} = a{index}" for index, attribute in enumerate(declared)]
        read += [f"    v.__class__ = C_{name}", "    return v, p"]
        self.lines += [*write, *read]
        return name

    def _resolve(self, schema: Schema) -> Schema:
        if isinstance(schema, str) and schema in self._named:
            return self._named[schema]
        if isinstance(schema, dict) and "name" in schema:
            self._named[schema["name"]] = schema
            self._named[f"{schema.get('namespace', 'paystate')}.{schema['name']}"] = schema
        return schema

    def _fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}_"

    def _write(self, schema: Schema, hint: Any, x: str, depth: int) -> list[str]:
        schema, pad = self._resolve(schema), "    " * depth
        if isinstance(schema, list):
            inner = self._write(schema[1], _without_none(hint), x, depth + 1)
            return [
                f"{pad}if {x} is None:",
                f"{pad}    b += b'\\x00'",
                f"{pad}else:",
                f"{pad}    b += b'\\x02'",
                *inner,
            ]
        if schema == "string":
            return [f"{pad}s = {x}.encode()", *self._write_length("s", pad), f"{pad}b += s"]
        if schema == "bytes":
            return [*self._write_length(x, pad), f"{pad}b += {x}"]
        if schema == "boolean":
            return [f"{pad}b += b'\\x01' if {x} else b'\\x00'"]
        if schema == "long":
            return [f"{pad}b += VARINTS[{x}] if 0 <= {x} < {_TABLE_SIZE} else varint({x})"]
        if schema["type"] == "enum":
            return [f"{pad}b += {self._enum(schema, hint)}W[{x}]"]
        if schema["type"] == "array":
            item = self._fresh("i")
            inner = self._write(schema["items"], typing.get_args(hint)[0], item, depth + 2)
            return [
                f"{pad}if {x}:",
                *self._write_length(x, pad + "    "),
                f"{pad}    for {item} in {x}:",
                *inner,
                f"{pad}b += b'\\x00'",
            ]
        return [f"{pad}w_{self.record(schema, hint)}(b, {x})"]

    def _write_length(self, x: str, pad: str) -> list[str]:
        return [f"{pad}n = len({x})", f"{pad}b += VARINTS[n] if n < {_TABLE_SIZE} else varint(n)"]

    def _read(self, schema: Schema, hint: Any, a: str, depth: int) -> list[str]:
        schema, pad = self._resolve(schema), "    " * depth
        if isinstance(schema, list):
            inner = self._read(schema[1], _without_none(hint), a, depth + 1)
            return [
                f"{pad}n = d[p]; p += 1",
                f"{pad}if n == 0: {a} = None",
                f"{pad}elif n == 2:",
                *inner,
                f"{pad}else: raise MalformedError(f'union branch {{n}} at byte {{p - 1}}')",
            ]
        if schema in ("string", "bytes"):
            taken = "d[p:e]" if schema == "bytes" else "d[p:e].decode()"
            return [*self._read_count(pad), f"{pad}e = p + (n >> 1)", f"{pad}{a} = {taken}; p = e"]
        if schema == "boolean":
            return [
                f"{pad}n = d[p]; p += 1",
                f"{pad}if n > 1: raise MalformedError(f'boolean {{n}} at byte {{p - 1}}')",
                f"{pad}{a} = n == 1",
            ]
        if schema == "long":
            return [*self._read_number(pad), f"{pad}{a} = (n >> 1) ^ -(n & 1)"]
        if schema["type"] == "enum":
            return [*self._read_number(pad), f"{pad}{a} = {self._enum(schema, hint)}R[n]"]
        if schema["type"] == "array":
            return self._read_array(schema, hint, a, depth)
        return [f"{pad}{a}, p = r_{self.record(schema, hint)}(d, p)"]

    def _read_array(self, schema: Schema, hint: Any, a: str, depth: int) -> list[str]:
        pad, items, item, left = "    " * depth, self._fresh("l"), self._fresh("i"), self._fresh("c")
        inner = self._read(schema["items"], typing.get_args(hint)[0], item, depth + 3)
        return [
            f"{pad}if d[p] == 0: {a} = (); p += 1",
            f"{pad}else:",
            f"{pad}    {items} = []",
            f"{pad}    while True:",
            *self._read_number(pad + "        "),
            f"{pad}        if n == 0: break",
            # A negative count is followed by the size of the block in bytes (Avro specification, "Arrays").
            f"{pad}        {left} = n >> 1",
            f"{pad}        if n & 1:",
            f"{pad}            {left} += 1; n, p = read_varint(d, p)",
            f"{pad}        while {left}:",
            *inner,
            f"{pad}            {items}.append({item}); {left} -= 1",
            f"{pad}    {a} = tuple({items})",
        ]

    def _read_number(self, pad: str) -> list[str]:
        return [f"{pad}n = d[p]", f"{pad}if n < 128: p += 1", f"{pad}else: n, p = read_varint(d, p)"]

    def _read_count(self, pad: str) -> list[str]:
        return [*self._read_number(pad), f"{pad}if n & 1: raise MalformedError(f'negative length at byte {{p}}')"]

    def _enum(self, schema: Schema, hint: type[enum.Enum]) -> str:
        name: str = schema["name"]
        symbols: list[str] = schema["symbols"]
        known = hint.__members__
        if set(symbols) != set(known):
            raise TypeError(f"{name}: the schema has {symbols}, the enum {list(known)}")
        self.constants[f"E_{name}W"] = {known[symbol]: VARINTS[index] for index, symbol in enumerate(symbols)}
        self.constants[f"E_{name}R"] = {index << 1: known[symbol] for index, symbol in enumerate(symbols)}
        return f"E_{name}"


def _open_twin(kind: type[Any]) -> type[Any]:
    """A class of the same layout whose attributes can be set; an instance of it can then become one of ``kind``.

    The constructor of a frozen dataclass sets every attribute through ``object.__setattr__``: for a fact of 38 fields
    that is more than all the rest of its decoding. Filled as a twin and then given its class, it is an ordinary
    instance.
    """
    slots = tuple(kind.__dict__["__slots__"])
    body = {"__slots__": slots, "__setattr__": object.__setattr__, "__init__": object.__init__}
    return type(f"{kind.__name__}Twin", kind.__bases__, body)


def _without_none(hint: Any) -> Any:
    """``X`` of ``X | None``."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        raise TypeError(f"expected an optional type, found {hint}")
    (kept,) = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    return kept
