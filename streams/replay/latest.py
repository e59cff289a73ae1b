"""The newest record of every key of a compacted topic, or of one that is read as if it were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from schemas.registry import registry_of
from streams.domain.state import State
from streams.engine import Topic
from streams.lookup.log import CommittedLog
from streams.settings import Settings
from streams.topics import topics_of

V = TypeVar("V")


def values(client: Mapping[str, Any], topic: Topic[V]) -> Iterator[tuple[str, V | None]]:
    """Every committed record, decoded, under its key. Raises ReadError, KafkaException, CodecError."""
    log = CommittedLog(client)
    for record in log.read(log.places(topic.kafka_name), settled=True):
        key = (record.key or b"").decode()
        yield key, None if record.value is None else topic.decode(record.value)


def latest(client: Mapping[str, Any], topic: Topic[V], key_of: Callable[[str, V], str]) -> dict[str, V]:
    """The newest value of each key; a tombstone takes it away."""
    found: dict[str, V] = {}
    for key, value in values(client, topic):
        if value is None:
            found.pop(key, None)
        else:
            found[key_of(key, value)] = value
    return found


def latest_states(client: Mapping[str, Any], settings: Settings) -> Iterator[State]:
    """Every payment of the settings' generation as it is now; bytes are kept until all are read, not payments."""
    topic = topics_of(settings.generation, registry_of(settings.registry_url)).state
    log = CommittedLog(client)
    rows: dict[bytes, bytes] = {}
    for record in log.read(log.places(topic.kafka_name), settled=True):
        if record.value is None:
            rows.pop(record.key or b"", None)
        else:
            rows[record.key or b""] = record.value
    for data in rows.values():
        yield topic.decode(data)
