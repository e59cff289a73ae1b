"""``paystate doctor``: what is wrong around paystate, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from streams.doctor.examine import examine
from streams.doctor.finding import Finding, Level

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red", Level.SKIP: "dim"}


def register(root: typer.Typer) -> None:
    """Add ``paystate doctor``."""
    root.command("doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object with all findings")] = False,
) -> None:
    """Check settings, this machine, broker, topics, schemas, workers and dead letters, and say what to do.

    Exit status 1 if anything fails; a warning is no failure.
    """
    console = Console(highlight=False, soft_wrap=True)
    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _say(console, finding)
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "findings": [asdict(finding) for finding in findings]}))
    if failed:
        raise typer.Exit(1)


def _say(console: Console, finding: Finding) -> None:
    level = f"[{_STYLES[finding.level]}]{finding.level.value:<4}[/]"
    console.print(f"{level} [bold]{finding.name}[/]: {escape(finding.found)}")
    if finding.advice:
        console.print(f"     -> {escape(finding.advice)}")
