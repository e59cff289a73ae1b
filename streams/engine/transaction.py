"""One Kafka transaction a unit of work, and what each of Kafka's errors means for it. Runs in the Kafka thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException

from streams.engine.clients import ProducerClient
from streams.engine.errors import InfrastructureError, ProducerFenced, TransactionAborted
from streams.engine.hooks import FaultPoint, Hooks
from streams.engine.outbox import Send

log = logging.getLogger(__name__)

#: librdkafka goes on with a call that timed out where it was: short ones, so that a worker told to stop notices.
_CALL_S: Final = 1.0

ChangelogSend = tuple[str, bytes | None, bytes | None, int]


class Landing:
    """Where the last record of a changelog's partition came to lie: the store's mark for this unit."""

    __slots__ = ("error", "offset")

    def __init__(self) -> None:
        self.offset = -1
        self.error: Any = None

    def __call__(self, error: Any, message: Any) -> None:
        """The producer's delivery report."""
        if error is None:
            self.offset = message.offset()
        else:
            self.error = error


class Transaction:
    """The producer of one worker.

    Every call is repeated while Kafka says "try again" (a broker is down, a coordinator moves); `keep_trying` is asked
    before each repetition and raises to give up.
    """

    def __init__(
        self, producer: ProducerClient, timeout_s: float, reached: Hooks, keep_trying: Callable[[], None]
    ) -> None:
        self._producer = producer
        self._timeout_s = min(_CALL_S, timeout_s)
        self._reached = reached
        self._keep_trying = keep_trying
        self.aborts_in_a_row = 0

    def start(self) -> None:
        """Claim the transactional id: what this instance's dead predecessor left open is aborted, a zombie fenced."""
        self._insist(self._producer.init_transactions, self._timeout_s)

    def commit(
        self,
        results: Iterable[Sequence[Send]],
        changelogs: Iterable[Sequence[ChangelogSend]],
        offsets: list[Any],
        group_metadata: Any,
    ) -> dict[tuple[str, int], int]:
        """Produce results and changelog records, send the input offsets, commit.

        Returns the offset of the last record of each changelog partition. Raises TransactionAborted if nothing
        happened, ProducerFenced if the producer is at its end and only Kafka knows.
        """
        if not offsets:
            raise InfrastructureError("a transaction without an input offset would not fence a zombie")
        landings: dict[tuple[str, int], Landing] = {}
        try:
            # a. The transaction begins only now: everything is encoded and checked, so it is short.
            self._insist(self._producer.begin_transaction)
            self._reached(FaultPoint.BEGUN)
            # b. Results before state records: a reader of the state topic finds what led to it.
            for sends in results:
                self._produce(sends)
                self._reached(FaultPoint.PRODUCED_SOME)
            for sends in changelogs:
                self._produce(sends[:-1])
                topic, value, key, partition = sends[-1]
                landing = landings[topic, partition] = Landing()
                self._produce([(topic, value, key, partition, landing)])
            self._reached(FaultPoint.PRODUCED)
            # c. Flushed before the offsets, so that a refused record is known by its own error and not the commit's.
            self._flush(landings.values())
            self._reached(FaultPoint.FLUSHED)
            # d. Offsets with the group's metadata: the coordinator refuses a member of an earlier generation.
            self._insist(self._producer.send_offsets_to_transaction, offsets, group_metadata, self._timeout_s)
            self._reached(FaultPoint.OFFSETS_SENT)
            # e. All or nothing.
            self._insist(self._producer.commit_transaction, self._timeout_s)
        except KafkaException as failure:
            self._abort(failure.args[0])
        self.aborts_in_a_row = 0
        return {place: landing.offset for place, landing in landings.items()}

    def _produce(self, sends: Sequence[tuple[Any, ...]]) -> None:
        produce = self._producer.produce
        for send in sends:
            try:
                produce(*send)
            except BufferError:
                self._produce_when_there_is_room(send)

    def _produce_when_there_is_room(self, send: tuple[Any, ...]) -> None:
        while True:
            self._serve(self._producer.poll, 0.05)
            try:
                self._producer.produce(*send)
            except BufferError:
                self._keep_trying()
            else:
                return

    def _flush(self, landings: Iterable[Landing]) -> None:
        # Ends at the latest when the records' own time-out fails them.
        while self._serve(self._producer.flush, self._timeout_s):
            self._keep_trying()
        for landing in landings:
            if landing.error is not None:
                self._abort(landing.error)

    def _serve(self, call: Callable[[float], int], timeout_s: float) -> int:
        """A call in which delivery reports come. A fatal error that is met there is raised as what it is.

        confluent-kafka raises it while a report is being made, and Python blames the report.
        """
        try:
            return call(timeout_s)
        except SystemError as blamed:
            if isinstance(blamed.__cause__, KafkaException):
                raise blamed.__cause__ from None
            raise

    def _insist(self, call: Callable[..., Any], *arguments: Any) -> None:
        while True:
            try:
                call(*arguments)
            except KafkaException as failure:
                error = failure.args[0]
                if error.fatal() or error.txn_requires_abort() or not error.retriable():
                    raise
                log.info("%s: %s, trying again", call.__name__, error.str())
                self._keep_trying()
            else:
                return

    def _abort(self, error: Any) -> None:
        """Undo the transaction and raise what the caller is to do."""
        reason = f"{error.name()}: {error.str()}"
        if error.fatal():
            raise ProducerFenced(f"the producer cannot go on: {reason}")
        try:
            self._insist(self._producer.abort_transaction, self._timeout_s)
        except KafkaException as failure:
            raise ProducerFenced(f"abort after {reason} failed: {failure.args[0].str()}") from failure
        self._reached(FaultPoint.ABORTED)
        self.aborts_in_a_row += 1
        raise TransactionAborted(reason)
