"""Facts without a payment on a terminal: the story so far, as banks and approvers told it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.cli import wording
from streams.domain.facts import Approval, BankAck, PaymentFact, Release
from streams.domain.money import Money
from streams.lookup.search import Answer
from streams.lookup.waiting import WaitingFact


def show_waiting(console: Console, answer: Answer, file_names: Mapping[str, str]) -> None:
    """Each fact with who says it, what, how much, where it says so, and what it waits for."""
    if answer.waiting:
        console.print(_facts(answer, file_names))
    for row in answer.unreadable:
        at = wording.place(row.raw.topic, row.raw.partition, row.raw.offset)
        console.print(f"[red]not readable[/] {at}: {escape(row.problem)}", highlight=False)


def _facts(answer: Answer, file_names: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for row in answer.waiting:
        fact = row.fact
        money = wording.amount(amount_of(fact))
        told = f"[bold]{escape(_who(fact))}[/]: {escape(says(fact))}{f', {money}' if money else ''}"
        where = f"[dim]{escape(str(row.matched.name))}; {escape(_where(row, file_names))}[/]"
        when = wording.moment(fact.occurred_at, fact.precision)
        table.add_row(when, f"{told}\n{where}\n[yellow]{row.where.value}[/]")
    return table


def _who(fact: PaymentFact) -> str:
    if isinstance(fact, BankAck):
        return fact.bank or fact.source
    actor = getattr(fact, "actor", None)
    return f"{actor} ({fact.source})" if actor else fact.source


def says(fact: PaymentFact) -> str:
    """The fact in a few words: the bank's own status first, then what it means, why, and which flags it raises."""
    if isinstance(fact, BankAck):
        return _bank_says(fact)
    if isinstance(fact, Approval):
        return f"{fact.scope.value.lower()} {fact.decision.value.lower()} (step {fact.step} of {fact.steps_required})"
    if isinstance(fact, Release):
        return f"payment {fact.stage.value.lower()}"
    return type(fact).__name__.lower()


def _bank_says(ack: BankAck) -> str:
    meaning = ack.milestone.value if ack.milestone else "no evidence about an outgoing payment"
    booked = "booked " if ack.booked else ""
    level = f" for the whole {ack.level.value.lower()}" if ack.level.value in ("GROUP", "BATCH") else ""
    parts = [
        f"{booked}{ack.bank_status}: {meaning}{level}",
        ", ".join(ack.reason_codes),
        ack.reason_text or "",
        *(f"+{flag.value}" for flag in ack.flags),
    ]
    return ", ".join(part for part in parts if part)


def amount_of(fact: PaymentFact) -> Money | None:
    """The amount that the fact states; of a whole batch its sum."""
    if isinstance(fact, BankAck):
        return fact.amount or fact.batch_sum
    return fact.amount if isinstance(fact, Approval | Release) else None


def _where(row: WaitingFact, file_names: Mapping[str, str]) -> str:
    fact = row.fact
    if isinstance(fact, BankAck):
        file = wording.in_file(file_names.get(fact.file_hash or ""), fact.file_hash, fact.position)
        if file:
            return file
    if row.raw is not None:
        return wording.place(row.raw.topic, row.raw.partition, row.raw.offset)
    return f"{fact.source} {fact.source_event_id}"
