"""``paystate simulate``: a company of your size, its banks and what they say, published into the cluster."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from connectors.formats import InstalledFormats
from streams.cli.reach import reached
from streams.domain.statuses import Status
from streams.settings import Settings, load
from streams.simulator.publish import Pace, Published, Voice, tell
from streams.simulator.simulation import Simulation
from streams.simulator.simulation import simulate as simulated
from streams.simulator.truth import Truth


def register(root: typer.Typer) -> None:
    """Add ``paystate simulate``."""
    root.command("simulate")(simulate)


def simulate(
    payments: Annotated[int, typer.Option(min=1, max=1_000_000, help="how many payments")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="same seed and size: same bytes, same truth")] = 1,
    rate: Annotated[float, typer.Option(min=0, help="records a second; 0: as fast as possible")] = 0,
    patience_s: Annotated[
        float, typer.Option(min=0, help="seconds until late words are said: more than your deadlines, to miss them")
    ] = 0,
    truth: Annotated[
        Path | None, typer.Option(dir_okay=False, help="where the truth is written; default: the data folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the summary as one JSON object")] = False,
) -> None:
    """Publish what a simulated company and its banks say, and keep the truth of how every payment must end."""
    settings = load()
    company = simulated(seed, payments)
    path = truth or settings.data_dir / f"truth-{seed}-{payments}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(company.truth.as_json(), indent=1) + "\n", encoding="utf-8")
    published, elapsed_s = _publish(settings, company, rate, patience_s)
    summary = _summary(company.truth, published, elapsed_s, path)
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        _show(summary)


def _publish(settings: Settings, company: Simulation, rate: float, patience_s: float) -> tuple[Published, float]:
    """What was published, and how long it took once the cluster was there."""
    cluster = reached(settings)
    console = Console(stderr=True)
    columns = (TextColumn("saying"), BarColumn(), MofNCompleteColumn(), TextColumn("messages"), TimeElapsedColumn())
    with (
        Voice(
            cluster.client, settings.archive, InstalledFormats(settings.profiles_dir), cluster.settings.generation
        ) as voice,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("", total=len(company.said))
        began_s = time.monotonic()
        published = tell(
            voice,
            company,
            Pace(rate),
            patience_s,
            lambda so_far: bar.update(task, completed=so_far.bodies + so_far.files),
        )
        return published, time.monotonic() - began_s


def _summary(truth: Truth, published: Published, elapsed_s: float, path: Path) -> dict[str, Any]:
    ends = Counter(row.status for row in truth.payments.values())
    return {
        "payments": len(truth.payments),
        "records": published.records,
        "bodies": published.bodies,
        "files": published.files,
        "files_again": published.files_again,
        "elapsed_s": round(elapsed_s, 3),
        "records_per_s": round(published.records / elapsed_s, 1) if elapsed_s > 0 else 0.0,
        "expected": {
            "statuses": {status.value: ends[status] for status in Status if ends[status]},
            "duplicates": len(truth.duplicates),
            "waiting": truth.waiting,
            "dead_letters": truth.dead_letters,
        },
        "truth": str(path),
    }


def _show(summary: dict[str, Any]) -> None:
    expected = summary["expected"]
    table = Table("what", "how many", title=f"{summary['payments']} payments")
    table.add_row("records published", f"{summary['records']} in {summary['elapsed_s']:.1f} s")
    table.add_row("of these from files", str(summary["records"] - summary["bodies"]))
    table.add_row("files", f"{summary['files']}, {summary['files_again']} of them again")
    table.add_section()
    for status, count in expected["statuses"].items():
        table.add_row(f"to end as {status}", str(count))
    table.add_section()
    table.add_row("duplicate payments to be found", str(expected["duplicates"]))
    table.add_row("facts to wait for a payment", str(expected["waiting"]))
    table.add_row("dead letters", str(expected["dead_letters"]))
    console = Console()
    console.print(table)
    console.print(f"the truth: {summary['truth']}", highlight=False, soft_wrap=True)
