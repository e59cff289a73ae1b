"""A savepoint around each record: what one leaves behind, and who is at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.engine import AGAIN, BadRecord, DeadLetters, EngineSettings, InfrastructureError, Record, Topic
from streams.engine.batch import Batch
from streams.engine.dead_letters import Breaker
from streams.engine.errors import BreakerOpen, UndeclaredTopic
from streams.engine.outbox import Outbox, Sending
from streams.engine.settings import BreakerSettings
from streams.engine.store import Stores
from streams.engine.table import Table, TableDeclaration, Undo
from streams.engine.topic import Route

TOPIC: Topic[str] = Topic("in", str.encode, bytes.decode)
OUT: Topic[str] = Topic("out", str.encode, bytes.decode, kafka_name="out.g2")


class Said:
    """A message with a key and a value."""

    def __init__(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        self.fields = {
            "offset": offset,
            "key": key,
            "value": value,
            "partition": 1,
            "timestamp": (2, 5),
            "headers": None,
        }

    def __len__(self) -> int:
        return 3

    def __getattr__(self, name: str) -> Any:
        return lambda: self.fields[name]


def record(said: Said, topic: Topic[Any] = TOPIC) -> Record:
    message: Any = said  # as much of a message as is used
    return Record(topic, 0, message, message.offset(), 0)


@pytest.fixture
def parts(tmp_path: Path) -> Any:
    settings = EngineSettings(
        client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=tmp_path, partitions=4
    )
    store = Stores(settings).open(1)
    undo: Undo = []
    table = Table(TableDeclaration("rows", TOPIC, str.encode, bytes.decode), store, undo, 1000, 50)
    sending = Sending(
        {"out": Route("out.g2", 4, 100)},
        DeadLetters("dead", lambda failure: failure.message.encode()),
        Route("dead", 2, 1000),
        lambda: 7,
    )

    def batch(*values: str) -> tuple[Batch, Table[str], Outbox]:
        records = [record(Said(n, f"k{n}".encode(), value.encode())) for n, value in enumerate(values)]
        out = Outbox(sending, "stage", 1, 4)
        return Batch(1, records, (table,), out, undo), table, out

    yield batch
    store.close()


def test_what_a_failed_record_wrote_sent_and_noted_is_undone(parts: Any) -> None:
    batch, table, out = parts("good", "bad", "good")

    def handler(record: Record, rows: Table[str], outbox: Outbox) -> None:
        rows["shared"] = record.value + str(record.offset)
        outbox.send(OUT, record.key, record.value)
        outbox.note(record.offset)
        if record.value == "bad":
            raise ValueError("no good")

    batch.each(handler)
    assert table["shared"] == "good2"
    assert out.sent == [
        ("out.g2", b"good", b"k0", 1),
        ("dead", b"no good", b"k1", 1),
        ("out.g2", b"good", b"k2", 1),
    ]
    assert out.notes == [0, 2]
    assert [failed[:2] for failed in out.failures] == [("in", "handler_error")]
    assert batch.done == 3


def test_the_infrastructures_error_is_not_the_records(parts: Any) -> None:
    for error in (MemoryError, OSError, InfrastructureError):
        batch, _, out = parts("one")

        def handler(*_: Any, error: type[Exception] = error) -> None:
            raise error("the disk")

        with pytest.raises(error):
            batch.each(handler)
        assert out.sent == []


def test_again_keeps_what_was_done_and_ends_the_batch_before_the_rest(parts: Any) -> None:
    batch, table, _ = parts("one", "two", "three")

    def handler(record: Record, rows: Table[str], _: Outbox) -> Any:
        rows[record.key] = record.value
        return AGAIN if record.value == "two" else None

    batch.each(handler)
    assert (batch.done, batch.again) == (1, batch.records[1])
    assert (table.get("k1"), table.get("k2")) == ("two", None)


def test_a_handler_that_returns_anything_else_is_a_programming_error(parts: Any) -> None:
    batch, _, _ = parts("one")
    with pytest.raises(InfrastructureError, match="returned 5"):
        batch.each(lambda *_: 5)


def test_a_batch_is_folded_once(parts: Any) -> None:
    batch, _, _ = parts("one")
    batch.each(lambda *_: None)
    with pytest.raises(InfrastructureError, match="twice"):
        batch.each(lambda *_: None)


def test_a_record_whose_row_is_too_large_is_at_fault_and_its_neighbours_are_not(parts: Any) -> None:
    batch, table, out = parts("small", "x" * 60, "small")

    def handler(record: Record, rows: Table[str], _: Outbox) -> None:
        rows[record.key] = record.value

    batch.each(handler)
    assert [table.get(f"k{n}") for n in range(3)] == ["small", None, "small"]
    assert [failed[:2] for failed in out.failures] == [("in", "oversized")]


@pytest.mark.parametrize("next_one", ["small", "gone"])
def test_a_record_whose_row_is_too_large_is_at_fault_though_the_next_one_mends_the_row(
    parts: Any, next_one: str
) -> None:
    """Or a unit's borders would decide whether it is."""
    batch, table, out = parts("first", "x" * 60, next_one)

    def handler(record: Record, rows: Table[str], outbox: Outbox) -> None:
        if record.value == "gone":
            outbox.send(OUT, "found", rows["shared"])
            del rows["shared"]
        else:
            rows["shared"] = record.value
            outbox.send(OUT, record.key, record.value)

    batch.each(handler)
    assert [failed[1:] for failed in out.failures] == [("oversized", b"k1")]
    sent = [b"first", b"small"] if next_one == "small" else [b"first", b"first"]
    assert [value for topic, value, *_ in out.sent if topic == "out.g2"] == sent
    assert table.seal().rows == [(b"shared", None if next_one == "gone" else b"small")]


def test_a_topic_that_was_not_declared_ends_the_process(parts: Any) -> None:
    batch, _, _ = parts("one")
    other: Topic[str] = Topic("other", str.encode, bytes.decode)
    with pytest.raises(UndeclaredTopic, match=r"app\.outputs"):
        batch.each(lambda record, _, out: out.send(other, record.key, "x"))


def test_what_does_not_fit_a_topic_is_its_records_fault(parts: Any) -> None:
    batch, _, out = parts("one")
    batch.each(lambda record, _, outbox: outbox.send(OUT, record.key, "x" * 200))
    assert [failed[:2] for failed in out.failures] == [("in", "oversized")]


def test_the_same_key_stays_in_its_partition_and_another_goes_where_java_puts_it(parts: Any) -> None:
    batch, _, out = parts("one")

    def handler(record: Record, _: Table[str], outbox: Outbox) -> None:
        outbox.send(OUT, record.key, "own")
        outbox.send(OUT, "foobar", "java's")
        outbox.send(OUT, "foobar", "given", partition=3)
        outbox.send(OUT, "gone", None)

    batch.each(handler)
    assert [(value, partition) for _, value, _, partition in out.sent[:3]] == [
        (b"own", 1),
        (b"java's", 2),
        (b"given", 3),
    ]
    assert out.sent[3][1] is None


def test_a_record_is_decoded_once(parts: Any) -> None:
    decoded = []

    def decode(data: bytes) -> str:
        decoded.append(data)
        return data.decode()

    once = record(Said(0, b"k", b"v"), Topic("in", str.encode, decode))
    assert (once.value, once.value, once.key) == ("v", "v", "k")
    assert decoded == [b"v"]


def test_a_missing_value_is_told_apart_from_a_tombstone() -> None:
    gone = Said(0, b"k", None)
    with pytest.raises(BadRecord, match="expected a value"):
        _ = record(gone).value
    compacted: Topic[str] = Topic("in", str.encode, bytes.decode, tombstones=True)
    assert record(gone, compacted).value is None


def keys(name: str, count: int) -> set[bytes | None]:
    return {f"{name} {number}".encode() for number in range(count)}


def test_the_breaker_opens_on_a_share_of_a_window_not_on_a_single_bad_file() -> None:
    breaker = Breaker("stage", BreakerSettings(window_keys=100, share=0.5, least_dead_keys=10))
    breaker.check(keys("bad", 9), keys("bad", 9))
    breaker.committed(keys("bad", 9), keys("bad", 9))
    breaker.check(keys("good", 20), keys("good", 1))
    with pytest.raises(BreakerOpen, match="stage: 10 of the last 10 keys"):
        breaker.check(keys("one more", 1), keys("one more", 1))
    for unit in range(20):
        breaker.check(keys(f"good {unit}", 10), set())
        breaker.committed(keys(f"good {unit}", 10), set())
    breaker.check(keys("bad", 10), keys("bad", 10))


def test_one_payment_gone_wrong_is_one_case_in_however_many_units() -> None:
    breaker = Breaker("stage", BreakerSettings(window_keys=100, share=0.5, least_dead_keys=2))
    for _ in range(1_000):
        breaker.check(keys("hot", 1), keys("hot", 1))
        breaker.committed(keys("hot", 1), keys("hot", 1))
    with pytest.raises(BreakerOpen, match="2 of the last 2 keys"):
        breaker.check(keys("other", 1), keys("other", 1))
    breaker.committed(keys("hot", 1), set())
    breaker.check(keys("other", 1), keys("other", 1))


def test_a_breaker_remembers_so_many_keys_those_folded_last() -> None:
    breaker = Breaker("stage", BreakerSettings(window_keys=3, share=0.5, least_dead_keys=2))
    breaker.committed(keys("old", 1), keys("old", 1))
    breaker.committed(keys("good", 2), set())
    breaker.check(keys("new", 1), keys("new", 1))
    breaker.committed(keys("good", 3), set())
    breaker.check(keys("new", 1), keys("new", 1))
    with pytest.raises(BreakerOpen):
        breaker.check(keys("new", 4), keys("new", 4))


def test_a_breaker_of_all_keys_never_opens() -> None:
    Breaker("stage", BreakerSettings(share=1.0)).check(keys("bad", 1_000), keys("bad", 1_000))
