"""The live view: one screen on a terminal, one line every two seconds where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.cli.story_view import status_text, step_text, what, who
from streams.demo.pulse import Beat
from streams.demo.tell import span
from streams.demo.teller import Progress
from streams.demo.watch import Seen
from streams.domain.statuses import Status

_REFRESH_PER_S: Final = 4
_LINE_EVERY_S: Final = 2.0
_BAR: Final = 24
_NOTES: Final = 3

Tick = Callable[[], None]
"""Draws what there is to be seen now. Cheap to call too often."""


@dataclass(slots=True)
class Scene:
    """What the view looks at; the others write, the view reads. ``notes``: what happened, newest last."""

    progress: Progress
    seen: Seen
    beat: Callable[[], Beat]
    payments: int
    began_s: float = field(default_factory=time.monotonic)
    notes: list[str] = field(default_factory=list)
    _rates: list[tuple[float, int]] = field(default_factory=list)

    @property
    def elapsed_s(self) -> float:
        """Since the company began to speak."""
        return time.monotonic() - self.began_s

    def throughput(self) -> float:
        """Transitions that became visible a second, over the last seconds."""
        now_s, rates = time.monotonic(), self._rates
        rates.append((now_s, self.seen.transitions))
        while len(rates) > 2 and now_s - rates[0][0] > _LINE_EVERY_S:
            rates.pop(0)
        (then_s, then), (_, now) = rates[0], rates[-1]
        return (now - then) / (now_s - then_s) if now_s > then_s else 0.0


@contextmanager
def watched(console: Console, scene: Scene) -> Iterator[Tick]:
    """Show the scene while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, scene).tick
        return
    with Live(console=console, refresh_per_second=_REFRESH_PER_S, auto_refresh=False, transient=True) as live:
        drawn_s = 0.0

        def tick() -> None:
            nonlocal drawn_s
            if time.monotonic() - drawn_s >= 1 / _REFRESH_PER_S:
                drawn_s = time.monotonic()
                live.update(screen(scene), refresh=True)

        yield tick


class _Lines:
    def __init__(self, console: Console, scene: Scene) -> None:
        self._console = console
        self._scene = scene
        self._said_s = time.monotonic()
        self._noted = len(scene.notes)

    def tick(self) -> None:
        scene = self._scene
        for note in scene.notes[self._noted :]:
            self._console.print(f"  {note}", highlight=False)
        self._noted = len(scene.notes)
        if time.monotonic() - self._said_s >= _LINE_EVERY_S:
            self._said_s = time.monotonic()
            self._console.print(f"  {line(scene)}", highlight=False, soft_wrap=True)


def line(scene: Scene) -> str:
    """The scene in one line."""
    seen, progress = scene.seen, scene.progress
    lag = ", ".join(f"{stage} {count}" for stage, count in scene.beat().lag.items() if count)
    return (
        f"{scene.elapsed_s:4.0f} s  said {progress.said} of {progress.planned}, payments {seen.payments}, "
        f"transitions {seen.transitions} ({scene.throughput():.0f}/s), {_latency(seen)}, "
        f"alerts {seen.open_alerts().total()}, duplicates {len(seen.open_duplicates())}, lag {lag or 'none'}"
    )


def screen(scene: Scene) -> Panel:
    """The scene on a terminal."""
    parts: list[RenderableType] = [
        _head(scene),
        Columns([_statuses(scene.seen), Group(_lag(scene.beat()), _alerts(scene.seen))], padding=(0, 3)),
        _workers(scene.beat()),
        _latest(scene.seen),
        *(Text.from_markup(note) for note in scene.notes[-_NOTES:]),
    ]
    title = f"a simulated company of {scene.payments} payments"
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan")


def _head(scene: Scene) -> Table:
    progress, seen = scene.progress, scene.seen
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "said", ProgressBar(total=max(progress.planned, 1), completed=progress.said, width=30), str(progress.said)
    )
    table.add_row("transitions", f"[bold]{scene.throughput():.0f}[/] a second", str(seen.transitions))
    table.add_row("received to visible", _latency(seen), f"{scene.elapsed_s:.0f} s")
    return table


def _latency(seen: Seen) -> str:
    return f"p50 {span(seen.quantile_ms(0.5, recent=True))} p99 {span(seen.quantile_ms(0.99, recent=True))}"


def _statuses(seen: Seen) -> Table:
    table = Table.grid(padding=(0, 1))
    most = max([*seen.statuses.values(), 1])
    for status in Status:
        count = seen.statuses[status.value]
        if count:
            table.add_row(status_text(status), f"{count}", "█" * max(1, round(_BAR * count / most)))
    return table


def _lag(beat: Beat) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_row("[dim]records waiting for[/]", "")
    for stage, count in beat.lag.items():
        table.add_row(f"  {stage}", str(count))
    return table


def _alerts(seen: Seen) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_row("[dim]open alerts[/]", "")
    for kind, count in seen.open_alerts().most_common():
        table.add_row(f"  {kind}", str(count))
    table.add_row("  [yellow]duplicate payments[/]", f"[yellow]{len(seen.open_duplicates())}[/]")
    return table


def _workers(beat: Beat) -> str:
    said = []
    for name, worker in beat.workers.items():
        active = ", ".join(map(str, worker.active)) or "none"
        waits = f", restoring {', '.join(map(str, worker.restoring))}" if worker.restoring else ""
        colour = "green" if worker.active else "yellow"
        said.append(f"[{colour}]{name}[/] {worker.state}: partitions {active}{waits}")
    return "   ".join(said)


def _latest(seen: Seen) -> Table:
    table = Table.grid(padding=(0, 2))
    for step in list(seen.latest):
        table.add_row(
            escape(step.correlation_id), step_text(step), f"[dim]{escape(who(step))}: {escape(what(step))}[/]"
        )
    return table
