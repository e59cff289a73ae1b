"""``paystate topics``: what is on the broker against the contracts."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from schemas.apply import Action, Change, apply, diff
from schemas.contracts import contracts
from streams.cluster import connect
from streams.settings import load

app = typer.Typer(help="Topics against their contracts.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``paystate topics``."""
    root.add_typer(app, name="topics")


@app.command("list")
def list_() -> None:
    """Every topic, what it holds and who writes it."""
    table = Table("topic", "key", "clean-up", "holds", "producers")
    for row in contracts():
        table.add_row(row.name, row.key, "+".join(row.cleanup_policy), row.purpose, ", ".join(row.producers))
    Console().print(table)


@app.command("diff")
def diff_() -> None:
    """What apply would do. Exit status 1 if anything differs."""
    settings = load()
    changes = diff(connect(settings, topics=False).admin(), settings.partitions, settings.generation)
    _show(changes)
    if any(change.action is not Action.NONE for change in changes):
        raise typer.Exit(1)


@app.command("apply")
def apply_() -> None:
    """Create missing topics and correct settings; refuse what would destroy data."""
    settings = load()
    admin = connect(settings, topics=False).admin()
    _show(apply(admin, settings.partitions, settings.generation, settings.kafka.replication_factor))


def _show(changes: list[Change]) -> None:
    table = Table("topic", "action", "what")
    for change in changes:
        table.add_row(change.topic, change.action.value, change.what)
    Console().print(table)
