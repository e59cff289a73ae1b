"""What the live view's consumer makes of records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.codec import codec
from schemas.contract_files import examples
from schemas.plain import from_plain
from streams.demo.watch import Watcher, status_of
from streams.domain.state import State, Transition
from streams.engine import Topic
from streams.topics import Topics, topics_of
from tests.conftest import Kafka

STATES: list[State] = [from_plain(State, example.document) for example in examples("payments.state.v1")]
TRANSITIONS: list[Transition] = [
    from_plain(Transition, example.document) for example in examples("payments.transitions.v1")
]


@pytest.mark.parametrize("state", STATES)
def test_the_status_read_alone_is_that_of_the_whole_state(state: State) -> None:
    data = codec("payments.state.v1", State).encode(state)
    assert status_of(data) == state.status.value
    assert status_of(b"\x00\x00\x00\x00\x07" + data[10:]) == state.status.value


def renamed(topic: Topic, prefix: str) -> Topic:  # type: ignore[type-arg]  # of any value
    return Topic(topic.name, topic.encode, topic.decode, kafka_name=f"{prefix}-{topic.kafka_name}")


@pytest.fixture
def topics(kafka: Kafka, prefix: str) -> Iterator[Topics]:
    """The four topics that are watched, under names of this test's own."""
    whole = topics_of(1)
    watched = ("state", "transitions", "alerts", "duplicate_alerts")
    own = {name: renamed(getattr(whole, name), prefix) for name in watched}
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for made in admin.create_topics([NewTopic(topic.kafka_name, 2, 1) for topic in own.values()]).values():
        made.result(30)
    yield Topics(**{name: own.get(name, getattr(whole, name)) for name in Topics.__dataclass_fields__})
    for gone in admin.delete_topics([topic.kafka_name for topic in own.values()]).values():
        gone.result(30)


@pytest.mark.kafka
def test_a_payment_counts_once_where_it_stands_now(kafka: Kafka, topics: Topics) -> None:
    client = {"bootstrap.servers": kafka.bootstrap_servers}
    state = STATES[0]
    other = next(row for row in STATES if row.status is not state.status)
    producer = Producer(client)
    for key, value in (("a", other), ("b", state), ("a", state)):
        producer.produce(topics.state.kafka_name, topics.state.encode(value), key, partition=0)
    for transition in TRANSITIONS:
        producer.produce(topics.transitions.kafka_name, topics.transitions.encode(transition), "a", partition=1)
    producer.flush()
    watcher = Watcher(client, topics, ["a"])
    watcher.start()
    while watcher.seen.states < 3 or watcher.seen.transitions < len(TRANSITIONS):
        watcher.check()
    watcher.stop()
    assert +watcher.seen.statuses == {state.status.value: 2}
    assert watcher.seen.payments == 2
    assert watcher.seen.followed["a"].state == state
    assert watcher.seen.quantile_ms(0.5) > 0


@pytest.mark.kafka
def test_a_record_that_is_no_state_is_told_to_who_watches(kafka: Kafka, topics: Topics) -> None:
    client = {"bootstrap.servers": kafka.bootstrap_servers}
    producer = Producer(client)
    producer.produce(topics.alerts.kafka_name, b"no alert", "a", partition=0)
    producer.flush()
    watcher = Watcher(client, topics)
    watcher.start()
    watcher.join()
    with pytest.raises(ValueError, match="expected Avro framing"):
        watcher.check()
