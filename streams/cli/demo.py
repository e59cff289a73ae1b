"""``paystate demo``: the main job from end to end, for a person to watch and for a machine to judge."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from streams.settings import load


def register(root: typer.Typer) -> None:
    """Add ``paystate demo``."""
    root.command("demo")(demo)


def demo(
    payments: Annotated[int, typer.Option(min=1, max=1_000_000, help="payments of the simulated company")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="same seed and size: the same company")] = 1,
    rate: Annotated[float, typer.Option(min=0, help="records a second; 0: as fast as possible")] = 0,
    workers: Annotated[int, typer.Option(min=2, max=16, help="how many workers")] = 2,
    kill: Annotated[bool, typer.Option("--kill", help="kill a worker once more, when 40 % have been said")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave broker and workers running")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="write the summary to this file, as one JSON object")
    ] = None,
) -> None:
    """Show the main job: a broker, workers, real bank files, a simulated company, and a judgement of the end.

    Exit status 0 only if nothing is lost, repeated, reordered or wrong and every duplicate payment is found, no other.
    """
    # imported here: the list of commands must not wait for the whole pipeline to be loaded
    from streams.demo.errors import DemoError
    from streams.demo.run import Options, run

    signal.signal(signal.SIGTERM, _end)
    console = Console()
    options = Options(payments, seed, rate, workers, kill, keep)
    try:
        summary = run(options, load(), console)
    except DemoError as error:
        Console(stderr=True).print(f"[bold red]paystate:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(1) from error
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(summary.as_json(), indent=1) + "\n", encoding="utf-8")
    if not summary.ok:
        raise typer.Exit(1)


def _end(number: int, _frame: object) -> NoReturn:
    """Asked to stop: leave through every ``finally``, so that nothing is left running."""
    raise SystemExit(128 + number)
