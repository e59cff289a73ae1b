"""A schema and a dataclass that disagree are refused when the codec is made, with the name of the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from schemas.compiled import compile_codec
from schemas.shapes import Choice, Nullable, Primitive, Record, Sequence, shape_of


class Colour(Enum):
    RED = "r"
    GREEN = "g"


@dataclass(frozen=True, slots=True)
class Inner:
    number: int


@dataclass(frozen=True, slots=True)
class Outer:
    text: str
    colour: Colour
    inner: Inner | None
    several: tuple[int, ...]


INNER = {"type": "record", "name": "Inner", "fields": [{"name": "number", "type": "long"}]}
COLOUR = {"type": "enum", "name": "Colour", "symbols": ["GREEN", "RED"]}
FIELDS = {
    "text": "string",
    "colour": COLOUR,
    "inner": ["null", INNER],
    "several": {"type": "array", "items": "long"},
}


def outer(**changed: Any) -> dict[str, Any]:
    """The schema of Outer with some fields of another type; a field of type None is left out."""
    types = FIELDS | changed
    fields = [{"name": name, "type": kind} for name, kind in types.items() if kind is not None]
    return {"type": "record", "name": "Outer", "fields": fields}


def test_a_shape_holds_both_the_schema_and_the_dataclass() -> None:
    assert shape_of(outer(), Outer) == Record(
        "Outer",
        Outer,
        (
            ("text", Primitive("string")),
            ("colour", Choice("Colour", (Colour.GREEN, Colour.RED))),
            ("inner", Nullable(Record("Inner", Inner, (("number", Primitive("long")),)))),
            ("several", Sequence(Primitive("long"))),
        ),
    )


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"text": "long"}, "Outer.text: the schema has 'long', the dataclass <class 'str'>"),
        ({"text": "double"}, "Outer.text: the schema has 'double'"),
        ({"text": None}, "Outer: the schema has the fields ['colour', 'inner', 'several']"),
        ({"more": "string"}, "'several', 'more'], the dataclass"),
        ({"text": COLOUR, "colour": "Colour"}, "Outer.text: the schema has enum Colour, the dataclass <class 'str'>"),
        ({"colour": COLOUR | {"symbols": ["RED"]}}, "Outer.colour: the schema has the symbols ['RED'], the enum"),
        ({"inner": [INNER, "null"]}, "Outer.inner: the schema has the union ['Inner', 'null']"),
        ({"inner": ["null", INNER, "long"]}, "Outer.inner: the schema has the union ['null', 'Inner', 'long']"),
        ({"text": ["null", "string"]}, "Outer.text: the schema has the union ['null', 'string']"),
        ({"inner": INNER}, "Outer.inner: the schema has record Inner, the dataclass"),
        ({"inner": ["null", INNER | {"fields": []}]}, "Outer.inner: record Inner has no fields"),
        ({"inner": ["null", "Outer"]}, "Outer.inner: record Outer holds itself"),
        ({"several": {"type": "array", "items": "string"}}, "Outer.several.[]: the schema has 'string'"),
        ({"several": {"type": "map", "values": "long"}}, "Outer.several: Avro type 'map' is not used"),
        ({"text": {"type": "array", "items": "string"}}, "Outer.text: the schema has an array, the dataclass"),
    ],
)
def test_a_disagreement_names_the_field_and_both_sides(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=re.escape(complaint)):
        shape_of(outer(**changed), Outer)


def test_a_schema_that_is_no_record_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a record, found string"):
        shape_of("string", str)


def test_a_dataclass_without_slots_is_refused() -> None:
    @dataclass(frozen=True)
    class Open:
        number: int

    with pytest.raises(TypeError, match="Open: expected a dataclass with slots=True"):
        compile_codec(Record("Open", Open, (("number", Primitive("long")),)))


def test_an_enum_of_more_than_64_symbols_takes_two_bytes() -> None:
    many = Enum("many", {f"S{index}": index for index in range(70)})  # type: ignore[misc]  # made, not declared
    shape = Record("Inner", Inner, (("number", Choice("many", tuple(many))),))
    compiled = compile_codec(shape)
    for member in many:
        encoded = compiled.encode(Inner(member)).encode("latin-1")  # type: ignore[arg-type]  # the shape decides
        assert compiled.decode(encoded, encoded.decode("latin-1"), 0) == (Inner(member), len(encoded))  # type: ignore[arg-type]
        assert len(encoded) == (1 if member.value < 64 else 2)


def test_the_generated_source_is_the_same_every_time() -> None:
    assert compile_codec(shape_of(outer(), Outer)).source == compile_codec(shape_of(outer(), Outer)).source
