"""Every topic has a schema, a dataclass and examples, and nothing lies around that belongs to no topic."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import fastavro
import pytest
import yaml
from fastavro.schema import parse_schema

import schemas.contracts
from schemas.codec import Codec
from schemas.contract_files import (
    Example,
    MissingSchemaError,
    example_names,
    examples,
    load_schema,
    released_names,
    schema_names,
    version_key,
)
from schemas.contracts import ContractError, contract, contracts
from schemas.kinds import KINDS
from schemas.names import SHARED
from schemas.plain import from_plain, to_json
from streams.topics import topics_of
from tests.schemas.registry_server import FakeIds
from tests.schemas.values import CODECS

TOPICS = [row.name for row in contracts()]
EXAMPLES = [example for name in TOPICS for example in examples(name)]

every_topic = pytest.mark.parametrize("topic", TOPICS)
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda row: f"{row.contract}/{row.name}")


def test_every_topic_has_a_schema_and_a_dataclass_and_there_is_no_other() -> None:
    assert schema_names() == TOPICS
    assert sorted(KINDS) == TOPICS
    assert [row.schema_file for row in contracts()] == [f"{name}.avsc" for name in TOPICS]


def test_no_example_and_no_release_is_an_orphan() -> None:
    assert example_names() == TOPICS
    assert set(released_names()) <= set(TOPICS)


@every_topic
def test_a_topic_has_at_least_two_different_examples(topic: str) -> None:
    documents = [json.dumps(row.document, sort_keys=True) for row in examples(topic)]
    assert len(documents) >= 2
    assert len(set(documents)) == len(documents)


@every_topic
def test_a_topic_says_whose_it_is_and_who_writes_and_reads_it(topic: str) -> None:
    row = contract(topic)
    assert row.owner
    assert row.key
    assert row.personal_data
    assert row.producers
    assert row.consumers
    assert row.purpose.endswith(".")
    assert row.shared_across_generations == (topic in SHARED)
    assert (row.retention_ms is None) == (row.cleanup_policy == ("compact",))


def test_the_topics_that_the_pipeline_uses_carry_the_dataclass_of_their_contract() -> None:
    for topic in vars_of(topics_of(1)):
        assert topic.encode.__self__.kind is KINDS[topic.name]


def vars_of(topics: Any) -> Iterator[Any]:
    return (getattr(topics, name) for name in topics.__slots__)


@every_example
def test_an_example_round_trips_through_our_codec_in_both_framings(example: Example) -> None:
    kind = KINDS[example.contract]
    value = from_plain(kind, example.document)
    assert to_json(value) == example.document
    for ids in (None, FakeIds()):
        codec: Codec[Any] = Codec(example.contract, kind, ids)
        assert codec.decode(codec.encode(value)) == value
        assert CODECS[example.contract].encode(value)[10:] == codec.encode(value)[5 if ids else 10 :]


@every_example
def test_an_example_round_trips_through_fastavro(example: Example) -> None:
    value = from_plain(KINDS[example.contract], example.document)
    encoded = CODECS[example.contract].encode(value)
    schema = parse_schema(load_schema(example.contract))
    record = fastavro.schemaless_reader(io.BytesIO(encoded[10:]), schema, schema)
    assert from_plain(KINDS[example.contract], record) == value
    fastavro.validate(record, schema, raise_errors=True)


@every_topic
def test_the_examples_between_them_show_every_optional_field_present(topic: str) -> None:
    shown: set[str] = set()
    for example in examples(topic):
        shown |= {name for name, value in example.document.items() if value is not None}
    assert shown == {field["name"] for field in load_schema(topic)["fields"]}


IBAN = re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b")


@every_example
def test_an_example_shows_no_whole_account_number(example: Example) -> None:
    for name, text in texts(example.document):
        if "account" in name and text is not None:
            assert re.fullmatch(r"[0-9a-f]{32}|[A-Z0-9]{4}", text), name
        if text is not None and name not in {"payload", "row", "internal"}:
            assert not IBAN.search(text), name


def texts(document: Any, name: str = "") -> Iterator[tuple[str, str | None]]:
    """Every text of a document, with the name of the field that it is in."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from texts(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from texts(value, name)
    elif isinstance(document, str):
        yield name, document


def field_docs(schema: Any, path: str = "") -> Iterator[tuple[str, str, str | None]]:
    """(path, name, doc) of every field and named type."""
    if isinstance(schema, list):
        for branch in schema:
            yield from field_docs(branch, path)
    elif isinstance(schema, dict):
        if "name" in schema and schema["type"] in {"record", "enum"}:
            yield path, schema["name"], schema.get("doc")
        yield from field_docs(schema.get("items"), path)
        for field in schema.get("fields", ()):
            yield f"{path}.{field['name']}", field["name"], field.get("doc")
            yield from field_docs(field["type"], f"{path}.{field['name']}")


@every_topic
def test_a_doc_says_more_than_the_name(topic: str) -> None:
    for path, name, doc in field_docs(load_schema(topic)):
        assert doc, path
        words = set(re.findall(r"[a-z0-9]+", doc.lower()))
        assert words - set(name.lower().split("_")) - {name.lower()}, f"{path}: {doc}"
        assert not re.match(rf"{name}\(", doc), f"{path}: {doc}"


def enums(schema: Any) -> Iterator[dict[str, Any]]:
    """Every enum in a schema."""
    if isinstance(schema, list):
        for branch in schema:
            yield from enums(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "enum":
            yield schema
        yield from enums(schema.get("items"))
        for field in schema.get("fields", ()):
            yield from enums(field["type"])


@every_topic
def test_an_enum_has_a_default_symbol_or_none_could_ever_be_added(topic: str) -> None:
    for enum in enums(load_schema(topic)):
        assert enum["default"] == "UNKNOWN", enum["name"]
        assert enum["symbols"][0] == "UNKNOWN", enum["name"]


def test_a_topic_without_a_schema_is_named() -> None:
    with pytest.raises(MissingSchemaError, match=r"no Avro schema for topic 'payments\.nothing\.v1'"):
        load_schema("payments.nothing.v1")


def test_an_unknown_contract_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ContractError, match=r"no topic contract 'payments\.nothing\.v1': expected one of payments\.al"):
        contract("payments.nothing.v1")


def test_all_problems_of_all_contracts_are_listed_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "topics").mkdir()
    good = yaml.safe_load(files("schemas").joinpath("topics", "payments.clock.v1.yaml").read_text())
    broken = {
        "a.yaml": good | {"compatibility": "NONE"},
        "b.yaml": {key: value for key, value in good.items() if key != "owner"},
        "c.yaml": good | {"colour": "red"},
        "d.yaml": good,
        "e.yaml": None,
    }
    for name, document in broken.items():
        (tmp_path / "topics" / name).write_text(yaml.safe_dump(document))
    monkeypatch.setattr(schemas.contracts, "files", lambda _: tmp_path)
    with pytest.raises(ContractError) as caught:
        contracts.__wrapped__()
    for part in (
        "a.yaml",
        "compatibility",
        "b.yaml",
        "owner",
        "c.yaml",
        "colour",
        "d.yaml: holds the contract of",
        "e.yaml",
    ):
        assert part in str(caught.value)


def test_releases_are_sorted_as_versions() -> None:
    assert sorted(["0.10.0", "0.9.0", "1.0.0", "1.0.0-rc1", "0.9.1"], key=version_key)[:3] == [
        "0.9.0",
        "0.9.1",
        "0.10.0",
    ]
