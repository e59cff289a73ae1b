"""The order in which a task takes records, and the offsets that this commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.engine import Topic
from streams.engine.buffers import InputBuffer, InputPartition, Standing, collect, count_by_input, standing_of

TOPIC: Topic[bytes] = Topic("inputs", bytes, bytes)


@dataclass(frozen=True)
class Said:
    """A message with an offset and a timestamp."""

    at: int
    ms: int

    def __len__(self) -> int:
        return 10

    def offset(self) -> int:
        return self.at

    def partition(self) -> int:
        return 0

    def key(self) -> bytes | None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 2, self.ms

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def buffers_of(*inputs: list[int]) -> list[InputBuffer]:
    """Buffers whose records have the given timestamps (ms), offsets from 0."""
    buffers = []
    for index, times in enumerate(inputs):
        buffer = InputBuffer(TOPIC, index, 0, 0)
        for offset, ms in enumerate(times):
            buffer.add(Said(offset, ms))
        buffers.append(buffer)
    return buffers


def test_the_lowest_timestamp_comes_first_across_inputs() -> None:
    records = collect(buffers_of([10, 30], [20, 40]), 10)
    assert [record.timestamp_us // 1000 for record in records] == [10, 20, 30, 40]


def test_a_timestamp_that_falls_back_does_not_break_an_inputs_order() -> None:
    records = collect(buffers_of([10, 50, 20], [30]), 10)
    assert [(record.input_index, record.offset) for record in records] == [(0, 0), (1, 0), (0, 1), (0, 2)]


@given(st.lists(st.lists(st.integers(0, 50), max_size=30), min_size=1, max_size=4), st.integers(1, 40))
def test_what_is_taken_of_an_input_is_a_prefix_in_its_own_order(inputs: list[list[int]], most: int) -> None:
    records = collect(buffers_of(*inputs), most)
    assert len(records) == min(most, sum(map(len, inputs)))
    for index in range(len(inputs)):
        offsets = [record.offset for record in records if record.input_index == index]
        assert offsets == list(range(len(offsets)))


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=30), min_size=1, max_size=4), st.integers(1, 40))
def test_a_pinned_record_comes_first_and_once(inputs: list[list[int]], most: int) -> None:
    buffers = buffers_of(*inputs)
    pinned = buffers[-1].records[0]
    records = collect(buffers, most, pinned)
    assert records[0] is pinned
    assert records.count(pinned) == 1
    for index in range(len(inputs)):
        offsets = [record.offset for record in records if record.input_index == index]
        assert offsets == list(range(len(offsets)))


def test_the_position_passes_trailing_markers_only_when_all_records_are_taken() -> None:
    (buffer,) = buffers_of([1, 2, 3])
    buffer.reached_end(7)
    assert buffer.position_after(2) == 2
    assert buffer.position_after(3) == 7


def test_records_stay_until_they_are_let_go_and_their_bytes_are_counted() -> None:
    (buffer,) = buffers_of([1, 2, 3])
    before = buffer.size_bytes
    assert len(collect([buffer], 2)) == 2
    assert buffer.size_bytes == before
    buffer.advance(2, 2)
    assert (len(buffer.records), buffer.position, buffer.size_bytes) == (1, 2, before // 3)
    assert buffer.watermark_us == 2000


def test_a_record_below_the_position_was_folded_before() -> None:
    buffer = InputBuffer(TOPIC, 0, 0, 5)
    buffer.add(Said(4, 1))
    buffer.add(Said(5, 1))
    assert [record.offset for record in buffer.records] == [5]


def test_records_taken_are_counted_by_input() -> None:
    assert count_by_input(collect(buffers_of([1, 2], [1]), 10)) == {0: 2, 1: 1}


def test_readers_of_one_topic_commit_the_lowest_offset_and_each_its_own() -> None:
    slow, fast = InputBuffer(TOPIC, 0, 0, 3), InputBuffer(TOPIC, 0, 0, 3)
    source = InputPartition("clock", 0, {"slow": slow, "fast": fast})
    offset, metadata = source.commit_at({fast: Standing(9)})
    assert offset == 3
    assert standing_of("fast", offset, metadata) == Standing(9)
    assert standing_of("slow", offset, metadata) == Standing(3)
    assert standing_of("new", offset, metadata) == Standing(3)


def test_a_pin_is_committed_with_the_position_and_counts_there_only() -> None:
    buffer = InputBuffer(TOPIC, 0, 0, 3)
    source = InputPartition("facts", 0, {"reader": buffer})
    assert source.commit_at({buffer: Standing(3)}) == (3, "")
    offset, metadata = source.commit_at({buffer: Standing(3, is_pinned=True)})
    assert standing_of("reader", offset, metadata) == Standing(3, is_pinned=True)
    assert standing_of("reader", 5, metadata) == Standing(5), "an operator has moved the offset"


def test_a_pin_is_its_readers_alone_and_stays_while_others_move() -> None:
    slow, fast = InputBuffer(TOPIC, 0, 0, 3), InputBuffer(TOPIC, 0, 0, 3)
    source = InputPartition("clock", 0, {"slow": slow, "fast": fast})
    slow.is_pinned = True
    offset, metadata = source.commit_at({fast: Standing(9)})
    assert standing_of("slow", offset, metadata) == Standing(3, is_pinned=True)
    assert standing_of("fast", offset, metadata) == Standing(9)


def test_an_earlier_release_passes_over_a_pin() -> None:
    """It looks for entries by the reader's whole name, and takes the offset where there is none."""
    buffer = InputBuffer(TOPIC, 0, 0, 3)
    _, metadata = InputPartition("facts", 0, {"reader": buffer}).commit_at({buffer: Standing(3, is_pinned=True)})
    assert "reader" not in [entry.rpartition("=")[0] for entry in metadata.split(",")]
