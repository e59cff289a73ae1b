"""``paystate upgrade``: how far an upgrade is, and its end: from then on there is no way back to the release before."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from schemas.plain import to_plain
from schemas.records import Upgrade, UpgradeStep
from streams.app import group_of
from streams.cli import wording
from streams.cli.reach import reached
from streams.forms import FORMS
from streams.settings import load
from streams.upgrade.finish import Standing, finish, standing

app = typer.Typer(help="From one release to the next while workers run.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text")]


def register(root: typer.Typer) -> None:
    """Add ``paystate upgrade``."""
    root.add_typer(app, name="upgrade")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Which form is in force, which releases run, and whether the upgrade can be finished."""
    settings = load()
    found = standing(reached(settings).client, group_of(settings), settings.generation, FORMS)
    if as_json:
        typer.echo(json.dumps(_document(found)))
    else:
        _show(Console(highlight=False, soft_wrap=True), found)


@app.command("finish")
def finish_(
    actor: Annotated[str | None, typer.Option(help="who decides; default: the user of this machine")] = None,
    as_json: AsJson = False,
) -> None:
    """Write this release's form from now on. Earlier releases are refused after it: there is no way back.

    Refused, with exit status 1, while a worker of an earlier release is in the group. Running workers need no restart.
    """
    settings = load()
    client = reached(settings).client
    decision = finish(client, group_of(settings), settings.generation, FORMS, actor or getpass.getuser())
    if as_json:
        typer.echo(json.dumps(to_plain(decision)))
    else:
        typer.echo(_said(decision))


def _said(decision: Upgrade) -> str:
    by = f"{decision.release}, {decision.actor}, {wording.moment(decision.at)}"
    if decision.step is UpgradeStep.FINISHING:
        return f"form {decision.previous} is in force; form {decision.form} is being finished ({by})"
    return f"form {decision.form} is in force ({by})"


def _show(console: Console, found: Standing) -> None:
    forms = found.forms
    console.print(escape("nothing decided yet" if found.decision is None else _said(found.decision)))
    console.print(f"this paystate, {escape(forms.release)}, writes and reads forms 1 to {forms.newest.number}")
    for member in found.members:
        console.print(f"  {escape(str(member))}")
    if not found.members:
        console.print("  no worker runs")
    if found.is_finished:
        console.print("[green]nothing to finish[/]")
    for obstacle in found.obstacles:
        console.print(f"[yellow]not to be finished yet[/]: {escape(obstacle)}")
    if not found.is_finished and not found.obstacles:
        console.print(f"-> `paystate upgrade finish` puts form {forms.newest.number} in force; no way back after it")


def _document(found: Standing) -> dict[str, Any]:
    return {
        "decision": None if found.decision is None else to_plain(found.decision),
        "release": found.forms.release,
        "form": found.forms.newest.number,
        "members": [asdict(member) for member in found.members],
        "finished": found.is_finished,
        "obstacles": list(found.obstacles),
    }
