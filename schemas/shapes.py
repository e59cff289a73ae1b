"""What a schema and a dataclass agree on: one tree of both, from which codecs, examples and diagnoses are made.

Only the part of Avro that our contracts use: records, nullable values, arrays, enums, strings, bytes, booleans, ints
and longs. Anything else, and any disagreement of schema and dataclass, is a TypeError that names the field.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Any
"""A schema as parsed JSON: a name, an object, or a list (union)."""

_PRIMITIVES: Final[dict[str, type]] = {"string": str, "bytes": bytes, "boolean": bool, "int": int, "long": int}


@dataclass(frozen=True, slots=True)
class Primitive:
    """A string, bytes, boolean, int or long."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An enum: its members in the order of the schema's symbols."""

    name: str
    members: tuple[Enum, ...]


@dataclass(frozen=True, slots=True)
class Nullable:
    """A union of null and one other type, null first."""

    inner: Shape


@dataclass(frozen=True, slots=True)
class Sequence:
    """An array, a tuple in Python."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Record:
    """A record and the dataclass that holds it."""

    name: str
    kind: type[Any]
    fields: tuple[tuple[str, Shape], ...]


Shape: TypeAlias = Primitive | Choice | Nullable | Sequence | Record


def shape_of(schema: Schema, kind: type[Any]) -> Record:
    """The tree of a record schema and its dataclass. Raises TypeError where they disagree."""
    shape = _Reader().read(schema, kind, ())
    if not isinstance(shape, Record):
        raise TypeError(f"expected a record, found {schema}")
    return shape


class _Reader:
    """Reads one schema; knows the named types that it has met."""

    def __init__(self) -> None:
        self._named: dict[str, Schema] = {}

    def read(self, schema: Schema, hint: Any, path: tuple[str, ...]) -> Shape:
        schema = self._resolved(schema)
        if isinstance(schema, list):
            return self._nullable(schema, hint, path)
        if isinstance(schema, str):
            if _PRIMITIVES.get(schema) is not hint:
                raise TypeError(f"{_at(path)}: the schema has {schema!r}, the dataclass {hint}")
            return Primitive(schema)
        match schema["type"]:
            case "record":
                return self._record(schema, hint, path)
            case "enum":
                return self._choice(schema, hint, path)
            case "array":
                if typing.get_origin(hint) is not tuple or typing.get_args(hint)[1:] != (...,):
                    raise TypeError(f"{_at(path)}: the schema has an array, the dataclass {hint}")
                return Sequence(self.read(schema["items"], typing.get_args(hint)[0], (*path, "[]")))
            case other:
                raise TypeError(f"{_at(path)}: Avro type {other!r} is not used in our contracts")

    def _resolved(self, schema: Schema) -> Schema:
        if isinstance(schema, str):
            return self._named.get(schema, schema)
        if isinstance(schema, Mapping) and "name" in schema:
            self._named[schema["name"]] = schema
            self._named[f"{schema.get('namespace', 'paystate')}.{schema['name']}"] = schema
        return schema

    def _nullable(self, schema: list[Schema], hint: Any, path: tuple[str, ...]) -> Nullable:
        optional = typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)
        others = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        if len(schema) != 2 or schema[0] != "null" or not optional or len(others) != 1:
            raise TypeError(f"{_at(path)}: the schema has the union {_names(schema)}, the dataclass {hint}")
        return Nullable(self.read(schema[1], others[0], path))

    def _record(self, schema: Schema, kind: Any, path: tuple[str, ...]) -> Record:
        name: str = schema["name"]
        if name in path:
            raise TypeError(f"{_at(path)}: record {name} holds itself")
        if not is_dataclass(kind) or not isinstance(kind, type):
            raise TypeError(f"{_at(path)}: the schema has record {name}, the dataclass {kind}")
        if not schema["fields"]:  # it would have no bytes: an array could claim any number of them
            raise TypeError(f"{_at(path)}: record {name} has no fields")
        attributes = [field.name for field in fields(kind)]
        declared = [field["name"] for field in schema["fields"]]
        if attributes != declared:
            raise TypeError(f"{name}: the schema has the fields {declared}, the dataclass {attributes}")
        hints = typing.get_type_hints(kind)
        inner = (name,) if not path else (*path, name)
        return Record(
            name,
            kind,
            tuple(
                (field["name"], self.read(field["type"], hints[field["name"]], (*inner, field["name"])))
                for field in schema["fields"]
            ),
        )

    def _choice(self, schema: Schema, kind: Any, path: tuple[str, ...]) -> Choice:
        if not isinstance(kind, type) or not issubclass(kind, Enum):
            raise TypeError(f"{_at(path)}: the schema has enum {schema['name']}, the dataclass {kind}")
        symbols: list[str] = schema["symbols"]
        if set(symbols) != set(kind.__members__):
            raise TypeError(f"{_at(path)}: the schema has the symbols {symbols}, the enum {list(kind.__members__)}")
        return Choice(schema["name"], tuple(kind[symbol] for symbol in symbols))


def _at(path: tuple[str, ...]) -> str:
    return ".".join(path) or "schema"


def _names(schema: list[Schema]) -> list[str]:
    return [branch if isinstance(branch, str) else str(branch.get("name", branch["type"])) for branch in schema]
