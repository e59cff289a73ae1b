"""What the watch does with each file, whatever the intake says; no broker, no waiting."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.contract import Refusal
from connectors.intake.ingest import IngestError, Intake, Outcome
from connectors.intake.ledger import LedgerUnreadableError
from connectors.intake.publish import PublishError
from connectors.intake.reading import Request
from connectors.watch.reading_rules import ReadingRules
from connectors.watch.settling import Settling
from connectors.watch.stopping import Stop, StoppedError
from connectors.watch.watcher import AwayError, Told, Watcher
from connectors.watch.writers import Writers
from schemas.records import FileEntry, FileStatus

REFUSAL = Refusal("truncated", "line 9", "END", "end of file", "lines", "M1")


class Cluster:
    """A door and the intake behind it: decides by the file's content."""

    def __init__(self) -> None:
        self.away = False
        self.reopened = 0
        self.read: list[tuple[str, Request]] = []
        self.errors: dict[str, Exception] = {}
        self.during: Callable[[Path], None] = lambda _: None

    def intake(self) -> Intake:
        if self.away:
            raise AwayError("the broker does not answer")
        return cast("Intake", self)

    def reopen(self) -> None:
        self.reopened += 1

    def ingest(self, path: Path, request: Request) -> Outcome:
        content = path.read_bytes()
        self.read.append((path.name, request))
        self.during(path)
        if path.name in self.errors:
            raise self.errors[path.name]
        if content.startswith(b"bad"):
            return Outcome(FileStatus.REFUSED, entry_of(path.name, content, request, REFUSAL), 0, REFUSAL)
        again = content.startswith(b"known")
        status = FileStatus.DUPLICATE if again else FileStatus.ACCEPTED
        return Outcome(status, entry_of(path.name, content, request, None), 0 if again else 1)


def entry_of(name: str, content: bytes, request: Request, refusal: Refusal | None) -> FileEntry:
    return FileEntry(
        file_hash=hashlib.sha256(content).hexdigest(),
        source="TEST",
        sender="TEST",
        format="lines",
        message_id="M1",
        name=name,
        archive_url="file:///archive",
        size_bytes=len(content),
        status=FileStatus.REFUSED if refusal else FileStatus.ACCEPTED,
        reason=refusal.reason if refusal else None,
        detail=refusal.detail if refusal else None,
        records=0 if refusal else 1,
        committed_records=0 if refusal else 1,
        declared_count=None,
        declared_sum=None,
        profile=request.profile,
        received_at=1_764_115_200_123_456,
    )


class Heard:
    """Everything that was told."""

    def __init__(self) -> None:
        self.files: list[Told] = []
        self.cluster: list[str] = []

    def file(self, told: Told) -> None:
        self.files.append(told)

    def away(self, problem: str, again_in_s: float) -> None:
        self.cluster.append(f"{problem} ({again_in_s:g} s)")

    def back(self) -> None:
        self.cluster.append("back")


class Drop:
    """A drop folder, and a watch of it whose pauses take no time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now_s = 0.0
        self.cluster, self.heard, self.stop = Cluster(), Heard(), Stop()
        self.busy: set[str] = set()
        settling = Settling(5.0, lambda: self.now_s, lambda: 0, self._writers)
        rules = ReadingRules(Request(), {"citi": {"profile": "nordea"}})
        self.watcher = Watcher(root, rules, settling, self.cluster, self.heard, self.stop, lambda: self.now_s)

    def _writers(self, path: Path) -> Writers:
        return Writers.SOME if path.name in self.busy else Writers.NONE

    def put(self, name: str, content: str = "good", modified_s: int = 1_000) -> Path:
        """A file that was renamed into place: its inode changes after its last byte."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        os.utime(path, (modified_s, modified_s))
        return path

    def below(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


def test_the_oldest_is_taken_first_and_each_goes_to_its_shelf(drop: Drop) -> None:
    drop.put("young.xml", "good", 3_000)
    drop.put("citi/old.xml", "known", 1_000)
    drop.put("middle.xml", "bad", 2_000)
    look = drop.watcher.look()
    assert [name for name, _ in drop.cluster.read] == ["old.xml", "middle.xml", "young.xml"]
    assert [request.profile for _, request in drop.cluster.read] == ["nordea", "default", "default"]
    assert (look.done, look.unsettled) == (3, ())
    assert drop.below() == [
        "archive/citi/old.xml",
        "archive/young.xml",
        "rejected/middle.xml",
        "rejected/middle.xml.reason.json",
    ]
    assert [told.filed for told in drop.heard.files] == [
        drop.root / name for name in ("archive/citi/old.xml", "rejected/middle.xml", "archive/young.xml")
    ]


def test_the_reason_says_what_and_where_and_what_to_do(drop: Drop) -> None:
    drop.put("a.xml", "bad news")
    drop.watcher.look()
    reason = json.loads((drop.root / "rejected/a.xml.reason.json").read_text())
    assert (reason["reason"], reason["where"], reason["expected"], reason["found"]) == (
        ("truncated", "line 9", "END", "end of file")
    )
    assert (reason["format"], reason["profile"], reason["message_id"]) == ("lines", "default", "M1")
    assert reason["file_hash"] == hashlib.sha256(b"bad news").hexdigest()
    assert reason["when"] == "2025-11-26T00:00:00.123+00:00"
    assert f"paystate files retry {reason['file_hash'][:16]} --profile" in reason["advice"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), IngestError("10 of 25 records are published")]
)
def test_a_file_that_fails_stays_and_does_not_stop_the_others(error: Exception, drop: Drop) -> None:
    drop.put("a.xml", modified_s=1)
    drop.put("b.xml", modified_s=2)
    drop.cluster.errors["a.xml"] = error
    drop.watcher.look()
    assert drop.below() == ["a.xml", "archive/b.xml"]
    failed, taken = drop.heard.files
    assert (failed.outcome, failed.filed) == (None, None)
    assert failed.problem is not None
    assert "it stays in place, next attempt in 2 s" in failed.problem
    assert taken.filed == drop.root / "archive/b.xml"


def test_a_failed_file_is_tried_again_when_its_time_has_come_and_not_before(drop: Drop) -> None:
    drop.put("a.xml")
    drop.cluster.errors["a.xml"] = PermissionError(13, "Permission denied")
    drop.watcher.look()
    drop.watcher.look()
    assert len(drop.cluster.read) == 1
    del drop.cluster.errors["a.xml"]
    drop.now_s = 2.0
    drop.watcher.look()
    assert drop.below() == ["archive/a.xml"]


@pytest.mark.parametrize(
    "error",
    [
        PublishError("Kafka refused to publish"),
        LedgerUnreadableError("nothing to read"),
        KafkaException(KafkaError(KafkaError._TRANSPORT, "nothing to hear")),
    ],
)
def test_where_the_cluster_fails_a_new_intake_takes_the_others_at_the_next_look(error: Exception, drop: Drop) -> None:
    drop.put("a.xml", modified_s=1)
    drop.put("b.xml", modified_s=2)
    drop.cluster.errors["a.xml"] = error
    drop.watcher.look()
    assert (drop.below(), drop.cluster.reopened) == (["a.xml", "b.xml"], 1)
    [told] = drop.heard.files
    assert told.problem is not None
    assert told.problem.startswith(("Kafka refused", "nothing to"))
    drop.watcher.look()
    assert drop.below() == ["a.xml", "archive/b.xml"]


def test_a_cluster_that_is_away_is_asked_less_and_less_often_and_no_file_moves(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.put("a.xml")
    drop.cluster.away = True
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            assert drop.below() == ["a.xml"]
            drop.cluster.away = False
        if len(pauses) == 10:
            drop.stop.requested = True

    monkeypatch.setattr(drop.stop, "pause", pause)
    drop.watcher.run(1.0)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]
    assert drop.heard.cluster[0] == "the broker does not answer (1 s)"
    assert drop.heard.cluster[-1] == "back"
    assert drop.below() == ["archive/a.xml"]


def test_a_drop_folder_that_cannot_be_read_is_waited_for(drop: Drop) -> None:
    drop.root.rmdir()
    with pytest.raises(AwayError, match="No such file or directory"):
        drop.watcher.look()


def test_an_empty_folder_asks_nobody(drop: Drop) -> None:
    drop.cluster.away = True
    assert drop.watcher.look().done == 0


def test_a_file_that_grew_while_it_was_read_stays_and_is_taken_whole_later(drop: Drop) -> None:
    path = drop.put("a.xml", "half")
    drop.cluster.during = lambda file: cast("None", file.write_text("half and half"))
    drop.watcher.look()
    assert drop.below() == ["a.xml"]
    drop.cluster.during = lambda _: None
    drop.now_s = 2.0
    os.utime(path, (1_000, 1_000))
    drop.watcher.look()
    assert drop.below() == ["archive/a.xml"]
    assert (drop.root / "archive/a.xml").read_text() == "half and half"


def test_a_file_that_somebody_took_away_is_told_and_forgotten(drop: Drop) -> None:
    drop.put("a.xml")
    drop.cluster.during = lambda path: path.unlink()
    assert drop.watcher.look().done == 0
    [told] = drop.heard.files
    assert told.problem == "somebody took it away before it was read"


def test_a_file_that_is_being_written_is_left_alone_and_named(drop: Drop) -> None:
    path = drop.put("a.xml")
    drop.busy.add("a.xml")
    look = drop.watcher.look()
    assert (look.done, look.unsettled, drop.cluster.read) == (0, (path,), [])


def test_a_stop_in_the_middle_of_a_file_leaves_it_for_the_next_start(drop: Drop) -> None:
    drop.put("a.xml")
    drop.cluster.during = lambda _: drop.stop.request()
    with pytest.raises(StoppedError):
        drop.watcher.look()
    assert drop.below() == ["a.xml"]
    again = Drop(drop.root)
    again.watcher.look()
    assert again.below() == ["archive/a.xml"]


def test_a_stop_while_a_file_is_moved_finishes_it_and_takes_no_other(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.put("a.xml", modified_s=1)
    drop.put("b.xml", modified_s=2)
    monkeypatch.setattr(drop.heard, "file", lambda _: drop.stop.request())
    assert drop.watcher.look().done == 1
    assert drop.below() == ["archive/a.xml", "b.xml"]


def test_draining_waits_for_what_settles_and_leaves_what_is_written(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(seconds: float) -> None:
        drop.now_s += seconds

    monkeypatch.setattr(drop.stop, "pause", pause)
    drop.put("placed.xml")
    (drop.root / "written.xml").write_text("good")
    os.utime(drop.root / "written.xml", (4_000_000_000, 4_000_000_000))  # not placed: its last byte is its last change
    busy = drop.put("busy.xml")
    drop.busy.add("busy.xml")
    assert drop.watcher.drain(1.0, 5.0) == (busy,)
    assert drop.below() == ["archive/placed.xml", "archive/written.xml", "busy.xml"]
    assert drop.now_s >= 5.0
