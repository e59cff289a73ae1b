"""The model of a store does what the real one does, over drawn calls."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.engine import EngineSettings
from streams.engine.errors import StoreBusy
from streams.engine.store import Mark, Stores

from .store import Disk, ModelStores

TABLES = (b"a\x00", b"b\x00")


def real_stores(folder: Path) -> Stores:
    return Stores(
        EngineSettings(
            client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=folder, partitions=1
        )
    )


def model_stores(disks: dict[int, Disk]) -> ModelStores:
    return ModelStores(disks, "process", lambda: False, lambda _: False)


def write(random: Random, *stores: Any) -> None:
    keys = [random.choice(TABLES) + bytes([random.randrange(97, 103)]) for _ in range(random.randint(0, 4))]
    rows = [(key, None if random.random() < 0.3 else random.randbytes(4)) for key in keys]
    marks = {topic: Mark("id", random.randrange(100)) for topic in ("x", "y") if random.random() < 0.5}
    as_of_ms = random.randrange(1000)
    for store in stores:
        store.write(rows, marks, as_of_ms)


def contents(store: Any) -> Any:
    scans = [list(store.scan(table, table + start)) for table in TABLES for start in (b"", b"c")]
    return scans, [list(store.rows(table)) for table in TABLES], store.marks(), store.as_of_ms(), store.get(b"a\x00a")


@pytest.mark.parametrize("seed", range(5))
def test_calls_have_the_same_results(tmp_path: Path, seed: int) -> None:
    random, disks = Random(seed), dict[int, Disk]()
    both: tuple[Any, Any] = (real_stores(tmp_path), model_stores(disks))
    stores = [each.open(0) for each in both]
    assert contents(stores[0]) == contents(stores[1])
    for _ in range(60):
        what = random.random()
        if what < 0.85:
            write(random, *stores)
        elif what < 0.9:
            for store in stores:
                store.flush()
        else:
            is_fresh = random.random() < 0.3
            for store in stores:
                store.close()
            stores = [each.open(0, fresh=is_fresh) for each in both]
        assert contents(stores[0]) == contents(stores[1])
    snapshots = [store.rows(TABLES[0]) for store in stores]
    write(random, *stores)
    assert list(snapshots[0]) == list(snapshots[1])
    for each in both:
        with pytest.raises(StoreBusy):
            each.open(0)
    stores[0].close()


def test_a_kill_takes_the_newest_batches_whole() -> None:
    random, disks, seen = Random(1), dict[int, Disk](), set[int]()
    for _ in range(50):
        disks.clear()
        store = model_stores(disks).open(0)
        for number in range(4):
            store.write([(b"a\x00%d" % number, b"v"), (b"b\x00%d" % number, b"v")], {"x": Mark("id", number + 1)}, 1)
        disks[0].crash(random)
        again = model_stores(disks).open(0)
        kept = len(list(again.rows(TABLES[0])))
        assert [len(list(again.rows(table))) for table in TABLES] == [kept, kept]
        assert again.marks() == ({"x": Mark("id", kept)} if kept else {})
        seen.add(kept)
    assert seen == {0, 1, 2, 3, 4}
