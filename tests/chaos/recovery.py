"""How long a partition stands still: from the blow to the first commit of its work by anybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.offsets import ask

_QUESTION_S: Final = 10.0


class Recoveries:
    """Reads the state topic as downstream does (read_committed) and notes when each struck partition moves again.

    A partition has recovered when a state record becomes visible that was written after the blow: its offset is not
    below the high watermark asked for just after it. Only the partition's owner writes there, in the transaction that
    commits its inputs too. A partition that is struck again before it has recovered is measured from the later blow;
    the earlier one is counted in ``interrupted``.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, partitions: int) -> None:
        self._client = {**client, "log_level": 2}
        self._topic = topic
        self._partitions = partitions
        self._admin = AdminClient(self._client)
        self._lock = threading.Lock()
        #: By partition: what struck it, when, and the offset from which on a record tells of its recovery.
        self._open: dict[int, tuple[str, float, int]] = {}
        self.measured_s: dict[str, list[float]] = {}
        self.interrupted = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recoveries", daemon=True)

    def __enter__(self) -> Recoveries:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def struck(self, what: str, partitions: Iterable[int], at_s: float) -> None:
        """These partitions stand still since then (monotonic clock)."""
        numbers = list(partitions)
        ends = self._ends(numbers)
        with self._lock:
            for number in numbers:
                self.interrupted += number in self._open
                self._open[number] = (what, at_s, ends[number])

    def is_open(self) -> bool:
        """Whether any partition has not recovered yet."""
        return bool(self._open)

    def give_up(self) -> list[str]:
        """What has not recovered; it is not waited for any more."""
        with self._lock:
            left = [f"partition {number} since {what}" for number, (what, _, _) in sorted(self._open.items())]
            self._open.clear()
        return left

    def _ends(self, numbers: list[int]) -> dict[int, int]:
        while numbers:
            asked = {(self._topic, number): OffsetSpec.latest() for number in numbers}
            try:
                return {part: answer.offset for (_, part), answer in ask(self._admin, asked, _QUESTION_S).items()}
            except KafkaException:
                time.sleep(0.1)  # asked later it is higher: what is measured is never too short
        return {}

    def _run(self) -> None:
        consumer = Consumer(
            {
                **self._client,
                "group.id": "chaos-recoveries",  # required by the library; no group is joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
                "fetch.error.backoff.ms": 20,
                "reconnect.backoff.max.ms": 500,
            }
        )
        consumer.assign([TopicPartition(self._topic, number, 0) for number in range(self._partitions)])
        try:
            while not self._ended.is_set():
                for message in consumer.consume(1_000, 0.02):
                    if message.error() is None:
                        self._seen(message.partition(), message.offset(), time.monotonic())
        finally:
            consumer.close()

    def _seen(self, partition: int, offset: int, now_s: float) -> None:
        with self._lock:
            struck = self._open.get(partition)
            if struck is None or offset < struck[2]:
                return
            what, at_s, _ = self._open.pop(partition)
            self.measured_s.setdefault(what, []).append(now_s - at_s)
