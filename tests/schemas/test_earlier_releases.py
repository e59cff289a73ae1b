"""What an earlier release wrote is read by this one: fields that came later have their default."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fastavro.schema import SchemaParseException, UnknownType, parse_schema

import schemas.codec
from schemas.codec import SINGLE_OBJECT, Codec, CodecError, schema_fingerprint
from schemas.contract_files import Released, examples, load_schema, released
from schemas.contracts import contracts
from schemas.kinds import KINDS
from schemas.plain import from_plain, to_plain
from schemas.releases import check, known_releases
from schemas.varints import long_text
from tests.schemas.values import CODECS, LONG, example_value, without_field, written_with

TOPICS = [row.name for row in contracts()]
every_topic = pytest.mark.parametrize("topic", TOPICS)


def shorter_schemas(topic: str) -> Iterator[tuple[str, Any]]:
    """The current schema without one of its optional fields, for each that nothing else depends on."""
    schema = load_schema(topic)
    for row in schema["fields"]:
        shorter = without_field(schema, row["name"])
        if "default" in row and _is_whole(shorter):
            yield row["name"], shorter


def _is_whole(schema: Any) -> bool:
    try:
        parse_schema(schema)
    except (UnknownType, SchemaParseException):
        return False
    return True


def codec_after(topic: str, earlier: list[Any], monkeypatch: pytest.MonkeyPatch) -> Codec[Any]:
    """The topic's codec as if these schemas had been released."""
    rows = [Released(topic, f"0.0.{number}", schema) for number, schema in enumerate(earlier)]
    monkeypatch.setattr(schemas.codec, "released", lambda _: rows)
    return Codec(topic, KINDS[topic])


@every_topic
def test_a_field_that_came_later_has_its_default(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = dict(shorter_schemas(topic))
    codec = codec_after(topic, list(shorter.values()), monkeypatch)
    for example in examples(topic):
        value = from_plain(KINDS[topic], example.document)
        for name, schema in shorter.items():
            read = codec.decode(SINGLE_OBJECT + schema_fingerprint(schema) + written_with(schema, value))
            default = next(row["default"] for row in load_schema(topic)["fields"] if row["name"] == name)
            assert to_plain(read) == {**to_plain(value), name: default}


def test_the_test_above_covers_most_topics() -> None:
    assert sum(any(shorter_schemas(topic)) for topic in TOPICS) >= len(TOPICS) // 2


@every_topic
def test_every_released_schema_is_read(topic: str) -> None:
    for release in released(topic):
        header = SINGLE_OBJECT + schema_fingerprint(release.schema)
        for example in examples(topic):
            value = from_plain(KINDS[topic], example.document)
            read = CODECS[topic].decode(header + written_with(release.schema, value))
            assert type(read) is KINDS[topic]
            known = {row["name"] for row in release.schema["fields"]}
            for name, part in to_plain(value).items():
                if name in known:
                    assert to_plain(read)[name] == part


def test_nothing_that_has_been_released_is_broken() -> None:
    assert [row for row in check(known_releases()) if row.breaking] == []


def test_an_unknown_fingerprint_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        CodecError, match=r"payments\.clock\.v1: unknown schema fingerprint 0102030405060708: .*upgrade"
    ):
        CODECS["payments.clock.v1"].decode(SINGLE_OBJECT + bytes(range(1, 9)) + b"\x00\x00")


def test_damaged_bytes_of_an_earlier_release_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = "payments.state.v1"
    earlier = without_field(load_schema(topic), "rail")
    codec = codec_after(topic, [earlier], monkeypatch)
    data = SINGLE_OBJECT + schema_fingerprint(earlier) + written_with(earlier, example_value(topic))
    assert codec.decode(data).rail is None
    for damaged in [data[:end] for end in range(10, len(data))] + [data + b"\x00", data + data]:
        with pytest.raises(CodecError, match="another schema's bytes"):
            codec.decode(damaged)


@pytest.mark.parametrize("claimed", [1 << 20, 1 << 31, 1 << 60, LONG - 1])
def test_a_length_or_count_claimed_by_an_earlier_release_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, claimed: int
) -> None:
    topic = "payments.vendors.v1"
    earlier = without_field(load_schema(topic), "tax_id_hash")
    codec = codec_after(topic, [earlier], monkeypatch)
    header, claim = SINGLE_OBJECT + schema_fingerprint(earlier), long_text(claimed).encode("latin-1")
    codec.decode(header + written_with(earlier, example_value(topic)))
    tracemalloc.start()
    try:
        for record in (claim, b"\x02v\x02n" + claim, b"\x02v\x02n" + claim + b"\x02a" * 500):
            with pytest.raises(CodecError, match="another schema's bytes"):
                codec.decode(header + record)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_symbol_that_this_release_does_not_know_is_read_as_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = "payments.verdicts.v1"
    later = load_schema(topic)
    action = next(row for row in later["fields"] if row["name"] == "action")
    action["type"] = {**action["type"], "symbols": [*action["type"]["symbols"], "ESCALATE"]}
    codec = codec_after(topic, [later], monkeypatch)
    plain = {**to_plain(example_value(topic)), "action": "ESCALATE"}
    read = codec.decode(SINGLE_OBJECT + schema_fingerprint(later) + written_with(later, plain))
    assert read.action.name == "UNKNOWN"


def test_without_a_registry_a_registrys_framing_is_refused_with_what_to_do() -> None:
    with pytest.raises(CodecError, match="schema id 7, but no registry: set SCHEMA_REGISTRY_URL"):
        CODECS["payments.clock.v1"].decode(b"\x00\x00\x00\x00\x07\x00\x00")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00\x00", b'{"at": 1}', b"\xc3", b"\x01\x02\x03\x04\x05"])
def test_bytes_of_no_framing_are_named(data: bytes) -> None:
    with pytest.raises(CodecError, match=r"expected Avro framing \(C3 01 or 00\), found "):
        CODECS["payments.clock.v1"].decode(data)
