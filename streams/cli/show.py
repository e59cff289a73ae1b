"""``paystate show``: one payment, by correlation id or by any of its names: its state and its whole story."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.formats import InstalledFormats
from schemas.registry import registry_of
from streams.agents.accounts import Accounts
from streams.agents.normalise import Normaliser
from streams.app import group_of
from streams.cli import wording
from streams.cli.facts_view import show_waiting
from streams.cli.reach import reached
from streams.cli.story_view import show_story, status_text
from streams.lookup.document import document
from streams.lookup.names import Fit
from streams.lookup.search import Answer, Search
from streams.settings import Settings, load
from streams.topics import topics_of

_LISTED = 20


def register(root: typer.Typer) -> None:
    """Add ``paystate show``."""
    root.command("show")(show)


def show(
    name: Annotated[
        str, typer.Argument(help="a correlation id, or any name: end-to-end id, UETR, invoice, message id")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """State and timeline of one payment, by its correlation id or any of its references.

    Exit status 1 if nobody knows the name.
    """
    search = open_search(load())
    answer = search.ask(name.strip())
    if as_json:
        _as_json(search, answer)
    else:
        _as_text(Console(highlight=False), search, answer)
    if answer.empty:
        raise typer.Exit(1)


def open_search(settings: Settings) -> Search:
    """A search over the settings' cluster."""
    naming = settings.policy.min_reference_length
    normaliser = Normaliser(InstalledFormats(settings.profiles_dir), Accounts(_hash_key(settings)), naming)
    cluster = reached(settings)
    topics = topics_of(cluster.settings.generation, registry_of(settings.registry_url))
    return Search(cluster, topics, group_of(cluster.settings), normaliser.facts_of)


def _hash_key(settings: Settings) -> bytes:
    """Hashes are never shown here, so whoever only looks needs no key."""
    return settings.hash_key() if settings.embedded or settings.account_hash_key else b"not shown"


def _as_json(search: Search, answer: Answer) -> None:
    only = answer.payments if len(answer.payments) == 1 else ()
    stories = {found.state.correlation_id: search.story(found) for found in only}
    typer.echo(json.dumps(document(answer, stories), ensure_ascii=False))


def _as_text(console: Console, search: Search, answer: Answer) -> None:
    if len(answer.payments) == 1:
        show_story(console, search.story(answer.payments[0]))
    elif answer.payments:
        _list(console, answer)
    if answer.waiting or answer.unreadable:
        if not answer.payments:
            console.print(f"No payment is known by [bold]{escape(answer.asked)}[/] yet. The story so far:")
        show_waiting(console, answer, search.files_of_waiting(answer))
    if answer.empty:
        _nobody(console, answer)
    if answer.pipeline.advice:
        console.print(f"[yellow]note:[/] {answer.pipeline.advice}", highlight=False)


def _list(console: Console, answer: Answer) -> None:
    shown = answer.payments[:_LISTED]
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for found in shown:
        state = found.state
        told = "; ".join(
            part
            for part in (wording.party(state.payee), str(found.matched.name) if found.matched.fit is Fit.PREFIX else "")
            if part
        )
        table.add_row(
            escape(state.correlation_id),
            status_text(state.status),
            wording.amount(state.instructed),
            escape(told),
        )
    console.print(table)
    more = len(answer.payments) - len(shown) + answer.more
    rest = f", {more} more are not listed" if more else ""
    counts = Counter(found.state.status.value for found in answer.payments)
    statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    known = f" (of the first {len(answer.payments)})" if answer.more else ""
    console.print(
        f"{len(answer.payments) + answer.more} payments go by {escape(answer.asked)}: {statuses}{known}{rest}."
    )
    console.print("Ask for one by its id: paystate show ID")


def _nobody(console: Console, answer: Answer) -> None:
    console.print(
        f"[bold red]Nobody knows[/] {escape(answer.asked)}: no payment, no parked fact, no record that came in."
    )
    if answer.suggestions:
        console.print("Near to it: " + ", ".join(map(escape, answer.suggestions)))
    else:
        console.print("Names count to the letter; a beginning of at least 3 characters is enough if only one fits.")
