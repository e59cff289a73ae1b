"""A store must hold what its changelog says below its mark: no row more, no row less, none other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streams.engine.due import index_prefix
from streams.engine.settings import EngineSettings
from streams.engine.store import Mark as EngineMark
from streams.engine.store import Stores
from streams.verify.contracts import PAYMENTS_TABLE, STATE
from streams.verify.due import DUE_OF
from streams.verify.read import Row
from streams.verify.report import Report
from streams.verify.stores import Changelog, Mark, RocksStore, digest_of, open_stores
from tests.verify.conftest import Judge, only
from tests.verify.pipeline import Pipeline

TOPIC_ID = "the-topic"
UNDATED = "duplicates"
"""A table whose rows never need the clock."""


@dataclass
class MemoryStore:
    """Rows by table, and how far they are."""

    partition: int
    marks: dict[str, Mark]
    tables: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    index: set[tuple[str, bytes, int]] = field(default_factory=set)
    name: str = "worker-1/0"

    def mark(self, changelog: str) -> Mark | None:
        return self.marks.get(changelog)

    def rows(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        return ((key, digest_of(row)) for key, row in self.tables.get(table, {}).items())

    def is_indexed(self, table: str, key: bytes, due: int) -> bool:
        return (table, key, due) in self.index


def _log(*values: tuple[int, bytes, bytes | None]) -> list[Row]:
    return [Row(STATE, 0, offset, 0, key, value) for offset, key, value in values]


def _compared(rows: list[Row], offset: int, held: dict[bytes, bytes], topic_id: str = TOPIC_ID) -> Report:
    report = Report()
    changelog = Changelog(STATE, TOPIC_ID, UNDATED, report)
    changelog.expect([MemoryStore(0, {STATE: Mark(topic_id, offset)}, {UNDATED: held})])
    changelog.read(rows)
    return report


ROWS = _log((0, b"a", b"a1"), (1, b"b", b"b1"), (3, b"a", b"a2"), (5, b"c", b"c1"), (6, b"b", None))


@pytest.mark.parametrize(
    ("mark", "held"),
    [
        (0, {}),
        (1, {b"a": b"a1"}),
        (3, {b"a": b"a1", b"b": b"b1"}),
        (4, {b"a": b"a2", b"b": b"b1"}),
        (6, {b"a": b"a2", b"b": b"b1", b"c": b"c1"}),
        (7, {b"a": b"a2", b"c": b"c1"}),
        (9, {b"a": b"a2", b"c": b"c1"}),
    ],
)
def test_a_store_is_right_as_of_its_mark_whatever_was_written_since(mark: int, held: dict[bytes, bytes]) -> None:
    report = _compared(ROWS, mark, held)
    assert report.findings == []
    assert report.store_rows == len(held)


@pytest.mark.parametrize(
    ("held", "key"),
    [
        ({b"a": b"a1", b"b": b"b1"}, "a"),
        ({b"b": b"b1"}, "a"),
        ({b"a": b"a2", b"b": b"b1", b"x": b"x1"}, "x"),
    ],
    ids=["another row", "a row missing", "a row too many"],
)
def test_a_row_that_differs_at_the_mark_is_a_mismatch(held: dict[bytes, bytes], key: str) -> None:
    report = _compared(ROWS, 4, held)
    assert only(report, "store_mismatch")
    assert report.findings[0].subject.endswith(f"key {key}")


def test_a_row_that_was_deleted_below_the_mark_must_not_be_there() -> None:
    assert only(_compared(ROWS, 7, {b"a": b"a2", b"b": b"b1", b"c": b"c1"}), "store_mismatch")


def test_a_row_whose_record_was_compacted_away_by_a_later_one_is_no_mismatch() -> None:
    compacted = _log((3, b"a", b"a2"), (5, b"c", b"c1"))
    assert _compared(compacted, 2, {b"a": b"a1"}).findings == []


def test_a_store_of_an_earlier_topic_of_that_name_is_named_and_not_compared() -> None:
    report = _compared(ROWS, 4, {b"x": b"x1"}, topic_id="an-earlier-topic")
    assert report.findings == []
    assert "worker-1/0" in report.notes[0]


def test_stores_of_one_partition_are_compared_each_at_its_own_mark() -> None:
    report = Report()
    changelog = Changelog(STATE, TOPIC_ID, UNDATED, report)
    new = MemoryStore(0, {STATE: Mark(TOPIC_ID, 7)}, {UNDATED: {b"a": b"a2", b"c": b"c1"}})
    old = MemoryStore(0, {STATE: Mark(TOPIC_ID, 1)}, {UNDATED: {b"a": b"a1"}})
    changelog.expect([new, old])
    changelog.read(ROWS)
    assert report.findings == []
    assert changelog.latest == {b"a": b"a2", b"c": b"c1"}


def _stores_of(pipeline: Pipeline) -> list[MemoryStore]:
    """What workers at rest would hold."""
    found: dict[int, MemoryStore] = {}
    for table in ("payments", "references", "duplicates", "files-seen"):
        for partition, rows in pipeline.tables(table).items():
            store = found.setdefault(partition, MemoryStore(partition, {}, name=f"worker/{partition}"))
            store.tables[table] = dict(rows)
            if (due_of := DUE_OF.get(table)) is not None:
                store.index |= {(table, key, due) for key, row in rows.items() if (due := due_of(row)) is not None}
    for store in found.values():
        store.marks = {
            contract: Mark(pipeline.log.topic_id(contract), 1 << 40)
            for contract in (
                "payments.state.v1",
                "payments.references-state.v1",
                "payments.duplicates-state.v1",
                "payments.files-seen.v1",
            )
        }
    return list(found.values())


def test_every_table_of_every_store_is_compared(pipeline: Pipeline, judge: Judge) -> None:
    stores = _stores_of(pipeline)
    report = judge(pipeline, stores)
    assert report.ok
    assert report.store_rows == sum(len(rows) for store in stores for rows in store.tables.values()) > 500


@pytest.mark.parametrize("table", ["payments", "references", "duplicates", "files-seen"])
def test_one_damaged_row_of_any_table_is_a_mismatch(pipeline: Pipeline, judge: Judge, table: str) -> None:
    stores = _stores_of(pipeline)
    rows = next(store.tables[table] for store in stores if store.tables.get(table))
    key = next(iter(rows))
    rows[key] += b"\x00"
    assert only(judge(pipeline, stores), "store_mismatch")


@pytest.mark.parametrize("table", ["payments", "references"])
def test_a_row_that_the_clock_does_not_find_is_a_mismatch(waiting: Pipeline, judge: Judge, table: str) -> None:
    stores = _stores_of(waiting)
    store, entry = next((store, entry) for store in stores for entry in sorted(store.index) if entry[0] == table)
    store.index.remove(entry)
    assert only(judge(waiting, stores), "store_mismatch")


def test_an_entry_at_another_time_does_not_stand_for_the_row_and_one_too_many_does_no_harm(
    waiting: Pipeline, judge: Judge
) -> None:
    stores = _stores_of(waiting)
    store, (table, key, due) = next((store, entry) for store in stores for entry in sorted(store.index))
    store.index.add((table, key, due - 1))
    assert judge(waiting, stores).ok
    store.index.remove((table, key, due))
    assert only(judge(waiting, stores), "store_mismatch")


def _engine_stores(folder: Path) -> Stores:
    return Stores(
        EngineSettings(
            client={"bootstrap.servers": "nowhere:1"},
            group_id="paystate",
            transactional_id="paystate-w1",
            data_dir=folder,
            partitions=4,
        )
    )


def test_a_store_that_a_worker_holds_is_read_with_its_mark(tmp_path: Path) -> None:
    held = _engine_stores(tmp_path).open(2)
    held.write([(b"payments\x00k1", b"v1")], {STATE: EngineMark(TOPIC_ID, 7)}, 1)
    held.flush()
    held.write([(b"payments\x00k2", b"v2")], {STATE: EngineMark(TOPIC_ID, 9)}, 2)
    report = Report()
    (store,) = open_stores(tmp_path / "paystate", report)
    held.close()
    assert (store.partition, store.name) == (2, "paystate-w1/2")
    assert store.mark(STATE) == Mark(TOPIC_ID, 7)
    assert dict(store.rows(PAYMENTS_TABLE)) == {b"k1": digest_of(b"v1")}
    assert store.mark("payments.other.v1") is None
    assert report.stores == 1


def test_a_closed_store_is_read_to_its_last_unit(tmp_path: Path) -> None:
    held = _engine_stores(tmp_path).open(0)
    entry = index_prefix("payments") + (77).to_bytes(8, "big") + b"k"
    held.write([(b"payments\x00k", b"v"), (b"others\x00k", b"w"), (entry, b"")], {STATE: EngineMark(TOPIC_ID, 9)}, 2)
    held.close()
    store = RocksStore(tmp_path / "paystate" / "paystate-w1" / "0")
    assert store.mark(STATE) == Mark(TOPIC_ID, 9)
    assert dict(store.rows(PAYMENTS_TABLE)) == {b"k": digest_of(b"v")}
    assert store.is_indexed(PAYMENTS_TABLE, b"k", 77)
    assert not store.is_indexed(PAYMENTS_TABLE, b"k", 78)


def _name_an_absent_index(folder: Path) -> None:
    (folder / "CURRENT").write_bytes(b"MANIFEST-999999\n")


def _write_a_record_type_that_nobody_writes(folder: Path) -> None:
    """Left to RocksDB, some of these keep it busy for ever (tests/engine/test_store_damage.py)."""
    index = folder / (folder / "CURRENT").read_text().strip()
    sound = index.read_bytes()
    index.write_bytes(sound[:6] + bytes([sound[6] ^ 0x80]) + sound[7:])


@pytest.mark.parametrize("damage", [_name_an_absent_index, _write_a_record_type_that_nobody_writes])
def test_a_store_that_cannot_be_read_is_a_mismatch_and_the_others_are_read(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    stores = _engine_stores(tmp_path)
    for partition in (0, 1):
        store = stores.open(partition)
        store.write([(b"payments\x00k", b"v")], {STATE: EngineMark(TOPIC_ID, 1)}, 2)
        store.close()
    damage(stores.path(0))
    report = Report()
    found = open_stores(tmp_path / "paystate", report)
    assert [store.partition for store in found] == [1]
    assert only(report, "store_mismatch")


def test_where_no_worker_has_run_there_are_no_stores(tmp_path: Path) -> None:
    assert open_stores(tmp_path / "paystate", Report()) == []
