"""A partition's table and outbox without a broker: a dict and lists, for handlers that are tested as functions.

``Rows`` keeps rows encoded, as the store does, so that what a handler writes must survive its codec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from streams.engine import AGAIN, Again, BadRecord, Outbox, Record, Table, Topic


class RowBytes(Protocol):
    """How a table's rows are written and read."""

    def encode(self, row: Any, /) -> bytes: ...
    def decode(self, data: bytes, /) -> Any: ...


class Rows:
    """The parts of a table that handlers use."""

    def __init__(self, codec: RowBytes) -> None:
        self._codec = codec
        self.stored: dict[str, bytes] = {}
        self.written: list[str] = []

    def get(self, key: str) -> Any:
        data = self.stored.get(key)
        return None if data is None else self._codec.decode(data)

    def __getitem__(self, key: str) -> Any:
        return self._codec.decode(self.stored[key])

    def __contains__(self, key: str) -> bool:
        return key in self.stored

    def __setitem__(self, key: str, row: Any) -> None:
        self.stored[key] = self._codec.encode(row)
        self.written.append(key)

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[tuple[str, Any]]:
        """As they are when the scan begins, like the table's."""
        keys = sorted(key for key in self.stored if key.startswith(prefix) and (after is None or key > after))
        rows = [(key, self.stored[key]) for key in keys]
        return ((key, self._codec.decode(row)) for key, row in rows)


@dataclass
class Sent:
    """The parts of an outbox that handlers use; what is sent goes through its topic's codec."""

    records: list[tuple[str, str, Any]] = field(default_factory=list)
    dead: list[tuple[Any, Exception]] = field(default_factory=list)
    notes: list[object] = field(default_factory=list)
    counted: list[tuple[str, str, str]] = field(default_factory=list)
    #: How many records make it full.
    most: int = 1_000_000

    @property
    def is_full(self) -> bool:
        return len(self.records) >= self.most

    def send(self, topic: Topic[Any], key: str, value: Any) -> None:
        self.records.append((topic.name, key, topic.decode(topic.encode(value))))

    def dead_letter(self, record: Any, error: Exception) -> None:
        self.dead.append((record.value, error))

    def count_dead_letter(self, topic: str, reason_class: str, key: str) -> None:
        self.counted.append((topic, reason_class, key))

    def note(self, item: object) -> None:
        self.notes.append(item)

    def to(self, topic: Topic[Any]) -> list[Any]:
        """The values sent to a topic, in order."""
        return [value for name, _key, value in self.records if name == topic.name]


@dataclass(frozen=True)
class Message:
    """The Kafka message behind a record, as far as handlers look."""

    data: bytes

    def value(self) -> bytes:
        return self.data


@dataclass(frozen=True)
class Arrived:
    """A record with a value, whatever log it came from."""

    value: Any
    key: str
    message: Message = Message(b"")
    topic: str = ""
    timestamp_us: int = 0
    offset: int = 0
    partition: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()

    def place(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def arrived(topic: Topic[Any], key: str, value: Any, timestamp_us: int = 1, offset: int = 0) -> Arrived:
    """The record as a handler gets it from Kafka: decoded from its encoded value."""
    data = topic.encode(value)
    return Arrived(topic.decode(data), key, Message(data), topic.name, timestamp_us, offset)


Handler = Callable[[Record, "Table[Any]", Outbox], Again | None]


def fold(handler: Handler, record: Arrived, rows: Rows, out: Sent) -> Again | None:
    """Fold one record in one unit of work. What the handler raises about it is a dead letter, as in a batch."""
    try:
        return handler(cast("Record", record), cast("Table[Any]", rows), cast("Outbox", out))
    except BadRecord as error:
        out.dead_letter(record, error)
        return None


def once(handler: Handler, value: Any, rows: Rows, out: Sent) -> Again | None:
    """As ``fold``, for a message that carries its own key."""
    return fold(handler, Arrived(value, str(value.key)), rows, out)


class Due(RowBytes, Protocol):
    """Rows that say when they need the clock."""

    def due_of_row(self, data: bytes, /) -> int | None: ...


@dataclass(frozen=True)
class Time:
    """What a tick says, as far as handlers look."""

    at: int


DueHandler = Callable[[str, Record, "Table[Any]", Outbox], None]


def _tick(at: int) -> Arrived:
    return Arrived(Time(at), "", topic="payments.clock.v1", offset=at)


def tick(handler: DueHandler, codec: Due, at: int, rows: Rows, out: Sent) -> list[str]:
    """The clock comes to ``at``: every row that is due is handled, as by the engine; returns the keys of those."""
    due = sorted((when, key) for key, row in rows.stored.items() if (when := codec.due_of_row(row)) and when <= at)
    for _, key in due:
        handler(key, cast("Record", _tick(at)), cast("Table[Any]", rows), cast("Outbox", out))
        again = codec.due_of_row(rows.stored[key])
        assert again is None or again > at, "a handler leaves no row that is due"
    return [key for _, key in due]


def handled(handler: Handler, value: Any, rows: Rows, out: Sent) -> int:
    """Fold one record, as often as the handler asks for it; returns in how many units that was."""
    units = 1
    while once(handler, value, rows, out) is AGAIN:
        units += 1
    return units
