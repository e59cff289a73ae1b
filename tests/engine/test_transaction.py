"""What each of Kafka's answers means for a transaction."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from confluent_kafka import KafkaError

from streams.engine import FaultPoint, InfrastructureError
from streams.engine.errors import ProducerFenced, TransactionAborted
from streams.engine.transaction import Transaction

from .fakes import FakeProducer, failure

RESULT = ("out", b"r", b"k", 1)
ROWS = [("state", b"1", b"a", 1), ("state", None, b"b", 1)]
OFFSETS: list[Any] = ["in[1]@7"]


class Patience:
    """Counts how often it was asked; gives up after `most` times."""

    def __init__(self, most: int = 1000) -> None:
        self.asked = 0
        self._most = most

    def __call__(self) -> None:
        self.asked += 1
        if self.asked > self._most:
            raise InfrastructureError("told to stop")


def commit(producer: FakeProducer, patience: Patience | None = None) -> dict[tuple[str, int], int]:
    transaction = Transaction(producer, 1.0, lambda _: None, patience or Patience())
    return transaction.commit([[RESULT]], [ROWS], OFFSETS, "metadata")


def test_results_come_before_state_and_offsets_after_both() -> None:
    producer, points = FakeProducer(), list[FaultPoint]()
    transaction = Transaction(producer, 1.0, points.append, Patience())
    landed = transaction.commit([[RESULT]], [ROWS], OFFSETS, "metadata")
    assert producer.produced == [RESULT, *ROWS]
    assert producer.calls == [
        "begin_transaction",
        *["produce"] * 3,
        "flush",
        "send_offsets",
        "commit_transaction",
    ]
    assert landed == {("state", 1): 102}, "the offset of the last row, which the store's mark follows"
    assert points == ["begun", "produced-some", "produced", "flushed", "offsets-sent"]


def test_a_full_queue_is_waited_for_and_nothing_is_left_out() -> None:
    producer = FakeProducer({"produce": [BufferError(), BufferError()]})
    commit(producer)
    assert producer.produced == [RESULT, *ROWS]
    assert producer.calls.count("poll") == 2


@pytest.mark.parametrize("call", ["begin_transaction", "send_offsets", "commit_transaction"])
def test_a_call_that_may_be_repeated_is_repeated(call: str) -> None:
    producer, patience = FakeProducer({call: [failure(KafkaError._TIMED_OUT, retriable=True)] * 3}), Patience()
    commit(producer, patience)
    assert producer.calls.count(call) == 4
    assert patience.asked == 3
    assert "abort_transaction" not in producer.calls


@pytest.mark.parametrize("call", ["produce", "send_offsets", "commit_transaction"])
def test_an_abortable_error_undoes_the_transaction(call: str) -> None:
    producer = FakeProducer({call: [failure(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True)]})
    with pytest.raises(TransactionAborted, match="ILLEGAL_GENERATION"):
        commit(producer)
    assert producer.calls[-1] == "abort_transaction"


def test_an_error_that_says_nothing_of_itself_is_aborted_and_not_repeated() -> None:
    producer = FakeProducer({"send_offsets": [failure(KafkaError.GROUP_AUTHORIZATION_FAILED)]})
    with pytest.raises(TransactionAborted, match="GROUP_AUTHORIZATION_FAILED"):
        commit(producer)
    assert producer.calls.count("send_offsets") == 1


def test_a_record_that_the_broker_refuses_undoes_the_transaction_before_offsets_are_sent() -> None:
    producer = FakeProducer(refuses=KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
    with pytest.raises(TransactionAborted, match="MSG_SIZE_TOO_LARGE"):
        commit(producer)
    assert "send_offsets" not in producer.calls


@pytest.mark.parametrize("call", ["begin_transaction", "produce", "send_offsets", "commit_transaction"])
def test_a_fenced_producer_is_at_its_end(call: str) -> None:
    producer = FakeProducer({call: [failure(KafkaError._FENCED, fatal=True)]})
    with pytest.raises(ProducerFenced, match="_FENCED"):
        commit(producer)
    assert "abort_transaction" not in producer.calls


def blamed_on_a_report() -> SystemError:
    """As confluent-kafka raises a fatal error that it meets while it hands out delivery reports."""
    blamed = SystemError("<function Landing.__call__> returned a result with an exception set")
    blamed.__cause__ = failure(KafkaError._FENCED, fatal=True)
    return blamed


@pytest.mark.parametrize("call", ["flush", "poll"])
def test_a_fatal_error_that_is_blamed_on_a_report_is_known_for_what_it_is(call: str) -> None:
    def commit_blaming(error: SystemError) -> None:
        full: list[Exception] = [BufferError()] if call == "poll" else []
        commit(FakeProducer({call: [error], "produce": full}))

    with pytest.raises(ProducerFenced, match="_FENCED"):
        commit_blaming(blamed_on_a_report())
    with pytest.raises(SystemError, match="of its own"):
        commit_blaming(SystemError("of its own"))


def test_a_producer_fenced_while_it_aborts_is_at_its_end() -> None:
    producer = FakeProducer(
        {
            "commit_transaction": [failure(KafkaError._TIMED_OUT, txn_requires_abort=True)],
            "abort_transaction": [failure(KafkaError._FENCED, fatal=True)],
        }
    )
    with pytest.raises(ProducerFenced, match="abort"):
        commit(producer)


def test_a_worker_told_to_stop_does_not_repeat_for_ever() -> None:
    producer = FakeProducer({"commit_transaction": [failure(KafkaError._TIMED_OUT, retriable=True)] * 10})
    with pytest.raises(InfrastructureError, match="told to stop"):
        commit(producer, Patience(2))


def test_aborts_are_counted_until_one_commits() -> None:
    producer = FakeProducer({"commit_transaction": [failure(KafkaError._STATE, txn_requires_abort=True)] * 2})
    transaction = Transaction(producer, 1.0, lambda _: None, Patience())
    counts = []
    for _ in range(3):
        with suppress(TransactionAborted):
            transaction.commit([], [], OFFSETS, "metadata")
        counts.append(transaction.aborts_in_a_row)
    assert counts == [1, 2, 0]


def test_without_an_offset_nothing_is_committed() -> None:
    producer = FakeProducer()
    with pytest.raises(InfrastructureError, match="zombie"):
        Transaction(producer, 1.0, lambda _: None, Patience()).commit([[RESULT]], [], [], "metadata")
    assert producer.calls == []
