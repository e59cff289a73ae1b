"""Rows of a store: a snapshot holds a table and no other until it is let go; a file that is loaded lies over all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streams.engine import EngineSettings
from streams.engine.errors import StoreBusy
from streams.engine.store import Mark, Store, Stores


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=tmp_path, partitions=1
    )
    return Stores(settings)


@pytest.fixture
def store(stores: Stores) -> Store:
    """Three tables of 2,000 rows each; the middle one is read."""
    store = stores.open(0)
    tables = (b"duplicates", b"payments", b"references")
    store.write([(b"%s\x00%04d" % (table, n), table) for table in tables for n in range(2_000)], {}, 0)
    return store


def test_a_snapshot_ends_with_its_table(store: Store) -> None:
    """The bound is memory of the read options: if they are freed before the iterator, it runs on."""
    for _ in range(20):
        rows = store.rows(b"payments\x00")
        assert len(list(store.rows(b"duplicates\x00"))) == 2_000
        assert set(rows) == {b"payments"}
    store.close()


def test_a_snapshot_is_older_than_what_is_written_after_it(store: Store) -> None:
    rows = store.rows(b"payments\x00")
    store.write([(b"payments\x000000", None), (b"payments\x009999", b"new")], {}, 0)
    assert list(rows) == [b"payments"] * 2_000
    assert len(list(store.rows(b"payments\x00"))) == 2_000
    store.close()


def test_a_snapshot_keeps_the_store_until_it_is_let_go(stores: Stores, store: Store) -> None:
    rows = store.rows(b"payments\x00")
    next(rows)
    store.close()
    with pytest.raises(StoreBusy):
        stores.open(0)
    del rows
    stores.open(0).close()


def test_rows_that_are_loaded_as_a_file_replace_and_delete_those_before(stores: Stores, store: Store) -> None:
    loaded = {b"payments\x000001": None, b"payments\x000002": b"new", b"payments\x009999": b"newest"}
    store.load(loaded, {"topic": Mark("id", 7)}, 5)
    for opened in (store, None):
        held = opened or stores.open(0)
        assert (held.marks(), held.as_of_ms()) == ({"topic": Mark("id", 7)}, 5)
        assert {key: held.get(key) for key in loaded} == loaded
        assert len(list(held.rows(b"payments\x00"))) == 2_000
        held.close()


_WRITE_LOAD_AND_DIE = """
import os, sys
from pathlib import Path
from streams.engine import EngineSettings
from streams.engine.store import Mark, Stores
settings = EngineSettings(
    client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=Path(sys.argv[1]), partitions=1
)
store = Stores(settings).open(0)
store.write([(b"payments\\0a", b"1")], {"topic": Mark("id", 1)}, 1)
store.load({b"payments\\0b": b"2"}, {"topic": Mark("id", 2)}, 2)
store.write([(b"payments\\0c", b"3")], {"topic": Mark("id", 3)}, 3)
os._exit(9)
"""


def test_a_process_that_dies_after_a_load_has_all_that_came_before_it(stores: Stores, tmp_path: Path) -> None:
    """Rows in memory alone would be lost, and the mark of the file would claim them."""
    died = subprocess.run([sys.executable, "-c", _WRITE_LOAD_AND_DIE, str(tmp_path)], check=False, timeout=60)
    assert died.returncode == 9
    store = stores.open(0)
    assert dict(store.scan(b"payments\x00", b"payments\x00")) == {b"payments\x00a": b"1", b"payments\x00b": b"2"}
    assert store.marks() == {"topic": Mark("id", 2)}
    store.close()


def test_what_a_load_that_was_cut_off_left_behind_is_in_nobodys_way(stores: Stores, store: Store) -> None:
    (store.path / "loading.sst").write_bytes(b"half of a file")
    store.load({b"payments\x000001": b"new"}, {}, 5)
    assert store.get(b"payments\x000001") == b"new"
    assert not (store.path / "loading.sst").exists()
    store.close()
