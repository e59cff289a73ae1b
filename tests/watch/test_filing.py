"""Where files go, and that nothing is written over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.watch import filing
from connectors.watch.filing import ChangedError, Filing, Reason
from connectors.watch.listing import Found, found_at

HASH, OTHER_HASH = "a" * 64, "b" * 64
REASON = Reason(
    name="a.xml",
    file_hash=HASH,
    size_bytes=3,
    reason="truncated",
    where="line 9",
    expected="END",
    found="end of file",
    detail="line 9: expected END, found end of file",
    format="camt.053",
    profile="default",
    message_id="M1",
    when="2026-11-26T00:00:00.000+00:00",
    advice="ask for it again",
)


def dropped(root: Path, name: str = "citi/a.xml", content: str = "one") -> Found:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return found_at(path)


def below(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_taken_file_keeps_its_sub_folder(tmp_path: Path) -> None:
    assert Filing(tmp_path).archive(dropped(tmp_path), HASH) == tmp_path / "archive/citi/a.xml"
    assert below(tmp_path) == {"archive/citi/a.xml": "one"}


def test_the_same_name_with_other_bytes_gets_its_hash_and_nothing_is_lost(tmp_path: Path) -> None:
    shelves = Filing(tmp_path)
    shelves.archive(dropped(tmp_path, content="one"), HASH)
    shelves.archive(dropped(tmp_path, content="two"), OTHER_HASH)
    (tmp_path / f"archive/citi/a-{HASH[:16]}.xml").write_text("somebody's")
    shelves.archive(dropped(tmp_path, content="six"), HASH)
    assert below(tmp_path) == {
        "archive/citi/a.xml": "one",
        f"archive/citi/a-{OTHER_HASH[:16]}.xml": "two",
        f"archive/citi/a-{HASH[:16]}.xml": "somebody's",
        f"archive/citi/a-{HASH[:16]}-2.xml": "six",
    }


def test_the_same_name_with_the_same_bytes_is_one_copy(tmp_path: Path) -> None:
    for _ in range(3):
        Filing(tmp_path).archive(dropped(tmp_path), HASH)
    assert below(tmp_path) == {"archive/citi/a.xml": "one"}


def test_a_refused_file_has_its_reason_beside_it(tmp_path: Path) -> None:
    Filing(tmp_path).reject(dropped(tmp_path), REASON)
    assert json.loads((tmp_path / "rejected/citi/a.xml.reason.json").read_text()) == {
        "name": "a.xml",
        "file_hash": HASH,
        "size_bytes": 3,
        "reason": "truncated",
        "where": "line 9",
        "expected": "END",
        "found": "end of file",
        "detail": "line 9: expected END, found end of file",
        "format": "camt.053",
        "profile": "default",
        "message_id": "M1",
        "when": "2026-11-26T00:00:00.000+00:00",
        "advice": "ask for it again",
    }
    assert sorted(below(tmp_path)) == ["rejected/citi/a.xml", "rejected/citi/a.xml.reason.json"]


def test_every_refused_file_of_one_name_has_a_reason_of_its_own(tmp_path: Path) -> None:
    Filing(tmp_path).reject(dropped(tmp_path, content="one"), REASON)
    Filing(tmp_path).reject(dropped(tmp_path, content="two"), replace(REASON, file_hash=OTHER_HASH))
    reasons = {path: json.loads(text) for path, text in below(tmp_path).items() if path.endswith(".reason.json")}
    assert {path: reason["file_hash"] for path, reason in reasons.items()} == {
        "rejected/citi/a.xml.reason.json": HASH,
        f"rejected/citi/a-{OTHER_HASH[:16]}.xml.reason.json": OTHER_HASH,
    }


def test_the_reason_is_there_before_the_file_so_a_crash_leaves_none_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> Path:
        raise KeyboardInterrupt

    found = dropped(tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr(Filing, "_moved", power_cut)
        with pytest.raises(KeyboardInterrupt):
            Filing(tmp_path).reject(found, REASON)
    assert sorted(below(tmp_path)) == ["citi/a.xml", "rejected/citi/a.xml.reason.json"]
    Filing(tmp_path).reject(found, REASON)
    assert sorted(below(tmp_path)) == ["rejected/citi/a.xml", "rejected/citi/a.xml.reason.json"]


def test_a_file_that_changed_since_it_was_read_stays(tmp_path: Path) -> None:
    found = dropped(tmp_path)
    with found.path.open("a") as writer:
        writer.write(" more")
    with pytest.raises(ChangedError, match="taken again"):
        Filing(tmp_path).archive(found, HASH)
    assert below(tmp_path) == {"citi/a.xml": "one more"}


def test_a_file_that_takes_the_name_in_the_last_moment_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = dropped(tmp_path)
    new = tmp_path / "citi/.new"
    new.write_text("new")

    def checked_too_early(path: Path) -> Found:
        """The check before the move still sees the old file, which is replaced right after it."""
        seen = found_at(path)
        if new.exists():
            new.rename(path)
        return seen

    monkeypatch.setattr(filing, "found_at", checked_too_early)
    with pytest.raises(ChangedError):
        Filing(tmp_path).archive(found, HASH)
    assert below(tmp_path) == {"citi/a.xml": "new"}
