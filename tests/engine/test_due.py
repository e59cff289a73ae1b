"""Rows that are due are named once, in time, whatever was written, aborted, restored or put off in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.engine import AGAIN, DeadLetters, DueIndex, EngineSettings, InfrastructureError, Outbox, Record, Topic
from streams.engine import batch as batch_module
from streams.engine.batch import Batch
from streams.engine.due import RETRY_AFTER_US, entry_of, entry_parts, index_prefix
from streams.engine.outbox import Sending
from streams.engine.store import Store, Stores
from streams.engine.table import Table, TableDeclaration, Undo
from streams.engine.topic import Route

from .test_batch import Said, record


@dataclass(frozen=True)
class Row:
    """When it is due, 0: never."""

    due_us: int
    text: str = ""


def encode(row: Row) -> bytes:
    return row.due_us.to_bytes(8, "big") + row.text.encode()


def decode(data: bytes) -> Row:
    return Row(int.from_bytes(data[:8], "big"), data[8:].decode())


def never_is_none(due_us: int) -> int | None:
    return due_us or None


INDEX: DueIndex[Row] = DueIndex(
    lambda row: never_is_none(row.due_us), lambda data: never_is_none(int.from_bytes(data[:8], "big"))
)
ROWS: Topic[Row] = Topic("rows", encode, decode)
DECLARATION = TableDeclaration("rows", ROWS, encode, decode, INDEX)
TICKS: Topic[str] = Topic("clock", str.encode, bytes.decode, keyed=False, ticks=int)
FACTS: Topic[str] = Topic("facts", str.encode, bytes.decode)
SENDING = Sending(
    {},
    DeadLetters("dead", lambda failure: f"{failure.key!r} {failure.message}".encode()),
    Route("dead", 1, 10_000),
    int,
)

Handle = Callable[[str, Record, Table[Row], Outbox], None]


class Unit:
    """A table over a store, and units of work on it, as a worker does them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.undo: Undo = []
        self.table: Table[Row] = Table(DECLARATION, store, self.undo, 1000, 1000)
        self.batch: Batch

    def fold(self, *records: Record, put: dict[str, Row] | None = None, due: Handle | None = None) -> Outbox:
        out = Outbox(SENDING, "stage", 0, 1)
        self.batch = Batch(0, records, (self.table,), out, self.undo)

        def handler(record: Record, rows: Table[Row], _out: Outbox) -> None:
            for key, row in (put or {}).items():
                rows[key] = row

        self.batch.each(handler, due)
        return out

    def commit(self) -> None:
        sealed = self.table.seal()
        self.store.write(sealed.store_rows(), {}, 0)
        self.table.committed(sealed)

    def entries(self) -> list[tuple[int, str]]:
        prefix = index_prefix("rows")
        found = (entry_parts(prefix, entry) for entry, _ in self.store.scan(prefix, prefix))
        return [(due_us, key.decode()) for due_us, key in found]


def tick(at_us: int) -> Record:
    return record(Said(0, None, str(at_us).encode()), TICKS)


def fact() -> Record:
    return record(Said(1, b"k", b"fact"), FACTS)


def done(key: str, _tick: Record, rows: Table[Row], _out: Outbox) -> None:
    rows[key] = Row(0, "done")


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    yield from units(tmp_path)


def units(folder: Path) -> Iterator[Unit]:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=folder, partitions=1
    )
    store = Stores(settings).open(0, fresh=True)
    yield Unit(store)
    store.close()


def test_rows_are_named_when_they_are_due_in_the_order_in_which_they_are(unit: Unit) -> None:
    unit.fold(fact(), put={"b": Row(5), "a": Row(7), "c": Row(7), "later": Row(8), "never": Row(0)})
    unit.commit()
    named: list[str] = []

    def note(key: str, _tick: Record, rows: Table[Row], _out: Outbox) -> None:
        named.append(key)
        rows[key] = Row(0)

    unit.fold(tick(7), due=note)
    unit.commit()
    assert named == ["b", "a", "c"]
    assert unit.entries() == [(8, "later")]


def test_a_row_of_the_open_unit_counts_as_it_is_now(unit: Unit) -> None:
    unit.fold(fact(), put={"moved": Row(3), "stays": Row(3)})
    unit.commit()
    unit.fold(fact(), tick(4), put={"moved": Row(9), "new": Row(2)}, due=done)
    unit.commit()
    assert {key: unit.table[key].text for key in ("moved", "stays", "new")} == {
        "moved": "",
        "stays": "done",
        "new": "done",
    }


def test_ticks_reach_no_handler_and_without_rows_that_are_due_they_do_nothing(unit: Unit) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a tick came here")

    out = Outbox(SENDING, "stage", 0, 1)
    batch = Batch(0, [tick(5)], (unit.table,), out, unit.undo)
    batch.each(never, never)
    assert (batch.done, out.sent, unit.table.is_dirty) == (1, [], False)


def test_what_an_aborted_unit_did_is_done_again(unit: Unit) -> None:
    unit.fold(fact(), put={"a": Row(5)})
    unit.commit()
    unit.fold(tick(6), due=done)
    unit.table.drop_dirty()
    assert unit.table["a"].text == ""
    unit.fold(tick(6), due=done)
    unit.commit()
    assert unit.table["a"].text == "done"
    assert unit.entries() == []


def test_many_rows_are_seen_to_in_slices_before_anything_else(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "DUE_SLICE", 3)
    unit.fold(fact(), put={f"{n:02d}": Row(n + 1) for n in range(8)})
    unit.commit()
    rounds = 0
    while True:
        rounds += 1
        unit.fold(tick(100), fact(), due=done)
        unit.commit()
        if unit.batch.again is None:
            break
        assert unit.batch.done == 0
    assert rounds == 3
    assert unit.batch.done == 2
    assert all(unit.table[f"{n:02d}"].text == "done" for n in range(8))
    assert unit.entries() == []


@pytest.mark.parametrize("fails", ["raises", "leaves it"])
def test_a_row_that_cannot_be_seen_to_is_a_dead_letter_and_tried_again_an_hour_later(unit: Unit, fails: str) -> None:
    unit.fold(fact(), put={"bad": Row(5), "good": Row(5)})
    unit.commit()

    def some(key: str, at: Record, rows: Table[Row], out: Outbox) -> None:
        rows[key] = Row(5, "half")
        if key == "bad":
            if fails == "raises":
                raise ValueError("no such bank")
            return
        done(key, at, rows, out)

    out = unit.fold(tick(6), due=some)
    unit.commit()
    ((_, letter, key, _),) = out.sent
    assert key == b"bad"
    assert (b"no such bank" if fails == "raises" else b"is due at 6 still") in (letter or b"")
    assert (unit.table["bad"].text, unit.table["good"].text) == ("", "done")
    assert unit.fold(tick(7), due=some).sent == []
    unit.commit()
    unit.fold(tick(6 + RETRY_AFTER_US), due=done)
    unit.commit()
    assert unit.table["bad"].text == "done"


def test_what_is_wrong_with_the_engine_is_no_row_s_fault(unit: Unit) -> None:
    unit.fold(fact(), put={"a": Row(5)})
    unit.commit()

    def broken(*_: Any) -> None:
        raise InfrastructureError("disk")

    with pytest.raises(InfrastructureError, match="disk"):
        unit.fold(tick(6), due=broken)


def test_entries_sort_by_time_then_key_and_are_read_back() -> None:
    prefix = index_prefix("rows")
    entries = [entry_of(prefix, due_us, key) for due_us, key in ((1, b"b"), (2, b"a"), (256, b""), (2**62, b"a"))]
    assert entries == sorted(entries)
    assert [entry_parts(prefix, entry) for entry in entries] == [(1, b"b"), (2, b"a"), (256, b""), (2**62, b"a")]


KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 20)),
        st.tuples(st.just("tick"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("restore")),
    ),
    max_size=40,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(STEPS)
def test_each_due_time_is_named_exactly_once(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    """Against a model that asks every row at every tick; units are aborted, and stores restored from their rows."""
    for unit in units(tmp_path_factory.mktemp("due")):
        model: dict[str, int] = {}
        at_us = 0
        for kind, *given_ in steps:
            if kind == "put":
                key, due_us = given_
                unit.fold(fact(), put={key: Row(due_us)})
                unit.commit()
                model[key] = due_us
            elif kind == "tick":
                at_us += given_[0]
                expected = sorted(key for key, due_us in model.items() if 0 < due_us <= at_us)
                named: list[str] = []

                def note(key: str, _tick: Record, rows: Table[Row], _out: Outbox, named: list[str] = named) -> None:
                    named.append(key)
                    rows[key] = Row(0)

                unit.fold(tick(at_us), due=note)
                assert sorted(named) == expected
                if given_[1]:
                    unit.commit()
                    model.update(dict.fromkeys(named, 0))
                else:
                    unit.table.drop_dirty()
            else:
                prefix = DECLARATION.prefix
                rows = [(key[len(prefix) :], row) for key, row in unit.store.scan(prefix, prefix)]
                for entry, _ in list(unit.store.scan(b"\x00due", b"\x00due")):
                    unit.store.write([(entry, None)], {}, 0)
                unit.store.write(DECLARATION.store_rows(rows), {}, 0)


def test_a_batch_that_is_not_done_with_a_tick_asks_for_it_again(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "DUE_SLICE", 1)
    unit.fold(fact(), put={"a": Row(1), "b": Row(1)})
    unit.commit()
    ticked = tick(3)
    unit.fold(ticked, due=done)
    assert unit.batch.again is ticked
    assert AGAIN.value == "again"
