"""One watch a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.watch.lock import FolderError, watched_alone


def test_a_second_watch_of_a_folder_is_told_and_the_first_goes_on(tmp_path: Path) -> None:
    with watched_alone(tmp_path):
        with pytest.raises(FolderError, match="another `paystate watch` has it"), watched_alone(tmp_path):
            pass
        with pytest.raises(FolderError, match="another"), watched_alone(tmp_path):
            pass
    with watched_alone(tmp_path):
        pass


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path, found in ((tmp_path / "nowhere", "nothing"), (file, "a file")):
        with pytest.raises(FolderError, match=f"expected a folder, found {found}"), watched_alone(path):
            pass
