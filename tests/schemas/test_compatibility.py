"""A breaking change is caught and a benign one is let through, under each contract's compatibility."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.compatibility import Breaks, Difference, Mode, differences
from schemas.contract_files import load_schema
from schemas.contracts import contracts

BACKWARD: Mode = "BACKWARD_TRANSITIVE"
FULL: Mode = "FULL_TRANSITIVE"
NOBODY: frozenset[Breaks] = frozenset()
NEW = frozenset({Breaks.NEW_READERS})
OLD = frozenset({Breaks.OLD_READERS})
BOTH = NEW | OLD

STATE = "payments.state.v1"
Edit = Callable[[dict[str, Any]], None]


def edited(edit: Edit, contract: str = STATE) -> list[Difference]:
    """What is said of one edit of a current schema."""
    old = load_schema(contract)
    new = copy.deepcopy(old)
    edit(new)
    return differences(old, new)


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in schema["fields"] if row["name"] == name)
    return found


def named(schema: Any, name: str) -> dict[str, Any]:
    """The definition of a named type somewhere in a schema."""
    return next(row for row in definitions(schema) if row["name"] == name)


def definitions(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for branch in schema:
            yield from definitions(branch)
    elif isinstance(schema, dict):
        if "name" in schema and schema["type"] in {"record", "enum"}:
            yield schema
        yield from definitions(schema.get("items"))
        for row in schema.get("fields", ()):
            yield from definitions(row["type"])


def remove(name: str) -> Edit:
    return lambda schema: schema["fields"].remove(field(schema, name))


def add(**row: Any) -> Edit:
    return lambda schema: schema["fields"].append(row)


def set_type(name: str, kind: Any) -> Edit:
    return lambda schema: field(schema, name).update(type=kind)


def rename(name: str, to: str, **more: Any) -> Edit:
    return lambda schema: field(schema, name).update(name=to, **more)


def drop_symbol(schema: dict[str, Any]) -> None:
    named(schema, "Status")["symbols"].remove("CREDITED")


def drop_symbol_without_default(schema: dict[str, Any]) -> None:
    del named(schema, "Status")["default"]
    drop_symbol(schema)


def gain_symbol(schema: dict[str, Any]) -> None:
    named(schema, "Status")["symbols"].append("FROZEN")


def gain_inside(schema: dict[str, Any]) -> None:
    named(schema, "Party")["fields"].append({"name": "country", "type": "string"})


CASES: dict[str, tuple[Edit, str, str, frozenset[Breaks]]] = {
    "a required field removed": (remove("as_of"), "State.as_of", "removed (no default)", OLD),
    "an optional field removed": (remove("rail"), "State.rail", "removed (default null)", NOBODY),
    "a field added without default": (
        add(name="colour", type="string"),
        "State.colour",
        "added (no default)",
        NEW,
    ),
    "a nullable field added without default": (
        add(name="colour", type=["null", "string"]),
        "State.colour",
        "added (no default)",
        NEW,
    ),
    "a nullable field added with default": (
        add(name="colour", type=["null", "string"], default=None),
        "State.colour",
        "added (default null)",
        NOBODY,
    ),
    "a required field added with default": (
        add(name="colour", type="string", default="red"),
        "State.colour",
        'added (default "red")',
        NOBODY,
    ),
    "long to int": (set_type("version", "int"), "State.version", "long -> int", NEW),
    "long to string": (set_type("version", "string"), "State.version", "long -> string", BOTH),
    "bytes to string": (set_type("internal", "string"), "State.internal", "bytes -> string", BOTH),
    "boolean to long": (set_type("closed", "long"), "State.closed", "boolean -> long", BOTH),
    "nullable made required": (
        set_type("rail", "string"),
        "State.rail",
        "null or string -> string",
        NEW,
    ),
    "required made nullable": (
        set_type("policy_version", ["null", "string"]),
        "State.policy_version",
        "string -> null or string",
        OLD,
    ),
    "an array of another item": (
        set_type("open_alerts", {"type": "array", "items": "long"}),
        "State.open_alerts[]",
        "string -> long",
        BOTH,
    ),
    "a symbol removed, with a default symbol": (
        drop_symbol,
        "State.status",
        "Status lost CREDITED (read as UNKNOWN)",
        NOBODY,
    ),
    "a symbol removed without a default symbol": (
        drop_symbol_without_default,
        "State.status",
        "Status lost CREDITED (no default symbol)",
        NEW,
    ),
    "a symbol added, with a default symbol": (
        gain_symbol,
        "State.status",
        "Status gained FROZEN (read as UNKNOWN)",
        NOBODY,
    ),
    "a field added deep inside": (gain_inside, "State.payer.country", "added (no default)", NEW),
    "the record renamed": (
        lambda schema: schema.update(name="PaymentState"),
        "PaymentState",
        "record State -> record PaymentState",
        BOTH,
    ),
    "a default changed": (
        lambda schema: field(schema, "last_transition_seq").update(default=7),
        "State.last_transition_seq",
        "default changed: (default 0) -> (default 7)",
        NOBODY,
    ),
}


@pytest.mark.parametrize(("edit", "where", "what", "breaks"), CASES.values(), ids=CASES.keys())
def test_a_change_is_named_with_its_place_and_whom_it_breaks(
    edit: Edit, where: str, what: str, breaks: frozenset[Breaks]
) -> None:
    assert Difference(where, what, breaks) in edited(edit)
    assert edited(edit)[0].is_breaking(FULL) == bool(breaks)
    assert edited(edit)[0].is_breaking(BACKWARD) == (Breaks.NEW_READERS in breaks)


def test_a_required_field_renamed_breaks_both_sides() -> None:
    found = edited(rename("as_of", "known_at"))
    assert [(row.where, row.breaks) for row in found] == [("State.as_of", OLD), ("State.known_at", NEW)]


def test_a_rename_with_an_alias_breaks_old_readers_only() -> None:
    found = edited(rename("as_of", "known_at", aliases=["as_of"]))
    assert [(row.where, row.breaks) for row in found] == [("State.known_at", OLD)]
    assert not found[0].is_breaking(BACKWARD)


def test_adding_an_enum_symbol_breaks_old_readers_that_have_no_default_symbol() -> None:
    old = load_schema(STATE)
    del named(old, "Status")["default"]
    new = copy.deepcopy(old)
    gain_symbol(new)
    assert Difference("State.status", "Status gained FROZEN (no default symbol)", OLD) in differences(old, new)


def test_docs_and_the_order_of_fields_are_no_difference() -> None:
    def edit(schema: dict[str, Any]) -> None:
        schema["doc"] = "Another text."
        field(schema, "version")["doc"] = "Another text."
        schema["fields"].append(schema["fields"].pop(2))

    assert edited(edit) == []


@pytest.mark.parametrize("contract", [row.name for row in contracts()])
def test_a_schema_does_not_differ_from_itself(contract: str) -> None:
    assert differences(load_schema(contract), load_schema(contract)) == []


SMALL_TYPES = st.sampled_from(
    [
        "int",
        "long",
        "string",
        "bytes",
        "boolean",
        ["null", "int"],
        ["null", "long"],
        ["null", "string"],
        {"type": "array", "items": "int"},
        {"type": "array", "items": "long"},
        {"type": "enum", "name": "Colour", "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN"},
        {"type": "enum", "name": "Colour", "symbols": ["UNKNOWN", "RED", "BLUE"], "default": "UNKNOWN"},
        {"type": "enum", "name": "Colour", "symbols": ["RED"]},
        {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "long"}]},
        {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]},
        {"type": "record", "name": "Inner", "fields": [{"name": "y", "type": ["null", "int"], "default": None}]},
    ]
)
DEFAULTS: dict[str, Any] = {"int": 0, "long": 0, "string": "", "bytes": "", "boolean": False}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A small record of the sorts of types that our contracts use."""
    row: dict[str, Any] = {"type": "record", "name": "R", "fields": [{"name": "always", "type": "long"}]}
    types = draw(st.lists(SMALL_TYPES, max_size=1)) + draw(st.lists(SMALL_TYPES.filter(lambda t: isinstance(t, str))))
    for number, kind in enumerate(types):
        added: dict[str, Any] = {"name": f"f{draw(st.integers(0, 1))}{number}", "type": kind}
        if isinstance(kind, str) and draw(st.booleans()):
            added["default"] = DEFAULTS[kind]
        row["fields"].append(added)
    return row


def zero(schema: avro.schema.Schema) -> Any:
    """A value of a schema that shows its newest symbol and branch."""
    if isinstance(schema, avro.schema.RecordSchema):
        return {row.name: zero(row.type) for row in schema.fields}
    if isinstance(schema, avro.schema.EnumSchema):
        return schema.symbols[-1]
    if isinstance(schema, avro.schema.ArraySchema):
        return [zero(schema.items)]
    if isinstance(schema, avro.schema.UnionSchema):
        return None
    return {"int": 1, "long": 1 << 40, "string": "text", "bytes": b"text", "boolean": True}[schema.type]


def reads(reader: Any, writer: Any) -> bool:
    """Whether Avro's own reader makes a value of what its writer wrote."""
    written, wanted = avro.schema.parse(json.dumps(writer)), avro.schema.parse(json.dumps(reader))
    stream = io.BytesIO()
    avro.io.DatumWriter(written).write(zero(written), avro.io.BinaryEncoder(stream))
    stream.seek(0)
    try:
        avro.io.DatumReader(written, wanted).read(avro.io.BinaryDecoder(stream))
    except Exception:  # noqa: BLE001 -- whatever it is, it could not be read
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(old=records(), new=records())
def test_what_is_called_benign_can_be_read_by_avro_itself(old: dict[str, Any], new: dict[str, Any]) -> None:
    broken = frozenset().union(*(row.breaks for row in differences(old, new)))
    if Breaks.NEW_READERS not in broken:
        assert reads(new, old)
    if Breaks.OLD_READERS not in broken:
        assert reads(old, new)
