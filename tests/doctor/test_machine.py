"""What is said about this machine: Java, folders, archive, and the key that hashes accounts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.broker.java import BrokerError
from streams.doctor import machine
from streams.doctor.finding import Level
from streams.doctor.machine import (
    account_key,
    archive,
    data_folder,
    examine_machine,
    free_disk,
    jars,
    java,
    profiles,
    store_folder,
)
from streams.settings import KafkaSettings, Settings

EMBEDDED, ABROAD = KafkaSettings(), KafkaSettings(bootstrap_servers="kafka.example:9092")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_missing_java_fails_with_the_places_that_were_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(configured: Path | None) -> Path:
        raise BrokerError("no Java >= 17: found PATH: /usr/bin/java (Java 11)")

    monkeypatch.setattr(machine, "find_java", none)
    found = java(Settings(kafka=EMBEDDED))
    assert found.level is Level.FAIL
    assert "Java 11" in found.advice


@pytest.mark.parametrize(("installed", "level"), [(object(), Level.WARN), (None, Level.FAIL)])
def test_missing_jars_fail_only_if_they_cannot_be_fetched(
    monkeypatch: pytest.MonkeyPatch, installed: object, level: Level
) -> None:
    monkeypatch.setattr(machine, "jars_at_hand", lambda: False)
    monkeypatch.setattr(machine, "find_spec", lambda _: installed)
    assert jars().level is level


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert data_folder(tmp_path / "not" / "yet").level is Level.OK
    assert not (tmp_path / "not").exists()


def test_a_file_in_place_of_the_data_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = data_folder(tmp_path / "file")
    assert found.level is Level.FAIL
    assert "PAYSTATE_DATA_DIR" in found.advice


@pytest.mark.parametrize(("gib", "level"), [(20.0, Level.OK), (2.0, Level.WARN), (0.2, Level.FAIL)])
def test_little_disk_is_warned_of_and_too_little_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gib: float, level: Level
) -> None:
    usage: Callable[[Any], Usage] = lambda _: Usage(0, 0, int(gib * (1 << 30)))  # noqa: E731 -- one expression
    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert free_disk(tmp_path).level is level


def test_stores_on_the_disk_of_the_data_folder_are_judged_with_it(tmp_path: Path) -> None:
    found = store_folder(tmp_path / "stores", tmp_path)
    assert (found.level, "on the disk of the data folder" in found.found) == (Level.OK, True)


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another disk than the temporary ones."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize(("gib", "level"), [(20.0, Level.OK), (2.0, Level.WARN), (0.2, Level.FAIL)])
def test_stores_on_a_disk_of_their_own_are_judged_by_that_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other_disk: Path, gib: float, level: Level
) -> None:
    """Also if it is one instance's alone; the data folder has room all the time."""
    stores = tmp_path / "stores" / "paystate"
    stores.mkdir(parents=True)
    (stores / "paystate-w").symlink_to(other_disk)
    here = tmp_path.stat().st_dev
    usage: Callable[[Path], Usage] = lambda path: Usage(  # noqa: E731 -- one expression
        0, 0, (100 << 30) if path.stat().st_dev == here else int(gib * (1 << 30))
    )
    monkeypatch.setattr(shutil, "disk_usage", usage)
    found = store_folder(tmp_path / "stores", tmp_path)
    assert found.level is level
    assert "paystate-w has a disk of its own" in found.found
    assert free_disk(tmp_path).level is Level.OK


def test_stores_that_cannot_be_written_fail(tmp_path: Path) -> None:
    (tmp_path / "stores").symlink_to("/proc/self", target_is_directory=True)
    found = store_folder(tmp_path / "stores", tmp_path)
    assert found.level is Level.FAIL
    assert "stores: " in found.found


def test_the_archive_is_tried_and_nothing_of_the_trial_stays(tmp_path: Path) -> None:
    assert archive(str(tmp_path / "archive")).level is Level.OK
    assert [path for path in (tmp_path / "archive").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("url", ["nosuch://bucket/archive", "/proc/none/archive"])
def test_an_archive_that_cannot_be_written_fails(url: str) -> None:
    found = archive(url)
    assert found.level is Level.FAIL
    assert "PAYSTATE_ARCHIVE_URL" in found.advice


def test_a_foreign_cluster_needs_the_account_key(tmp_path: Path) -> None:
    found = account_key(Settings(kafka=ABROAD, data_dir=tmp_path))
    assert found.level is Level.FAIL
    assert "PAYSTATE_ACCOUNT_HASH_KEY" in found.advice


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    settings = Settings(kafka=EMBEDDED, data_dir=tmp_path)
    assert account_key(settings).level is Level.OK
    settings.hash_key()
    assert account_key(settings).level is Level.OK
    (tmp_path / "account-hash.key").chmod(0o644)
    assert account_key(settings).level is Level.WARN


def test_a_bank_profile_that_cannot_be_read_fails_by_name(tmp_path: Path) -> None:
    assert profiles(None).level is Level.OK
    (tmp_path / "broken.yaml").write_text("name: [", encoding="utf-8")
    found = profiles(tmp_path)
    assert found.level is Level.FAIL
    assert "broken.yaml" in found.found


def test_java_and_jars_matter_only_to_the_embedded_broker(tmp_path: Path) -> None:
    names = {finding.name for finding in examine_machine(Settings(kafka=ABROAD, data_dir=tmp_path))}
    assert names == {"data folder", "disk", "store folder", "archive", "account key", "bank profiles"}
    assert {"java", "jars"} <= {
        finding.name for finding in examine_machine(Settings(kafka=EMBEDDED, data_dir=tmp_path))
    }
