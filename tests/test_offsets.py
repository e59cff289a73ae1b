"""A question about offsets that gets no answer says so as Kafka's clients do, whoever notices it first."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from streams.engine.clients import PASSING
from streams.offsets import ask, ask_again

LED, UNLED = ("raw", 0), ("raw", 1)


class Leaders:
    """A cluster whose leader of raw[1] is gone until the client has looked for a new one so many times."""

    def __init__(self, elected_after: int) -> None:
        self.elected_after = elected_after
        self.looked = 0
        self.asked = 0

    @property
    def is_elected(self) -> bool:
        return self.looked >= self.elected_after

    def list_offsets(self, asked: dict[TopicPartition, OffsetSpec], **_: Any) -> dict[TopicPartition, Future[Any]]:
        self.asked += 1
        answers: dict[TopicPartition, Future[Any]] = {}
        for place in asked:
            answers[place] = Future()
            known = place.partition == 0 or self.is_elected
            answers[place].set_result(SimpleNamespace(offset=7 if known else OFFSET_INVALID))
        return answers

    def list_topics(self, **_: Any) -> SimpleNamespace:
        self.looked += 1
        leaders = {0: SimpleNamespace(leader=1), 1: SimpleNamespace(leader=2 if self.is_elected else 1)}
        return SimpleNamespace(topics={"raw": SimpleNamespace(partitions=leaders)})


class Silent(Leaders):
    """A cluster that takes a question and never answers it."""

    def list_offsets(self, asked: dict[TopicPartition, OffsetSpec], **_: Any) -> dict[TopicPartition, Future[Any]]:
        return {place: Future() for place in asked}


def test_silence_is_an_error_of_kafka_that_passes_and_other_leaders_are_looked_for() -> None:
    """A worker that asks goes on when the broker does: as any other exception it would end it."""
    silent = Silent(1)
    with pytest.raises(KafkaException) as caught:
        ask(silent, {LED: OffsetSpec.latest()}, 0.01)
    error = caught.value.args[0]
    assert error.code() == KafkaError._TIMED_OUT
    assert error.code() in PASSING
    assert silent.looked == 1


@pytest.mark.parametrize("spec", [OffsetSpec.latest(), OffsetSpec.earliest()])
def test_what_a_silent_leader_has_not_said_is_no_offset(spec: OffsetSpec) -> None:
    """The client gives no error for it: as an offset it would say that a log is empty."""
    cluster = Leaders(elected_after=3)
    with pytest.raises(KafkaException) as caught:
        ask(cluster, {LED: spec, UNLED: spec}, 1)
    error = caught.value.args[0]
    assert error.code() in PASSING
    assert "raw[1]" in error.str()
    assert "raw[0]" not in error.str()
    assert cluster.is_elected, "the old leader is not asked again before a new one has been looked for"
    assert ask(cluster, {LED: spec, UNLED: spec}, 1)[UNLED].offset == 7


def test_asked_with_patience_a_new_leader_is_waited_for() -> None:
    cluster = Leaders(elected_after=2)
    latest = OffsetSpec.latest()
    answers = ask_again(cluster, {LED: latest, UNLED: latest}, 30)
    assert {place: answer.offset for place, answer in answers.items()} == {LED: 7, UNLED: 7}
    assert cluster.asked == 2
