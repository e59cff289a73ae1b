"""``paystate broker``: the embedded broker."""

from __future__ import annotations

from collections import deque
from typing import Annotated

import typer

from streams.broker.embedded import EmbeddedBroker
from streams.settings import Settings, load

app = typer.Typer(help="The embedded broker: a real Apache Kafka of your own.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``paystate broker``."""
    root.add_typer(app, name="broker")


def broker_of(settings: Settings) -> EmbeddedBroker:
    """The embedded broker of the settings' data folder."""
    return EmbeddedBroker(settings.broker_dir, settings.broker.java)


@app.command()
def start() -> None:
    """Start it, or find the one that runs."""
    running = broker_of(load()).start()
    typer.echo(f"running at {running.bootstrap_servers} (pid {running.pid}), folder {running.folder}")


@app.command()
def stop() -> None:
    """Stop it; its data stays."""
    typer.echo("stopped" if broker_of(load()).stop() else "none was running")


@app.command()
def status() -> None:
    """Whether it runs, and where. Exit status 1 if it does not."""
    running = broker_of(load()).status()
    if running is None:
        typer.echo("not running: paystate broker start")
        raise typer.Exit(1)
    typer.echo(f"running at {running.bootstrap_servers} (pid {running.pid}), folder {running.folder}")


@app.command()
def logs(lines: Annotated[int, typer.Option("--lines", "-n", help="how many of the last lines")] = 50) -> None:
    """The last lines that it logged."""
    path = broker_of(load()).log_path
    if not path.exists():
        typer.echo(f"no log yet at {path}")
        raise typer.Exit(1)
    with path.open(encoding="utf-8", errors="replace") as log:
        for line in deque(log, maxlen=lines):
            typer.echo(line.rstrip("\n"))
