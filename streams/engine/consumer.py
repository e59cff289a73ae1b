"""The group's consumer: membership, polling into bounded buffers, pausing. Runs in the engine's Kafka thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.engine.buffers import InputPartition
from streams.engine.clients import Clients, ConsumerClient, Message, group_config, is_heard
from streams.engine.errors import InfrastructureError, LostInput
from streams.engine.settings import EngineSettings, GroupProtocol

log = logging.getLogger(__name__)

InputKey = tuple[str, int]
"""Kafka topic and partition."""

_END = KafkaError._PARTITION_EOF
#: How many times the records of a unit are taken at most before the next one is folded.
_PIECES: Final = 16
#: For all partitions of an assignment together: while a broker is away each of its partitions would wait in vain.
_BEGIN_WITHIN_S: Final = 2.0
_MEMBER_ID_PERIOD_S: Final = 1.0
_RESET = KafkaError._AUTO_OFFSET_RESET
_WITHOUT_KIP848 = (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE)


class Assignments(Protocol):
    """Told of rebalances, from within a poll and never while a transaction is open."""

    def assigned(self, inputs: Sequence[InputKey]) -> None:
        """These are this worker's now."""

    def revoked(self, inputs: Sequence[InputKey], *, lost: bool) -> None:
        """These are this worker's no more; `lost`: they may be another's already."""


class GroupConsumer:
    """A member of the consumer group. New partitions stay paused until `read` says from where to read them."""

    def __init__(
        self,
        settings: EngineSettings,
        clients: Clients,
        topics: Sequence[str],
        assignments: Assignments,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._topics = list(topics)
        self._assignments = assignments
        self._clock = clock
        self._reading: dict[InputKey, InputPartition] = {}
        self._client: ConsumerClient | None = None
        self._kip848 = settings.group_protocol is not GroupProtocol.CLASSIC
        #: The group's view of this member when the last poll ended: what was assigned then is what a commit may claim.
        self.metadata: Any = None
        #: The member's id in the group. Kept, because librdkafka does not answer while a rebalance is under way.
        self.member_id = ""
        self._next_member_id_s = 0.0

    @property
    def protocol(self) -> GroupProtocol:
        """The protocol in use."""
        return GroupProtocol.CONSUMER if self._kip848 else GroupProtocol.CLASSIC

    @property
    def _open(self) -> ConsumerClient:
        if self._client is None:
            raise InfrastructureError("the group's consumer is not open")
        return self._client

    def join(self) -> None:
        """Subscribe. Membership is formed by the polls that follow."""
        self._client = self._clients.consumer(group_config(self._settings, kip848=self._kip848))
        self._client.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, unit_at_s: float, idle_s: float, most: int) -> None:
        """Read into the buffers until a unit of work is due.

        Returns at `unit_at_s` (monotonic) if anything is buffered by then, at once when `most` records are, and after
        `idle_s` if nothing came. Rebalances happen in here and nowhere else.
        """
        give_up_s = self._clock() + idle_s
        self._take_at_hand(most)
        while True:
            now = self._clock()
            buffered = sum(len(buffer.records) for reading in self._reading.values() for buffer in reading.buffers)
            if buffered:
                # consume() waits the whole time unless `most` arrive, which is what is wanted once there is work.
                if now >= unit_at_s or buffered >= most:
                    break
                self._take(most, unit_at_s - now)
            else:
                if now >= give_up_s:
                    break
                if self._take(1, give_up_s - now):
                    self._take(most, 0.0)
        if self._client is not None:
            self.metadata = self._client.consumer_group_metadata()
            self._note_member_id(self._client)

    def _take_at_hand(self, most: int) -> None:
        """Take what librdkafka holds: the more inputs are buffered, the nearer is folding to time order.

        A backlog comes in large pieces of one input each; folded as they come, thousands of keys would be under way at
        once and their rows would not stay in the caches. Buffers are bounded in bytes, so this is too.
        """
        for _ in range(_PIECES):
            if self._take(most, 0.0) < most:
                return

    def _take(self, most: int, timeout_s: float) -> int:
        try:
            messages = self._open.consume(most, timeout_s)
        except KafkaException as failure:
            self._handle(failure.args[0])
            return 0
        reading = self._reading
        for message in messages:
            if message.error() is not None:
                self._event(message)
                continue
            source = reading.get((message.topic(), message.partition()))
            # None: revoked a moment ago, or restored and not yet sought; it will be read again from its position.
            if source is not None:
                for buffer in source.buffers:
                    buffer.add(message)
        if messages:
            self._pause_full()
        return len(messages)

    def _event(self, message: Message) -> None:
        error, source = message.error(), self._reading.get((message.topic(), message.partition()))
        if error.code() == _END:
            if source is not None:
                source.reached_end(message.offset())
        elif error.code() == _RESET:
            if source is not None and message.offset() is None:
                # A new leader that cannot say whether the log is what it was: librdkafka reads this partition no more.
                raise InfrastructureError(
                    f"{source.topic}[{source.partition}] cannot be read on: {error.str()}. "
                    "A restart reads on from what the group has committed"
                )
            # One below the position is an echo of before the seek.
            if source is not None and not 0 <= message.offset() < source.position:
                raise LostInput(f"{source.topic}[{source.partition}]: {error.str()}. {LOST_ADVICE}")
        else:
            self._handle(error)

    @property
    def _most_bytes(self) -> int:
        """What one input may hold: the more there are, the less each."""
        settings = self._settings
        return min(settings.input_buffer_bytes, settings.all_buffers_bytes // max(1, len(self._reading)))

    def _pause_full(self) -> None:
        most_bytes = self._most_bytes
        for source in self._reading.values():
            if not source.is_paused and source.size_bytes > most_bytes:
                self._open.pause([TopicPartition(source.topic, source.partition)])
                source.is_paused = True

    def _handle(self, error: Any) -> None:
        is_auto = self._settings.group_protocol is GroupProtocol.AUTO
        if is_auto and self._kip848 and _means_without_kip848(error):
            log.warning("the broker does not know KIP-848 groups (%s): using the classic protocol", error.str())
            self._open.close()
            self._kip848 = False
            self.join()
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise InfrastructureError(f"the group's consumer cannot go on: {error.name()}: {error.str()}")
        else:
            log.warning("consumer: %s: %s", error.name(), error.str())

    def read(self, inputs: Sequence[InputPartition]) -> bool:
        """Seek to the inputs' positions and let them flow. False if librdkafka is not ready for it: ask again later."""
        try:
            for source in inputs:
                self._open.seek(TopicPartition(source.topic, source.partition, source.position))
        except KafkaException as failure:
            if failure.args[0].code() == KafkaError._STATE:
                return False
            raise
        for source in inputs:
            self._reading[source.topic, source.partition] = source
        self._open.resume([TopicPartition(source.topic, source.partition) for source in inputs])
        return True

    def resume_drained(self) -> None:
        """Resume inputs that were paused because their buffers were full and are half empty now."""
        low_bytes = self._most_bytes // 2
        drained = [
            source for source in self._reading.values() if source.is_paused and source.size_bytes < max(1, low_bytes)
        ]
        if drained:
            self._open.resume([TopicPartition(source.topic, source.partition) for source in drained])
            for source in drained:
                source.is_paused = False

    def stop_reading(self, inputs: Sequence[InputKey]) -> None:
        """Forget the buffers of inputs. Those that stay assigned are paused with `hold`."""
        for key in inputs:
            self._reading.pop(key, None)

    def hold(self, inputs: Sequence[InputKey]) -> None:
        """Pause inputs that are still assigned here but cannot be folded: another input of their task is elsewhere."""
        self._open.pause([TopicPartition(topic, partition) for topic, partition in inputs])

    def end_offset(self, topic: str, partition: int) -> int | None:
        """An input's end as the last fetch told it (the last stable offset), None if not known yet. Asks nobody."""
        client = self._client
        if client is None:
            return None
        try:
            known = client.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
        except (KafkaException, RuntimeError):
            return None  # asked from another thread while the partition or the client goes
        return known[1] if known is not None and known[1] >= 0 else None

    def is_answered(self, within_s: float) -> bool:
        """Whether the group's own client hears a broker in that time."""
        return self._client is None or is_heard(self._client, within_s)

    def _note_member_id(self, client: ConsumerClient) -> None:
        if self._clock() >= self._next_member_id_s:
            self._next_member_id_s = self._clock() + _MEMBER_ID_PERIOD_S
            self.member_id = client.memberid() or ""

    def leave(self) -> None:
        """Leave the group; partitions are revoked in here."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _on_assign(self, client: ConsumerClient, partitions: list[Any]) -> None:
        # Paused until `read` seeks. A number, never OFFSET_END or none: librdkafka would ask the broker for the offset,
        # and an answer that comes after the seek overrides it (its issues 2256, 5345): what lies between is skipped.
        # The number is where the log begins: a fetch below it, sent before the pause, would leave a partition that
        # librdkafka lets nobody seek any more.
        give_up_s = self._clock() + _BEGIN_WITHIN_S
        placed = [
            TopicPartition(tp.topic, tp.partition, _begin(client, tp, give_up_s - self._clock())) for tp in partitions
        ]
        with _ending_the_process():
            if self._kip848:
                client.incremental_assign(placed)
            else:
                client.assign(placed)
            client.pause(placed)
            self._assignments.assigned([(tp.topic, tp.partition) for tp in partitions])

    def _on_revoke(self, client: ConsumerClient, partitions: list[Any]) -> None:
        self._give_up(client, partitions, lost=False)

    def _on_lost(self, client: ConsumerClient, partitions: list[Any]) -> None:
        self._give_up(client, partitions, lost=True)

    def _give_up(self, client: ConsumerClient, partitions: list[Any], *, lost: bool) -> None:
        keys = [(tp.topic, tp.partition) for tp in partitions]
        self.stop_reading(keys)
        with _ending_the_process():
            self._assignments.revoked(keys, lost=lost)
            if self._kip848:
                client.incremental_unassign(partitions)
            else:
                client.unassign()


def _means_without_kip848(error: Any) -> bool:
    """A fatal error hides its cause: only its text tells it."""
    return error.code() in _WITHOUT_KIP848 or (
        error.code() == KafkaError._FATAL and any(KafkaError(code).str() in error.str() for code in _WITHOUT_KIP848)
    )


@contextmanager
def _ending_the_process() -> Iterator[None]:
    """Around a rebalance: half of one must not be taken for a passing error of the poll that it happens in."""
    try:
        yield
    except KafkaException as failure:
        raise InfrastructureError(f"the rebalance failed: {failure.args[0].str()}") from failure


LOST_ADVICE = (
    "Records were deleted before they were read. Find out what they were (archive and raw topic hold the originals), "
    "then move the group's offset with kafka-consumer-groups --reset-offsets, with all workers stopped"
)


def _begin(client: ConsumerClient, tp: Any, within_s: float) -> int:
    """Where the partition's log begins; 0 if the broker does not say so in time."""
    if within_s <= 0:
        return 0
    try:
        known = client.get_watermark_offsets(TopicPartition(tp.topic, tp.partition), within_s)
    except KafkaException as error:
        log.warning("%s[%d]: where the log begins is not known yet: %s", tp.topic, tp.partition, error)
        return 0
    return known[0] if known is not None and known[0] > 0 else 0
