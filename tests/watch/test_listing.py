"""What of a drop folder is to be taken, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.watch.listing import files_below, is_temporary


def everything(_path: Path) -> bool:
    return True


def dropped(root: Path, name: str, modified_s: int = 1_700_000_000) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    os.utime(path, (modified_s, modified_s))
    return path


def names(root: Path, most: int = 100) -> list[str]:
    return [str(found.path.relative_to(root)) for found in files_below(root, everything, most)]


def test_the_oldest_comes_first_and_names_decide_between_equals(tmp_path: Path) -> None:
    dropped(tmp_path, "a.xml", 1_700_000_003)
    dropped(tmp_path, "citi/z.sta", 1_700_000_001)
    dropped(tmp_path, "c.xml", 1_700_000_002)
    dropped(tmp_path, "b.xml", 1_700_000_002)
    assert names(tmp_path) == ["citi/z.sta", "b.xml", "c.xml", "a.xml"]


def test_a_look_has_a_bound_and_what_is_beyond_it_is_younger(tmp_path: Path) -> None:
    for number in range(5):
        dropped(tmp_path, f"{number}.xml", 1_700_000_000 - number)
    assert names(tmp_path, most=2) == ["4.xml", "3.xml"]


@pytest.mark.parametrize(
    "name", [".hidden", "a.xml.part", "a.tmp", "A.TMP", "a.xml~", "~a.xml", "a.filepart", ".a.xml.X9f2", "a.crdownload"]
)
def test_temporary_names_are_left_alone(name: str, tmp_path: Path) -> None:
    dropped(tmp_path, name)
    assert is_temporary(name)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["part.xml", "tmp", "a.xml", "a.part.xml", "statement 1.STA", "no-ending"])
def test_other_names_are_taken(name: str, tmp_path: Path) -> None:
    dropped(tmp_path, name)
    assert names(tmp_path) == [name]


def test_archive_and_rejected_are_ours_only_at_the_top(tmp_path: Path) -> None:
    for name in ("archive/a.xml", "rejected/b.xml", ".git/c.xml", "citi/archive/d.xml"):
        dropped(tmp_path, name)
    assert names(tmp_path) == ["citi/archive/d.xml"]


def test_links_and_pipes_are_no_files(tmp_path: Path) -> None:
    secret = dropped(tmp_path.parent, f"{tmp_path.name}-secret")
    (tmp_path / "link.xml").symlink_to(secret)
    (tmp_path / "folder").symlink_to(tmp_path.parent)
    os.mkfifo(tmp_path / "pipe.xml")
    assert names(tmp_path) == []


def test_what_is_not_wanted_now_does_not_count_for_the_bound(tmp_path: Path) -> None:
    old, young = dropped(tmp_path, "old.xml", 1_700_000_000), dropped(tmp_path, "young.xml", 1_700_000_009)
    assert [found.path for found in files_below(tmp_path, lambda path: path != old, 1)] == [young]


def test_a_drop_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files_below(tmp_path / "nowhere", everything)
