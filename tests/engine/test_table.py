"""A table is a dict of frozen values whose writes are undone with their record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine import BadRecord, EngineSettings, InfrastructureError, Topic
from streams.engine.cache import TwoGenerationCache
from streams.engine.store import Mark, Store, Stores
from streams.engine.table import Table, TableDeclaration, Undo, keep_written, rollback

DECLARATION = TableDeclaration("rows", Topic("rows", str.encode, bytes.decode), str.encode, bytes.decode)


@dataclass
class Mutable:
    """Can be changed in place."""

    x: int


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=tmp_path, partitions=1
    )
    store = Stores(settings).open(0)
    yield store
    store.close()


def table_over(store: Store, undo: Undo | None = None, **rows: str) -> Table[str]:
    store.write([(b"rows\x00" + key.encode(), row.encode()) for key, row in rows.items()], {}, 0)
    return Table(DECLARATION, store, [] if undo is None else undo, 1000, 100)


def test_reads_see_writes_before_the_store(store: Store) -> None:
    table = table_over(store, a="old", b="kept")
    table["a"] = "new"
    assert (table["a"], table.get("b"), table.get("c"), "c" in table) == ("new", "kept", None, False)


def test_a_falsy_value_is_a_value(store: Store) -> None:
    table = table_over(store, a="old")
    table["a"] = ""
    assert table.get("a") == ""
    assert "a" in table
    table.keep("a", table.encoded("a"))
    table.committed(table.seal())
    assert table.get("a") == ""


def test_a_deleted_row_is_gone_although_the_store_has_it(store: Store) -> None:
    table = table_over(store, a="old")
    del table["a"]
    assert table.get("a") is None
    with pytest.raises(KeyError):
        del table["a"]
    with pytest.raises(KeyError):
        table["a"]


def test_rollback_restores_what_was_there_before_the_record(store: Store) -> None:
    undo: Undo = []
    table = table_over(store, undo, a="old")
    table["b"] = "first"
    undo.clear()
    table["a"] = "1"
    table["a"] = "2"
    table["b"] = "3"
    del table["b"]
    table["c"] = "4"
    rollback(undo)
    assert (table.get("a"), table.get("b"), table.get("c")) == ("old", "first", None)


def test_a_scan_merges_stored_and_dirty_rows_in_key_order(store: Store) -> None:
    table = table_over(store, a1="x", b1="1", b2="2", b4="4", c="x")
    table["b3"] = "new"
    table["b2"] = "changed"
    del table["b4"]
    table["a2"] = "x"
    assert list(table.scan("b")) == [("b1", "1"), ("b2", "changed"), ("b3", "new")]
    assert list(table.scan("b", after="b1")) == [("b2", "changed"), ("b3", "new")]
    assert list(table.scan("b", after="b3")) == []
    assert [key for key, _ in table.scan("")] == ["a1", "a2", "b1", "b2", "b3", "c"]


def test_a_scan_of_one_table_does_not_see_another(store: Store) -> None:
    store.write([(b"rowt\x00k", b"other"), (b"rows2\x00k", b"other")], {"rows": Mark("id", 1)}, 0)
    assert list(table_over(store, k="mine").scan("")) == [("k", "mine")]


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=3)), st.text(max_size=2))
def test_scan_equals_a_sorted_dict(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str], prefix: str) -> None:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"},
        group_id="g",
        transactional_id="t",
        data_dir=tmp_path_factory.mktemp("scan"),
        partitions=1,
    )
    store = Stores(settings).open(0)
    keys = sorted(rows)
    store.write([(b"rows\x00" + key.encode(), rows[key].encode()) for key in keys[::2]], {}, 0)
    table = Table(DECLARATION, store, [], 1000, 100)
    for key in keys[1::2]:
        table[key] = rows[key]
    assert list(table.scan(prefix)) == [(key, rows[key]) for key in keys if key.startswith(prefix)]
    store.close()


def test_a_value_that_can_be_changed_in_place_is_refused(store: Store) -> None:
    table: Table[object] = Table(DECLARATION, store, [], 1000, 100)  # type: ignore[arg-type]  # any value, to see it refused
    with pytest.raises(InfrastructureError, match="frozen"):
        table["a"] = Mutable(1)
    with pytest.raises(InfrastructureError, match="frozen"):
        table["a"] = [1]


def test_a_row_that_does_not_fit_its_topic_is_its_records_fault(store: Store) -> None:
    table = table_over(store)
    table["a"] = "x" * 200
    with pytest.raises(BadRecord, match="at most 100"):
        table.encoded("a")


def test_what_a_record_wrote_is_kept_whole_or_not_at_all(store: Store) -> None:
    undo: Undo = []
    table = table_over(store, undo)
    table["a"] = "fits"
    keep_written(undo)
    undo.clear()
    table["a"] = "fits too"
    table["b"] = "x" * 200
    with pytest.raises(BadRecord, match="row 'b' would take 200 bytes"):
        keep_written(undo)
    rollback(undo)
    assert table.seal().rows == [(b"a", b"fits")]


def test_a_record_answers_for_a_row_as_it_leaves_it(store: Store) -> None:
    undo: Undo = []
    table = table_over(store, undo)
    table["a"] = "x" * 200
    table["a"] = "fits"
    table["b"] = "x" * 200
    del table["b"]
    keep_written(undo)
    assert table.seal().rows == [(b"a", b"fits"), (b"b", None)]


def test_a_row_written_outside_of_a_record_would_be_undone_by_nobody(store: Store) -> None:
    table = table_over(store)
    table["a"] = "1"
    with pytest.raises(InfrastructureError, match="outside of batch"):
        table.seal()


def test_the_cache_forgets_what_a_whole_generation_did_not_touch() -> None:
    cache: TwoGenerationCache[str] = TwoGenerationCache(100)
    cache.put("hot", "h", 10)
    for number in range(40):
        cache.put(f"cold-{number}", "c", 10)
        assert cache.get("hot") == "h"
    assert cache.get("cold-0") is None
    assert len(cache) <= 12


def test_marks_and_age_are_written_with_the_rows(store: Store) -> None:
    store.write([(b"rows\x00a", b"1")], {"topic": Mark("id:with:colons", 42)}, 1234)
    assert store.marks() == {"topic": Mark("id:with:colons", 42)}
    assert store.as_of_ms() == 1234
