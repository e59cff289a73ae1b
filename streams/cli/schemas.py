"""``paystate schemas``: what the topics hold, and whether a change of it breaks anybody."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from schemas.codec import schema_fingerprint
from schemas.contract_files import examples, load_schema, released
from schemas.contracts import TopicContract, contract, contracts
from schemas.fields import fields_of
from schemas.registry import registry_of
from schemas.releases import Checked, check, freeze, known_releases
from streams.settings import load

app = typer.Typer(help="What the topics hold, and whether a change of it breaks anybody.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Topic = Annotated[str, typer.Argument(metavar="TOPIC", help="Its name, or the part of it that differs: state")]

#: For whom the contract's compatibility keeps the topic readable.
_KEPT: Final = {"BACKWARD_TRANSITIVE": "new readers", "FULL_TRANSITIVE": "all readers"}
_COLOURS: Final = {"same": "green", "benign": "green", "new": "cyan", "breaking": "bold red"}


def register(root: typer.Typer) -> None:
    """Add ``paystate schemas``."""
    root.add_typer(app, name="schemas")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every topic's record, its fingerprint and compatibility, and which releases know it."""
    rows = [_summary(row) for row in contracts()]
    if as_json:
        typer.echo(json.dumps({"topics": rows}, indent=2))
        return
    table = Table(Column("topic", no_wrap=True), "record", "fields", "keeps compatible", "releases")
    for row in rows:
        releases = ", ".join(row["releases"]) or "none yet"
        table.add_row(row["topic"], row["record"], str(row["fields"]), _KEPT[row["compatibility"]], releases)
    Console().print(table)


def _summary(row: TopicContract) -> dict[str, Any]:
    schema = load_schema(row.name)
    return {
        "topic": row.name,
        "record": schema["name"],
        "fields": len(schema["fields"]),
        "compatibility": row.compatibility,
        "fingerprint": schema_fingerprint(schema).hex(),
        "releases": [release.release for release in released(row.name)],
        "examples": len(examples(row.name)),
    }


@app.command()
def show(topic: Topic, as_json: AsJson = False) -> None:
    """One topic: its contract, every field with its meaning, and an example."""
    row = contract(topic if topic.startswith("payments.") else f"payments.{topic}.v1")
    schema, found = load_schema(row.name), examples(row.name)
    if as_json:
        shown = {"contract": row.model_dump(mode="json"), "schema": schema}
        typer.echo(json.dumps(shown | {"examples": {row.name: row.document for row in found}}, indent=2))
        return
    console = Console()
    console.print(f"[bold]{escape(row.name)}[/]: {escape(row.purpose.strip())}")
    console.print(
        f"key {escape(row.key)} · {row.compatibility} · written by {escape(', '.join(row.producers))} · "
        f"read by {escape(', '.join(row.consumers))} · personal data: {escape(row.personal_data)}",
        highlight=False,
    )
    table = Table("field", "type", "default", "meaning")
    for field in fields_of(schema):
        table.add_row(escape(field.path), escape(field.type), escape(field.default or ""), escape(field.doc))
    console.print(table)
    console.print(f"Example {escape(found[0].name)} (of {len(found)}; --json prints all):")
    console.print_json(data=found[0].document)


@app.command("check")
def check_(as_json: AsJson = False) -> None:
    """Tell breaking changes from benign ones, against everything released. Exit status 1 if one is breaking.

    Released is what is in schemas/avro/released, in a tag v* of a checkout, or in the registry at SCHEMA_REGISTRY_URL.
    """
    rows = check(known_releases(registry_of(load().registry_url)))
    breaking = sum(row.verdict == "breaking" for row in rows)
    if as_json:
        typer.echo(json.dumps({"breaking": breaking, "topics": [_plain(row) for row in rows]}, indent=2))
    else:
        _show_checked(rows, breaking)
    if breaking:
        raise typer.Exit(1)


def _plain(row: Checked) -> dict[str, Any]:
    return {
        "topic": row.contract,
        "compatibility": row.compatibility,
        "release": row.release or None,
        "verdict": row.verdict,
        "changes": [
            {
                "where": change.where,
                "what": change.what,
                "breaking": change in row.breaking,
                "breaks": sorted(broken.value for broken in change.breaks),
            }
            for change in (*row.breaking, *row.benign)
        ],
    }


def _show_checked(rows: list[Checked], breaking: int) -> None:
    table = Table(Column("topic", no_wrap=True), "against", "keeps compatible", "verdict", "changes")
    for row in rows:
        changes = [f"[bold red]{escape(f'{change.where} {change.what}')}[/]" for change in row.breaking]
        changes += [escape(f"{change.where} {change.what}") for change in row.benign]
        verdict = f"[{_COLOURS[row.verdict]}]{row.verdict}[/]"
        kept = _KEPT.get(row.compatibility, "-")
        table.add_row(row.contract, row.release or "no release", kept, verdict, "\n".join(changes))
    console = Console()
    console.print(table)
    if breaking:
        console.print(
            f"[bold red]{breaking} breaking.[/] Add fields with a default, keep those that have none, give a renamed "
            "field its old name as an alias; or make a new topic, .v2, beside the old one."
        )


@app.command("freeze")
def freeze_(version: Annotated[str, typer.Argument(help="The release that is being made: 0.1.0")]) -> None:
    """Keep the current schemas as those of a release, so that what it wrote stays readable. For maintainers."""
    for path in freeze(version):
        typer.echo(str(path))
