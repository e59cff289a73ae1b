"""A transactional producer over the model, and the errors that Kafka's may meet."""

# ruff: noqa: ARG002 -- the parameters are those of what it stands for

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from tests.engine.fakes import Said, failure

from .broker import Busy, Fenced, WrongState
from .group import OldEpoch, Place, UnknownMember
from .log import Fate
from .surroundings import Surroundings


class ModelProducer:
    """A transactional producer: sends when it is flushed, or a little before; errors are passing, abortable, fatal."""

    def __init__(self, process: Surroundings, transactional_id: str) -> None:
        self._process = process
        self._scheduler = process.scheduler
        self._broker = process.broker
        self._id = transactional_id
        self._epoch = 0
        self._queue: list[tuple[Place, tuple[bytes | None, bytes | None, int], Any]] = []
        self._must_abort = False
        self._is_fatal = False
        #: Whether the broker has heard of this transaction: of one that it has not, nothing needs an end.
        self._is_known = False
        #: Whether a commit is under way that was told to be asked for again: nothing else may be asked for.
        self._is_ending = False

    def _enter(self, call: str) -> str:
        flavour = self._process.enter(call)
        if self._is_fatal:
            if call == "begin":
                self._process.used_after_end(call)
            raise self._fatal()
        return flavour

    def _fatal(self) -> KafkaException:
        self._is_fatal = True
        self._process.excuse("ProducerFenced")
        return failure(KafkaError._FENCED, fatal=True)

    def _abortable(self, code: int) -> KafkaException:
        self._must_abort = True
        return failure(code, txn_requires_abort=True)

    def _passing(self) -> KafkaException:
        return failure(KafkaError._TIMED_OUT, retriable=True)

    def _fenced(self) -> KafkaException:
        """Timed out by the coordinator, a producer may go on after an abort; another one's epoch ends it."""
        known = self._broker.producers[self._id]
        if known.timed_out and known.epoch == self._epoch + 1 and self._scheduler.random.random() < 0.5:
            return self._abortable(KafkaError.INVALID_PRODUCER_EPOCH)
        return self._fatal()

    def _around(self, call: str, act: Callable[[], None], timeout: float) -> None:
        """An act of the coordinator, with the errors that may come instead of it or of its answer."""
        flavour = self._enter(call)
        self._fail(flavour)
        if self._must_abort:
            raise self._abortable(KafkaError._STATE)
        self._ask(act, timeout)
        self._fail(flavour.removesuffix("-after"))

    def _fail(self, flavour: str) -> None:
        if flavour == "passing":
            raise self._passing()
        if flavour == "abortable":
            raise self._abortable(KafkaError.COORDINATOR_NOT_AVAILABLE)
        if flavour == "fatal":
            raise self._fatal()
        if flavour == "hang":
            self._scheduler.give_way(math.inf)

    def _ask(self, act: Callable[[], None], timeout: float) -> None:
        """The coordinator's answer, as an error where it refuses."""
        give_up_s = self._scheduler.now_s + timeout
        while True:
            try:
                act()
            except Busy:
                if self._scheduler.now_s >= give_up_s:
                    raise self._passing() from None
                self._scheduler.give_way(give_up_s, listens=True)
            except Fenced:
                raise self._fenced() from None
            except WrongState:
                raise self._fatal() from None
            except OldEpoch:
                raise self._abortable(KafkaError.ILLEGAL_GENERATION) from None
            except UnknownMember:
                raise self._abortable(KafkaError.UNKNOWN_MEMBER_ID) from None
            else:
                return

    def init_transactions(self, timeout: float) -> None:
        def act() -> None:
            self._epoch = self._broker.claim(self._id)
            self._scheduler.news()

        self._around("init", act, timeout)

    def begin_transaction(self) -> None:
        if self._is_ending:
            raise failure(KafkaError._STATE)
        self._around("begin", lambda: None, 0)
        self._is_known = False

    def produce(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int, callback: Any = None, /
    ) -> None:
        if self._is_fatal:
            raise self._fatal()
        if len(self._queue) >= 6:
            raise BufferError
        self._queue.append(((topic, partition), (key, value, self._process.now_ms()), callback))

    def poll(self, timeout: float) -> int:
        self._process.enter("poll")
        self._send(1)
        return 0

    def flush(self, timeout: float) -> int:
        flavour = self._enter("flush")
        if flavour == "passing":
            return len(self._queue)
        if flavour:
            self._fail_queue(self._abortable(KafkaError._MSG_TIMED_OUT).args[0])
            return 0
        give_up_s = self._scheduler.now_s + timeout
        while self._queue and self._scheduler.now_s < give_up_s:
            self._send(self._scheduler.random.randint(1, len(self._queue)))
            if self._queue:
                self._scheduler.give_way(self._scheduler.now_s + 0.001)
        return len(self._queue)

    def _send(self, count: int) -> None:
        """Let the broker have the first records."""
        for _ in range(min(count, len(self._queue))):
            if self._must_abort or self._is_fatal:
                self._fail_queue(KafkaError(KafkaError._PURGE_QUEUE))
                return
            place, record, callback = self._queue[0]
            try:
                self._is_known = True
                offset = self._broker.append(self._id, self._epoch, place, record, self._scheduler.now_s)
            except Busy:
                return
            except Fenced:
                self._fail_queue(self._fenced().args[0])
                return
            self._queue.pop(0)
            if callback is not None:
                callback(None, Said(place[0], place[1], offset))

    def _fail_queue(self, error: Any) -> None:
        queue, self._queue = self._queue, []
        for _, _, callback in queue:
            if callback is not None:
                callback(error, Said())

    def purge(self) -> None:
        self._queue.clear()

    def send_offsets_to_transaction(self, positions: list[Any], group_metadata: Any, timeout: float) -> None:
        offsets = {(tp.topic, tp.partition): (tp.offset, tp.metadata or "") for tp in positions}

        def act() -> None:
            # Nothing to send is nothing to refuse: a member that is no more gets away with it.
            if offsets:
                self._is_known = True
                self._process.note(f"sends offsets as {group_metadata}: {offsets}")
                self._broker.send_offsets(self._id, self._epoch, offsets, group_metadata, self._scheduler.now_s)

        self._around("send_offsets", act, timeout)

    def commit_transaction(self, timeout: float) -> None:
        if self.flush(timeout):
            raise self._passing()
        self._is_ending = True
        self._around("commit", lambda: self._end(Fate.COMMITTED), timeout)
        self._is_ending = False

    def abort_transaction(self, timeout: float) -> None:
        flavour = self._enter("abort")
        if flavour == "passing":
            raise self._passing()
        self._fail_queue(KafkaError(KafkaError._PURGE_QUEUE))
        try:
            self._end(Fate.ABORTED)
        except Fenced:
            self._claim_again(timeout)
        except WrongState:
            raise self._fatal() from None
        self._must_abort = self._is_ending = False

    def _claim_again(self, timeout: float) -> None:
        """After the coordinator's own time-out: a new epoch, unless somebody else has taken the id meanwhile."""
        known = self._broker.producers[self._id]
        if not (known.timed_out and known.epoch == self._epoch + 1):
            raise self._fatal()
        give_up_s = self._scheduler.now_s + timeout
        while self._broker.is_completing(self._id):
            if self._scheduler.now_s >= give_up_s:
                raise self._passing()
            self._scheduler.give_way(give_up_s, listens=True)
            if known.epoch != self._epoch + 1:
                raise self._fatal()
        self._epoch = self._broker.claim(self._id)

    def _end(self, fate: Fate) -> None:
        if self._is_known:
            self._broker.end(self._id, self._epoch, fate)
            self._scheduler.news()
