"""``paystate dlq``: records that could not be taken: which, why, what to do; send them again, or drop them."""

from __future__ import annotations

import getpass
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from schemas.plain import to_plain
from schemas.registry import registry_of
from streams.app import group_of
from streams.cli import wording
from streams.cli.reach import reached
from streams.dead_letters.advice import advice
from streams.dead_letters.held import readable
from streams.dead_letters.letters import (
    DeadLetterError,
    Letter,
    LetterId,
    Resolution,
    letter_id,
    letters,
    selected,
    whole,
)
from streams.dead_letters.resolve import Resolver
from streams.lookup.log import CommittedLog
from streams.settings import load
from streams.topics import Topics, topics_of

app = typer.Typer(help="Records that could not be taken: why, and what to do about them.", no_args_is_help=True)
_EXAMPLE_CHARACTERS = 300

ReasonClass = Annotated[str | None, typer.Option("--reason", help="only this class of reasons, as `dlq list` shows it")]
Stage = Annotated[str | None, typer.Option(help="only what this agent could not take")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text")]
Actor = Annotated[str | None, typer.Option(help="who decides; default: the user of this machine")]


def register(root: typer.Typer) -> None:
    """Add ``paystate dlq``."""
    root.add_typer(app, name="dlq")


@app.command("list")
def list_(
    reason: ReasonClass = None,
    stage: Stage = None,
    each: Annotated[bool, typer.Option("--each", help="each letter instead of groups")] = False,
    resolved_too: Annotated[bool, typer.Option("--resolved", help="replayed and dropped ones too")] = False,
    as_json: AsJson = False,
) -> None:
    """What is open, by stage and reason, with the number of letters and what to do."""
    log, topics = _opened()
    kept = letters(log, topics.dead_letters)
    wanted = selected(kept, reason_class=reason, stage=stage, resolution=None if resolved_too else Resolution.OPEN)
    if as_json:
        for letter in wanted:
            typer.echo(json.dumps(_letter_document(letter), ensure_ascii=False))
    elif not wanted:
        typer.echo(f"No open dead letters{_resolved_count(kept)}.")
    else:
        say = _say_each if each or reason or stage or resolved_too else _say_groups
        say(Console(highlight=False, soft_wrap=True), wanted)


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="topic[partition]@offset")], as_json: AsJson = False
) -> None:
    """One letter: the record as far as it can be read, why it was not taken, what to do."""
    log, topics = _opened()
    [letter] = _by_id(letters(log, topics.dead_letters), [id_])
    for _, _, held in whole(log, topics.dead_letters, [letter]):
        record = readable(held, topics)
        if as_json:
            typer.echo(json.dumps({**_letter_document(letter), "record": record}, ensure_ascii=False))
        else:
            _show(letter, record, held.source_timestamp_ms)


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="topic[partition]@offset")] = None,
    every: Annotated[bool, typer.Option("--all", help="every open letter")] = False,
    reason: ReasonClass = None,
    stage: Stage = None,
    actor: Actor = None,
) -> None:
    """Send records again, as they were, to where they came from.

    A record on payments.raw.v1 counts as received when it is replayed: its log-append time is new.
    """
    if not (ids or every or reason or stage):
        raise DeadLetterError("which ones? Name ids, or --reason, --stage, or --all for every open letter")
    done = _resolve(ids or [], reason, stage, Resolution.REPLAYED, actor, "replayed")
    typer.echo(f"replayed {done}; what fails again comes back to `paystate dlq list` with one attempt more")


@app.command()
def drop(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="topic[partition]@offset")],
    why: Annotated[str, typer.Option("--reason", help="why nothing more is done about them; it is kept")],
    actor: Actor = None,
) -> None:
    """Decide that nothing more is done about these letters. They stay readable."""
    typer.echo(f"dropped {_resolve(ids, None, None, Resolution.DROPPED, actor, why)}")


def _opened() -> tuple[CommittedLog, Topics]:
    cluster = reached(load())
    return CommittedLog(cluster.client), topics_of(
        cluster.settings.generation, registry_of(cluster.settings.registry_url)
    )


def _resolve(
    ids: Sequence[str], reason_class: str | None, stage: str | None, to: Resolution, actor: str | None, why: str
) -> int:
    """The letters are read after any other resolver was fenced: nothing is resolved twice."""
    cluster = reached(load())
    settings = cluster.settings
    topics = topics_of(settings.generation, registry_of(settings.registry_url))
    with Resolver(cluster.client, group_of(settings), topics.dead_letters) as resolver:
        known = resolver.letters()
        asked = _open(_by_id(known, ids)) if ids else known
        chosen = selected(asked, reason_class=reason_class, stage=stage)
        act = resolver.replay if to is Resolution.REPLAYED else resolver.drop
        return act(chosen, actor or getpass.getuser(), why)


def _by_id(known: Iterable[Letter], ids: Iterable[str]) -> list[Letter]:
    """The letters of these ids, in their order. Raises DeadLetterError for an id that nobody knows."""
    by_id: dict[LetterId, Letter] = {letter.id: letter for letter in known}
    wanted = list(dict.fromkeys(letter_id(text) for text in ids))
    unknown = [str(row) for row in wanted if row not in by_id]
    if unknown:
        raise DeadLetterError(f"no dead letter {', '.join(unknown)}: `paystate dlq list --each` shows their ids")
    return [by_id[row] for row in wanted]


def _open(chosen: list[Letter]) -> list[Letter]:
    """Raises DeadLetterError if one of them is resolved: to send a record twice is nobody's wish."""
    for letter in chosen:
        if letter.decision is not None:
            decision = letter.decision
            raise DeadLetterError(
                f"{letter.id} was {decision.resolution} by {decision.actor} at {wording.moment(decision.at)}: "
                f"{decision.reason}; nothing was done"
            )
    return chosen


def _say_groups(console: Console, shown: list[Letter]) -> None:
    """The largest group first, with its newest letter as the example."""
    groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in shown:
        groups[letter.stage, letter.reason_class].append(letter)
    for (stage, reason), rows in sorted(groups.items(), key=lambda group: -len(group[1])):
        newest = rows[-1]
        console.print(f"[bold]{len(rows)} {reason}[/] at {stage}, the newest {wording.moment(newest.failed_at)}")
        console.print(f"  [dim]for example[/] {escape(str(newest.id))}: {escape(newest.message[:_EXAMPLE_CHARACTERS])}")
        console.print(f"  [dim]what to do[/]  {escape(advice(reason))}")
    console.print("Each of them: paystate dlq list --each; one of them: paystate dlq show ID")


def _say_each(console: Console, shown: list[Letter]) -> None:
    for letter in shown:
        attempts = f"{letter.attempts} attempt{'' if letter.attempts == 1 else 's'}"
        head = f"{letter.resolution.value}, {letter.stage}, {letter.reason_class}, {attempts}"
        console.print(f"[bold]{escape(str(letter.id))}[/] {wording.moment(letter.failed_at)} {head}")
        console.print(f"  {escape(letter.message[:_EXAMPLE_CHARACTERS])}")


def _show(letter: Letter, record: dict[str, Any], source_timestamp_ms: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    decision = letter.decision
    by = f" by {decision.actor} at {wording.moment(decision.at)}: {decision.reason}" if decision else ""
    rows = {
        "id": str(letter.id),
        "state": f"{letter.resolution.value}{by}",
        "stage": letter.stage,
        "why": f"{letter.reason_class} ({letter.error_class}): {letter.message}",
        "attempts": str(letter.attempts),
        "written": wording.moment(source_timestamp_ms * 1000),
        "failed": wording.moment(letter.failed_at),
        "what to do": advice(letter.reason_class),
    }
    for label, text in rows.items():
        console.print(f"[dim]{label:<11}[/] {escape(text)}")
    console.print_json(json.dumps(record, ensure_ascii=False))


def _letter_document(letter: Letter) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(letter)
    return {**plain, "id": str(letter.id), "resolution": letter.resolution.value, "advice": advice(letter.reason_class)}


def _resolved_count(kept: list[Letter]) -> str:
    return f" ({len(kept)} resolved: paystate dlq list --resolved)" if kept else ""
