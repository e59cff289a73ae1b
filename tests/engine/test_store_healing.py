"""A worker whose stores are damaged heals them from the topics by itself, at its start and in the middle of work."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.broker.embedded import EmbeddedBroker

from .arena import Arena, wait_until
from .ledger import Names, iterate_ids
from .test_restore import run_once, store_folders

pytestmark = pytest.mark.kafka

#: Enough for many blocks in a file: the marks are in its first one, and are read at every start.
KEYS = 2_000


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def harm(kind: str, folder: Path) -> None:
    """What disks, people and half-done copies do to a store."""
    if kind == "a flipped bit in MANIFEST":
        manifest = only(folder, "MANIFEST-*")
        flip(manifest, manifest.stat().st_size // 2)
    elif kind == "a flipped bit in CURRENT":
        flip(folder / "CURRENT", 3)
    elif kind == "a table that is gone":
        only(folder, "*.sst").unlink()
    elif kind == "a table that is cut":
        table = only(folder, "*.sst")
        table.write_bytes(table.read_bytes()[:-100])


DAMAGE = (("a flipped bit in MANIFEST", "a flipped bit in CURRENT"), ("a table that is gone", "a table that is cut"))


def test_files_that_are_damaged_while_no_worker_runs_heal_at_its_start(arena: Arena) -> None:
    """Each partition's store in another way."""
    sent = arena.deposit(iterate_ids("e", 200))
    run_once(arena, sent)
    for run, kinds in enumerate(DAMAGE):
        for kind, folder in zip(kinds, store_folders(arena), strict=True):
            harm(kind, folder)
        sent += arena.deposit(iterate_ids(f"f{run}", 20))
        run_once(arena, sent)


def test_a_bad_block_met_while_running_ends_the_worker_and_its_heir_rebuilds_the_store(arena: Arena) -> None:
    """The worker starts well: nothing of the block is needed until a record's row is."""
    sent = arena.deposit(iterate_ids("e", KEYS), keys=KEYS)
    first = arena.start("one")
    arena.wait_until_folded()
    assert first.stop() == 0
    for number in range(arena.partitions):
        table = only(arena.settings("one").store_root / str(number), "*.sst")
        flip(table, table.stat().st_size // 4)
    worker = arena.start("one")
    wait_until(worker.is_active, "the worker has begun")
    sent += arena.deposit(iterate_ids("f", KEYS), keys=KEYS)
    assert worker.ended() not in (0, -9), worker.text()[-3000:]
    assert "Corruption" in worker.text()
    assert "It is rebuilt from its topics at the next start" in worker.text()
    heir = arena.start("one")
    while not arena.is_folded_by(heir):
        assert heir.ended() != 0  # the other partition's store was still to be found out
        heir = arena.start("one")
    assert heir.stop() == 0
    arena.check_books(sent)
    arena.check_stores("one")


@pytest.fixture
def compacting(tmp_path: Path) -> Iterator[Arena]:
    """A broker that compacts at once, and a changelog whose tombstones it forgets after two seconds."""
    broker = EmbeddedBroker(tmp_path / "broker", settings={"log.cleaner.backoff.ms": "200"})
    arena = Arena(broker.start().bootstrap_servers, Names("compacting"), tmp_path)
    arena.create_topics()
    settings = {
        "segment.ms": "500",
        "min.cleanable.dirty.ratio": "0.001",
        "delete.retention.ms": "2000",
        "file.delete.delay.ms": "0",
    }
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, arena.names.accounts, incremental_configs=entries)
    arena.admin.incremental_alter_configs([resource])[resource].result(30)
    yield arena
    arena.end()
    broker.kill()


def test_an_older_copy_brings_nothing_back_that_was_deleted_and_compacted_away(
    compacting: Arena, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Replayed from its mark, the copy would keep a row whose tombstone nobody has any more."""
    arena, root, numbers = compacting, compacting.settings().store_root, itertools.count()
    arena.deposit(["a", "b"], keys=1)
    with arena.running():
        arena.wait_until_folded()
    shutil.copytree(root, tmp_path / "old")

    def is_compacted_away() -> bool:
        """The newest segment is never compacted: records keep coming."""
        for partition in range(arena.partitions):
            number = next(numbers)
            record = {"id": f"filler-{number}"}
            arena.send(arena.names.deposits, f"filler-{number % 7}", record, partition=partition)
        arena.producer.flush()
        arena.wait_until_folded()
        return all(message.key() != b"k0" for message in arena.read(arena.names.accounts))

    with arena.running():
        arena.send(arena.names.deposits, "k0", {"id": "c", "forget": True})
        arena.producer.flush()
        wait_until(is_compacted_away, "nothing is left of the row and its tombstone")
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "old", root)
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
    assert "keeps tombstones for 2 s" in caplog.text
    arena.check_stores()
