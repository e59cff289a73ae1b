"""``paystate tail``: what is happening now, one line each."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from schemas.plain import to_plain
from schemas.registry import registry_of
from streams.cli import wording
from streams.cli.reach import reached
from streams.cli.story_view import status_text, step_text, what, who
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.state import Alert, AlertState, State, Transition
from streams.engine import Topic
from streams.lookup.log import CommittedLog, Logged
from streams.settings import load
from streams.topics import Topics, topics_of


class Stream(StrEnum):
    """What can be followed."""

    TRANSITIONS = "transitions"
    ALERTS = "alerts"
    STATE = "state"


def register(root: typer.Typer) -> None:
    """Add ``paystate tail``."""
    root.command("tail")(tail)


def tail(
    stream: Annotated[Stream, typer.Argument(help="what to follow; alerts include duplicate payments")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="all that is kept first")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="end after so many lines")] = None,
) -> None:
    """Follow transitions, alerts or states as they are committed, until Ctrl-C."""
    cluster = reached(load())
    topics = topics_of(cluster.settings.generation, registry_of(cluster.settings.registry_url))
    followed = {topic.kafka_name: topic for topic in _topics(topics, stream)}
    records = CommittedLog(cluster.client).follow(list(followed), from_beginning=from_beginning)
    write = _json_line if as_json else _text_line
    try:
        for record in islice(records, limit):
            write(record, followed[record.topic])
    except KeyboardInterrupt:
        raise typer.Exit from None


def _topics(topics: Topics, stream: Stream) -> tuple[Topic[Any], ...]:
    if stream is Stream.ALERTS:
        return topics.alerts, topics.duplicate_alerts
    return (topics.transitions,) if stream is Stream.TRANSITIONS else (topics.state,)


def _json_line(record: Logged, topic: Topic[Any]) -> None:
    if record.value is None:
        document = {"correlation_id": (record.key or b"").decode(errors="replace"), "removed": True}
    else:
        document = to_plain(topic.decode(record.value))
        document.pop("internal", None)
    typer.echo(json.dumps(document, ensure_ascii=False))


def _text_line(record: Logged, topic: Topic[Any]) -> None:
    if record.value is None:
        text = f"{escape((record.key or b'').decode(errors='replace'))} removed"
    else:
        value = topic.decode(record.value)
        text = _TEXTS[type(value)](value)
    Console(soft_wrap=True, highlight=False).print(text)


def transition_line(step: Transition) -> str:
    """``time payment step who what``."""
    head = f"{wording.moment(step.occurred_at, step.precision)} [bold]{escape(step.correlation_id)}[/]"
    return f"{head} {step_text(step)} {escape(who(step))}: {escape(what(step))}"


def alert_line(alert: Alert) -> str:
    """``time kind about detail``; a withdrawn one says so."""
    withdrawn = "[green]withdrawn[/] " if alert.state is AlertState.WITHDRAWN else ""
    head = f"{wording.moment(alert.at)} {withdrawn}[bold red]{alert.kind.value}[/] {alert.severity.value.lower()}"
    return f"{head} [bold]{escape(alert.correlation_id)}[/] {escape(alert.detail)}"


def duplicate_line(pair: DuplicateAlert) -> str:
    """``time DUPLICATE both payments, rules, what to do``."""
    rules = ", ".join(rule.value.lower() for rule in pair.rules)
    both = f"[bold]{escape(pair.first.correlation_id)}[/] and [bold]{escape(pair.second.correlation_id)}[/]"
    head = f"{wording.moment(pair.at)} [bold yellow]DUPLICATE[/] {pair.state.value.lower()}"
    return f"{head} {both} {wording.amount(pair.second.amount)} ({rules}): {pair.action.value}"


def state_line(state: State) -> str:
    """``time payment status amount awaiting flags``."""
    late = map(wording.lateness, state.milestones)
    rest = [
        wording.amount(state.instructed),
        _awaiting(state),
        *late,
        *(f"+{wording.flag(row)}" for row in state.flags),
    ]
    told = escape(", ".join(part for part in rest if part))
    return (
        f"{wording.moment(state.updated_at)} [bold]{escape(state.correlation_id)}[/] {status_text(state.status)} {told}"
    )


def _awaiting(state: State) -> str:
    """What must happen next, and until when if that is said."""
    if state.awaiting is None:
        return ""
    due = f" until {wording.moment(state.awaiting.due_at)}" if state.awaiting.due_at is not None else ""
    return f"awaiting {state.awaiting.milestone.value} from {state.awaiting.party}{due}"


_TEXTS: dict[type[Any], Callable[[Any], str]] = {
    Transition: transition_line,
    Alert: alert_line,
    DuplicateAlert: duplicate_line,
    State: state_line,
}
