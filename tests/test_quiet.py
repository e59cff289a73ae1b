"""When a pipeline is at rest, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.quiet import NotQuietError, await_quiet, lag
from tests.conftest import Kafka

pytestmark = pytest.mark.kafka


@pytest.fixture
def client(kafka: Kafka) -> dict[str, str]:
    return {"bootstrap.servers": kafka.bootstrap_servers}


@pytest.fixture
def topic(client: dict[str, str], prefix: str) -> Iterator[str]:
    """Two partitions, three records in the second."""
    admin, name = AdminClient(client), f"{prefix}-input"
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)
    producer = Producer(client)
    for number in range(3):
        producer.produce(name, b"x", partition=1, key=str(number))
    producer.flush()
    yield name
    admin.delete_topics([name])[name].result(30)


def take(client: dict[str, str], group: str, topic: str, offset: int) -> None:
    consumer = Consumer({**client, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 1, offset)], asynchronous=False)
    consumer.close()


def test_a_group_that_nobody_joined_yet_has_everything_to_do(client: dict[str, str], prefix: str, topic: str) -> None:
    assert lag(client, prefix, [topic]) == {(topic, 1): 3}


def test_lag_is_what_the_group_has_not_committed(client: dict[str, str], prefix: str, topic: str) -> None:
    take(client, prefix, topic, 2)
    assert lag(client, prefix, [topic]) == {(topic, 1): 1}


def test_rest_is_awaited_and_reached_when_the_last_record_is_taken(
    client: dict[str, str], prefix: str, topic: str
) -> None:
    offsets = iter((1, 2, 3))

    def meanwhile() -> None:
        offset = next(offsets, None)
        if offset is not None:
            take(client, prefix, topic, offset)

    await_quiet(client, prefix, [topic], 60, meanwhile)
    assert next(offsets, None) is None


def test_what_is_left_is_named_when_rest_does_not_come(client: dict[str, str], prefix: str, topic: str) -> None:
    with pytest.raises(NotQuietError, match=rf"records left: {topic}\[1\]: 3"):
        await_quiet(client, prefix, [topic], 0, lambda: None)
