"""``paystate watch`` on a broker and a worker of its own, from the outside."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.intake.reading import Request
from connectors.watch.lock import watched_alone
from schemas.records import DeadLetter, FileEntry, FileStatus, Raw
from streams.domain.state import Alert, AlertKind, AlertState
from tests.connectors.files import SAMPLES
from tests.pipeline.installation import Installation, installed

pytestmark = pytest.mark.kafka

RAW, FILES, ALERTS, DEAD_LETTERS = (
    "payments.raw.v1",
    "payments.files.v1",
    "payments.alerts.v1",
    "payments.dead-letters.v1",
)
PLACED_AT_ONCE = ("--settle", "0.2", "--interval", "0.1")
MANY = 40_000
"""Records of a file that takes eight transactions to publish."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("watch")) as made:
        yield made


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def approvals(count: int, name: str) -> str:
    """Canonical JSON, one approval a line, of payments that nobody else speaks of."""
    rows = [
        {
            "source": "watch-test",
            "source_event_id": f"{name}-{number}",
            "correlation_id": f"{name}-{number}",
            "occurred_at": "2026-01-05T09:00:00Z",
            "scope": "payment",
            "decision": "approved",
            "actor": "kim",
        }
        for number in range(count)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def told(output: str) -> list[dict[str, Any]]:
    """The lines of --json."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def watch_once(installation: Installation, drop: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    return installation.run("watch", drop, "--once", "--json", *PLACED_AT_ONCE, *options)


def below(folder: Path) -> list[str]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if not path.name.startswith("."))


def positions(installation: Installation, file_hash: str) -> list[str | None]:
    return [raw.position for raw in installation.values(RAW, Raw) if raw.file_hash == file_hash]


def entry(installation: Installation, file_hash: str) -> FileEntry:
    return [row for row in installation.values(FILES, FileEntry) if row.file_hash == file_hash][-1]


def test_a_dropped_file_is_published_and_archived_and_again_it_has_no_effect(
    installation: Installation, drop: Path
) -> None:
    content = approvals(3, secrets.token_hex(4))
    (drop / "a.json").write_text(content)
    [first] = told(watch_once(installation, drop).stdout)
    (drop / "again.json").write_text(content)
    [again] = told(watch_once(installation, drop).stdout)
    assert (first["outcome"], first["published"], first["filed"]) == ("accepted", 3, "archive/a.json")
    assert (again["outcome"], again["published"], again["filed"]) == ("duplicate", 0, "archive/again.json")
    assert first["file_hash"] == again["file_hash"]
    assert positions(installation, first["file_hash"]) == ["line 1", "line 2", "line 3"]


def test_a_refused_file_has_its_reason_and_another_profile_takes_it_and_ends_its_alert(
    installation: Installation, drop: Path
) -> None:
    (drop / "abn").mkdir()
    (drop / "abn/cropped.sta").write_bytes((SAMPLES / "mt940/jejik_abnamro.sta").read_bytes())
    done = watch_once(installation, drop)
    assert done.returncode == 2, done.stderr
    assert below(drop) == ["rejected/abn/cropped.sta", "rejected/abn/cropped.sta.reason.json"]
    reason = json.loads((drop / "rejected/abn/cropped.sta.reason.json").read_text())
    assert (reason["reason"], reason["format"], reason["profile"]) == ("balance_mismatch", "mt940", "default")
    assert "opening balance" in reason["expected"]
    assert reason["found"]
    assert positions(installation, reason["file_hash"]) == []
    assert refusals(installation, reason["file_hash"]) == [AlertState.OPEN]

    retried = installation.run("files", "retry", reason["file_hash"][:16], "--profile", "unproved-statements", "--json")
    assert retried.returncode == 0, retried.stdout + retried.stderr
    [taken] = told(retried.stdout)
    assert taken["outcome"] == "accepted"
    assert len(positions(installation, reason["file_hash"])) == taken["records"] > 0
    assert refusals(installation, reason["file_hash"]) == [AlertState.OPEN, AlertState.WITHDRAWN]
    assert entry(installation, reason["file_hash"]).profile == "unproved-statements"


def refusals(installation: Installation, file_hash: str) -> list[AlertState]:
    """The alerts about the refusal of a file, in their order."""
    alerts = [row for row in installation.values(ALERTS, Alert) if row.correlation_id == f"file:{file_hash}"]
    assert {row.kind for row in alerts} == {AlertKind.FILE_REFUSED}
    assert len({row.alert_id for row in alerts}) == 1
    return [row.state for row in alerts]


def test_a_sub_folder_is_read_by_its_rule(installation: Installation, drop: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("folders: {musterbank: {profile: csv-musterbank, bank: MUSTER}}")
    (drop / "musterbank").mkdir()
    content = (SAMPLES / "csv/de_semicolon_bom_preamble.csv").read_bytes()
    (drop / "musterbank/a.csv").write_bytes(content)
    [line] = told(watch_once(installation, drop, "--folders", rules).stdout)
    assert (line["outcome"], line["format"], line["sender"]) == ("accepted", "csv", "MUSTER")


def test_kill_9_between_two_transactions_of_a_file_loses_and_repeats_nothing(
    installation: Installation, drop: Path
) -> None:
    path = drop / "large.json"
    path.write_text(approvals(MANY, secrets.token_hex(4)))
    process = installation.start("watch", drop, "--json", *PLACED_AT_ONCE)
    with installation.intake() as other:
        while not (begun := [row for row in other.ledger.entries() if row.name == "large.json"]):
            assert process.poll() is None, process.communicate()[0]
            other.ledger.wait()
    process.kill()
    process.communicate()
    [half] = begun
    assert (half.status, path.exists()) == (FileStatus.PUBLISHING, True)
    [line] = told(watch_once(installation, drop).stdout)
    assert line["outcome"] == "accepted"
    assert 0 < line["published"] < MANY
    assert below(drop) == ["archive/large.json"]
    assert positions(installation, half.file_hash) == [f"line {number + 1}" for number in range(MANY)]
    assert entry(installation, half.file_hash).status is FileStatus.ACCEPTED


def test_kill_9_at_any_moment_and_every_file_is_published_once_and_filed(
    installation: Installation, drop: Path
) -> None:
    contents = {f"{number:02}.json": approvals(2, secrets.token_hex(4)) for number in range(12)}
    for name, content in contents.items():
        (drop / name).write_text(content)
    hashes: set[str] = set()
    for _ in range(3):  # each one dies at its second file, wherever the machine's load lets it be by then
        process = installation.start("watch", drop, "--json", *PLACED_AT_ONCE)
        assert process.stdout is not None
        lines = (line for line in process.stdout if line.startswith("{"))
        hashes |= {json.loads(next(lines))["file_hash"] for _ in range(2)}
        process.kill()
        process.communicate()
    done = watch_once(installation, drop)
    hashes |= {line["file_hash"] for line in told(done.stdout)}
    assert done.returncode == 0, done.stderr
    assert below(drop) == [f"archive/{name}" for name in contents]
    own = [raw for raw in installation.values(RAW, Raw) if raw.file_hash in hashes]
    assert len(own) == 2 * len(contents)
    assert len({raw.message_id for raw in own}) == len(own)


def test_a_file_that_was_published_but_not_moved_is_moved_as_a_duplicate(
    installation: Installation, drop: Path
) -> None:
    """What a kill between the commit and the move leaves."""
    path = drop / "a.json"
    path.write_text(approvals(2, secrets.token_hex(4)))
    with installation.intake() as intake:
        file_hash = intake.ingest(path, Request()).entry.file_hash
    [line] = told(watch_once(installation, drop).stdout)
    assert (line["outcome"], line["filed"]) == ("duplicate", "archive/a.json")
    assert len(positions(installation, file_hash)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_watch_that_runs_takes_what_comes_and_ends_cleanly(
    number: signal.Signals, installation: Installation, drop: Path
) -> None:
    process = installation.start("watch", drop, *PLACED_AT_ONCE)
    assert process.stdout is not None
    assert "watching" in process.stdout.readline()
    (drop / ".coming").write_text(approvals(1, secrets.token_hex(4)))
    (drop / ".coming").rename(drop / "come.json")
    (drop / "half.json.part").write_text("{")
    line = process.stdout.readline()
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert "accepted" in line
    assert "come.json" in line
    assert "-> archive/come.json" in line
    assert (process.returncode, rest) == (0, "")
    assert below(drop) == ["archive/come.json", "half.json.part"]


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_is_still_open_for_writing_is_left_and_named(installation: Installation, drop: Path) -> None:
    with (drop / "busy.json").open("w") as writer:
        writer.write(approvals(1, secrets.token_hex(4)))
        writer.flush()
        left = watch_once(installation, drop)
        assert below(drop) == ["busy.json"]
    assert (left.returncode, left.stdout) == (0, "")
    assert "left busy.json: still being written" in left.stderr
    [line] = told(watch_once(installation, drop).stdout)
    assert line["filed"] == "archive/busy.json"


def test_a_second_watch_of_the_folder_and_rules_without_sense_are_told(installation: Installation, drop: Path) -> None:
    with watched_alone(drop):
        second = watch_once(installation, drop)
    unknown = watch_once(installation, drop, "--profile", "nobody")
    assert (second.returncode, unknown.returncode) == (1, 1)
    assert "one process a folder" in second.stderr
    assert "found 'nobody'" in unknown.stderr


def test_a_cluster_that_is_away_moves_no_file(installation: Installation, drop: Path) -> None:
    (drop / "a.json").write_text(approvals(1, secrets.token_hex(4)))
    gone = {**installation.environment, "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = installation.run("watch", drop, "--once", environment=gone)
    assert done.returncode == 1
    assert "127.0.0.1:1 did not answer" in " ".join(done.stderr.split())
    assert below(drop) == ["a.json"]


def test_a_broker_that_dies_and_comes_back_costs_time_and_nothing_else(installation: Installation, drop: Path) -> None:
    foreign = {**installation.environment, "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": installation.servers}
    process = installation.start("watch", drop, *PLACED_AT_ONCE, environment=foreign)
    assert process.stdout is not None
    assert "watching" in process.stdout.readline()
    installation.broker.kill()
    (drop / "a.json").write_text(approvals(2, secrets.token_hex(4)))
    waiting = process.stdout.readline()
    assert below(drop) == ["a.json"]
    installation.broker.start()
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "archive/a.json" in line:
            break
    process.terminate()
    process.communicate(timeout=60)
    assert "waiting" in waiting
    assert f"{installation.servers} did not answer" in waiting
    assert "all files stay in place" in waiting
    assert sum("accepted" in line for line in said) == 1
    assert process.returncode == 0
    assert below(drop) == ["archive/a.json"]


def test_the_same_message_id_in_other_bytes_is_kept_for_a_person_and_alerted(
    installation: Installation, drop: Path
) -> None:
    """A real file, sent again with another status in it: the watch takes both, the pipeline believes the first."""
    original = (SAMPLES / "pain002/nordea_v03_txn_reject.xml").read_text(encoding="utf-8")
    message_id = f"M{secrets.token_hex(6)}"
    given = original.split("<MsgId>", 1)[1].split("</MsgId>", 1)[0]
    (drop / "1.xml").write_text(original.replace(f"<MsgId>{given}<", f"<MsgId>{message_id}<", 1), encoding="utf-8")
    [first] = told(watch_once(installation, drop).stdout)
    changed = (drop / "archive/1.xml").read_text(encoding="utf-8").replace("RJCT", "ACCP")
    (drop / "2.xml").write_text(changed, encoding="utf-8")
    [second] = told(watch_once(installation, drop).stdout)
    assert [first["outcome"], second["outcome"]] == ["accepted", "accepted"]
    assert first["message_id"] == second["message_id"] == message_id
    with installation.worker():
        installation.rest()
    conflicts = [row for row in installation.values(ALERTS, Alert) if row.kind is AlertKind.CONFLICT]
    [alert] = [row for row in conflicts if message_id in row.detail]
    assert second["file_hash"] in alert.detail
    letters = [row for row in installation.values(DEAD_LETTERS, DeadLetter) if row.reason_class == "conflict"]
    assert len(letters) == second["records"] > 0
    assert all(message_id in row.message for row in letters)
    report = installation.verified()
    assert report.findings == []
