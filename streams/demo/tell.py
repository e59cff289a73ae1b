"""What the demo says beside the live view: stories, the two halves of a duplicate, a decoded record, the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from schemas.records import FileEntry
from streams.cli import wording
from streams.cli.story_view import show_story, side_by_side
from streams.demo.company import SpokenName
from streams.demo.judgement import Count, Summary
from streams.demo.real_files import Taken
from streams.demo.watch import Decoded
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.state import Milestone, State
from streams.lookup.story import Story
from streams.verify.report import Report

_SECOND_MS = 1_000
_DEFECTS = {
    "lost": "inputs without any trace",
    "repeated": "told or applied more often than once",
    "reordered": "steps that do not follow one another",
    "wrong_state": "states that differ from the truth or from their facts",
    "store_mismatch": "rows of a worker's store that differ from its changelog",
}


def show_files(console: Console, taken: Sequence[Taken]) -> None:
    """How many files of which kind, and each one that was refused."""
    kinds: dict[str, list[FileEntry]] = {}
    for file in taken:
        kinds.setdefault(file.outcome.entry.format or "unknown", []).append(file.outcome.entry)
    counted = (f"{len(rows)} {kind} ({sum(row.records for row in rows)})" for kind, rows in kinds.items())
    console.print(f"files taken in, with their records: {', '.join(counted)}", highlight=False, soft_wrap=True)
    for file in taken:
        if file.is_refused:
            why = f"{file.outcome.entry.reason}: {escape(file.outcome.entry.detail or '')}"
            console.print(f"  [red]refused[/] {file.name}: {why}", highlight=False, soft_wrap=True)


def show_names(console: Console, names: Iterable[SpokenName], story: Story) -> None:
    """One payment, what everybody calls it, and its timeline."""
    table = Table("name", "as which", "said by", show_edge=False, pad_edge=False)
    for name in names:
        table.add_row(f"[bold]{escape(name.value)}[/]", name.kind, escape(name.said_by))
    console.rule("one payment, known by five names", align="left")
    console.print(table)
    console.print("whoever asks by any of them is told its whole story (paystate show NAME):")
    show_story(console, story)


def show_record(console: Console, record: Decoded) -> None:
    """What a downstream consumer reads: one record of the state topic, decoded by its Avro contract."""
    state = record.state
    awaiting = f"{state.awaiting.milestone.value} from {state.awaiting.party}" if state.awaiting else "nothing"
    fields = {
        "correlation_id": state.correlation_id,
        "version": state.version,
        "status": state.status.value,
        "settlement_evidence": state.settlement_evidence.value if state.settlement_evidence else None,
        "instructed": wording.amount(state.instructed),
        "settled": wording.amount(state.settled),
        "booking_date": state.booking_date,
        "awaiting": awaiting,
        "payee": state.payee.name if state.payee else None,
        "references": len(state.references),
    }
    text = "  ".join(f"[dim]{name}[/] {escape(str(value))}" for name, value in fields.items())
    where = f"{record.topic}[{record.partition}]@{record.offset}"
    title = f"what a downstream consumer decodes: {where}, {record.size_bytes} bytes, schema {record.schema}"
    console.print(Panel(text, title=escape(title), title_align="left"))


def show_pair(console: Console, pair: DuplicateAlert) -> None:
    """A duplicate payment, both halves."""
    console.print(side_by_side(pair, pair.second.correlation_id))


def show_late(console: Console, state: State, answer: Milestone) -> None:
    """A payment whose bank kept it waiting beyond the deadline, and answered after all."""
    late = wording.duration(answer.late_by_us or 0)
    console.print(
        f"[yellow]late[/] {escape(state.correlation_id)} was OVERDUE; {escape(state.bank or 'its bank')} said "
        f"{answer.name.value} {late} after the deadline: the alert was taken back, the delay is kept",
        highlight=False,
        soft_wrap=True,
    )


def span(span_ms: float) -> str:
    """A time for people: ``150 ms``, ``2.3 s``."""
    return f"{span_ms:.0f} ms" if span_ms < _SECOND_MS else f"{span_ms / _SECOND_MS:.1f} s"


def zeros(report: Report) -> str:
    """The verifier's word in one line."""
    counts = ", ".join(f"{name.replace('_', ' ')} {getattr(report, name)}" for name in _DEFECTS)
    return f"{report.inputs} inputs, {report.transitions} transitions: {counts}"


def show_summary(console: Console, summary: Summary) -> None:
    """All that was judged."""
    console.rule("what came of it", align="left")
    table = Table("payments by status", "expected", "found", show_edge=False, pad_edge=False)
    for status, count in summary.statuses.items():
        _row(table, status, count)
    table.add_section()
    _row(table, "payments", summary.payments)
    _row(table, "kept for a person (dead letters)", summary.dead_letters)
    _row(table, "wait for their payment", summary.waiting)
    for what, score in (
        ("duplicate payments", summary.duplicates),
        ("payments that a bank left waiting", summary.late),
        ("words of a bank without a payment in time", summary.orphans),
    ):
        _row(table, f"{what}: found", Count(score.found + score.missed, score.found))
        _row(table, f"{what}: reported, but none", Count(0, score.false))
    table.add_section()
    for name, words in _DEFECTS.items():
        _row(table, f"{name.replace('_', ' ')}: {words}", Count(0, getattr(summary, name)))
    console.print(table)
    for row in summary.differences:
        console.print(
            f"[red]{escape(row.correlation_id)}[/] {row.what}: expected {escape(row.expected or 'none')}, "
            f"found {escape(row.found or 'none')}",
            highlight=False,
        )
    for finding in summary.findings:
        console.print(
            f"[red]{finding.check}[/] {escape(finding.subject)}: expected {escape(finding.expected)}, "
            f"found {escape(finding.found)}",
            highlight=False,
        )
    console.print(_course(summary), highlight=False)
    console.print(_verdict(summary), highlight=False)


def _row(table: Table, label: str, count: Count) -> None:
    colour = "" if count.agrees else "[bold red]"
    table.add_row(label, str(count.expected), f"{colour}{count.found}{'[/]' if colour else ''}")


def _course(summary: Summary) -> str:
    course = summary.course
    killed = f"{course.killed} workers killed" if course.killed != 1 else "1 worker killed"
    return (
        f"{summary.inputs} inputs, {summary.transitions} transitions, {course.events_per_s:.0f} inputs a second, "
        f"received to visible p50 {span(course.p50_ms)} p99 {span(course.p99_ms)}, {killed}, "
        f"{course.restarts} restarted on their own, {summary.stores} stores compared, {course.elapsed_s:.0f} s"
    )


def _verdict(summary: Summary) -> str:
    if summary.ok:
        found = "what is double, late or without a payment was found, and nothing else"
        return f"[bold green]nothing lost, repeated, reordered or wrong; {found}[/]"
    left = f"; {summary.lag} records were not taken" if summary.lag else ""
    return f"[bold red]the run was wrong[/]: what is red above{left}"
