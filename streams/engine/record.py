"""One record of an input, decoded when somebody looks at it."""

from __future__ import annotations

from typing import Any

from streams.engine.clients import Message
from streams.engine.errors import INFRASTRUCTURE, BadRecord
from streams.engine.topic import Topic

#: Python's own cost of a buffered record, added to its payload when buffers are bounded in bytes.
RECORD_OVERHEAD_BYTES = 600


#: What a decoder raises is about its record, unless it says itself what it is about.
_AS_IT_IS: tuple[type[BaseException], ...] = (BadRecord, *INFRASTRUCTURE)


class Record:
    """An input record as a handler sees it: where it came from, when the log took it, its key and its decoded value.

    `key` and `value` are decoded once and kept, so a record that is folded again after an abort is not decoded again;
    they raise BadRecord when the bytes are not what the contract says.
    """

    __slots__ = ("input_index", "key", "message", "offset", "order_ms", "size_bytes", "source", "value")

    key: str
    value: Any

    def __init__(self, source: Topic[Any], input_index: int, message: Message, offset: int, not_before_ms: int) -> None:
        self.source = source
        self.input_index = input_index
        self.message = message
        self.offset = offset
        timestamp_ms = message.timestamp()[1]
        #: The timestamp, made non-decreasing within the input, so that sorting by it keeps each input's order.
        self.order_ms = timestamp_ms if timestamp_ms > not_before_ms else not_before_ms  # noqa: FURB136 -- per record
        self.size_bytes: int = len(message) + RECORD_OVERHEAD_BYTES
        key = message.key()
        if key is not None:
            # At once, as every handler looks at it; what is no text is told when one does.
            try:
                self.key = key.decode()
            except UnicodeDecodeError:
                return

    @property
    def topic(self) -> str:
        """The name of the topic's contract."""
        return self.source.name

    @property
    def partition(self) -> int:
        """The partition that it lies in."""
        return self.message.partition()

    @property
    def timestamp_us(self) -> int:
        """The log-append time, in microseconds since 1970 (UTC)."""
        return self.message.timestamp()[1] * 1000

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]:
        """The record's headers, in order."""
        return tuple(self.message.headers() or ())

    def __getattr__(self, name: str) -> Any:
        # Called only while the slot is still empty: afterwards key and value cost nothing.
        if name == "value":
            self.value = value = self._decode_value()
            return value
        if name == "key":
            self.key = key = self._decode_key()
            return key
        raise AttributeError(name)

    def _decode_value(self) -> Any:
        data = self.message.value()
        if data is None:
            if self.source.tombstones:
                return None
            raise BadRecord(f"{self.place()}: expected a value, found none", "null_value")
        try:
            return self.source.decode(data)
        except _AS_IT_IS:
            raise
        except Exception as error:
            raise BadRecord(f"{self.place()}: cannot decode the value: {error}", "undecodable") from error

    def _decode_key(self) -> str:
        data = self.message.key()
        if data is None:
            if not self.source.keyed:
                return ""
            raise BadRecord(
                f"{self.place()}: expected a key, found none: send the record again with its key", "null_key"
            )
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BadRecord(f"{self.place()}: the key is not UTF-8: {error}", "undecodable") from error

    def place(self) -> str:
        """Where the record is, for messages: topic[partition]@offset."""
        return f"{self.source.kafka_name}[{self.partition}]@{self.offset}"

    def __repr__(self) -> str:
        return f"Record({self.place()})"
