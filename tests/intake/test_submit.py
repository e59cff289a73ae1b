"""Events without a file: published in order, each call whole, by one submitter of a name at a time."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.intake import publish
from connectors.intake.publish import FencedError, Message, Publisher, PublishError, batch_of
from connectors.intake.submit import Event, Submitter
from tests.intake.conftest import Log

RAW = "payments.raw.v1"


def event(source: str, number: int, payload: bytes = b"{}") -> Event:
    return Event(source, f"m-{number}", "canonical", "approval", payload, "signature:test")


@pytest.fixture
def source() -> str:
    """A source that no other test uses."""
    return f"erp-{uuid.uuid4().hex[:10]}"


@pytest.mark.kafka
def test_events_are_published_in_order_each_under_the_sources_own_id(
    config: dict[str, str], log: Log, source: str
) -> None:
    with Submitter(config, source) as submitter:
        assert submitter.submit(event(source, 1, b'{"n":%d}' % n) for n in range(3)) == 3
        assert submitter.submit([]) == 0
    records = log.records(RAW, f"{source}/m-1")
    assert [record.payload for record in records] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    assert len({record.message_id for record in records}) == 1, "the same id of the source is a redelivery"
    assert [(each.file_hash, each.sender, each.authentication) for each in records] == [
        (None, source, "signature:test")
    ] * 3


@pytest.mark.kafka
def test_a_second_submitter_of_a_name_fences_the_first(config: dict[str, str], log: Log, source: str) -> None:
    with Submitter(config, source) as first:
        first.submit([event(source, 1)])
        with Submitter(config, source) as second:
            with pytest.raises(FencedError, match="took over"):
                first.submit([event(source, 2)])
            second.submit([event(source, 3)])
    assert [len(log.records(RAW, f"{source}/m-{number}")) for number in (1, 2, 3)] == [1, 0, 1]


@pytest.mark.kafka
def test_an_event_that_is_too_large_is_named_and_nothing_beside_it_is_visible(
    config: dict[str, str], log: Log, source: str
) -> None:
    with Submitter(config, source) as submitter:
        with pytest.raises(PublishError, match=rf"'{source}/m-2' has 20001\d\d bytes"):
            submitter.submit([event(source, 1), event(source, 2, b"x" * 2_000_000)])
        submitter.submit([event(source, 3)])
    assert [len(log.records(RAW, f"{source}/m-{number}")) for number in (1, 2, 3)] == [0, 0, 1]


def test_a_batch_is_bounded_in_records_and_in_bytes() -> None:
    many = iter([Message("t", "k", b"x")] * 12_000)
    assert [len(batch_of(many)) for _ in range(4)] == [5_000, 5_000, 2_000, 0]
    large = iter([Message("t", "k", b"x" * (4 << 20))] * 6)
    assert [len(batch_of(large)) for _ in range(3)] == [4, 2, 0]


class Flaky:
    """A producer whose commit fails as told, and succeeds when nothing is left to fail."""

    def __init__(self, *failures: KafkaError) -> None:
        self.failures = list(failures)
        self.calls: list[str] = []

    def produce(self, *_: object) -> None:
        self.calls.append("produce")

    def poll(self, _: float) -> int:
        return 0

    def begin_transaction(self) -> None:
        self.calls.append("begin")

    def commit_transaction(self) -> None:
        self.calls.append("commit")
        if self.failures:
            raise KafkaException(self.failures.pop(0))

    def abort_transaction(self, *_: object) -> None:
        self.calls.append("abort")


def test_a_commit_that_may_be_repeated_is_and_an_aborted_one_begins_again() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publish, "_PAUSE_S", 0.0)
        producer = Flaky(
            KafkaError(KafkaError._TIMED_OUT, retriable=True),
            KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE, txn_requires_abort=True),
        )
        patched.setattr(publish, "Producer", lambda _: producer)
        Publisher({}, "id").transaction([Message("t", "k", b"v")])
    assert producer.calls == ["begin", "produce", "commit", "commit", "abort", "begin", "produce", "commit"]


def test_a_broker_that_stays_away_is_told_in_the_end() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publish, "_PATIENCE_S", 0.0)
        producer = Flaky(*[KafkaError(KafkaError._TIMED_OUT, retriable=True)] * 9)
        patched.setattr(publish, "Producer", lambda _: producer)
        with pytest.raises(PublishError, match="'id'"):
            Publisher({}, "id").transaction([Message("t", "k", b"v")])
    assert producer.calls[-1] == "abort"
