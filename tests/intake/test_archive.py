"""The archive keeps what came, under the name of its bytes."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from connectors.intake.archive import Archive, NotArchivedError


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def test_a_file_is_found_by_the_hash_of_its_bytes_and_comes_back_unchanged(archive: Archive) -> None:
    content = bytes(range(256)) * 10_000
    stored = archive.store(io.BytesIO(content))
    assert stored.file_hash == hashlib.sha256(content).hexdigest()
    assert stored.size_bytes == len(content)
    with archive.open(stored.file_hash) as again:
        assert again.read() == content
    assert archive.find(stored.file_hash) == stored


def test_the_same_bytes_are_stored_once_and_nothing_half_written_stays(archive: Archive, tmp_path: Path) -> None:
    first, second = archive.store(io.BytesIO(b"statement")), archive.store(io.BytesIO(b"statement"))
    assert first == second
    assert [path for path in (tmp_path / "archive").rglob("*") if path.is_file()] == [
        tmp_path / "archive" / first.file_hash[:2] / first.file_hash
    ]


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyboardInterrupt("told to stop")])
def test_a_copy_that_breaks_off_gets_no_name_and_leaves_nothing(
    error: BaseException, archive: Archive, tmp_path: Path
) -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            if self.tell():
                raise error
            return super().read(4)

    with pytest.raises(type(error), match=str(error)):
        archive.store(Broken(b"statement"))
    assert not [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]


def test_a_copy_that_a_killed_process_left_is_removed_after_a_day_and_one_under_way_is_not(
    archive: Archive, tmp_path: Path
) -> None:
    incoming = tmp_path / "archive" / "incoming"
    incoming.mkdir(parents=True)
    abandoned, under_way = incoming / "abandoned", incoming / "under-way"
    for copy, age_hours in ((abandoned, 25), (under_way, 23)):
        copy.write_bytes(b"half of a stat")
        last_written_s = time.time() - age_hours * 3600
        os.utime(copy, (last_written_s, last_written_s))
    kept = archive.store(io.BytesIO(b"statement"))
    assert list(incoming.iterdir()) == [under_way]
    assert archive.find(kept.file_hash) == kept


def test_a_store_without_empty_folders_takes_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive("memory://object-store")
    monkeypatch.setattr(MemoryFileSystem, "makedirs", lambda *_, **__: None)
    assert archive.find(archive.store(io.BytesIO(b"statement")).file_hash).size_bytes == len(b"statement")


def test_a_hash_that_was_never_stored_is_said_so(archive: Archive) -> None:
    with pytest.raises(NotArchivedError, match="no file 00"):
        archive.open("00" * 32)


def test_the_url_of_any_file_system_will_do() -> None:
    archive = Archive("memory://bank-files")
    stored = archive.store(io.BytesIO(b"statement"))
    assert stored.url == f"memory:///bank-files/{stored.file_hash[:2]}/{stored.file_hash}"
    with archive.open(stored.file_hash) as again:
        assert again.read() == b"statement"
