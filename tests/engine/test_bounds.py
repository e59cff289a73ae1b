"""What bounds a unit and what a worker keeps: counted in records and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.engine import AGAIN, DeadLetters, EngineSettings, Outbox, Record, Topic
from streams.engine.batch import Batch
from streams.engine.outbox import SEND_OVERHEAD_BYTES, Sending
from streams.engine.store import Stores
from streams.engine.table import ROW_OVERHEAD_BYTES, Table, TableDeclaration, Undo, keep_written
from streams.engine.topic import Route

from .test_batch import Said, record
from .test_due import SENDING, Row, done, fact, tick, units

TOPIC: Topic[str] = Topic("in", str.encode, bytes.decode)
OUT: Topic[str] = Topic("out", str.encode, bytes.decode)
SENT_BYTES = SEND_OVERHEAD_BYTES + len("k") + len("0123456789")


class Unit:
    """One task's units of work over a store."""

    def __init__(self, folder: Path, most_bytes: int, cache_bytes: int = 1) -> None:
        settings = EngineSettings(
            client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=folder, partitions=1
        )
        self.store = Stores(settings).open(0)
        self.undo: Undo = []
        self.table: Table[str] = Table(
            TableDeclaration("rows", TOPIC, str.encode, bytes.decode), self.store, self.undo, cache_bytes, 1_000_000
        )
        dead = DeadLetters("dead", lambda failure: failure.message.encode())
        self.sending = Sending({"out": Route("out", 1, 10_000)}, dead, Route("dead", 1, 10_000), lambda: 7)
        self.most_bytes = most_bytes

    def batch(self, count: int, is_over: Callable[[], bool] = lambda: False) -> Batch:
        records = [record(Said(n, f"k{n}".encode(), b"v"), TOPIC) for n in range(count)]
        out = Outbox(self.sending, "stage", 0, 1, self.most_bytes)
        return Batch(0, records, (self.table,), out, self.undo, is_over=is_over)

    def commit(self) -> None:
        keep_written(self.undo)  # what a test wrote by itself
        self.undo.clear()
        sealed = self.table.seal()
        self.store.write(sealed.store_rows(), {}, 0)
        self.table.committed(sealed)


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Callable[..., Unit]]:
    made: list[Unit] = []

    def make(*arguments: Any) -> Unit:
        made.append(Unit(tmp_path, *arguments))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


def send(times: int) -> Any:
    def handler(_record: Record, _rows: Table[str], out: Outbox) -> None:
        for _ in range(times):
            out.send(OUT, "k", "0123456789")

    return handler


def test_a_batch_ends_before_its_records_do_when_it_has_sent_enough(unit: Callable[..., Unit]) -> None:
    batch = unit(10 * SENT_BYTES).batch(50)
    batch.each(send(4))
    assert (batch.done, len(batch.out.sent), batch.again) == (3, 12, None)


def test_one_record_is_folded_however_much_it_sends(unit: Callable[..., Unit]) -> None:
    batch = unit(10 * SENT_BYTES).batch(50)
    batch.each(send(100))
    assert batch.done == 1


def test_what_was_undone_counts_and_so_do_dead_letters(unit: Callable[..., Unit]) -> None:
    batch = unit(10 * SENT_BYTES).batch(50)

    def handler(*arguments: Any) -> None:
        send(3)(*arguments)
        raise ValueError("no good")

    batch.each(handler)
    assert batch.done == len(batch.out.sent) == 3


def test_a_batch_ends_when_the_rows_that_it_read_come_to_enough(unit: Callable[..., Unit]) -> None:
    """Rows grow to a megabyte: two thousand records of as many such payments must not be in memory together."""
    one = unit(10_000)
    for number in range(20):
        one.table[f"k{number}"] = "x" * 2_000
    one.commit()
    batch = one.batch(20)

    def touch(record: Record, rows: Table[str], _out: Outbox) -> None:
        rows[record.key] = rows[record.key]

    batch.each(touch)
    assert batch.done == 5
    one.commit()
    assert one.table.read_bytes == 0, "the next unit has all of it"


def test_a_batch_ends_when_its_time_is_over(unit: Callable[..., Unit]) -> None:
    answers = iter((False, False, True))
    batch = unit(1_000_000).batch(50, lambda: next(answers))
    batch.each(send(1))
    assert batch.done == 3


def test_rows_that_are_due_wait_for_the_next_unit_when_the_time_is_over(tmp_path: Path) -> None:
    for due in units(tmp_path):
        due.fold(fact(), put={f"r{number}": Row(5) for number in range(7)})
        due.commit()
        answers = iter((False, False, True) * 3)
        served = []
        for _ in range(3):
            out = Outbox(SENDING, "stage", 0, 1)
            batch = Batch(0, [tick(6), tick(7)], (due.table,), out, due.undo, is_over=answers.__next__)
            batch.each(lambda *_: None, done)
            served.append((batch.again is not None, batch.done))
            due.commit()
        assert served == [(True, 0), (True, 0), (False, 2)]
        assert all(due.table[f"r{number}"].text == "done" for number in range(7))


def test_a_handler_that_sends_much_goes_on_in_the_next_unit(unit: Callable[..., Unit]) -> None:
    one = unit(10 * SENT_BYTES)
    sent, batches = 0, 0

    def fan_out(_record: Record, rows: Table[str], out: Outbox) -> Any:
        place = int(rows.get("cursor") or 0)
        while place < 95 and not out.is_full:
            out.send(OUT, "k", "0123456789")
            place += 1
        rows["cursor"] = str(place)
        return AGAIN if place < 95 else None

    is_done = False
    while not is_done:
        batch = one.batch(1)
        batch.each(fan_out)
        one.commit()
        is_done, sent, batches = batch.done == 1, sent + len(batch.out.sent), batches + 1
    assert (sent, batches) == (95, 10)


def test_a_cache_of_many_small_rows_is_bounded_by_more_than_their_bytes(unit: Callable[..., Unit]) -> None:
    one = unit(1_000_000, 10_000)
    for number in range(1_000):
        one.table[f"k{number}"] = "x"
        one.commit()
    assert len(one.table._cache) <= 10_000 // ROW_OVERHEAD_BYTES
