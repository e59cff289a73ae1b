"""``paystate ingest``: files into the pipeline, each whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from connectors.formats import InstalledFormats
from connectors.intake.archive import Archive
from connectors.intake.ingest import IngestError, Intake, Outcome
from connectors.intake.reading import Request
from schemas.records import FileEntry, FileStatus
from streams.cli.reach import reached
from streams.lookup.files import HASH_SHOWN
from streams.settings import Settings, load
from streams.upgrade.inputs import check_inputs

EXIT_ERROR: Final = 1
EXIT_REFUSED: Final = 2
_COLOURS: Final = {"accepted": "green", "duplicate": "cyan", "refused": "red", "error": "bold red"}


def register(root: typer.Typer) -> None:
    """Add ``paystate ingest``."""
    root.command("ingest")(ingest)


@dataclass(frozen=True, slots=True)
class Line:
    """What is said about one file. ``entry`` is the ledger's; none if the file was neither taken nor refused."""

    path: str
    outcome: str
    published: int
    detail: str
    entry: FileEntry | None

    def text(self) -> str:
        """For a person, in one line; rich markup."""
        colour = _COLOURS[self.outcome]
        return f"[{colour}]{self.outcome:<9}[/] {escape(self.path)}  {escape(self.detail)}"

    def json(self) -> str:
        """For a script: the same keys for every outcome."""
        entry = self.entry
        return json.dumps(
            {
                "path": self.path,
                "outcome": self.outcome,
                "file_hash": entry.file_hash if entry else None,
                "format": entry.format if entry else None,
                "message_id": entry.message_id if entry else None,
                "sender": entry.sender if entry else None,
                "records": entry.records if entry else 0,
                "published": self.published,
                "reason": entry.reason if entry and self.outcome == "refused" else None,
                "detail": self.detail,
            },
            ensure_ascii=False,
        )


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE_OR_DIR…", help="files; a folder means all files below it")
    ],
    format_: Annotated[str, typer.Option("--format", help="the file's format; auto looks into the file")] = "auto",
    profile: Annotated[
        str, typer.Option(help="the bank profile that says what this bank does differently")
    ] = "default",
    source: Annotated[str | None, typer.Option(help="name of the source; default: the bank, else the sender")] = None,
    bank: Annotated[str | None, typer.Option(help="name of the bank; default: the sender that the file names")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a file, one a line")] = False,
) -> None:
    """Archive files, check them to their end, and publish their records once.

    Exit status 0: all accepted or known already; 2: some refused, and nothing of those published; 1: some could not be
    read or published.
    """
    request = Request(format_, profile, source, bank)
    with open_intake(load()) as intake:
        raise typer.Exit(exit_status(_said(intake, _files_below(paths), request, as_json=as_json)))


def open_intake(settings: Settings) -> Intake:
    """An intake into the settings' cluster. Raises TooEarlyError: its workers must be upgraded first."""
    cluster = reached(settings)
    check_inputs(cluster.client, settings.generation)
    formats = InstalledFormats(settings.profiles_dir)
    return Intake(cluster.client, Archive(settings.archive), formats, cluster.settings.generation, _now_us)


def exit_status(lines: Iterable[Line]) -> int:
    """An error outranks a refusal."""
    outcomes = {line.outcome for line in lines}
    if "error" in outcomes:
        return EXIT_ERROR
    return EXIT_REFUSED if "refused" in outcomes else 0


def line_of(path: str, outcome: Outcome) -> Line:
    """One line about a file that was taken, refused or known."""
    entry = outcome.entry
    what = entry.format or "unknown format"
    records = f"{entry.records} record{'' if entry.records == 1 else 's'}"
    if outcome.status is FileStatus.REFUSED:
        detail = f"{what}: {entry.reason}: {entry.detail}"
    elif outcome.status is FileStatus.DUPLICATE:
        detail = f"{what}, {records}, accepted before as {entry.name} ({entry.file_hash[:HASH_SHOWN]})"
    else:
        detail = f"{what}, {records} ({entry.file_hash[:HASH_SHOWN]})"
    return Line(path, outcome.status.value.lower(), outcome.published, detail, entry)


def _now_us() -> int:
    return time.time_ns() // 1_000


def _files_below(paths: Iterable[Path]) -> list[Path]:
    """Files as given; of a folder all files below it, sorted, hidden ones left out."""
    return [file for path in paths for file in (_walk(path) if path.is_dir() else [path])]


def _walk(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _said(intake: Intake, files: list[Path], request: Request, *, as_json: bool) -> list[Line]:
    """Take the files in turn, saying one line about each when it is done; on a terminal above a bar that moves."""
    console = Console(highlight=False, soft_wrap=True)
    lines = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=as_json or not console.is_terminal,
    ) as progress:
        task = progress.add_task("reading", total=sum(_sizes(files)))
        for file in files:
            progress.update(task, description=escape(file.name))
            line = _take(intake, file, request, lambda size: progress.advance(task, size))
            lines.append(line)
            if as_json:
                typer.echo(line.json())
            else:
                console.print(line.text())
    return lines


def _sizes(files: Iterable[Path]) -> Iterator[int]:
    for file in files:
        try:
            yield file.stat().st_size
        except OSError:
            continue  # said when its turn comes


def _take(intake: Intake, path: Path, request: Request, progress: Callable[[int], None]) -> Line:
    try:
        return line_of(str(path), intake.ingest(path, request, progress))
    except OSError as error:
        return Line(str(path), "error", 0, error.strerror or str(error), None)
    except IngestError as error:
        return Line(str(path), "error", 0, str(error), None)
