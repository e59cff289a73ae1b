"""A question about offsets that gets no answer says so as Kafka's clients do, whoever notices it first."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from streams.engine.clients import PASSING
from streams.offsets import ask


class Silent:
    """A cluster that takes a question and never answers it."""

    def list_offsets(self, asked: dict[TopicPartition, OffsetSpec], **_: Any) -> dict[TopicPartition, Future[Any]]:
        return {place: Future() for place in asked}


def test_silence_is_an_error_of_kafka_that_passes() -> None:
    """A worker that asks goes on when the broker does: as any other exception it would end it."""
    with pytest.raises(KafkaException) as caught:
        ask(Silent(), {("raw", 0): OffsetSpec.latest()}, 0.01)
    error = caught.value.args[0]
    assert error.code() == KafkaError._TIMED_OUT
    assert error.code() in PASSING
