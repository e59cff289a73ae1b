"""``paystate topics``: what is on the broker against the contracts."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column, Table

from schemas.apply import Action, Change, apply, diff
from schemas.contracts import TopicContract, contracts
from streams.cli.reach import reached
from streams.settings import load

app = typer.Typer(help="Topics against their contracts.", no_args_is_help=True)
_DAY_MS: Final = 86_400_000


def register(root: typer.Typer) -> None:
    """Add ``paystate topics``."""
    root.add_typer(app, name="topics")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Every topic by name: what it holds under which key, how long, who writes and reads it. Needs no broker."""
    if as_json:
        typer.echo(json.dumps({"topics": [row.model_dump(mode="json") for row in contracts()]}, indent=2))
        return
    console = Console()
    for row in contracts():
        flow = f"{', '.join(row.producers)} → {', '.join(row.consumers)}"
        console.print(f"[bold]{row.name}[/]  {escape(row.purpose.strip())}", highlight=False)
        facts = f"key {row.key} · {_kept(row)} · {flow}"
        console.print(Padding(escape(facts), (0, 0, 1, 4), style="dim"), highlight=False)


def _kept(row: TopicContract) -> str:
    """The clean-up policy and retention in words."""
    policy = "+".join(row.cleanup_policy)
    return policy if row.retention_ms is None else f"{policy}, {row.retention_ms / _DAY_MS:.0f} days"


@app.command("diff")
def diff_() -> None:
    """What apply would do. Exit status 1 if anything differs."""
    cluster = reached(load(), topics=False)
    changes = diff(cluster.admin(), cluster.settings.partitions, cluster.settings.generation)
    _show(changes)
    if any(change.action is not Action.NONE for change in changes):
        raise typer.Exit(1)


@app.command("apply")
def apply_() -> None:
    """Create missing topics and correct settings; refuse what would destroy data."""
    cluster = reached(load(), topics=False)
    settings, admin = cluster.settings, cluster.admin()
    _show(apply(admin, settings.partitions, settings.generation, settings.kafka.replication_factor))


def _show(changes: list[Change]) -> None:
    table = Table(Column("topic", no_wrap=True), "action", "what")
    for change in changes:
        table.add_row(change.topic, change.action.value, escape(change.what))
    Console().print(table)
