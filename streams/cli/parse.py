"""``paystate parse``: what files say, as the pipeline would understand it. Nothing is sent anywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.bank_profiles import ProfileError
from connectors.contract import JSON, FileEnd, MappingError, Refusal
from connectors.formats import InstalledFormats
from connectors.parsing import Parsed, parse_stream
from streams.settings import load

EXIT_ERROR: Final = 1
EXIT_REJECTED: Final = 2
_STANDARD_INPUT: Final = "-"
_MOST_ROWS: Final = 1_000
"""Rows of a table for a person; --json has no such bound."""

_Row = Mapping[str, JSON]
_Column = Callable[[_Row], JSON]


def register(root: typer.Typer) -> None:
    """Add ``paystate parse``."""
    root.command("parse")(parse)


def parse(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="files to read; - is the standard input")],
    format_: Annotated[str, typer.Option("--format", help="the files' format; auto looks into them")] = "auto",
    profile: Annotated[
        str, typer.Option(help="the bank profile that says what this bank does differently")
    ] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a file, one a line")] = False,
) -> None:
    """Read files to their end and show what they say. Nothing is sent anywhere.

    Exit status 0: all accepted; 2: some rejected, and nothing that those say is shown.
    """
    try:
        formats = InstalledFormats(load().profiles_dir)
    except ProfileError as error:
        Console(stderr=True).print(f"[bold red]paystate:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(EXIT_ERROR) from None
    console, all_accepted = Console(), True
    for name in files:
        with Parsed(name) as parsed:
            _parse(name, parsed, formats, format_, profile)
            all_accepted &= parsed.accepted
            if as_json:
                parsed.write_json(sys.stdout.buffer)
            else:
                _show(parsed, console)
    raise typer.Exit(0 if all_accepted else EXIT_REJECTED)


def _parse(name: str, parsed: Parsed, formats: InstalledFormats, format_: str, profile: str) -> None:
    try:
        if name == _STANDARD_INPUT:
            parse_stream(sys.stdin.buffer, parsed, formats, format_, profile)
            return
        with Path(name).open("rb") as stream:
            parse_stream(stream, parsed, formats, format_, profile)
    except OSError as error:
        parsed.last = Refusal("unreadable", name, "a file that can be read", error.strerror or str(error))


def _show(parsed: Parsed, console: Console) -> None:
    """For a person: a table, what was not understood, one line of verdict."""
    last = parsed.last
    if isinstance(last, FileEnd):
        if parsed.count:
            console.print(_table(parsed))
        if parsed.count > _MOST_ROWS:
            console.print(f"… and {parsed.count - _MOST_ROWS:,} more; --json shows all")
        for error in parsed.errors:
            console.print(f"[yellow]not understood[/] {escape(_sentence(error))}", highlight=False, soft_wrap=True)
        said = f"{last.format}, message {last.message_id or 'without id'}, {parsed.count:,} {parsed.kind}"
        console.print(f"[green]accepted[/] {escape(f'{parsed.name}: {said}')}", highlight=False, soft_wrap=True)
    else:
        said = f"{parsed.name}: {last.reason}: {last.detail}"
        console.print(f"[red]rejected[/] {escape(said)}", highlight=False, soft_wrap=True)


def _sentence(error: MappingError) -> str:
    return f"{error.position}, {error.field}: expected {error.expected}, found {error.found}"


def _table(parsed: Parsed) -> Table:
    columns = _COLUMNS[parsed.kind]
    table = Table(title=escape(parsed.name), title_justify="left")
    for title in columns:
        table.add_column(title, overflow="fold")
    for row in parsed.rows(_MOST_ROWS):
        table.add_row(*(escape(_text(column(row))) for column in columns.values()))
    return table


def _text(value: JSON) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return "" if value is None else str(value)


def _name(row: _Row) -> JSON:
    """The best of its names."""
    names = row.get("references")
    return next((value for value in names.values() if value), None) if isinstance(names, dict) else None


def _meaning(row: _Row) -> JSON:
    told = [row.get("lifecycle") or "no evidence", *_list(row.get("flags"))]
    return f"{row.get('bank_status')}: {_text(told)}"


def _reason(row: _Row) -> JSON:
    codes, words = _text(row.get("reason_codes")), _text(row.get("reason_text"))
    return f"{codes}: {words}" if codes and words else codes or words


def _money(row: _Row) -> JSON:
    amount = row.get("amount")
    told = None if amount is None else f"{amount} {row.get('currency')}"
    return " ".join(str(part) for part in (row.get("direction"), told) if part)


def _party(role: str, row: _Row) -> JSON:
    party = row.get(role)
    return (party.get("name") or party.get("account")) if isinstance(party, dict) else None


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _field(*names: str) -> _Column:
    """The first of these fields that the row has."""
    return lambda row: next((row[name] for name in names if row.get(name) is not None), None)


_COLUMNS: Final[dict[str, dict[str, _Column]]] = {
    "acknowledgements": {
        "position": _field("position"),
        "payment": _name,
        "bank says": _meaning,
        "amount": _money,
        "reason": _reason,
    },
    "instructions": {
        "position": _field("position"),
        "payment": _name,
        "amount": _money,
        "from": lambda row: _party("debtor", row),
        "to": lambda row: _party("creditor", row),
        "on": _field("requested_execution_date"),
    },
    "documents": {
        "id": _field("source_event_id"),
        "at": _field("occurred_at"),
        "payment": lambda row: row.get("correlation_id") or _name(row),
        "says": _field("decision", "stage", "status", "kind", "action"),
        "by": _field("actor", "bank", "source"),
    },
}
