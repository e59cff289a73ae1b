"""What was read and not yet committed: one buffer an input partition, and the order in which a task takes from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from streams.engine.clients import Message
from streams.engine.record import Record
from streams.engine.topic import Topic

_by_order = attrgetter("order_ms")
_input_index = attrgetter("input_index")
_size = attrgetter("size_bytes")

#: Before a reader's name in the metadata of a commit. A release that does not know it passes over the entry.
_PINNED: Final = "again "


class Standing(NamedTuple):
    """Where a reader of an input partition stands.

    `is_pinned`: its next record comes before those of all other inputs, for its handler asked to be called again.
    """

    position: int
    is_pinned: bool = False


class InputBuffer:
    """Records of one input partition from `position` on, in log order.

    Records stay here until their transaction is committed: an abort needs no seek, they are just taken again.
    """

    def __init__(self, topic: Topic[Any], index: int, partition: int, position: int) -> None:
        self.topic = topic
        self.index = index
        self.partition = partition
        #: The offset up to which everything is folded and committed.
        self.position = position
        #: Whether its next record is folded before those of all other inputs: its handler asked to be called again.
        self.is_pinned = False
        #: Whether the group has an offset of this input: until it has, retention takes unread records unnoticed.
        self.is_committed = True
        self.records: list[Record] = []
        self.size_bytes = 0
        #: The offset behind the last record and the transaction markers after it, when the end was reached.
        self._end = position
        self._latest_ms = 0
        #: Log-append time of the last record that was committed (microseconds), 0 before the first.
        self.watermark_us = 0

    def add(self, message: Message) -> None:
        """Append a record as the consumer hands it out; one below the position was folded before."""
        offset = message.offset()
        if offset < self.position:
            return
        record = Record(self.topic, self.index, message, offset, self._latest_ms)
        self._latest_ms = record.order_ms
        self.records.append(record)
        self.size_bytes += record.size_bytes

    def reached_end(self, offset: int) -> None:
        """The consumer saw the end of the partition at `offset`: nothing but markers lies between."""
        self._end = max(self._end, offset)

    @property
    def standing(self) -> Standing:
        """As it was committed last."""
        return Standing(self.position, self.is_pinned)

    def position_after(self, count: int) -> int:
        """The offset to commit when the first `count` records are folded: behind trailing markers if those are all."""
        if count < len(self.records):
            return self.records[count - 1].offset + 1 if count else self.position
        last = self.records[-1].offset + 1 if self.records else self.position
        return max(last, self._end)

    def advance(self, count: int, position: int) -> None:
        """The first `count` records are committed with `position`: let them go."""
        if count:
            taken = self.records[:count]
            self.size_bytes -= sum(map(_size, taken))
            self.watermark_us = taken[-1].order_ms * 1000
            del self.records[:count]
        self.position = position
        self.is_committed = True


class InputPartition:
    """A partition of an input topic with those who read it: the clock has several readers, most topics have one.

    A group commits one offset for it, the lowest of its readers'. Where there are several, each one's own position goes
    into the metadata of the same commit, so that a restart gives no reader a record twice.
    """

    def __init__(self, topic: str, partition: int, readers: Mapping[str, InputBuffer]) -> None:
        self.topic = topic
        self.partition = partition
        self.readers = readers
        self.buffers = tuple(readers.values())
        self.is_paused = False

    def reached_end(self, offset: int) -> None:
        """The consumer saw the end of the partition."""
        for buffer in self.buffers:
            buffer.reached_end(offset)

    @property
    def size_bytes(self) -> int:
        """What the slowest reader keeps buffered."""
        return max(buffer.size_bytes for buffer in self.buffers)

    @property
    def position(self) -> int:
        """The offset up to which all readers have folded and committed."""
        return min(buffer.position for buffer in self.buffers)

    def commit_at(self, moved: Mapping[InputBuffer, Standing]) -> tuple[int, str]:
        """Offset and metadata to commit when the given buffers move."""
        standings = {reader: moved.get(buffer, buffer.standing) for reader, buffer in sorted(self.readers.items())}
        entries = [f"{reader}={at}" for reader, (at, _) in standings.items()] if len(standings) > 1 else []
        # A pin goes where the offset goes: whoever takes the partition over goes on as this worker would have.
        entries += [f"{_PINNED}{reader}={at}" for reader, (at, is_pinned) in standings.items() if is_pinned]
        return min(at for at, _ in standings.values()), ",".join(entries)


def standing_of(reader: str, offset: int, metadata: str | None) -> Standing:
    """Where a reader stands, from what was committed: its own position if there is one, else the partition's.

    A pin counts at the position that it was committed with only: an operator may have moved the offset since.
    """
    entries = {name: at for name, _, at in (entry.rpartition("=") for entry in (metadata or "").split(","))}
    position = int(entries.get(reader, offset))
    return Standing(position, entries.get(_PINNED + reader) == str(position))


def collect(buffers: Sequence[InputBuffer], most: int, pinned: Record | None = None) -> list[Record]:
    """Up to `most` buffered records, lowest timestamp first; of each input a prefix, in its own order.

    A `pinned` record (its handler asked to be called again) comes first, whatever its timestamp.
    """
    heads = [buffer.records[:most] for buffer in buffers if buffer.records]
    if not heads:
        return []
    if len(heads) == 1:
        return heads[0]
    # Each head is already in order, so this is a merge of runs; it is stable, and order_ms never falls within an input.
    merged = sorted((record for head in heads for record in head), key=_by_order)
    if pinned is None:
        return merged[:most]
    return [pinned, *[record for record in merged if record is not pinned][: most - 1]]


def count_by_input(records: Sequence[Record]) -> Counter[int]:
    """How many of the records came from each input, by the input's index."""
    return Counter(map(_input_index, records))
