"""Where released schemas are known from, the verdict on each topic, and ``paystate schemas`` that shows it."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import schemas.contract_files
import schemas.releases
import streams.cli.schemas
import streams.cli.topics
from schemas.contract_files import Released, load_schema
from schemas.contracts import contracts
from schemas.fields import fields_of
from schemas.releases import ReleaseError, check, freeze, known_releases, tagged
from tests.schemas.registry_server import serving

STATE = "payments.state.v1"
RAW = "payments.raw.v1"


def changed(contract: str, edit: Callable[[dict[str, Any]], Any]) -> Any:
    schema = copy.deepcopy(load_schema(contract))
    edit(schema)
    return schema


def verdicts(*releases: Released) -> dict[str, str]:
    return {row.contract: row.verdict for row in check(releases)}


def with_field_more(schema: dict[str, Any]) -> None:
    """As an earlier release: it had a required field that is gone now."""
    schema["fields"].append({"name": "colour", "type": "string"})


def with_field_less(schema: dict[str, Any]) -> None:
    """As an earlier release: it lacked a field that is required now."""
    schema["fields"] = [row for row in schema["fields"] if row["name"] != "trace_id"]


def test_a_topic_that_was_never_released_is_new() -> None:
    assert set(verdicts().values()) == {"new"}
    assert len(verdicts()) == len(contracts())


def test_the_same_schema_is_the_same() -> None:
    assert verdicts(Released(STATE, "0.1.0", load_schema(STATE)))[STATE] == "same"


def test_an_input_may_lose_a_field_and_an_output_may_not() -> None:
    assert verdicts(Released(RAW, "0.1.0", changed(RAW, with_field_more)))[RAW] == "benign"
    assert verdicts(Released(STATE, "0.1.0", changed(STATE, with_field_more)))[STATE] == "breaking"


def test_neither_may_gain_a_field_without_default() -> None:
    assert verdicts(Released(RAW, "0.1.0", changed(RAW, with_field_less)))[RAW] == "breaking"
    alerts = "payments.alerts.v1"
    assert verdicts(Released(alerts, "0.1.0", changed(alerts, with_field_less)))[alerts] == "breaking"


def test_a_change_is_held_against_every_release_and_not_only_the_newest() -> None:
    oldest = Released(RAW, "0.1.0", changed(RAW, with_field_less))
    newest = Released(RAW, "0.2.0", load_schema(RAW))
    assert [(row.release, row.verdict) for row in check([oldest, newest]) if row.contract == RAW] == [
        ("0.1.0", "breaking"),
        ("0.2.0", "same"),
    ]


def test_a_removed_topic_is_breaking() -> None:
    (row,) = [row for row in check([Released("payments.gone.v1", "0.1.0", {})]) if row.contract == "payments.gone.v1"]
    assert row.verdict == "breaking"
    assert "keep its contract" in row.breaking[0].what


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with two versions of one schema, tagged v0.9.0 and v0.10.0."""
    git(tmp_path, "init", "--quiet")
    path = tmp_path / "schemas" / "avro" / f"{STATE}.avsc"
    path.parent.mkdir(parents=True)
    for tag, schema in (("v0.9.0", changed(STATE, with_field_more)), ("v0.10.0", load_schema(STATE))):
        path.write_text(json.dumps(schema))
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", tag)
        git(tmp_path, "tag", tag)
    git(tmp_path, "tag", "nightly")
    return tmp_path


def test_the_tags_of_a_checkout_are_releases(checkout: Path) -> None:
    found = tagged(checkout)
    assert [(row.contract, row.release) for row in found] == [(STATE, "tag v0.9.0"), (STATE, "tag v0.10.0")]
    assert found[0].schema == changed(STATE, with_field_more)
    assert [row.verdict for row in check(found) if row.contract == STATE] == ["breaking", "same"]


def test_the_repository_of_a_hook_is_not_mistaken_for_that_of_the_checkout(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("elsewhere")))
    assert [row.release for row in tagged(checkout)] == ["tag v0.9.0", "tag v0.10.0"]


def test_a_folder_that_is_no_checkout_has_no_tags(tmp_path: Path) -> None:
    assert tagged(tmp_path) == []


def test_a_broken_checkout_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")
    with pytest.raises(ReleaseError, match="not a git repository"):
        tagged(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's folder of released schemas, empty, and no tags."""
    avro = tmp_path / "avro"
    (avro / "released").mkdir(parents=True)
    for row in contracts():
        (avro / f"{row.name}.avsc").write_text(json.dumps(load_schema(row.name)))
    monkeypatch.setattr(schemas.contract_files, "_avro", lambda: avro)
    monkeypatch.setattr(schemas.releases, "_PACKAGE", tmp_path)
    return avro / "released"


def edit_current(folder: Path, contract: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    (folder.parent / f"{contract}.avsc").write_text(json.dumps(changed(contract, edit)))


def test_a_release_keeps_every_schema_and_the_next_one_only_what_changed(folder: Path) -> None:
    assert len(freeze("0.1.0", folder)) == len(contracts())
    assert freeze("0.2.0", folder) == []
    edit_current(folder, STATE, lambda schema: schema.update(doc="Other words."))
    assert freeze("0.2.0", folder) == []
    edit_current(folder, STATE, with_field_more)
    assert freeze("0.10.0", folder) == [folder / STATE / "0.10.0.avsc"]
    assert [row.release for row in schemas.contract_files.released(STATE)] == ["0.1.0", "0.10.0"]


def test_what_has_been_released_never_changes(folder: Path) -> None:
    freeze("0.1.0", folder)
    edit_current(folder, STATE, with_field_more)
    with pytest.raises(ReleaseError, match=r"payments\.state\.v1 is in release 0\.1\.0 with another schema"):
        freeze("0.1.0", folder)


def test_the_same_schema_from_several_places_is_compared_once(folder: Path) -> None:
    freeze("0.1.0", folder)
    with serving() as server:
        from schemas.registry import Registry

        registry = Registry(server.url)
        registry.id_of(f"{STATE}-value", json.dumps(load_schema(STATE)))
        found = [row.release for row in known_releases(registry) if row.contract == STATE]
    assert found == ["0.1.0, registry version 1"]


@pytest.fixture
def cli() -> Callable[..., Any]:
    """Runs ``paystate schemas …`` or ``paystate topics …``."""
    app = typer.Typer()
    streams.cli.schemas.register(app)
    streams.cli.topics.register(app)
    return lambda *arguments: CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_check_ends_with_status_1_if_a_change_breaks_somebody(folder: Path, cli: Callable[..., Any]) -> None:
    freeze("0.1.0", folder)
    assert cli("schemas", "check").exit_code == 0
    edit_current(folder, STATE, with_field_less_of_state)
    result = cli("schemas", "check")
    assert result.exit_code == 1
    assert "State.as_of removed (no default)" in result.output
    assert "1 breaking." in result.output


def with_field_less_of_state(schema: dict[str, Any]) -> None:
    schema["fields"] = [row for row in schema["fields"] if row["name"] != "as_of"]


def test_check_as_json_names_each_change(folder: Path, cli: Callable[..., Any]) -> None:
    freeze("0.1.0", folder)
    edit_current(folder, STATE, with_field_less_of_state)
    edit_current(
        folder, RAW, lambda schema: schema["fields"].append({"name": "x", "type": ["null", "long"], "default": None})
    )
    result = cli("schemas", "check", "--json")
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert document["breaking"] == 1
    rows = {row["topic"]: row for row in document["topics"]}
    assert rows[STATE]["changes"] == [
        {
            "where": "State.as_of",
            "what": "removed (no default)",
            "breaking": True,
            "breaks": ["old readers of new records"],
        }
    ]
    assert (rows[RAW]["verdict"], rows[RAW]["release"]) == ("benign", "0.1.0")


def test_check_looks_at_the_registry_too(
    folder: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    with serving() as server:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", server.url)
        from schemas.registry import Registry

        Registry(server.url).id_of(f"{STATE}-value", json.dumps(changed(STATE, with_field_more)))
        result = cli("schemas", "check", "--json")
    assert result.exit_code == 1
    (row,) = [row for row in json.loads(result.output)["topics"] if row["topic"] == STATE]
    assert (row["release"], row["verdict"]) == ("registry version 1", "breaking")


def test_list_names_every_topic_and_its_releases(folder: Path, cli: Callable[..., Any]) -> None:
    freeze("0.1.0", folder)
    result = cli("schemas", "list")
    assert result.exit_code == 0
    for row in contracts():
        assert row.name in result.output
    document = json.loads(cli("schemas", "list", "--json").output)
    assert [row["topic"] for row in document["topics"]] == [row.name for row in contracts()]
    assert all(row["releases"] == ["0.1.0"] and row["examples"] >= 2 for row in document["topics"])


@pytest.mark.parametrize("name", ["state", STATE])
def test_show_gives_contract_fields_and_an_example(cli: Callable[..., Any], name: str) -> None:
    result = cli("schemas", "show", name)
    assert result.exit_code == 0
    for part in (STATE, "FULL_TRANSITIVE", "invoices[].allocated.minor", "correlation_id", "REJECTED"):
        assert part in result.output
    document = json.loads(cli("schemas", "show", name, "--json").output)
    assert document["schema"] == load_schema(STATE)
    assert len(document["examples"]) >= 2


def test_fields_go_through_records_and_arrays_and_names() -> None:
    rows = {row.path: row for row in fields_of(load_schema(STATE))}
    assert rows["instructed"].type == "null | Money"
    assert rows["settled.currency"].doc == "ISO 4217 code."
    assert rows["milestones[].name"].type == "Status"
    assert rows["open_alerts"].type == "array of string"
    assert rows["rail"].default == "null"
    assert rows["version"].default is None


def test_topics_are_listed_by_name_with_what_they_hold(cli: Callable[..., Any]) -> None:
    result = cli("topics", "list")
    assert result.exit_code == 0
    places = [result.output.index(f"{row.name}  ") for row in contracts()]
    assert places == sorted(places)
    assert "key correlation id · compact · lifecycle → downstream" in result.output
    assert "1095 days" in result.output
    document = json.loads(cli("topics", "list", "--json").output)
    assert [row["name"] for row in document["topics"]] == [row.name for row in contracts()]
