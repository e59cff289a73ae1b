"""``paystate worker``: the pipeline, in this process or in one that is started again whenever it fails."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.settings import load


def register(root: typer.Typer) -> None:
    """Add ``paystate worker``."""
    root.command()(worker)


def worker(
    supervise: Annotated[
        bool, typer.Option("--supervise", help="Start the worker again whenever it fails, as a service manager would.")
    ] = False,
    loglevel: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run the pipeline until SIGTERM. Start as many as there are partitions; each takes its share.

    Exit status 0 after SIGTERM, anything else means: start it again. Without a configured cluster a broker of our own
    is started first. /metrics, /live, /ready and /status are served at PAYSTATE_WEB_HOST:PAYSTATE_WEB_PORT.
    """
    settings = load()
    if supervise:
        from streams.supervisor import supervised

        raise typer.Exit(supervised([sys.executable, "-m", "streams.cli", "worker", "--loglevel", loglevel]))
    from streams.worker import run

    run(settings, loglevel)
