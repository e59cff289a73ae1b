"""Whether somebody has a file open for writing, asked of the real kernel."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from connectors.watch.writers import Writers, writers_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.xml"
    file.write_text("<a/>")
    return file


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_is_open_for_writing_has_a_writer_until_it_is_closed(path: Path) -> None:
    with path.open("a"):
        assert writers_of(path) is Writers.SOME
    assert writers_of(path) is Writers.NONE


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_readers_are_no_writers_and_asking_leaves_nothing_behind(path: Path) -> None:
    with path.open():
        assert writers_of(path) is Writers.NONE
        with path.open("a") as writer:
            writer.write("more")
    assert path.read_text() == "<a/>more"


def test_a_file_that_cannot_be_opened_is_untold(tmp_path: Path) -> None:
    assert writers_of(tmp_path / "nowhere") is Writers.UNTOLD


def test_elsewhere_nothing_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert writers_of(path) is Writers.UNTOLD
