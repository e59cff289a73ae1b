"""A table and an outbox in memory, so that handlers can be called without Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.engine import BadRecord, Topic


class Rows(dict[str, Any]):
    """A table of one partition: a dict, scanned in key order."""

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[tuple[str, Any]]:
        """Rows whose key begins with ``prefix``, behind ``after``."""
        for key in sorted(self):
            if key.startswith(prefix) and (after is None or key > after):
                yield key, self[key]


@dataclass(frozen=True)
class Message:
    """The Kafka message behind a record, as far as handlers look."""

    data: bytes

    def value(self) -> bytes:
        """Its value."""
        return self.data


@dataclass(frozen=True)
class GivenRecord:
    """An input record: its value goes through the topic's codec, as on the way from Kafka."""

    source: Topic[Any]
    key: str
    value: Any
    message: Message
    timestamp_us: int
    offset: int = 0
    partition: int = 0

    @property
    def topic(self) -> str:
        """The contract's name."""
        return self.source.name

    def place(self) -> str:
        """Where it is."""
        return f"{self.source.kafka_name}[{self.partition}]@{self.offset}"


def given_record(topic: Topic[Any], key: str, value: Any, timestamp_us: int = 1, offset: int = 0) -> GivenRecord:
    """The record as a handler gets it: decoded from its encoded value."""
    data = topic.encode(value)
    return GivenRecord(topic, key, topic.decode(data), Message(data), timestamp_us, offset)


@dataclass
class Sent:
    """Collects what a handler sends; every value must survive its contract."""

    messages: list[tuple[str, str, Any]] = field(default_factory=list)
    dead: list[tuple[Any, BadRecord]] = field(default_factory=list)
    notes: list[object] = field(default_factory=list)

    def send(self, topic: Topic[Any], key: str, value: Any) -> None:
        """Note a message."""
        assert topic.decode(topic.encode(value)) == value
        self.messages.append((topic.name, key, value))

    def dead_letter(self, record: Any, error: BadRecord) -> None:
        """Note a dead letter."""
        self.dead.append((record, error))

    def note(self, item: object) -> None:
        """Note an observation."""
        self.notes.append(item)

    def on(self, topic: Topic[Any]) -> list[Any]:
        """The values sent to one topic."""
        return [value for name, _, value in self.messages if name == topic.name]
