"""Breaking or benign: what changed between two versions of a schema, field by field, and whom it breaks.

Whether a reader can read what a writer wrote is Apache Avro's own judgement (``avro.compatibility``); here it is asked
for each place that changed, so that a person is told where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import ArraySchema, EnumSchema, Field, NamedSchema, RecordSchema, UnionSchema, parse
from avro.schema import Schema as Parsed

from schemas.shapes import Schema

Mode = Literal["BACKWARD_TRANSITIVE", "FULL_TRANSITIVE"]


class Breaks(Enum):
    """Whom a change breaks."""

    NEW_READERS = "new readers of old records"
    OLD_READERS = "old readers of new records"


_FORBIDDEN: Final[dict[Mode, frozenset[Breaks]]] = {
    "BACKWARD_TRANSITIVE": frozenset({Breaks.NEW_READERS}),
    "FULL_TRANSITIVE": frozenset(Breaks),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: ``where`` is the path of the field, ``what`` tells it to a person."""

    where: str
    what: str
    breaks: frozenset[Breaks]

    def is_breaking(self, mode: Mode) -> bool:
        """Whether the contract's compatibility forbids it."""
        return bool(self.breaks & _FORBIDDEN[mode])


def differences(old: Schema, new: Schema) -> list[Difference]:
    """All changes from ``old`` to ``new``, those that break nobody too. Docs and the order of fields are none."""
    old_parsed, new_parsed = parse(json.dumps(old)), parse(json.dumps(new))
    found = list(_compared(old_parsed, new_parsed, new_parsed.name if isinstance(new_parsed, NamedSchema) else ""))
    missed = _broken(old_parsed, new_parsed) - frozenset().union(*(row.breaks for row in found))
    if missed:
        found.append(Difference("schema", f"{old_parsed} -> {new_parsed}", missed))
    return found


def _broken(old: Parsed, new: Parsed) -> frozenset[Breaks]:
    if _primitives(old) ^ _primitives(new) >= {"string", "bytes"}:
        return frozenset(Breaks)  # Avro lets one be read as the other, but not all bytes are text, nor all readers able
    readers = ((Breaks.NEW_READERS, new, old), (Breaks.OLD_READERS, old, new))
    return frozenset(breaks for breaks, reader, writer in readers if not _can_read(reader, writer))


def _can_read(reader: Parsed, writer: Parsed) -> bool:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro does not annotate it
    result = checker.get_compatibility(reader, writer)
    return result.compatibility is SchemaCompatibilityType.compatible


def _primitives(schema: Parsed) -> set[str]:
    branches = schema.schemas if isinstance(schema, UnionSchema) else [schema]
    return {str(branch.type) for branch in branches}


def _compared(old: Parsed, new: Parsed, path: str) -> Iterator[Difference]:
    if isinstance(old, NamedSchema) and isinstance(new, NamedSchema) and old.name != new.name:
        yield Difference(path, f"{old.type} {old.name} -> {new.type} {new.name}", _broken(old, new))
    elif isinstance(old, RecordSchema) and isinstance(new, RecordSchema):
        yield from _records(old, new, path)
    elif isinstance(old, EnumSchema) and isinstance(new, EnumSchema):
        yield from _enums(old, new, path)
    elif isinstance(old, ArraySchema) and isinstance(new, ArraySchema):
        yield from _compared(old.items, new.items, f"{path}[]")
    elif (old_value := _nullable(old)) and (new_value := _nullable(new)):
        yield from _compared(old_value, new_value, path)
    elif _named(old) != _named(new):
        yield Difference(path, f"{_named(old)} -> {_named(new)}", _broken(old, new))


def _records(old: RecordSchema, new: RecordSchema, path: str) -> Iterator[Difference]:
    before, after = _fields(old), _fields(new)
    earlier = {name: _earlier_name(field, before) for name, field in after.items()}
    for name in sorted(before.keys() - set(earlier.values())):
        what = f"removed{_default_text(before[name])}"
        yield Difference(f"{path}.{name}", what, _without_default(before[name], Breaks.OLD_READERS))
    for name, field in sorted(after.items()):
        known_as = earlier[name]
        if known_as is None:
            what = f"added{_default_text(field)}"
            yield Difference(f"{path}.{name}", what, _without_default(field, Breaks.NEW_READERS))
        else:
            yield from _fields_compared(before[known_as], field, f"{path}.{name}")


def _earlier_name(field: Field, before: dict[str, Field]) -> str | None:
    """What the field was called: the same, or one of its aliases; None: it is new."""
    aliases: list[str] = field.props.get("aliases") or []  # type: ignore[assignment]  # what Avro allows there
    return next((name for name in (field.name, *aliases) if name in before), None)


def _fields_compared(old: Field, new: Field, path: str) -> Iterator[Difference]:
    if old.name != new.name:
        what = f"renamed from {old.name}{_default_text(old)}: readers without the alias do not find it"
        yield Difference(path, what, _without_default(old, Breaks.OLD_READERS))
    yield from _compared(old.type, new.type, path)
    if _default_text(old) != _default_text(new):
        yield Difference(path, f"default changed:{_default_text(old)} ->{_default_text(new)}", frozenset())


def _enums(old: EnumSchema, new: EnumSchema, path: str) -> Iterator[Difference]:
    if removed := sorted(set(old.symbols) - set(new.symbols)):
        breaks = frozenset() if _can_read(new, old) else frozenset({Breaks.NEW_READERS})
        yield Difference(path, f"{new.name} lost {', '.join(removed)}{_instead(new)}", breaks)
    if added := sorted(set(new.symbols) - set(old.symbols)):
        breaks = frozenset() if _can_read(old, new) else frozenset({Breaks.OLD_READERS})
        yield Difference(path, f"{new.name} gained {', '.join(added)}{_instead(old)}", breaks)


def _fields(record: RecordSchema) -> dict[str, Field]:
    return {field.name: field for field in record.fields}


def _without_default(field: Field, breaks: Breaks) -> frozenset[Breaks]:
    return frozenset() if field.has_default else frozenset({breaks})


def _default_text(field: Field) -> str:
    return f" (default {json.dumps(field.default)})" if field.has_default else " (no default)"


def _instead(enum: EnumSchema) -> str:
    default: Any = enum.props.get("default")
    return f" (read as {default})" if default else " (no default symbol)"


def _nullable(schema: Parsed) -> Parsed | None:
    """What a union of null and one other type holds."""
    if not isinstance(schema, UnionSchema):
        return None
    others: list[Parsed] = [branch for branch in schema.schemas if branch.type != "null"]
    return others[0] if len(others) == 1 and len(schema.schemas) == 2 else None


def _named(schema: Parsed) -> str:
    if isinstance(schema, UnionSchema):
        return " or ".join(_named(branch) for branch in schema.schemas)
    if isinstance(schema, ArraySchema):
        return f"array of {_named(schema.items)}"
    return str(schema.name if isinstance(schema, NamedSchema) else schema.type)
