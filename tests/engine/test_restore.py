"""A store is brought up to date from its topics, and made anew whenever it cannot be trusted."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition

from streams.engine import FaultPoint
from streams.engine.store import Mark, Store, Stores

from .arena import Arena, wait_until
from .ledger import iterate_ids

pytestmark = pytest.mark.kafka


def run_once(arena: Arena, sent: list[str]) -> None:
    """Fold what was sent, stop, and check."""
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
        arena.wait_until_folded()
    arena.check_books(sent)
    arena.check_stores()


def store_folders(arena: Arena) -> list[Path]:
    stores = Stores(arena.settings())
    return [stores.path(number) for number in range(arena.partitions)]


def edit_stores(arena: Arena, edit: Callable[[Store], None]) -> None:
    stores = Stores(arena.settings())
    for number in range(arena.partitions):
        store = stores.open(number)
        edit(store)
        store.close()


def test_a_deleted_store_is_restored_from_its_topics(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 200))
    run_once(arena, sent)
    shutil.rmtree(arena.settings().store_root)
    sent += arena.deposit(iterate_ids("f", 50))
    run_once(arena, sent)


def test_an_older_copy_of_a_store_is_brought_up_to_date(arena: Arena, tmp_path: Path) -> None:
    root = arena.settings().store_root
    sent = arena.deposit(iterate_ids("e", 200))
    run_once(arena, sent)
    shutil.copytree(root, tmp_path / "old")
    sent += arena.deposit(iterate_ids("f", 200))
    run_once(arena, sent)
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "old", root)
    sent += arena.deposit(iterate_ids("g", 50))
    run_once(arena, sent)


def test_a_row_deleted_since_an_older_copy_stays_deleted(arena: Arena, tmp_path: Path) -> None:
    root = arena.settings().store_root
    arena.deposit(["a", "b"], keys=1)
    with arena.running():
        arena.wait_until_folded()
    shutil.copytree(root, tmp_path / "old")
    arena.send(arena.names.deposits, "k0", {"id": "c", "forget": True})
    arena.producer.flush()
    with arena.running():
        arena.wait_until_folded()
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "old", root)
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
    arena.check_stores()


def spoil(kind: str, store: Store) -> None:
    """Make a store that must not be trusted, with a row that its topic does not have."""
    now_ms = int(time.time() * 1000)
    foreign = [(b"accounts\x00ghost", b'{"count": 99, "last": "ghost"}')]
    marks = store.marks()
    if kind == "ahead":
        store.write(foreign, {name: Mark(mark.topic_id, mark.offset + 1000) for name, mark in marks.items()}, now_ms)
    elif kind == "of another topic":
        store.write(foreign, {name: Mark("another-topic-id", mark.offset) for name, mark in marks.items()}, now_ms)
    elif kind == "older than tombstones live":
        store.write(foreign, marks, now_ms - 24 * 3600 * 1000)
    elif kind == "from the future":
        store.write(foreign, marks, now_ms + 24 * 3600 * 1000)
    elif kind == "of an undeclared table":
        store.write(foreign, {"gone": Mark("x", 5)}, now_ms)
    elif kind == "of unreadable age":
        store.write(foreign, marks, now_ms)
        store._db[b"\x00as-of-ms"] = b"yesterday"
    elif kind == "condemned":
        store.write(foreign, {}, now_ms)
        store.condemn("a checksum did not match")


UNTRUSTWORTHY = (
    "ahead",
    "of another topic",
    "older than tombstones live",
    "from the future",
    "of an undeclared table",
    "of unreadable age",
    "condemned",
)


def test_a_store_that_cannot_be_trusted_is_made_anew(arena: Arena, caplog: pytest.LogCaptureFixture) -> None:
    """Each kind over the one before, with a foreign row that must be gone afterwards."""
    sent = arena.deposit(iterate_ids("e", 100))
    run_once(arena, sent)
    for number, kind in enumerate(UNTRUSTWORTHY):
        caplog.clear()
        edit_stores(arena, lambda store, kind=kind: spoil(kind, store))  # type: ignore[misc]  # bound in the loop
        sent += arena.deposit(iterate_ids(f"f{number}", 20))
        run_once(arena, sent)
        assert ("is rebuilt from its topics" in caplog.text) == (kind != "condemned"), kind


def test_a_store_with_damaged_files_heals_from_its_topics(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 200))
    run_once(arena, sent)
    for folder in store_folders(arena):
        for manifest in folder.glob("MANIFEST-*"):
            manifest.write_bytes(manifest.read_bytes()[:-20] + b"\x00" * 20)
        for table in folder.glob("*.sst"):
            table.write_bytes(b"\x00" * table.stat().st_size)
    run_once(arena, sent)


def test_a_store_of_a_deleted_and_recreated_topic_follows_the_new_topic(arena: Arena) -> None:
    """The topic id, not the name, says whose rows the store holds."""
    sent = arena.deposit(iterate_ids("e", 50))
    run_once(arena, sent)
    name = arena.names.audited
    arena.admin.delete_topics([name])[name].result()
    wait_until(lambda: name not in arena.admin.list_topics(timeout=10).topics, "the topic is gone")
    wait_until(lambda: _created(arena, name), "the topic exists again")
    wait_until(lambda: name in arena.admin.list_topics(timeout=10).topics, "the broker shows it")
    with arena.running() as running:
        wait_until(running.is_ready, "the worker is ready")
    arena.check_stores()


def _created(arena: Arena, name: str) -> bool:
    try:
        arena.create_topics(name)
    except Exception:  # noqa: BLE001 - the broker may still be deleting its namesake
        return False
    return True


def delete_before(arena: Arena, topic: str, offset: int) -> None:
    """As retention does."""
    gone = [TopicPartition(topic, number, offset) for number in range(arena.partitions)]
    for deleted in arena.admin.delete_records(gone).values():
        deleted.result()


def test_a_log_that_begins_above_zero_is_read_from_its_begin_and_from_where_it_was_committed(arena: Arena) -> None:
    deposits = arena.names.deposits
    for number in range(40):
        arena.send(deposits, f"k{number % 5}", {"id": f"gone-{number}"}, partition=number % 2)
    arena.producer.flush()
    delete_before(arena, deposits, 20)
    sent = arena.deposit(iterate_ids("e", 60))
    run_once(arena, sent)
    delete_before(arena, deposits, 21)
    sent += arena.deposit(iterate_ids("f", 20))
    run_once(arena, sent)


def test_records_deleted_before_they_were_read_end_the_process_and_say_where(arena: Arena) -> None:
    run_once(arena, arena.deposit(iterate_ids("e", 20)))
    arena.deposit(iterate_ids("f", 40))
    delete_before(arena, arena.names.deposits, -1)
    with arena.running() as running:
        wait_until(lambda: running.engine.status().state == "failed", "the engine refuses to go on")
        reason = running.engine.status().reason
    assert re.search(rf"{arena.names.deposits}\[\d\]: the group stands at offset \d+, the log begins at \d+", reason)
    assert "reset-offsets" in reason


def test_a_group_whose_offsets_have_expired_does_not_read_everything_again(arena: Arena) -> None:
    """All workers down for longer than the broker keeps offsets: the state is still there, and so are its inputs."""
    sent = arena.deposit(iterate_ids("e", 20))
    run_once(arena, sent)
    arena.admin.delete_consumer_groups([arena.names.prefix])[arena.names.prefix].result()
    with arena.running() as running:
        wait_until(lambda: running.engine.status().state == "failed", "the engine refuses to go on")
        assert "has committed no offsets" in running.engine.status().reason
    arena.check_books(sent)


@contextmanager
def open_transaction(arena: Arena, topic: str) -> Iterator[None]:
    """Records in a topic of which nobody knows yet whether they count."""
    producer = Producer({**arena.client, "transactional.id": f"{arena.names.prefix}-open"})
    producer.init_transactions(10)
    producer.begin_transaction()
    for number in range(arena.partitions):
        producer.produce(topic, b"{}", b"undecided", partition=number)
    producer.flush()
    yield
    producer.abort_transaction(10)


def test_a_worker_told_to_stop_while_it_restores_leaves_at_once_and_nothing_undecided_counts(arena: Arena) -> None:
    sent = arena.deposit(iterate_ids("e", 50))
    run_once(arena, sent)
    with open_transaction(arena, arena.names.accounts):
        with arena.running() as running:
            wait_until(lambda: "is being restored" in running.engine.status().reason, "the restore waits")
        assert FaultPoint.RESTORED not in running.points
        assert running.engine.status().state == "stopped"
    run_once(arena, sent)


def test_a_restore_waits_for_the_predecessors_open_transaction(arena: Arena) -> None:
    """Killed with its offsets pending: the heir may read neither offsets nor state before that transaction ends."""
    sent = arena.deposit(iterate_ids("e", 200))
    arena.start("dead", fault=FaultPoint.OFFSETS_SENT.value, after=2, unit_max_records=60)
    assert arena.processes[0].ended() == -9
    heir = arena.start("heir")
    arena.wait_until_folded()
    assert heir.stop() == 0
    arena.check_books(sent)
    arena.check_stores("heir")
