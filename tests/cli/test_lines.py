"""One line says what there is to say, and a name with brackets in it is no markup."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

from rich.console import Console

from connectors.intake.ingest import Outcome
from schemas.records import FileEntry, FileStatus
from streams.cli.ingest import Line, exit_status, line_of
from streams.cli.tail import alert_line, duplicate_line, state_line, transition_line
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.state import Alert, AlertState, State, Transition
from tests.generation import example

ENTRY = replace(example("payments.files.v1", FileEntry), records=1, format="pain.002")


def plain(text: str) -> str:
    """As a terminal without colours shows it."""
    console = Console(file=StringIO(), soft_wrap=True, highlight=False, no_color=True)
    with console.capture() as shown:
        console.print(text)
    return shown.get().rstrip("\n")


def line(outcome: str) -> Line:
    return Line("file.xml", outcome, 0, "", None)


def test_an_error_outranks_a_refusal_and_a_duplicate_is_no_failure() -> None:
    assert exit_status([line("accepted"), line("duplicate")]) == 0
    assert exit_status([line("accepted"), line("refused")]) == 2
    assert exit_status([line("refused"), line("error"), line("accepted")]) == 1


def test_a_refused_file_says_why_where_what_was_expected_and_found() -> None:
    entry = replace(ENTRY, status=FileStatus.REFUSED, reason="truncated", detail="line 3: expected an end, found none")
    told = line_of("dir/[a].xml", Outcome(FileStatus.REFUSED, entry, 0))
    assert plain(told.text()) == ("refused   dir/[a].xml  pain.002: truncated: line 3: expected an end, found none")
    assert json.loads(told.json())["reason"] == "truncated"


def test_an_accepted_file_says_how_many_records_and_a_duplicate_what_it_was_before() -> None:
    accepted = line_of("a.xml", Outcome(FileStatus.ACCEPTED, ENTRY, 1))
    assert "pain.002, 1 record (" in plain(accepted.text())
    assert json.loads(accepted.json())["published"] == 1
    duplicate = line_of("b.xml", Outcome(FileStatus.DUPLICATE, ENTRY, 0))
    assert f"accepted before as {ENTRY.name}" in plain(duplicate.text())


def test_every_line_for_a_script_has_the_same_keys() -> None:
    keys = set(json.loads(line("error").json()))
    assert keys == set(json.loads(line_of("a.xml", Outcome(FileStatus.ACCEPTED, ENTRY, 1)).json()))


def test_a_transition_is_one_line_with_its_payment_and_step() -> None:
    step = replace(example("payments.transitions.v1", Transition), correlation_id="P[1]")
    text = plain(transition_line(step))
    assert "P[1]" in text
    assert step.to_status.value in text
    assert step.cause.source in text


def test_a_withdrawn_alert_says_so() -> None:
    alert = replace(example("payments.alerts.v1", Alert), state=AlertState.WITHDRAWN, detail="[x]")
    assert "withdrawn" in plain(alert_line(alert))
    assert "[x]" in plain(alert_line(alert))
    assert "withdrawn" not in plain(alert_line(replace(alert, state=AlertState.OPEN)))


def test_a_duplicate_names_both_payments_and_a_state_what_it_awaits() -> None:
    pair = example("payments.duplicate-alerts.v1", DuplicateAlert)
    text = plain(duplicate_line(pair))
    assert pair.first.correlation_id in text
    assert pair.second.correlation_id in text
    state = example("payments.state.v1", State, "rejected-for-a-closed-account")
    assert "REJECTED 8,925.00 USD, +HELD(manual)" in plain(state_line(state))
