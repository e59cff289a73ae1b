"""What was decided about the form of a generation, as payments.upgrades.v1 has it: the last record counts.

It is framed without a registry, and its schema never changes: every release must be able to read it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from connectors.intake.publish import Message, Publisher
from schemas.codec import Codec, codec
from schemas.names import topic_name
from schemas.records import Upgrade, UpgradeStep
from streams.engine.errors import ConfigurationError
from streams.offsets import ask

TOPIC: Final = "payments.upgrades.v1"
KEY: Final = "form"
_ANSWERS_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.1
_CONSUMER: Final[Mapping[str, Any]] = {
    "group.id": "paystate-upgrades",  # required by the library; partitions are assigned, no group is joined
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.error.backoff.ms": 10,
    # An end behind a transaction's marker shows only in a fetch that finds nothing more: 500 ms each by default.
    "fetch.wait.max.ms": 20,
    "log_level": 3,
}


def form_in_force(decision: Upgrade) -> int:
    """The form that workers write: while an upgrade is being finished still the one before."""
    return decision.form if decision.step is UpgradeStep.IN_FORCE else decision.previous


class Decisions:
    """Reads what is decided, as of each call. May be used by several threads."""

    def __init__(self, client: Mapping[str, Any], generation: int) -> None:
        self.topic = topic_name(TOPIC, generation)
        self._client = dict(client)
        self._codec: Codec[Upgrade] = codec(TOPIC, Upgrade)
        self._admin = AdminClient({**client, "log_level": 3})
        self._place = TopicPartition(self.topic, 0)
        self._lock = threading.Lock()
        self._position = 0
        self._last: Upgrade | None = None

    def now(self) -> Upgrade | None:
        """The decision that stands; None: nothing was ever decided. Open transactions are waited for.

        Raises ConfigurationError: there is no such topic. KafkaException: Kafka did not answer within 5 seconds.
        CodecError: a record that is none of ours.
        """
        with self._lock:
            end = self._end()
            if end > self._position:
                self._read_to(end)
            return self._last

    def _end(self) -> int:
        """The high watermark: the last stable offset may lie before a decision that is committed."""
        place = (self.topic, 0)
        try:
            return int(ask(self._admin, {place: OffsetSpec.latest()}, _ANSWERS_WITHIN_S)[place].offset)
        except KafkaException as error:
            known = self._admin.list_topics(timeout=_ANSWERS_WITHIN_S).topics
            if self.topic not in known:
                raise ConfigurationError(
                    f"topic {self.topic} does not exist: create it (paystate topics apply)"
                ) from error
            raise

    def _read_to(self, end: int) -> None:
        consumer = Consumer({**self._client, **_CONSUMER})
        try:
            consumer.assign([TopicPartition(self.topic, 0, self._position)])
            give_up_s = time.monotonic() + _ANSWERS_WITHIN_S
            while self._position < end:
                self._take(consumer.poll(_POLL_S))
                if time.monotonic() > give_up_s and self._position < end:
                    late = KafkaError(KafkaError._TIMED_OUT, f"{self.topic} could not be read to its end")
                    raise KafkaException(late)
        finally:
            consumer.close()

    def _take(self, message: Any) -> None:
        if message is None:
            return
        error = message.error()
        if error is None:
            self._last = self._codec.decode(message.value())
            self._position = message.offset() + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            self._position = max(self._position, message.offset())  # past transaction markers, which are not read
        else:
            raise KafkaException(error)


class Decider:
    """The one process that decides for a group: entering it fences any other, whose next decision then fails.

    Read after entering, then decide: in between nobody else can. Raises FencedError when another process has entered.
    """

    def __init__(self, client: Mapping[str, Any], group: str, generation: int) -> None:
        self._decisions = Decisions(client, generation)
        self._codec: Codec[Upgrade] = codec(TOPIC, Upgrade)
        self._publisher = Publisher(client, f"{group}-upgrade")

    def __enter__(self) -> Self:
        self._publisher.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._publisher.__exit__(kind, error, at)

    def now(self) -> Upgrade | None:
        """The decision that stands."""
        return self._decisions.now()

    def decide(self, decision: Upgrade) -> Upgrade:
        """Make it the decision that stands; it does when this returns."""
        self._publisher.transaction([Message(self._decisions.topic, KEY, self._codec.encode(decision))])
        return decision
