"""What a plain reader of committed records sees, up to where the log ended when the reading began."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.verify.read import KafkaLog, ReadError
from tests.conftest import Kafka

pytestmark = pytest.mark.kafka

PARTITIONS = 2


@pytest.fixture
def client(kafka: Kafka) -> dict[str, str]:
    return {"bootstrap.servers": kafka.bootstrap_servers}


@pytest.fixture
def topic(client: dict[str, str], prefix: str) -> str:
    admin = AdminClient(client)
    for future in admin.create_topics([NewTopic(prefix, PARTITIONS, 1)]).values():
        future.result()
    return prefix


@pytest.fixture
def producer(client: dict[str, str]) -> Iterator[Producer]:
    producer = Producer({**client, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(30)
    yield producer
    producer.flush(10)


def _write(producer: Producer, topic: str, *values: bytes, commit: bool = True) -> None:
    producer.begin_transaction()
    for number, value in enumerate(values):
        producer.produce(topic, value, b"k", partition=number % PARTITIONS)
    producer.flush(10)
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


def test_committed_records_are_read_and_aborted_ones_are_not(
    client: dict[str, str], topic: str, producer: Producer
) -> None:
    _write(producer, topic, b"a0", b"b0", b"a1")
    _write(producer, topic, b"never", b"never", commit=False)
    _write(producer, topic, b"a2")
    _write(producer, topic, b"never", b"never", commit=False)  # the ends lie behind markers
    with KafkaLog(client, 1, [topic]) as log:
        rows = list(log.rows(topic))
    assert [row.value for row in rows if row.partition == 0] == [b"a0", b"a1", b"a2"]
    assert [row.value for row in rows if row.partition == 1] == [b"b0"]
    offsets = [row.offset for row in rows if row.partition == 0]
    assert offsets == sorted(offsets)


def test_what_is_written_after_the_reading_began_is_not_seen(
    client: dict[str, str], topic: str, producer: Producer
) -> None:
    _write(producer, topic, b"before")
    with KafkaLog(client, 1, [topic]) as log:
        _write(producer, topic, b"after")
        assert [row.value for row in log.rows(topic)] == [b"before"]
        assert [row.value for row in log.rows(topic)] == [b"before"]


def test_an_empty_topic_has_no_rows_and_an_id_of_its_own(client: dict[str, str], topic: str) -> None:
    with KafkaLog(client, 1, [topic]) as log:
        assert list(log.rows(topic)) == []
        assert log.topic_id(topic)
        assert log.topic_name(topic) == topic


def test_a_topic_that_is_not_there_is_named_with_what_to_do(client: dict[str, str], prefix: str) -> None:
    with pytest.raises(ReadError, match=f"{prefix}.*paystate topics apply"), KafkaLog(client, 1, [prefix]):
        pass
