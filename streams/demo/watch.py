"""What a downstream consumer sees while the demo runs: states, transitions and alerts, read as they are committed.

It shares the machine's processors with the pipeline, so it reads no more of a record than it needs: of a state only its
status, which stands near its beginning, and only one transition in ten.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from schemas.codec import SINGLE_OBJECT
from schemas.contract_files import load_schema
from schemas.varints import read_long, read_span
from streams.domain.fingerprints import DuplicateAlert, DuplicateState
from streams.domain.state import Alert, AlertState, State, Transition
from streams.topics import Topics

_CHUNK: Final = 2_000
_WAIT_S: Final = 0.1
_EVERY: Final = 10
_RECENT: Final = 500
_FRAME_BYTES: Final = {True: 10, False: 5}
"""Of single-object encoding, and of a registry's."""
_STATUSES: Final = tuple(
    next(row["type"]["symbols"] for row in load_schema("payments.state.v1")["fields"] if row["name"] == "status")
)


def status_of(data: bytes) -> str:
    """The status of an encoded state: its fields before are skipped, those behind are not looked at."""
    _, position = read_span(data, _FRAME_BYTES[data.startswith(SINGLE_OBJECT)])
    _, position = read_span(data, position)
    _, position = read_long(data, position)
    symbol, _ = read_long(data, position)
    return str(_STATUSES[symbol])


@dataclass(frozen=True, slots=True)
class Decoded:
    """One record of the state topic: where it stands, how long it is, what it says."""

    topic: str
    partition: int
    offset: int
    size_bytes: int
    schema: str
    state: State


@dataclass(slots=True)
class Seen:
    """Counts so far, and the newest of everything. Read by the view while the watcher writes."""

    states: int = 0
    transitions: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    alerts: dict[str, Alert] = field(default_factory=dict)
    duplicates: dict[str, DuplicateAlert] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    latest: deque[Transition] = field(default_factory=lambda: deque(maxlen=4))
    followed: dict[str, Decoded] = field(default_factory=dict)

    @property
    def payments(self) -> int:
        """How many payments have a state."""
        return self.statuses.total()

    def open_alerts(self) -> Counter[str]:
        """Open alerts by kind."""
        return Counter(alert.kind.value for alert in list(self.alerts.values()) if alert.state is AlertState.OPEN)

    def open_duplicates(self) -> list[DuplicateAlert]:
        """Pairs reported and not taken back."""
        return [pair for pair in list(self.duplicates.values()) if pair.state is DuplicateState.OPEN]

    def quantile_ms(self, share: float, *, recent: bool = False) -> float:
        """A quantile of the time from received to visible, of all sampled transitions so far or the last 500."""
        kept = sorted(self.latencies_ms[-_RECENT:] if recent else self.latencies_ms)
        return kept[min(int(share * len(kept)), len(kept) - 1)] if kept else 0.0


class Watcher:
    """A thread with a plain read_committed consumer. Start, read ``seen``, stop.

    ``followed``: payments whose newest state is decoded whole.
    """

    def __init__(self, client: Mapping[str, Any], topics: Topics, followed: Iterable[str] = ()) -> None:
        self.seen = Seen()
        self._client = client
        self._topics = topics
        self._takers = {
            topics.state.kafka_name: self._state,
            topics.transitions.kafka_name: self._transition,
            topics.alerts.kafka_name: self._alert,
            topics.duplicate_alerts.kafka_name: self._duplicate,
        }
        self._followed = {name.encode() for name in followed}
        self._standing: dict[bytes, str] = {}
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to read, from the beginning of every topic."""
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the watcher early, if anything did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End, after what has arrived has been read."""
        self._ended.set()
        self.join()

    def join(self) -> None:
        """Return when the watcher has ended."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as failure:  # noqa: BLE001 -- handed to the thread that watches us, by ``check``
            self._failure = failure

    def _read(self) -> None:
        consumer = Consumer(
            {
                **self._client,
                "log_level": 3,
                "group.id": "paystate-demo-watcher",  # required by the library; no group is joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
                "fetch.error.backoff.ms": 10,
            }
        )
        try:
            found = consumer.list_topics(timeout=30).topics
            consumer.assign([TopicPartition(name, part, 0) for name in self._takers for part in found[name].partitions])
            while True:
                messages = consumer.consume(_CHUNK, _WAIT_S)
                now_ms = time.time() * 1000
                for message in messages:
                    # A broker that is away comes back: the verifier judges at the end what was missed for good.
                    if message.error() is None and message.value() is not None:
                        self._takers[message.topic()](message, now_ms)
                if not messages and self._ended.is_set():
                    return
        finally:
            consumer.close()

    def _state(self, message: Any, _now_ms: float) -> None:
        seen, key, value = self.seen, message.key(), message.value()
        seen.states += 1
        status = status_of(value)
        before = self._standing.get(key)
        if before != status:
            if before is not None:
                seen.statuses[before] -= 1
            seen.statuses[status] += 1
            self._standing[key] = status
        if key in self._followed:
            schema = value[2:10].hex() if value.startswith(SINGLE_OBJECT) else f"id {int.from_bytes(value[1:5])}"
            state = self._topics.state.decode(value)
            where = (message.topic(), message.partition(), message.offset())
            seen.followed[key.decode()] = Decoded(*where, len(value), schema, state)

    def _transition(self, message: Any, now_ms: float) -> None:
        seen = self.seen
        seen.transitions += 1
        if seen.transitions % _EVERY == 1:
            transition = self._topics.transitions.decode(message.value())
            seen.latencies_ms.append(now_ms - transition.recorded_at / 1000)
            seen.latest.append(transition)

    def _alert(self, message: Any, _now_ms: float) -> None:
        alert = self._topics.alerts.decode(message.value())
        self.seen.alerts[alert.alert_id] = alert

    def _duplicate(self, message: Any, _now_ms: float) -> None:
        pair = self._topics.duplicate_alerts.decode(message.value())
        self.seen.duplicates[pair.alert_id] = pair
