"""``paystate files``: the ledger of files: what came in, what was refused and why, and taking a refused one again."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.intake.ledger import Ledger
from connectors.intake.reading import Request
from schemas.plain import to_plain
from schemas.records import FileEntry, FileStatus
from streams.cli import wording
from streams.cli.ingest import EXIT_REFUSED, exit_status, line_of, open_intake
from streams.cli.reach import reached
from streams.lookup.files import HASH_SHOWN, entry_of
from streams.settings import load

app = typer.Typer(help="Files that came in, refused ones too.", no_args_is_help=True)
Hash = Annotated[str, typer.Argument(help="SHA-256 of the file, or the beginning of it")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text")]


def register(root: typer.Typer) -> None:
    """Add ``paystate files``."""
    root.add_typer(app, name="files")


@app.command("list")
def list_(
    refused: Annotated[bool, typer.Option("--refused", help="refused ones only")] = False, as_json: AsJson = False
) -> None:
    """Every file in the order in which they came, newest last."""
    entries = [row for row in _entries() if not refused or row.status is FileStatus.REFUSED]
    if as_json:
        for entry in entries:
            typer.echo(_json(entry))
        return
    table = Table("received (UTC)", "status", "file", "format", "sender", "records", "hash", show_edge=False)
    for entry in entries:
        table.add_row(
            wording.moment(entry.received_at),
            entry.status.value.lower() + (f": {entry.reason}" if entry.reason else ""),
            escape(entry.name),
            entry.format or "",
            escape(entry.sender or ""),
            str(entry.records),
            entry.file_hash[:HASH_SHOWN],
        )
    Console().print(table)


@app.command()
def show(file_hash: Hash, as_json: AsJson = False) -> None:
    """All that the ledger knows of one file, and what to do if it was refused."""
    entry = entry_of(_entries(), file_hash)
    if as_json:
        typer.echo(_json(entry))
        return
    table = Table.grid(padding=(0, 2))
    for label, value in to_plain(entry).items():
        if value is not None:
            text = wording.moment(value) if label == "received_at" else str(value)
            table.add_row(label.replace("_", " "), escape(text))
    console = Console(highlight=False)
    console.print(table)
    if entry.status is FileStatus.REFUSED:
        console.print(
            f"Nothing of it was published. Ask the sender for a corrected file, or, if the reading was at fault: "
            f"paystate files retry {entry.file_hash[:HASH_SHOWN]} --profile NAME"
        )


@app.command()
def retry(
    file_hash: Hash,
    profile: Annotated[str | None, typer.Option(help="another bank profile; default: as before")] = None,
    format_: Annotated[str, typer.Option("--format", help="the file's format; auto looks into the file")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Take a file of the archive again, after a fix or with another profile. Exit status 2 if it is refused again."""
    with open_intake(load()) as intake:
        entry = entry_of(intake.ledger.entries(), file_hash)
        request = Request(format_, profile or entry.profile, entry.source, entry.sender)
        line = line_of(entry.name, intake.retry(entry.file_hash, request))
    if as_json:
        typer.echo(line.json())
    else:
        Console(soft_wrap=True, highlight=False).print(line.text())
    raise typer.Exit(EXIT_REFUSED if exit_status([line]) else 0)


def _entries() -> list[FileEntry]:
    with Ledger(reached(load()).client) as ledger:
        return sorted(ledger.entries(), key=lambda entry: (entry.received_at, entry.file_hash))


def _json(entry: FileEntry) -> str:
    return json.dumps(to_plain(entry), ensure_ascii=False)
