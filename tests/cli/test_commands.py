"""From a bank's file to the story of a payment, as a user does it; in the order in which a user does it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.cli.main import main
from tests.cli.conftest import Run
from tests.conftest import Kafka
from tests.generation import Generation, new_generation

pytestmark = pytest.mark.kafka

REJECTED = "ENDTOENDID-950-TEST2-2807-01"
"""Of nordea_v03_txn_reject.xml: nobody released it here."""
RELEASED = "EndToEndId0002"
"""Of intl_usd.xml, a pain.001."""
Settled = Callable[[], None]


def about_the_release(samples: Path) -> Path:
    """The real acceptance of gs_v03_accepted.xml, said about the payment that intl_usd.xml released."""
    text = (samples / "pain002" / "gs_v03_accepted.xml").read_text(encoding="utf-8")
    for theirs, ours in (("GSDGFKfLURaHb", RELEASED), ("3B-CCY", "201509280002"), ("10280093XXXX", "MSGID0002")):
        assert theirs in text
        text = text.replace(theirs, ours)
    path = samples / "acceptance.xml"
    path.write_text(text.replace("1036XXX", "ACCEPTANCE-1").replace('"USD">10.00', '"USD">111.11'), encoding="utf-8")
    return path


def one(output: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output)
    return document


@pytest.fixture
def ingested(run: Run, samples: Path) -> None:
    """All acknowledgements, a release and what the bank said about it; done before is done."""
    result = run(
        "ingest",
        *(samples / "pain002", samples / "camt054", samples / "pain001" / "intl_usd.xml", about_the_release(samples)),
    )
    assert result.exit_code == 0, result.output


def test_every_file_gets_a_line_and_the_second_time_it_is_a_duplicate(run: Run, samples: Path) -> None:
    first, again = run("ingest", samples / "pain002", "--json"), run("ingest", samples / "pain002", "--json")
    told = [one(line) for line in first.stdout.splitlines()]
    assert [Path(row["path"]).name for row in told] == sorted(path.name for path in (samples / "pain002").iterdir())
    assert {row["outcome"] for row in told} <= {"accepted", "duplicate"}
    assert {one(line)["outcome"] for line in again.stdout.splitlines()} == {"duplicate"}
    assert (first.exit_code, again.exit_code) == (0, 0)


def test_a_refused_file_is_2_and_a_missing_one_is_1_and_neither_stops_the_others(
    run: Run, samples: Path, tmp_path: Path, prefix: str
) -> None:
    whole = (samples / "pain002" / "gs_v03_accepted.xml").read_bytes()
    cut = tmp_path / "cut.xml"
    cut.write_bytes(whole[: len(whole) // 2] + prefix.encode())
    good = samples / "pain002" / "moov_v11_minimal.xml"
    refused = run("ingest", cut, good)
    assert refused.exit_code == 2
    assert "refused" in refused.stdout.splitlines()[0]
    assert "expected" in refused.stdout.splitlines()[0]
    assert len(refused.stdout.splitlines()) == 2
    missing = run("ingest", tmp_path / "nowhere.xml", good)
    assert missing.exit_code == 1
    assert "nowhere.xml  No such file or directory" in missing.stdout


def test_the_ledger_tells_why_a_file_was_refused_and_takes_it_again(
    run: Run, samples: Path, tmp_path: Path, prefix: str
) -> None:
    cut = tmp_path / f"{prefix}.xml"
    cut.write_bytes((samples / "pain001" / "intl_usd.xml").read_bytes()[:900] + prefix.encode())
    file_hash = one(run("ingest", cut, "--json").stdout)["file_hash"]
    listed = run("files", "list", "--refused", "--json").stdout.splitlines()
    assert [row["name"] for row in map(json.loads, listed) if row["file_hash"] == file_hash] == [cut.name]
    shown = run("files", "show", file_hash[:16])
    assert "Nothing of it was published" in shown.stdout
    assert cut.name in shown.stdout
    retried = run("files", "retry", file_hash[:16])
    assert (retried.exit_code, retried.stdout.split()[0]) == (2, "refused")


def test_a_hash_that_nobody_has_is_told(
    generation: Generation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in generation.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["files", "show", "nothing"])
    assert ended.value.code == 1
    assert "expected one file whose hash begins with 'nothing', found none" in " ".join(capsys.readouterr().err.split())


def test_without_a_worker_show_tells_what_the_bank_said_and_what_to_start(
    run: Run, kafka: Kafka, ingested: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generation that no worker ever read: all that came in is still unread there."""
    monkeypatch.setenv("PAYSTATE_GENERATION", str(new_generation(kafka.bootstrap_servers, tmp_path).number))
    shown = run("show", REJECTED)
    assert shown.exit_code == 0
    assert "No payment is known by" in shown.stdout
    assert "RJCT: REJECTED" in shown.stdout
    assert "nordea_v03_txn_reject.xml" in shown.stdout
    assert "not read by a worker yet" in shown.stdout
    assert "paystate worker" in shown.stdout


def test_an_acknowledgement_without_its_release_is_the_story_so_far(run: Run, ingested: None, worker: Settled) -> None:
    worker()
    shown = run("show", REJECTED)
    assert shown.exit_code == 0
    assert "waiting for its release" in shown.stdout
    [fact] = one(run("show", REJECTED, "--json").stdout)["facts"]
    assert (fact["fact"]["bank_status"], fact["fact"]["milestone"]) == ("RJCT", "REJECTED")
    assert "account_hash" not in fact["fact"]


@pytest.mark.parametrize("name", [RELEASED, "MSGID0002", "201509280002"])
def test_a_payment_is_one_story_under_each_of_its_names(name: str, run: Run, ingested: None, worker: Settled) -> None:
    worker()
    answer = one(run("show", name, "--json").stdout)
    [payment] = answer["payments"]
    assert [step["to_status"] for step in payment["transitions"]] == ["SUBMITTED", "BANK_ACCEPTED"]
    assert [step["cause"]["type"] for step in payment["transitions"]] == ["release", "bank_ack"]
    assert set(payment["files"].values()) == {"intl_usd.xml", "acceptance.xml"}
    assert answer["pipeline"] == {**answer["pipeline"], "workers": 1, "records_behind": 0, "advice": None}


def test_the_story_of_a_payment_is_told_to_people(run: Run, ingested: None, worker: Settled) -> None:
    worker()
    text = run("show", RELEASED).stdout
    assert "BANK_ACCEPTED accepted for execution" in text
    assert "111.11 USD" in text
    assert "SUBMITTED -> BANK_ACCEPTED" in text
    assert "acceptance.xml OrgnlPmtInfAndSts[1]/TxInfAndSts[1]" in text


def test_an_unknown_name_is_status_1_with_a_near_one(run: Run, ingested: None, worker: Settled) -> None:
    worker()
    shown = run("show", RELEASED.lower())
    assert shown.exit_code == 1
    assert f"Near to it: {RELEASED}" in shown.stdout


def test_tail_shows_what_is_kept_and_ends_at_its_limit(run: Run, ingested: None, worker: Settled) -> None:
    worker()
    [step] = [
        one(line)
        for line in run("tail", "transitions", "--from-beginning", "--limit", "2", "--json").stdout.splitlines()
        if one(line)["to_status"] == "SUBMITTED"
    ]
    assert step["seq"] == 1
    [line] = run("tail", "state", "--from-beginning", "--limit", "1").stdout.splitlines()
    assert step["correlation_id"] in line


def test_ctrl_c_ends_a_tail_cleanly(generation: Generation, ingested: None, worker: Settled) -> None:
    worker()
    following = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "tail", "transitions", "--from-beginning", "--json"],
        env={**os.environ, **generation.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test run in the background of a shell ignores Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert following.stdout is not None
    assert one(following.stdout.readline().decode())["seq"] == 1
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=60)
    assert (following.returncode, said) == (0, b"")


def test_a_message_id_that_came_in_two_files_is_a_dead_letter_that_is_replayed_or_dropped(
    run: Run, ingested: None, worker: Settled
) -> None:
    """genkgo's camt.054 samples share one message id: the first file counts, the others need a person."""
    worker()
    listed = run("dlq", "list")
    assert "conflict" in listed.stdout
    assert "ask the sender" in listed.stdout
    first, second, *_ = [one(line) for line in run("dlq", "list", "--reason", "conflict", "--json").stdout.splitlines()]
    record = one(run("dlq", "show", first["id"], "--json").stdout)["record"]
    assert record["value"]["source_message_id"] == "AAAASESS-FP-ACCR001"
    assert run("dlq", "drop", second["id"], "--reason", "the bank confirmed the other", "--actor", "kim").exit_code == 0
    assert "replayed 1" in run("dlq", "replay", first["id"], "--actor", "lee").stdout
    worker()
    every = {row["id"]: row for row in map(one, run("dlq", "list", "--resolved", "--json").stdout.splitlines())}
    assert every[first["id"]]["decision"]["actor"] == "lee"
    assert every[second["id"]]["decision"]["reason"] == "the bank confirmed the other"
    assert [row["attempts"] for row in every.values() if row["resolution"] == "open" and row["attempts"] > 1] == [2]


def test_the_doctor_finds_the_worker_and_no_failure(run: Run, worker: Settled) -> None:
    worker()
    examined = run("doctor", "--json")
    findings = {row["name"]: row["level"] for row in one(examined.stdout)["findings"]}
    assert examined.exit_code == 0, examined.stdout
    assert (findings["workers"], findings["lag"], findings["topics"]) == ("ok", "ok", "ok")
