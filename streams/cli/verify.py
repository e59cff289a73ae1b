"""``paystate verify``: an independent reading of inputs and outputs. Nothing lost, repeated, reordered or wrong?"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.cli.reach import reached
from streams.settings import load
from streams.verify.report import FAULTS, Report

_WHAT = {
    "inputs": "records that came in",
    "applied": "had an effect",
    "duplicates": "copies of one that had",
    "dead_letters": "kept for a person (paystate dlq list)",
    "waiting": "wait for their payment",
    "silent": "say nothing about a payment of ours",
    "payments": "payments recomputed from their facts",
    "transitions": "lifecycle steps in their chains",
    "alerts": "alerts",
    "duplicate_alerts": "versions of duplicate alerts",
    "store_rows": "rows of workers' stores compared",
    "lost": "inputs without any trace",
    "repeated": "told or applied more often than once",
    "reordered": "steps that do not follow one another",
    "wrong_state": "states that the facts do not come to",
    "store_mismatch": "rows that differ from their changelog",
}


def register(root: typer.Typer) -> None:
    """Add ``paystate verify``."""
    root.command("verify")(verify)


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="the report as one JSON object")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="first wait until the workers have taken everything")] = False,
    within: Annotated[float, typer.Option(min=1, help="seconds that --wait may take")] = 120,
) -> None:
    """Read all topics and stores and recompute every payment. Exit status 1 if anything is wrong or not yet taken."""
    report = _report(within if wait else None)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(1)


def _report(wait_s: float | None) -> Report:
    """What there is to say of the cluster; ends the command with a message where it cannot be read."""
    # imported here: the list of commands must not wait for the whole pipeline to be loaded
    from streams.quiet import NotQuietError
    from streams.verify.cluster import rest, verify_cluster
    from streams.verify.read import ReadError

    cluster = reached(load())
    settings, client = cluster.settings, cluster.client
    try:
        if wait_s is not None:
            rest(client, settings, wait_s)
        return verify_cluster(client, settings)
    except (NotQuietError, ReadError) as error:
        Console(stderr=True).print(f"[bold red]paystate:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(1) from error


def _show(report: Report) -> None:
    console = Console()
    table = Table("check", "count", "what")
    for name, what in _WHAT.items():
        count = getattr(report, name)
        wrong = name in FAULTS
        table.add_row(name, f"[bold red]{count}[/]" if wrong and count else str(count), what, end_section=name == _LAST)
    console.print(table)
    for finding in report.findings:
        console.print(f"[red]{finding.check}[/] {escape(finding.subject)}", highlight=False)
        console.print(f"    expected {escape(finding.expected)}\n    found    {escape(finding.found)}", highlight=False)
    for note in report.notes:
        console.print(f"note: {escape(note)}", highlight=False)
    console.print(_verdict(report))


#: The row above the faults.
_LAST = "store_rows"


def _verdict(report: Report) -> str:
    if report.lag:
        return (
            f"[bold yellow]not at rest:[/] the workers have yet to take {report.lag} records, so what looks lost may "
            "only be late: start `paystate worker`, or verify with --wait"
        )
    if report.faults:
        return f"[bold red]{report.faults} faults[/]: the first of each kind are above"
    return "[bold green]nothing lost, nothing repeated, nothing reordered, nothing wrong[/]"
