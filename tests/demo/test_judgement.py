"""The demo's verdict: right only if nothing is lost, repeated, reordered or wrong and every duplicate was found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from schemas.contract_files import examples
from schemas.plain import from_plain
from schemas.records import Raw
from streams.cli.main import build
from streams.demo import run as demo_run
from streams.demo.judgement import Course, Outcome, Summary, judge
from streams.demo.tell import show_summary
from streams.domain.facts import Precision
from streams.domain.state import Milestone, RaisedFlag, State
from streams.domain.statuses import Flag, Status
from streams.score import Score
from streams.simulator.punctuality import Punctuality
from streams.simulator.truth import Expected, Truth
from streams.verify.report import FAULTS, Report
from tests.generation import example

EXAMPLE: State = from_plain(State, examples("payments.state.v1")[0].document)
HOUR_US = 3_600_000_000
COURSE = Course(p50_ms=12.34, p99_ms=56.78, events_per_s=1234.56, elapsed_s=42.0, killed=1, restarts=0)
PAIR = frozenset({"P-1", "P-2"})


def state(correlation_id: str, status: Status) -> State:
    bare = replace(EXAMPLE, flags=(), closed=False, settled=None, returned=None, settlement_evidence=None)
    return replace(bare, correlation_id=correlation_id, status=status)


def expected(status: Status) -> Expected:
    return Expected(status, frozenset(), closed=False, settled_minor=0, returned_minor=0, currency="EUR")


@dataclass
class Run:
    """A run in which everything was right, until a test plants something."""

    truth: Truth = field(
        default_factory=lambda: Truth(
            payments={"P-1": expected(Status.RELEASED), "P-2": expected(Status.APPROVED)},
            duplicates={PAIR},
            waiting=3,
            dead_letters=2,
        )
    )
    states: dict[str, State] = field(
        default_factory=lambda: {"P-1": state("P-1", Status.RELEASED), "P-2": state("P-2", Status.APPROVED)}
    )
    pairs: set[frozenset[str]] = field(default_factory=lambda: {PAIR})
    report: Report = field(
        default_factory=lambda: Report(
            inputs=9, transitions=7, waiting=3, dead_letters=2, proved_at=HOUR_US, orphans=Score(found=3)
        )
    )
    heard: Punctuality = field(default_factory=lambda: Punctuality({"BANKX": 60_000_000}))

    def judged(self) -> Summary:
        return judge(self.truth, Outcome(self.states, frozenset(self.pairs), self.heard), self.report, COURSE)


def forget_a_payment(run: Run) -> None:
    del run.states["P-2"]


def know_a_stranger(run: Run) -> None:
    run.states["P-3"] = state("P-3", Status.RELEASED)


def end_elsewhere(run: Run) -> None:
    run.states["P-1"] = state("P-1", Status.SUBMITTED)


def lack_a_flag(run: Run) -> None:
    run.truth.payments["P-1"] = replace(run.truth.payments["P-1"], flags=frozenset({Flag.HELD}))


def settle_otherwise(run: Run) -> None:
    run.truth.payments["P-1"] = replace(run.truth.payments["P-1"], settled_minor=100)


def miss_a_duplicate(run: Run) -> None:
    run.pairs.clear()


def cry_wolf(run: Run) -> None:
    run.pairs.add(frozenset({"P-1", "P-9"}))


def submit(run: Run, at: int) -> None:
    """P-1 is handed to a bank that has a minute, by JSON as an ERP writes it."""
    run.truth.payments["P-1"] = expected(Status.SUBMITTED)
    run.states["P-1"] = state("P-1", Status.SUBMITTED)
    references = {"uetr": "U-1", "message_id": "M-1"}
    said = {"correlation_id": "P-1", "bank": "BANKX", "stage": "submitted", "occurred_at": "2040-01-02T06:00:00+00:00"}
    run.heard.note(raw("release.json", {**said, "references": references}), at)


def answer(run: Run, at: int) -> None:
    """The bank speaks of it."""
    run.heard.note(raw("acknowledgement.json", {"references": {"uetr": "U-1", "message_id": "M-1"}}), at)


def raw(format_: str, said: dict[str, object]) -> Raw:
    return replace(example("payments.raw.v1", Raw), format=format_, payload=json.dumps(said).encode())


def flagged(run: Run) -> None:
    run.states["P-1"] = replace(run.states["P-1"], flags=(RaisedFlag(Flag.OVERDUE, "acknowledgement", 1),))


def answered_late(run: Run) -> None:
    row = Milestone(Status.BANK_RECEIVED, 1, Precision.TIME, "BANKX", "E-1", 1)
    run.states["P-1"] = replace(run.states["P-1"], milestones=(row,))


def overlook_a_silent_bank(run: Run) -> None:
    submit(run, 0)


def overlook_a_late_answer(run: Run) -> None:
    submit(run, 0)
    answer(run, 60_000_001)


def call_an_answer_in_time_late(run: Run) -> None:
    submit(run, 0)
    answer(run, 60_000_000)
    answered_late(run)


def call_a_payment_overdue_before_its_time(run: Run) -> None:
    submit(run, HOUR_US)
    flagged(run)


def overlook_an_orphan(run: Run) -> None:
    run.report.orphans = Score(found=2, missed=1)


def invent_an_orphan(run: Run) -> None:
    run.report.orphans = Score(found=3, false=1)


def keep_one_letter_too_many(run: Run) -> None:
    run.report.dead_letters += 1


def deliver_to_a_stranger(run: Run) -> None:
    run.report.waiting -= 1


def leave_something(run: Run) -> None:
    run.report.lag = 1


PLANTED: list[Callable[[Run], None]] = [
    forget_a_payment,
    know_a_stranger,
    end_elsewhere,
    lack_a_flag,
    settle_otherwise,
    miss_a_duplicate,
    cry_wolf,
    keep_one_letter_too_many,
    deliver_to_a_stranger,
    leave_something,
    overlook_a_silent_bank,
    overlook_a_late_answer,
    call_an_answer_in_time_late,
    call_a_payment_overdue_before_its_time,
    overlook_an_orphan,
    invent_an_orphan,
]


def exit_code(monkeypatch: pytest.MonkeyPatch, summary: Summary, *arguments: str) -> int:
    monkeypatch.setattr(demo_run, "run", lambda *_: summary)
    return CliRunner().invoke(build(["demo"]), ["demo", *arguments]).exit_code


def test_a_run_in_which_all_is_right_ends_with_status_0(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = Run().judged()
    assert summary.ok
    assert exit_code(monkeypatch, summary) == 0


@pytest.mark.parametrize(
    ("answered_at", "told"), [(None, flagged), (60_000_001, answered_late), (60_000_000, lambda _: None)]
)
def test_who_is_late_and_told_so_is_found(answered_at: int | None, told: Callable[[Run], None]) -> None:
    run = Run()
    submit(run, 0)
    if answered_at is not None:
        answer(run, answered_at)
    told(run)
    summary = run.judged()
    assert summary.ok
    assert summary.late == Score(found=int(answered_at != 60_000_000))


@pytest.mark.parametrize("plant", PLANTED)
def test_whatever_contradicts_the_truth_makes_the_run_wrong(
    plant: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run()
    plant(run)
    assert not run.judged().ok
    assert exit_code(monkeypatch, run.judged()) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_independent_reading_makes_the_run_wrong(fault: str) -> None:
    run = Run()
    run.report.blame(fault, "payments.raw.v1[0]@7", "an effect", "none")
    summary = run.judged()
    assert not summary.ok
    assert summary.as_json()[fault] == 1
    assert summary.as_json()["findings"][0]["subject"] == "payments.raw.v1[0]@7"


def test_a_payment_with_several_differences_is_one_wrong_payment() -> None:
    run = Run()
    end_elsewhere(run)
    lack_a_flag(run)
    summary = run.judged()
    assert (summary.wrong_state, len(summary.differences)) == (1, 2)


def test_the_json_has_what_scripts_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    miss_a_duplicate(run)
    path = tmp_path / "new" / "summary.json"
    assert exit_code(monkeypatch, run.judged(), "--json", str(path)) == 1
    said = json.loads(path.read_text(encoding="utf-8"))
    assert said["payments"] == 2
    assert said["statuses"] == {"APPROVED": 1, "RELEASED": 1}
    assert said["transitions"] == 7
    assert (said["lost"], said["repeated"], said["wrong_state"]) == (0, 0, 0)
    assert said["duplicates"] == {"found": 0, "missed": 1, "false": 0}
    assert said["late"] == {"found": 0, "missed": 0, "false": 0}
    assert said["orphans"] == {"found": 3, "missed": 0, "false": 0}
    assert said["latency"] == {"p50_ms": 12.3, "p99_ms": 56.8}
    assert said["events_per_s"] == 1234.6


def test_a_person_is_told_which_payment_is_wrong_and_how() -> None:
    run = Run()
    end_elsewhere(run)
    console = Console(width=120, file=io.StringIO())
    with console.capture() as said:
        show_summary(console, run.judged())
    text = said.get()
    assert "P-1 status: expected RELEASED, found SUBMITTED" in text
    assert "the run was wrong" in text
