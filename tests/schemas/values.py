"""Any value of any contract, made from its shape, for hypothesis."""

from __future__ import annotations

import io
from typing import Any

import fastavro
from fastavro.schema import parse_schema
from hypothesis import strategies as st

from schemas.codec import Codec
from schemas.contract_files import examples, load_schema
from schemas.kinds import KINDS
from schemas.plain import from_plain, to_plain
from schemas.shapes import Choice, Nullable, Primitive, Record, Sequence, Shape, shape_of

LONG = 1 << 63
CODECS = {contract: Codec(contract, kind) for contract, kind in KINDS.items()}

_LENGTHS = st.sampled_from((0, 1, 62, 63, 64, 65, 127, 128, 8191, 8192))
_TEXTS = st.text(max_size=12) | _LENGTHS.map("x".__mul__) | _LENGTHS.map("é".__mul__)
#: Numbers around every length of a varint, and times.
_LONGS = (
    st.integers(-LONG, LONG - 1)
    | st.builds(lambda bits, off: max(-LONG, min(LONG - 1, (1 << bits) + off)), st.integers(0, 63), st.integers(-2, 2))
    | st.builds(lambda bits, off: max(-LONG, off - (1 << bits)), st.integers(0, 63), st.integers(-2, 2))
    | st.integers(0, 4_102_444_800_000_000)
)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXTS,
    "bytes": st.binary(max_size=40) | _LENGTHS.map(bytes),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": _LONGS,
}


def example_value(contract: str) -> Any:
    """One fixed value of a topic: the first of its examples."""
    return from_plain(KINDS[contract], examples(contract)[0].document)


def without_field(schema: Any, name: str) -> Any:
    """The schema of a record without one of its fields, as an earlier or later release may have it."""
    return {**schema, "fields": [row for row in schema["fields"] if row["name"] != name]}


def written_with(schema: Any, value: Any) -> bytes:
    """A value's bytes as fastavro writes them under a schema, without framing."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parse_schema(schema), to_plain(value))
    return stream.getvalue()


def values(contract: str) -> st.SearchStrategy[Any]:
    """Any value of a topic."""
    return values_of(shape_of(load_schema(contract), KINDS[contract]))


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Any value of a shape."""
    match shape:
        case Primitive(name):
            return _PRIMITIVES[name]
        case Choice(_, members):
            return st.sampled_from(members)
        case Nullable(inner):
            return st.none() | values_of(inner)
        case Sequence(item):
            return st.lists(values_of(item), max_size=3).map(tuple)
        case Record(_, kind, fields):
            return st.builds(kind, **{name: values_of(inner) for name, inner in fields})
