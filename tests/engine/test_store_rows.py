"""A snapshot of a table: its rows and no others, as they were when it was taken, until it is let go."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.engine import EngineSettings
from streams.engine.errors import StoreBusy
from streams.engine.store import Store, Stores


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
