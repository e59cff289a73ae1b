"""A generation for the tests of dead letters, and letters in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.records import DeadLetter, Header
from streams.dead_letters.letters import LetterId
from streams.lookup.log import CommittedLog
from tests.conftest import Kafka
from tests.generation import Generation, new_generation

Lay = Callable[..., LetterId]


@pytest.fixture(scope="session")
def generation(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Generation:
    return new_generation(kafka.bootstrap_servers, tmp_path_factory.mktemp("dead-letters"))


@pytest.fixture(scope="session")
def log(generation: Generation) -> CommittedLog:
    return CommittedLog(generation.client)


@pytest.fixture
def lay(generation: Generation) -> Lay:
    """Puts a dead letter on the topic as a worker would; each call holds the record of another offset."""
    offsets = iter(range(10**9))

    def put(
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        attempts: int = 1,
        reason_class: str = "unmappable",
        source_offset: int | None = None,
        message: str = "expected sense, found none",
    ) -> LetterId:
        offset = next(offsets) if source_offset is None else source_offset
        letter = DeadLetter(
            stage="normalise",
            error_class="BadRecord",
            reason_class=reason_class,
            message=message,
            source_topic=topic,
            source_partition=1,
            source_offset=offset,
            source_timestamp_ms=1_700_000_000_000,
            key=key,
            value=value,
            headers=(Header("attempts", str(attempts - 1).encode()), Header("origin", b"test")),
            attempts=attempts,
            failed_at=1_700_000_000_000_000 + offset,
            trace_id="",
        )
        data = generation.topics.dead_letters.encode(letter)
        generation.publish_bytes(generation.topics.dead_letters.kafka_name, key, data)
        return LetterId(topic, 1, offset)

    return put
