"""``paystate store``: the stores of this machine's workers, checked and made anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from streams.settings import load

if TYPE_CHECKING:
    from streams.store_care import Rebuilt, Verdict

app = typer.Typer(help="The stores of this machine's workers.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``paystate store``."""
    root.add_typer(app, name="store")


@app.command("check")
def check_(
    deep: Annotated[bool, typer.Option("--deep", help="compare every row with its topic too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Read every block of the stores that no worker holds, and compare how far they are with their topics.

    Exit status 1 if one is damaged or would be made anew. A store that a worker holds is only named: stop it first.
    """
    # imported here: the list of commands must not wait for the whole pipeline to be loaded
    from streams.cli.reach import reached
    from streams.store_care import check

    verdicts = list(check(reached(load()), deep=deep))
    wrong = [row for row in verdicts if row.wrong]
    if as_json:
        typer.echo(json.dumps({"ok": not wrong, "stores": [_plain(row) for row in verdicts]}))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for row in verdicts:
            console.print(_told(row))
        if not verdicts:
            console.print("no worker has kept a store here yet")
        elif wrong:
            console.print("     -> start the worker, it makes them anew by itself; or now: `paystate store rebuild`")
    if wrong:
        raise typer.Exit(1)


def _plain(row: Verdict) -> dict[str, object]:
    return {
        "worker": row.place.instance,
        "partition": row.place.partition,
        "held_by": row.held_by,
        "rows": row.rows,
        "behind": row.behind,
        "wrong": row.wrong,
    }


def _told(row: Verdict) -> str:
    if row.held_by is not None:
        return f"[dim]skip[/] {row.place}: process {row.held_by} has it open: stop that worker to check it"
    if row.wrong:
        return f"[bold red]fail[/] {row.place}: {escape(row.wrong)}"
    return f"[green]ok  [/] {row.place}: {row.rows} rows, {row.behind} offsets behind its topics"


@app.command("rebuild")
def rebuild_(
    partition: Annotated[int, typer.Argument(min=0, help="of which partition")],
    worker: Annotated[str | None, typer.Option("--worker", help="only this worker's store")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Make a partition's store anew from its topics: at once, or where a worker holds it at that worker's next start.

    Nothing can be lost by this: a store holds nothing that its topics do not.
    """
    from streams.cli.reach import reached
    from streams.store_care import find, rebuild

    settings = load()
    found = find(settings, partition, worker)
    cluster = reached(settings)
    done = [rebuild(cluster, place) for place in found]
    if as_json:
        rows = [{"worker": row.place.instance, "held_by": row.held_by, "records": row.records} for row in done]
        typer.echo(json.dumps({"partition": partition, "stores": rows}))
        return
    for row in done:
        typer.echo(_made(row))


def _made(row: Rebuilt) -> str:
    if row.held_by is not None:
        return f"{row.place}: process {row.held_by} has it open: it is made anew when that worker is restarted"
    return f"{row.place}: made anew from {row.records} records"
