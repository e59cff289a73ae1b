"""``paystate watch``: a drop folder whose files are taken in as they come."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.markup import escape

from connectors.formats import InstalledFormats
from connectors.intake.ingest import Intake
from connectors.intake.reading import Request
from connectors.watch.lock import watched_alone
from connectors.watch.reading_rules import ReadingRules, rules_from
from connectors.watch.settling import Settling
from connectors.watch.stopping import Stop
from connectors.watch.watcher import AwayError, Told, Watcher
from schemas.apply import RefusedError
from streams.broker.java import BrokerError
from streams.cli import wording
from streams.cli.ingest import EXIT_ERROR, EXIT_REFUSED, Line, line_of, open_intake
from streams.cli.main import message_of
from streams.cli.reach import UnreachableError, reached
from streams.settings import Settings, load

_DOWN: Final = (UnreachableError, BrokerError, RefusedError, KafkaException)
"""What opening an intake may meet that passes, or that somebody else can put right while we wait."""


def register(root: typer.Typer) -> None:
    """Add ``paystate watch``."""
    root.command("watch")(watch)


def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the drop folder, with all folders below it")],
    format_: Annotated[str, typer.Option("--format", help="the files' format; auto looks into them")] = "auto",
    profile: Annotated[
        str, typer.Option(help="the bank profile that says what this bank does differently")
    ] = "default",
    source: Annotated[str | None, typer.Option(help="name of the source; default: the bank, else the sender")] = None,
    bank: Annotated[str | None, typer.Option(help="name of the bank; default: the sender that a file names")] = None,
    folders: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML: what is different in which sub-folder (docs/operating.md)"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="take what is there, then end")] = False,
    interval_s: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.05, help="how often to look")
    ] = 1.0,
    settle_s: Annotated[
        float,
        typer.Option("--settle", metavar="SECONDS", min=0.0, help="a file that does not change for so long is whole"),
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a file, one a line")] = False,
) -> None:
    """Take in the files that are dropped into DIR, oldest first, and move them to DIR/archive or DIR/rejected.

    A refused file has its reason beside it, in a .reason.json. Files that are still being written, and those with
    temporary names (.part, .tmp, hidden ones), are left alone. Ends on SIGTERM and Ctrl-C with exit status 0.
    With --once: 0: all taken; 2: some refused; 1: some could not be read or published.
    """
    settings = load()
    request = Request(format_, profile, source, bank)
    reading = rules_from(folders, request) if folders else ReadingRules(request)
    reading.check(InstalledFormats(settings.profiles_dir))
    stop, teller, door = Stop(), Teller(folder, as_json=as_json), ClusterDoor(settings)
    with watched_alone(folder), door, stop.on_signals():
        watcher = Watcher(folder, reading, Settling(settle_s, time.monotonic, time.time_ns), door, teller, stop)
        door.intake()  # what is wrong at the start is for whoever started us
        if once:
            teller.unfinished(watcher.drain(min(interval_s, settle_s or interval_s), settle_s))
        else:
            teller.says(f"watching {folder}: every {interval_s:g} s, until SIGTERM")
            watcher.run(interval_s)
    if once:
        raise typer.Exit(teller.exit_status)


class ClusterDoor:
    """The intake of the settings' cluster, opened again after it failed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: Intake | None = None
        self._generation = 0

    def __enter__(self) -> ClusterDoor:
        return self

    def __exit__(self, *_: object) -> None:
        self.reopen()

    def intake(self) -> Intake:
        """An intake of a cluster that answers. Raises AwayError."""
        try:
            generation = reached(self._settings).settings.generation
            if generation != self._generation:
                self.reopen()  # consumers were switched: a refused file's alert goes where they read
                self._generation = generation
            if self._open is None:
                self._open = open_intake(self._settings)
        except _DOWN as error:
            raise AwayError(message_of(error)) from error
        return self._open

    def reopen(self) -> None:
        """Close what is open; the next intake is a new one."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = None


class Teller:
    """Says one line a file. ``exit_status`` sums them up: an error outranks a refusal."""

    def __init__(self, folder: Path, *, as_json: bool) -> None:
        self._folder = folder
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._loud = Console(stderr=True, highlight=False, soft_wrap=True)
        self._outcomes: set[str] = set()

    @property
    def exit_status(self) -> int:
        """Of all files told so far."""
        if "error" in self._outcomes:
            return EXIT_ERROR
        return EXIT_REFUSED if "refused" in self._outcomes else 0

    def file(self, told: Told) -> None:
        """One line about one file."""
        path = os.path.relpath(told.path, self._folder)
        line = line_of(path, told.outcome) if told.outcome else Line(path, "error", 0, told.problem or "", None)
        self._outcomes.add(line.outcome)
        filed = os.path.relpath(told.filed, self._folder) if told.filed else None
        if self._as_json:
            typer.echo(json.dumps({**json.loads(line.json()), "filed": filed}, ensure_ascii=False))
        else:
            self._console.print(f"{_now()} {line.text()}" + (f" -> {escape(filed)}" if filed else ""))

    def away(self, problem: str, again_in_s: float) -> None:
        """The cluster cannot be reached."""
        self.says(
            f"[bold red]waiting[/] {escape(problem)}; all files stay in place, next attempt in {again_in_s:.0f} s"
        )

    def back(self) -> None:
        """It answers again."""
        self.says("[green]going on[/]")

    def unfinished(self, paths: tuple[Path, ...]) -> None:
        """What --once leaves behind."""
        for path in paths:
            self.says(f"left {escape(os.path.relpath(path, self._folder))}: still being written")

    def says(self, text: str) -> None:
        """A word that is about no file; rich markup. Not on the standard output, which has one line a file."""
        self._loud.print(f"{_now()} {text}")


def _now() -> str:
    return wording.moment(time.time_ns() // 1_000)
