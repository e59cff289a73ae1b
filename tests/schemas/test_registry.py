"""The registry's client against a server that speaks its protocol, and the codec's framing with its ids."""

from __future__ import annotations

import base64
import builtins
import copy
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import Codec, CodecError
from schemas.contract_files import load_schema
from schemas.contracts import contract, contracts
from schemas.kinds import KINDS
from schemas.registry import Registry, RegistryError, registry_of
from streams.engine.errors import INFRASTRUCTURE
from tests.schemas.registry_server import RegistryServer, serving
from tests.schemas.values import example_value, without_field, written_with

STATE = "payments.state.v1"
SUBJECT = f"{STATE}-value"


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with serving() as registry:
        yield registry


def schema_text(contract_name: str = STATE, **added: Any) -> str:
    """A current schema as text, with one field more if one is given."""
    schema = copy.deepcopy(load_schema(contract_name))
    if added:
        schema["fields"].append(added)
    return json.dumps(schema)


def codec_with(registry: Registry, contract_name: str = STATE) -> Codec[Any]:
    return Codec(contract_name, KINDS[contract_name], registry)


def test_without_a_url_there_is_no_registry() -> None:
    assert registry_of(None) is None
    assert registry_of("") is None


def test_a_new_schema_is_registered_under_the_compatibility_of_its_contract(server: RegistryServer) -> None:
    registry = Registry(server.url)
    for row in contracts():
        codec_with(registry, row.name)
    assert sorted(server.subjects) == [f"{row.name}-value" for row in contracts()]
    assert server.levels == {f"{row.name}-value": row.compatibility for row in contracts()}


def test_a_registered_schema_is_only_looked_up(server: RegistryServer) -> None:
    first = Registry(server.url).id_of(SUBJECT, schema_text())
    server.requests.clear()
    assert Registry(server.url).id_of(SUBJECT, schema_text()) == first
    assert {method for method, _ in server.requests} == {"POST"}
    assert [path.partition("?")[0] for _, path in server.requests] == [f"/subjects/{SUBJECT}"]


def test_ids_and_schemas_are_asked_for_once(server: RegistryServer) -> None:
    registry = Registry(server.url)
    schema_id = registry.id_of(SUBJECT, schema_text())
    registry.schema_of(schema_id)
    server.requests.clear()
    assert registry.id_of(SUBJECT, schema_text()) == schema_id
    assert registry.schema_of(schema_id) == schema_text()
    assert server.requests == []


def test_a_later_version_is_held_to_the_contracts_compatibility_before_it_is_registered(server: RegistryServer) -> None:
    Registry(server.url).id_of(SUBJECT, schema_text())
    server.levels.clear()
    with pytest.raises(RegistryError, match=r"payments\.state\.v1-value: .*incompatible.*paystate schemas check"):
        Registry(server.url).id_of(SUBJECT, schema_text(name="colour", type="string"))
    assert server.levels == {SUBJECT: "FULL_TRANSITIVE"}
    added = schema_text(name="colour", type=["null", "string"], default=None)
    assert Registry(server.url).id_of(SUBJECT, added) == 2


def test_the_registrys_versions_are_releases(server: RegistryServer) -> None:
    registry = Registry(server.url)
    assert registry.released(STATE) == []
    registry.id_of(SUBJECT, schema_text())
    registry.id_of(SUBJECT, schema_text(name="colour", type=["null", "string"], default=None))
    found = registry.released(STATE)
    assert [row.release for row in found] == ["registry version 1", "registry version 2"]
    assert found[0].schema == load_schema(STATE)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_values_travel_in_the_registrys_framing(server: RegistryServer, name: str) -> None:
    value = example_value(name)
    written = codec_with(Registry(server.url), name).encode(value)
    assert written[0] == 0
    assert server.schemas[int.from_bytes(written[1:5], "big")] == schema_text(name)
    assert codec_with(Registry(server.url), name).decode(written) == value


def test_a_reader_with_a_registry_still_reads_records_without_one(server: RegistryServer) -> None:
    value = example_value(STATE)
    assert codec_with(Registry(server.url)).decode(Codec(STATE, KINDS[STATE]).encode(value)) == value


def test_a_record_of_another_version_is_read_and_its_schema_is_asked_for_once(server: RegistryServer) -> None:
    shorter = without_field(load_schema(STATE), "rail")
    other_id = Registry(server.url).id_of(SUBJECT, json.dumps(shorter))
    reader = codec_with(Registry(server.url))
    value = example_value(STATE)
    framed = b"\x00" + other_id.to_bytes(4, "big") + written_with(shorter, value)
    server.requests.clear()
    assert reader.decode(framed) == replace(value, rail=None)
    assert reader.decode(framed) == replace(value, rail=None)
    assert server.requests == [("GET", f"/schemas/ids/{other_id}")]
    for damaged in (framed[:-1], framed + b"\x00"):
        with pytest.raises(CodecError, match="another schema's bytes"):
            reader.decode(damaged)


def test_an_unknown_id_is_the_records_fault(server: RegistryServer) -> None:
    reader = codec_with(Registry(server.url))
    with pytest.raises(CodecError, match=r"payments\.state\.v1: unknown schema id 77: it is not in the registry"):
        reader.decode(b"\x00" + (77).to_bytes(4, "big") + b"\x00")


def test_an_id_of_something_that_is_no_avro_schema_is_the_records_fault(server: RegistryServer) -> None:
    reader = codec_with(Registry(server.url))
    server.schemas[9] = 'syntax = "proto3";'
    with pytest.raises(CodecError, match="schema id 9 is no Avro schema"):
        reader.decode(b"\x00" + (9).to_bytes(4, "big") + b"\x00")


@pytest.mark.parametrize(
    ("status", "advice"), [(500, "registry's log"), (503, "log"), (401, "credentials"), (403, "may read")]
)
def test_a_registry_that_refuses_is_not_the_records_fault(
    server: RegistryServer, status: int, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemas.registry._RETRIES", 0)
    reader = codec_with(Registry(server.url))
    server.fail_with = status
    with pytest.raises(RegistryError, match=rf"{server.url}: schema id 77: not today.*{status}.*{advice}") as caught:
        reader.decode(b"\x00" + (77).to_bytes(4, "big") + b"\x00")
    assert isinstance(caught.value, INFRASTRUCTURE)


def test_an_unreachable_registry_is_not_the_records_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.registry._RETRIES", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            RegistryError, match=rf"{url}: no answer about {SUBJECT} .*check SCHEMA_REGISTRY_URL"
        ) as caught:
            Registry(url).id_of(SUBJECT, schema_text())
    assert isinstance(caught.value, INFRASTRUCTURE)


def test_credentials_of_the_url_are_sent_and_never_shown(server: RegistryServer) -> None:
    url = server.url.replace("http://", "http://reader:s3cret@")
    server.fail_with = 403
    with pytest.raises(RegistryError) as caught:
        Registry(url).id_of(SUBJECT, schema_text())
    assert server.credentials == {"Basic " + base64.b64encode(b"reader:s3cret").decode()}
    assert "s3cret" not in str(caught.value)


def test_a_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(RegistryError, match=r"SCHEMA_REGISTRY_URL 'registry:8081'"):
        Registry("registry:8081")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("confluent_kafka.schema_registry"):
            raise ImportError("No module named 'httpx'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RegistryError, match=r"No module named 'httpx'.*pip install 'paystate\[registry\]'"):
        Registry("http://localhost:8081")


def test_inputs_and_outputs_have_the_compatibility_that_the_design_wants() -> None:
    outputs = {"state", "transitions", "alerts", "duplicate-alerts", "dead-letters"}
    for name in outputs:
        assert contract(f"payments.{name}.v1").compatibility == "FULL_TRANSITIVE"
    for name in ("raw", "approvals", "releases", "bank-acks", "reconciliations", "commands"):
        assert contract(f"payments.{name}.v1").compatibility == "BACKWARD_TRANSITIVE"
