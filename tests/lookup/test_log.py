"""A reader of the log sees what is committed, all of it, up to where it ended when it was asked."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from streams.lookup.log import CommittedLog, ReadError
from tests.generation import Generation

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(generation: Generation, prefix: str) -> str:
    """An empty topic of two partitions."""
    return generation.create_topic(prefix, 2)


def write(generation: Generation, topic: str, *values: str) -> None:
    for value in values:
        generation.publish_bytes(topic, None, value.encode(), [("header", b"kept")], partition=1)


def values(log: CommittedLog, topic: str, *, settled: bool = False) -> list[bytes | None]:
    return [record.value for record in log.read(log.places(topic), settled=settled)]


def test_every_record_comes_with_its_place_and_headers(generation: Generation, log: CommittedLog, topic: str) -> None:
    with generation.open_transaction() as producer:
        for partition in (0, 1):
            producer.produce(topic, b"value", b"key", partition, headers=[("header", b"kept")])
    records = list(log.read(log.places(topic), settled=True))
    assert sorted((record.partition, record.offset) for record in records) == [(0, 0), (1, 0)]
    assert {(record.key, record.value, record.headers) for record in records} == {
        (b"key", b"value", (("header", b"kept"),))
    }


def test_an_end_behind_a_transaction_marker_is_reached(generation: Generation, log: CommittedLog, topic: str) -> None:
    for number in range(3):
        with generation.open_transaction() as producer:
            producer.produce(topic, str(number).encode(), None, 0)
    assert values(log, topic, settled=True) == [b"0", b"1", b"2"]
    assert log.ends([(topic, 0)]) == {(topic, 0): 6}


def test_an_open_transaction_is_not_waited_for(generation: Generation, log: CommittedLog, topic: str) -> None:
    with generation.open_transaction() as producer:
        producer.produce(topic, b"early", None, 0)
        producer.flush(30)
        assert values(log, topic) == []
    assert values(log, topic, settled=True) == [b"early"]


def test_a_settled_reading_waits_for_the_transactions_that_are_open(
    generation: Generation, log: CommittedLog, topic: str
) -> None:
    seen: list[bytes | None] = []
    reading = threading.Thread(target=lambda: seen.extend(values(log, topic, settled=True)))
    with generation.open_transaction() as producer:
        producer.produce(topic, b"early", None, 0)
        producer.flush(30)
        reading.start()
    reading.join(60)
    assert seen == [b"early"]


def test_reading_begins_where_it_is_told_and_one_record_can_be_had(
    generation: Generation, log: CommittedLog, topic: str
) -> None:
    write(generation, topic, "a", "b", "c")
    partition = next(record.partition for record in log.read(log.places(topic)))
    place = (topic, partition)
    assert [record.value for record in log.read([place], {place: 2})] == [b"c"]
    found = log.at(place, 1)
    assert found is not None
    assert found.value == b"b"
    assert log.at(place, 9) is None


def test_a_follower_sees_what_is_committed_after_it_began(
    generation: Generation, log: CommittedLog, topic: str
) -> None:
    write(generation, topic, "before")
    following = log.follow([topic])
    everything = log.follow([topic], from_beginning=True)
    assert [record.value for record in islice(everything, 1)] == [b"before"]
    seen: list[bytes | None] = []
    reading = threading.Thread(target=lambda: seen.extend(record.value for record in islice(following, 1)))
    ends_asked = threading.Event()
    ends = log.ends

    def ends_then_tell(places: object) -> object:
        answer = ends(places)  # type: ignore[arg-type]  # as the log calls it
        ends_asked.set()
        return answer

    log.ends = ends_then_tell  # type: ignore[method-assign,assignment]  # to know when the follower has begun
    try:
        reading.start()
        assert ends_asked.wait(30)
    finally:
        log.ends = ends  # type: ignore[method-assign]  # as it was
    write(generation, topic, "after")
    reading.join(60)
    assert seen == [b"after"]


def test_a_topic_that_is_not_there_says_what_to_do(log: CommittedLog) -> None:
    with pytest.raises(ReadError, match=r"no such topic.*paystate topics apply"):
        log.places("payments.nowhere.v1")
