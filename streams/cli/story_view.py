"""A payment's story on a terminal: what it is, every step, what is wrong, what it resembles."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from streams.cli import wording
from streams.domain.facts import Precision
from streams.domain.fingerprints import Appearance, DuplicateAlert
from streams.domain.state import State, Transition, TransitionKind
from streams.domain.statuses import STATUSES, Status
from streams.lookup.names import names_of_state
from streams.lookup.story import Story

_GOOD = frozenset({Status.SETTLED, Status.CREDITED, Status.RECONCILED})
#: An advance is what one expects, and a milestone or a flag says itself what it is.
_KINDS_SAID = {TransitionKind.CORRECTION: "correction", TransitionKind.REOPEN: "reopened"}
_BAD = frozenset(status for status, row in STATUSES.items() if row.rank is None)


def show_story(console: Console, story: Story) -> None:
    """All of it, top to bottom."""
    console.print(Panel(_header(story), title=_title(story.state), title_align="left"))
    console.print(_timeline(story))
    for alert in story.alerts:
        console.print(
            f"[bold red]alert[/] {alert.kind.value} ({alert.severity.value.lower()}) since {wording.moment(alert.at)}: "
            f"{escape(alert.detail)}"
        )
    for pair in story.duplicates:
        console.print(side_by_side(pair, story.state.correlation_id))


def status_text(status: Status) -> str:
    """A status in the colour of what it means."""
    colour = "green" if status in _GOOD else "red" if status in _BAD else "cyan"
    return f"[bold {colour}]{status.value}[/]"


def _title(state: State) -> str:
    closed = ", closed" if state.closed else ""
    return f"[bold]{escape(state.correlation_id)}[/] {status_text(state.status)} {STATUSES[state.status].label}{closed}"


def _header(story: Story) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for label, text in (*_header_rows(story.state), ("goes by", _names(story))):
        if text:
            table.add_row(label, escape(text))
    return table


def _names(story: Story) -> str:
    """All names but the correlation id, which is the title; a file by its name."""
    names = list(names_of_state(story.state))[1:]
    files = {file_hash: entry.name for file_hash, entry in story.files.items()}
    return "\n".join(dict.fromkeys(f"{name.kind} {files.get(name.value, name.value)}" for name in names))


def _header_rows(state: State) -> Iterator[tuple[str, str]]:
    yield "amount", _amounts(state)
    yield "from", wording.party(state.payer)
    yield "to", wording.party(state.payee)
    yield "bank", ", ".join(part for part in (state.bank, state.rail, state.region) if part)
    yield "company", ", ".join(part for part in (state.company_code, state.source_system) if part)
    yield "awaiting", _awaiting(state)
    yield "deadlines", "\n".join(map(wording.deadline, state.deadlines))
    yield "late", "\n".join(filter(None, map(wording.lateness, state.milestones)))
    yield "approvals", f"{state.approvals.given} of {state.approvals.required}" if state.approvals.required else ""
    yield "reason", wording.reason(state.reason)
    yield "flags", "\n".join(f"{wording.flag(row)} since {wording.moment(row.since)}" for row in state.flags)
    yield "dates", _dates(state)
    yield "evidence", state.settlement_evidence.value.lower() if state.settlement_evidence else ""
    yield "replaces", state.supersedes or ""
    yield "replaced by", state.superseded_by or ""


def _amounts(state: State) -> str:
    told = (
        ("instructed", state.instructed),
        ("settled", state.settled),
        ("returned", state.returned),
        ("open", state.open),
        ("charges", state.charges),
    )
    return ", ".join(f"{label} {wording.amount(money)}" for label, money in told if money is not None)


def _awaiting(state: State) -> str:
    if state.awaiting is None:
        return ""
    due = f", due {wording.moment(state.awaiting.due_at)}" if state.awaiting.due_at is not None else ""
    return f"{state.awaiting.milestone.value} from {state.awaiting.party}{due}"


def _dates(state: State) -> str:
    told = (
        ("to be executed", state.requested_execution_date),
        ("booked", state.booking_date),
        ("value", state.value_date),
    )
    return ", ".join(f"{label} {day}" for label, day in told if day)


def _timeline(story: Story) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(overflow="fold")
    before: Transition | None = None
    for step in story.transitions:
        entry = story.files.get(step.evidence.file_hash or "")
        proof = wording.evidence(step.evidence, entry.name if entry else None)
        filled = _filled(story.state, step)
        told = f"{step_text(step)}{filled}\n{escape(who(step))}: {escape(what(step))}\n[dim]{escape(proof)}[/]"
        table.add_row(str(step.seq), wording.moment(step.occurred_at, step.precision), _delay(before, step), told)
        before = step
    return table


def _filled(state: State, step: Transition) -> str:
    """Which earlier milestone a late fact filled in: the payment stays where it was."""
    if step.kind is not TransitionKind.MILESTONE_FILLED:
        return ""
    names = [row.name.value for row in state.milestones if row.event_id == step.cause.event_id]
    return f", {' and '.join(names)} filled in" if names else ""


def _delay(before: Transition | None, step: Transition) -> str:
    """By their clocks; a step of which only the day is known has no delay that means anything."""
    if before is None or Precision.DATE in (before.precision, step.precision):
        return ""
    return wording.delay(step.occurred_at - before.occurred_at)


def step_text(step: Transition) -> str:
    """``RELEASED -> SUBMITTED``, or the one status if it did not change."""
    if step.from_status is None or step.from_status is step.to_status:
        return status_text(step.to_status)
    return f"{step.from_status.value} -> {status_text(step.to_status)}"


def who(step: Transition) -> str:
    """The source, and the person if one acted."""
    return f"{step.cause.actor} ({step.cause.source})" if step.cause.actor else step.cause.source


def what(step: Transition) -> str:
    """What the step says beside its status: kind of fact, reason, flags, amount."""
    parts = [
        step.cause.type.replace("_", " "),
        _KINDS_SAID.get(step.kind, ""),
        wording.reason(step.reason),
        *(f"+{wording.flag(row)}" for row in step.flags_raised),
        *(f"-{wording.flag(row)}" for row in step.flags_cleared),
        wording.amount(step.amount),
    ]
    return ", ".join(part for part in parts if part)


def side_by_side(pair: DuplicateAlert, asked: str) -> Panel:
    """Both payments of a pair, the one that was asked for first."""
    first, second = (pair.first, pair.second) if pair.first.correlation_id == asked else (pair.second, pair.first)
    table = Table(show_edge=False, pad_edge=False)
    for column in ("", "this payment", "the other"):
        table.add_column(column)
    for (label, mine), (_, other) in zip(_appearance_rows(first), _appearance_rows(second), strict=True):
        style = "bold yellow" if mine == other and mine else ""
        table.add_row(label, escape(mine), escape(other), style=style)
    rules = ", ".join(rule.value.lower() for rule in pair.rules)
    verdict = f" by {pair.actor}: {pair.reason}" if pair.actor else ""
    compared = escape(
        f"compared: {', '.join(pair.compared)}; score {pair.score / 1000:.3f}; to do: {pair.action.value}"
    )
    title = f"duplicate {pair.state.value.lower()}{escape(verdict)} ({rules}, {pair.severity.value.lower()})"
    return Panel(Group(table, compared), title=title, title_align="left", border_style="yellow")


def _appearance_rows(appearance: Appearance) -> Iterator[tuple[str, str]]:
    yield "payment", appearance.correlation_id
    yield "status", appearance.status.value
    yield "amount", wording.amount(appearance.amount)
    yield "vendor", appearance.vendor_id or ""
    yield "invoices", ", ".join(invoice.number for invoice in appearance.invoices)
    yield "company", appearance.company_code or ""
    yield "bank", appearance.bank or ""
    yield "seen", wording.moment(appearance.at)
