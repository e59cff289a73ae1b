"""``paystate replay``: a new generation beside the live one: made, watched, compared, switched to, dropped."""

from __future__ import annotations

import getpass
import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas.plain import to_plain
from schemas.records import Generation, Generations
from schemas.registry import registry_of
from streams.cli.reach import reached
from streams.cli.wording import moment
from streams.cluster import Cluster
from streams.generations import Decision, GenerationError, GenerationsTopic, known
from streams.replay.compare import MOST_SHOWN, Comparison, Counted, compare
from streams.replay.decide import Decider
from streams.replay.difference import Differs, text_of
from streams.replay.points import BEGINNING, SharedTopics, point, shown
from streams.replay.progress import Follower, Standing
from streams.replay.start import Asked, Starter
from streams.settings import Settings, load

app = typer.Typer(help="A new generation of all that is derived, beside the live one.", no_args_is_help=True)

Actor = Annotated[str | None, typer.Option(help="who decides; default: the user of this machine")]
Reason = Annotated[str, typer.Option("--reason", help="why, for whoever reads the history")]
Within = Annotated[float, typer.Option(min=1, help="seconds that the workers may take for what is there now")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object")]
Number = Annotated[int, typer.Argument(min=1, help="the generation")]


def register(root: typer.Typer) -> None:
    """Add ``paystate replay``."""
    root.add_typer(app, name="replay")


@app.command("start")
def start(
    reason: Reason,
    begin: Annotated[
        str,
        typer.Option("--from", help=f"{BEGINNING}, an ISO 8601 time, or offsets of payments.raw.v1: 0=1200,1=1180"),
    ] = BEGINNING,
    generation: Annotated[int | None, typer.Option(min=2, help="its number; default: the next free one")] = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, max=256, help="of its derived topics; default: those of the live generation")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="though open payments are cut: to be compared, never switched to")
    ] = False,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Declare a generation, and make its topics. Its workers do the rest: PAYSTATE_GENERATION=N paystate worker.

    Nothing of the live generation is touched. A start that was killed is finished by the same command with
    --generation N. Refused where facts of open payments lie before the beginning.
    """
    cluster = reached(load())
    asked = Asked(point(begin), generation, partitions, partial)
    declared = Starter(cluster.client, cluster.settings).start(asked, _decision(actor, reason))
    if as_json:
        typer.echo(json.dumps(to_plain(declared)))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"generation {declared.generation}: {declared.partitions} partitions, from {escape(declared.begins)}")
    for line in shown(declared.marks):
        console.print(f"  {escape(line)}")
    console.print(
        f"Start its workers: PAYSTATE_GENERATION={declared.generation} paystate worker, with the code, mapping and "
        f"policy to try. Then: paystate replay status; paystate replay compare {declared.generation}"
    )


@app.command("status")
def status(
    watch: Annotated[bool, typer.Option("--watch", help="go on until every generation has caught up")] = False,
    as_json: AsJson = False,
) -> None:
    """Which generation counts, how far the others are and when they will have caught up, who decided what."""
    cluster = reached(load())
    topic = GenerationsTopic(cluster.client, registry_of(cluster.settings.registry_url))
    while True:
        generations = topic.read()
        standings = {row.generation: _standing(cluster, row) for row in generations.generations}
        if as_json:
            typer.echo(json.dumps(_status_document(generations, standings)))
        else:
            _show_status(generations, standings)
        if not watch or all(standing.phase == "live" for standing in standings.values()):
            return
        time.sleep(1)


@app.command("compare")
def compare_(
    generation: Number,
    within: Within = 120,
    limit: Annotated[int, typer.Option(min=0, max=MOST_SHOWN, help="payments that are shown")] = 50,
    as_json: AsJson = False,
) -> None:
    """What the generation says against what the live one says, payment by payment. Exit status 1 if they differ.

    First both must have taken what is there now; what comes meanwhile is left out.
    """
    cluster = reached(load())
    live, new = cluster.settings, _of(cluster, generation)
    if live.generation == generation:
        raise GenerationError(f"generation {generation} is in force: name another one to compare with it")
    until_us = SharedTopics(cluster.client).newest_ms() * 1_000
    for settings in (live, new):
        with Follower(cluster.client, settings) as follower:
            follower.await_taken(within)
            follower.await_proved(until_us, within)
    found = compare(cluster.client, live, new, until_us)
    if as_json:
        typer.echo(json.dumps({"ok": found.ok, **asdict(found)}))
    else:
        _show_comparison(found, limit)
    if not found.ok:
        raise typer.Exit(1)


@app.command("switch")
def switch(generation: Number, reason: Reason, actor: Actor = None, within: Within = 60) -> None:
    """Point consumers at the generation, once it has taken all that is there. The one before keeps running."""
    cluster = reached(load())
    decider = Decider(cluster.client, cluster.settings)
    after = decider.switch(generation, _decision(actor, reason), within)
    typer.echo(f"generation {after.current} is in force; back to {after.previous} with `paystate replay rollback`")


@app.command("rollback")
def rollback(reason: Reason, actor: Actor = None, within: Within = 60) -> None:
    """Point consumers back at the generation before the last switch, once it has taken all that is there."""
    cluster = reached(load())
    after = Decider(cluster.client, cluster.settings).rollback(_decision(actor, reason), within)
    typer.echo(f"generation {after.current} is in force again")


@app.command("drop")
def drop(generation: Number, reason: Reason, actor: Actor = None) -> None:
    """Delete topics, group and stores of a generation that nobody follows and whose workers are stopped."""
    cluster = reached(load())
    Decider(cluster.client, cluster.settings).drop(generation, _decision(actor, reason))
    typer.echo(f"generation {generation} is dropped")


def _decision(actor: str | None, reason: str) -> Decision:
    return Decision(actor or getpass.getuser(), reason, time.time_ns() // 1_000)


def _of(cluster: Cluster, number: int) -> Settings:
    return cluster.settings.model_copy(update={"generation": number})


def _standing(cluster: Cluster, declared: Generation) -> Standing:
    with Follower(cluster.client, _of(cluster, declared.generation)) as follower:
        return follower.look_twice(declared, 1.0)


def _status_document(generations: Generations, standings: dict[int, Standing]) -> dict[str, Any]:
    told = {
        str(number): {**asdict(standing), "phase": standing.phase, "eta_s": standing.eta_s}
        for number, standing in standings.items()
    }
    return {**to_plain(generations), "standings": told}


def _show_status(generations: Generations, standings: dict[int, Standing]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"generation {generations.current} is in force")
    for number, standing in standings.items():
        declared = known(generations, number)
        cut = " [yellow]partial[/]" if declared is not None and declared.partial else ""
        console.print(f"generation {number}:{cut} {standing_text(standing)}")
    for step in generations.history:
        who, what = escape(step.actor), step.action.value.lower()
        console.print(f"  {moment(step.at)} {who}: {what} {step.generation}: {escape(step.reason)}")


def standing_text(standing: Standing) -> str:
    """``replaying 1200 of 4000 records (30 %), 350/s, 8 s to go; 12 records behind``."""
    share = 100 * standing.replayed // standing.total if standing.total else 100
    text = f"{standing.phase}, {standing.replayed} of {standing.total} offsets replayed ({share} %)"
    if standing.per_s is not None:
        eta_s = standing.eta_s
        text += f", {standing.per_s:.0f}/s, " + (
            "no worker gets on with it" if eta_s is None else f"{eta_s:.0f} s to go"
        )
    return f"{text}; {standing.behind} records behind"


def _show_comparison(found: Comparison, limit: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table("", "same", "told otherwise", "moving", "different", f"only in {found.live}", f"only in {found.new}")
    for name in ("payments", "alerts", "pairs", "steps"):
        table.add_row(name, *_row(getattr(found, name)))
    console.print(table)
    for differs in found.differs[:limit]:
        for line in lines_of(differs, found.live, found.new):
            console.print(escape(line))
    for name in ("alerts", "pairs"):
        counted: Counted = getattr(found, name)
        for alert_id in [*counted.different, *counted.only_live, *counted.only_new][:limit]:
            console.print(f"{name[:-1]} {escape(alert_id)}")
    if found.ok:
        console.print(f"[bold green]generation {found.new} says what generation {found.live} says[/]")
    else:
        console.print(f"[bold yellow]generation {found.new} differs from generation {found.live}[/]")


def _row(counted: Counted) -> tuple[str, ...]:
    ids = (counted.different, counted.only_live, counted.only_new)
    return (str(counted.same), str(counted.otherwise), str(counted.moving), *(str(len(names)) for names in ids))


def lines_of(differs: Differs, live: int, new: int) -> list[str]:
    """A payment that differs, one line a field: what the live generation says -> what the new one says."""
    head = f"{differs.correlation_id}: {differs.live_status or 'not there'} -> {differs.new_status or 'not there'}"
    lines = [head] + [f"    {row.field}: {text_of(row.live)} -> {text_of(row.new)}" for row in differs.fields]
    lines += [f"    fact only in generation {live}: {fact}" for fact in differs.facts_only_live]
    return lines + [f"    fact only in generation {new}: {fact}" for fact in differs.facts_only_new]
