"""Bring a partition's store up to date with its changelogs. Runs in its own thread; other partitions keep running."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Event
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.engine.clients import PASSING, Clients, answer, restore_config
from streams.engine.consumer import LOST_ADVICE
from streams.engine.division import Division
from streams.engine.errors import ConfigurationError, LostInput, RestoreCancelled, StoreBusy, StoreError
from streams.engine.hooks import FaultPoint, Hooks, everybody
from streams.engine.settings import MIB, EngineSettings
from streams.engine.store import Mark, Store, Stores
from streams.engine.table import TableDeclaration
from streams.engine.topology import Cluster, TopicFacts

log = logging.getLogger(__name__)

T = TypeVar("T")

_END = KafkaError._PARTITION_EOF
#: Messages taken at once: more of them leave the processor's cache before they are looked at.
_CHUNK = 1_000
#: Records of so many bytes are gathered before the store gets them, the last one of each key: most rows are written
#: several times in a short while, and one large sorted file costs a fraction of many small batches.
_LOAD_BYTES = 16 * MIB
#: Below this a batch is cheaper than a file.
_FILE_BYTES = MIB
#: One question for committed offsets: short, so that a worker that is told to stop ends in time.
_QUESTION_S = 2.0
_PAUSE_S = 0.1
_LOCK_PATIENCE_S = 10.0
#: Clocks of machines that hand a volume on differ by less; one that was set back hides how old a store is.
_SKEW_MS = 60_000


@dataclass
class Restored:
    """A store that is current, and from where the group is to read on: offset and metadata by input topic."""

    store: Store
    committed: dict[str, tuple[int, str]]
    records: int = 0
    never_committed: frozenset[str] = frozenset()
    """Inputs of which the group has no offset yet: they are read from where their logs begin."""
    rebuilt: str = ""
    """Why the store was made anew, empty if it was not."""


@dataclass
class Progress:
    """How a restore is doing: read by status and metrics while it runs."""

    remaining: dict[str, int] = field(default_factory=dict)
    """Changelog records still to come, by table."""

    @property
    def total(self) -> int:
        """Changelog records still to come, of all tables."""
        return sum(self.remaining.values())


@dataclass(frozen=True)
class Goal:
    """Where a changelog must be replayed to: its topic as it is now and the end that counts."""

    table: TableDeclaration[Any]
    facts: TopicFacts
    begin: int
    end: int

    @property
    def topic(self) -> str:
        """The changelog's Kafka topic."""
        return self.table.changelog.kafka_name


class Restorer:
    """Restores partitions, each in the one order that loses nothing."""

    def __init__(
        self,
        settings: EngineSettings,
        clients: Clients,
        cluster: Cluster,
        stores: Stores,
        reached: Hooks,
        wall_clock_ms: Callable[[], int],
        admit: Callable[[], None] = everybody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._cluster = cluster
        self._stores = stores
        self._reached = reached
        self._admit = admit
        self._wall_clock_ms = wall_clock_ms
        self._clock = clock

    def restore(self, division: Division, partition: int, cancelled: Event, progress: Progress) -> Restored:
        """Restore one partition of a division; the caller owns the store that is returned.

        Raises RestoreCancelled when `cancelled` is set, LostInput if input records were deleted unread.
        """
        # Asked as a member of the group, so that whoever decides against this worker has either seen it there or is
        # heard here.
        _answer(self._admit, cancelled)
        with closing(self._clients.consumer(restore_config(self._settings))) as consumer:
            # a. The group's committed offsets. While a predecessor's offsets are pending in its transaction this does
            #    not answer; once it answers, no predecessor can add any: the group's generation has moved on to us.
            committed, never_committed = self._committed(consumer, division, partition, cancelled)
            self._reached(FaultPoint.RESTORE_COMMITTED)
            # b. Only now the changelogs' high watermarks. Asked before a, they could miss the predecessor's last unit.
            #    Not the last stable offsets: offsets can be stable before the changelog has its commit marker.
            now_ms = self._wall_clock_ms()
            goals = _answer(lambda: goals_of(self._cluster, division.tables, partition), cancelled)
            self._reached(FaultPoint.RESTORE_MARKED)
            # c. Replay from the store's mark until the reader, which passes neither open transactions nor their markers
            #    unseen, stands at or behind that end.
            store, marks, rebuilt = self._open_usable(division.first + partition, goals, cancelled)
            self._reached(FaultPoint.RESTORE_OPENED)
            try:
                replay = Replay(consumer, store, partition, cancelled, progress, goals)
                records = replay.run(marks, store.as_of_ms() or now_ms)
                self._reached(FaultPoint.RESTORE_REPLAYED)
                if len(never_committed) == len(committed):
                    self._check_new(consumer, store, division, partition, cancelled)
                # The marks are written even where there was nothing to replay: they tell a store from a foreign one.
                known = store.marks()
                starts = {goal.topic: known.get(goal.topic) or Mark(goal.facts.topic_id, goal.begin) for goal in goals}
                store.write((), starts, now_ms)
            except BaseException:
                store.close()
                raise
        self._reached(FaultPoint.RESTORED)
        return Restored(store, committed, records, never_committed, rebuilt)

    def _committed(
        self, consumer: Any, division: Division, partition: int, cancelled: Event
    ) -> tuple[dict[str, tuple[int, str]], frozenset[str]]:
        """From where to read each input, and those that the group has never committed."""
        asked = [TopicPartition(topic, partition) for topic in sorted(division.topics)]
        timeout_s = min(_QUESTION_S, self._settings.request_timeout_ms / 1000)
        # Where the logs begin first: a worker that is held up between the two must not take for lost what others read.
        begins = _answer(lambda: self._cluster.begins((topic, partition) for topic in division.topics), cancelled)
        answers = _answer(lambda: _stable(consumer.committed(asked, timeout_s)), cancelled)
        found = {}
        for tp in answers:
            begin = begins[tp.topic, partition]
            if tp.offset < 0:
                found[tp.topic] = (begin, "")
            elif tp.offset < begin:
                raise LostInput(
                    f"{tp.topic}[{partition}]: the group stands at offset {tp.offset}, the log begins at {begin}. "
                    f"{LOST_ADVICE}"
                )
            else:
                found[tp.topic] = (tp.offset, tp.metadata or "")
        return found, frozenset(tp.topic for tp in answers if tp.offset < 0)

    def _check_new(self, consumer: Any, store: Store, division: Division, partition: int, cancelled: Event) -> None:
        """A group without offsets has no state either, or everything would be read again and every effect repeated.

        Asked again before that is said: a worker that was held up since may find the rows of who has taken over.
        """
        for table in division.tables:
            if next(store.scan(table.prefix, table.prefix), None) is not None:
                if len(self._committed(consumer, division, partition, cancelled)[1]) < len(division.topics):
                    return
                raise LostInput(
                    f"partition {partition}: group {self._settings.group_id} has committed no offsets, but "
                    f"{table.changelog.kafka_name} holds rows: its offsets have expired (offsets.retention.minutes "
                    "without a worker), or it was renamed. Reading everything again would repeat every effect: restore "
                    "the offsets with kafka-consumer-groups --reset-offsets, or begin a new generation of topics"
                )

    def _open_usable(
        self, partition: int, goals: Sequence[Goal], cancelled: Event
    ) -> tuple[Store, dict[str, Mark], str]:
        """The partition's store if its marks can be trusted, else a new one, and why."""
        store = self._open(partition, cancelled)
        try:
            marks, as_of_ms = store.marks(), store.as_of_ms()
            why = "" if as_of_ms is None else why_unusable(goals, marks, as_of_ms, self._wall_clock_ms())
        except StoreError as error:
            marks, why = {}, str(error)
        if not why:
            return store, marks, ""
        log.warning("partition %d: the store is rebuilt from its topics: %s", partition, why)
        with suppress(StoreError):  # one that is damaged may not close cleanly, and is removed anyway
            store.close()
        return self._stores.open(partition, fresh=True), {}, why

    def _open(self, partition: int, cancelled: Event) -> Store:
        give_up_s = self._clock() + _LOCK_PATIENCE_S
        while True:
            _check(cancelled)
            try:
                return self._stores.open(partition)
            except StoreBusy:
                # A predecessor with our transactional id is fenced already and about to end.
                if self._clock() > give_up_s:
                    raise
                cancelled.wait(_PAUSE_S)


def goals_of(cluster: Cluster, tables: Sequence[TableDeclaration[Any]], partition: int) -> list[Goal]:
    """Where the changelogs of a partition end now. Raises ConfigurationError if one is gone, KafkaException."""
    topics = [table.changelog.kafka_name for table in tables]
    if not topics:
        return []
    facts = cluster.describe(topics)
    if missing := sorted(set(topics) - facts.keys()):
        raise ConfigurationError(f"changelogs are gone: {', '.join(missing)}. Create them (paystate topics apply)")
    begins = cluster.begins((topic, partition) for topic in topics)
    ends = cluster.ends((topic, partition) for topic in topics)
    return [
        Goal(table, facts[topic], begins[topic, partition], ends[topic, partition])
        for table, topic in zip(tables, topics, strict=True)
    ]


def why_unusable(goals: Sequence[Goal], marks: Mapping[str, Mark], as_of_ms: int, now_ms: int) -> str:
    """Why a store with these marks cannot be brought up to date by a replay from them; empty if it can."""
    age_ms = now_ms - as_of_ms
    for goal in goals:
        topic, mark = goal.topic, marks.get(goal.topic)
        if mark is None:
            return f"it does not know {topic}"
        if mark.topic_id != goal.facts.topic_id:
            return f"{topic} is another topic now (id {goal.facts.topic_id}, the store's is {mark.topic_id})"
        if mark.offset > goal.end:
            return f"it is ahead of {topic}: offset {mark.offset}, the topic ends at {goal.end}"
        if mark.offset < goal.begin:
            return f"it is at offset {mark.offset} of {topic}, which begins at {goal.begin}"
        # A tombstone may be compacted away after delete.retention.ms: what it deletes would live on in the store.
        if age_ms < -_SKEW_MS:
            return f"it is from {-age_ms // 1000} s ahead of this machine's clock: its age cannot be told"
        kept_ms = goal.facts.delete_retention_ms
        if age_ms > kept_ms // 2:
            return f"it is {age_ms // 1000} s old, {topic} keeps tombstones for {kept_ms // 1000} s"
    unknown = marks.keys() - {goal.topic for goal in goals}
    return f"it holds tables that are not declared any more: {sorted(unknown)}" if unknown else ""


class Replay:
    """Reads the changelogs of one partition into its store, piece by piece, each with the marks it reaches."""

    def __init__(
        self, consumer: Any, store: Store, partition: int, cancelled: Event, progress: Progress, goals: Sequence[Goal]
    ) -> None:
        self._consumer = consumer
        self._store = store
        self._partition = partition
        self._cancelled = cancelled
        self._progress = progress
        self._goals = {goal.topic: goal for goal in goals}
        self._position: dict[str, int] = {}
        self._gathered: dict[str, dict[bytes, bytes | None]] = {topic: {} for topic in self._goals}
        self._gathered_bytes = 0

    def run(self, marks: Mapping[str, Mark], as_of_ms: int) -> int:
        """Replay until every changelog's reader stands at or behind its goal. Returns how many records were applied.

        `as_of_ms` is when the store, as far as it holds anything, was current: a part of a replay makes it no younger.
        """
        for topic, goal in self._goals.items():
            mark = marks.get(topic)
            self._position[topic] = goal.begin if mark is None else mark.offset
        behind = self._behind()
        if not behind:
            return 0
        self._learn_leaders(behind)
        self._consumer.assign([TopicPartition(topic, self._partition, self._position[topic]) for topic in behind])
        applied = 0
        while self._behind():
            _check(self._cancelled)
            applied += self._gather(self._consumer.consume(_CHUNK, 0.05))
            if self._gathered_bytes > _LOAD_BYTES:
                self._store_gathered(as_of_ms)
        self._store_gathered(as_of_ms)
        self._consumer.unassign()
        return applied

    def _learn_leaders(self, topics: Sequence[str]) -> None:
        """Any question about a topic does: left to itself, librdkafka looks for those that it does not know only after
        a second, and that was most of what a warm restore took."""
        for topic in topics:
            ask = partial(self._consumer.get_watermark_offsets, TopicPartition(topic, self._partition), _QUESTION_S)
            _answer(ask, self._cancelled)

    def _behind(self) -> list[str]:
        """Changelogs not yet replayed to their goal. Notes for the onlooker what is left of each."""
        left = {topic: goal.end - self._position[topic] for topic, goal in self._goals.items()}
        self._progress.remaining = {self._goals[topic].table.name: max(0, count) for topic, count in left.items()}
        return [topic for topic, count in left.items() if count > 0]

    def _gather(self, messages: Sequence[Any]) -> int:
        """Take the records, the last of a key, and how far they reach. Returns how many they are."""
        gathered, position = self._gathered, self._position
        count = size = 0
        for message in messages:
            error, topic = message.error(), message.topic()
            if error is None:
                gathered[topic][message.key()] = message.value()
                position[topic] = message.offset() + 1
                count, size = count + 1, size + len(message)
            elif error.code() == _END:
                # Behind markers and aborted records too, but never behind an open transaction.
                position[topic] = max(position[topic], message.offset())
            elif error.code() not in PASSING:
                raise KafkaException(error)
        self._gathered_bytes += size
        return count

    def _store_gathered(self, as_of_ms: int) -> None:
        marks = {topic: Mark(goal.facts.topic_id, self._position[topic]) for topic, goal in self._goals.items()}
        rows = chain.from_iterable(
            self._goals[topic].table.store_rows(of_topic.items()) for topic, of_topic in self._gathered.items()
        )
        if self._gathered_bytes < _FILE_BYTES:
            self._store.write(rows, marks, as_of_ms)
        else:
            self._store.load(dict(rows), marks, as_of_ms)
        for of_topic in self._gathered.values():
            of_topic.clear()
        self._gathered_bytes = 0


def _stable(answers: list[Any]) -> list[Any]:
    for tp in answers:
        if tp.error is not None:
            raise KafkaException(tp.error)
    return answers


def _check(cancelled: Event) -> None:
    if cancelled.is_set():
        raise RestoreCancelled


def _answer(call: Callable[[], T], cancelled: Event) -> T:
    def patience() -> None:
        cancelled.wait(_PAUSE_S)
        _check(cancelled)

    _check(cancelled)
    return answer(call, patience)
