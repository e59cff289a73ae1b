"""The fields of a schema as a table for people: path, type, default, what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.shapes import Schema


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. ``path`` goes through records and arrays: ``invoices[].allocated.minor``."""

    path: str
    type: str
    default: str | None
    doc: str


def fields_of(schema: Schema) -> list[FieldRow]:
    """Every field of a record, each followed by those of the records in it."""
    return list(_fields(schema, "", {}))


def _fields(record: Schema, prefix: str, named: dict[str, Schema]) -> Iterator[FieldRow]:
    for field in record["fields"]:
        path = prefix + field["name"]
        _remember(field["type"], named)
        default = json.dumps(field["default"]) if "default" in field else None
        yield FieldRow(path, _type_text(field["type"], named), default, field.get("doc", ""))
        inner, suffix = _inner(field["type"], named)
        if inner is not None:
            yield from _fields(inner, f"{path}{suffix}.", named)


def _remember(schema: Schema, named: dict[str, Schema]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _remember(branch, named)
    elif isinstance(schema, dict):
        if "name" in schema:
            named[schema["name"]] = schema
        _remember(schema.get("items"), named)


def _resolved(schema: Schema, named: dict[str, Schema]) -> Schema:
    return named.get(schema.rpartition(".")[2], schema) if isinstance(schema, str) else schema


def _inner(schema: Schema, named: dict[str, Schema], suffix: str = "") -> tuple[Schema | None, str]:
    """The record in a type, if there is one, and ``[]`` where it stands in an array."""
    schema = _resolved(schema, named)
    if isinstance(schema, list):
        return _inner(schema[-1], named, suffix)
    if isinstance(schema, dict) and schema["type"] == "array":
        return _inner(schema["items"], named, f"{suffix}[]")
    return (schema, suffix) if isinstance(schema, dict) and schema["type"] == "record" else (None, suffix)


def _type_text(schema: Schema, named: dict[str, Schema]) -> str:
    schema = _resolved(schema, named)
    if isinstance(schema, list):
        return " | ".join(_type_text(branch, named) for branch in schema)
    if isinstance(schema, str):
        return schema
    if schema["type"] == "array":
        return f"array of {_type_text(schema['items'], named)}"
    return str(schema["name"])
