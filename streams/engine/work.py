"""The unit of work: everything a worker does to its records, between one poll and the next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, groupby
from typing import Any, Protocol, TypeVar

from confluent_kafka import TopicPartition

from streams.engine.batch import Batch
from streams.engine.buffers import InputBuffer, Standing
from streams.engine.consumer import GroupConsumer
from streams.engine.dead_letters import Breaker
from streams.engine.errors import InfrastructureError, TransactionAborted
from streams.engine.hooks import FaultPoint, Hooks
from streams.engine.metrics import Metrics
from streams.engine.outbox import Sending
from streams.engine.ownership import Ownership
from streams.engine.pace import Load, Pace, Part
from streams.engine.partition import Sealed, Task
from streams.engine.readiness import Step
from streams.engine.record import Record
from streams.engine.settings import EngineSettings
from streams.engine.store import Mark
from streams.engine.transaction import Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")


class KafkaThread(Protocol):
    """Runs a call in the one thread that talks to Kafka, and waits for it."""

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """The call's result."""


class UnitOfWork:
    """Repeats the unit of work over the partitions that this worker runs. One at a time, start to end."""

    def __init__(
        self,
        settings: EngineSettings,
        consumer: GroupConsumer,
        ownership: Ownership,
        transaction: Transaction,
        sending: Sending,
        in_kafka_thread: KafkaThread,
        metrics: Metrics,
        reached: Hooks,
        clock: Callable[[], float] = time.monotonic,
        worked_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._ownership = ownership
        self._transaction = transaction
        self._sending = sending
        self._in_kafka_thread = in_kafka_thread
        self._metrics = metrics
        self._reached = reached
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._pace = Pace(settings, clock, worked_s)
        self._next_unit_s = 0.0
        self._next_idle_commit_s = 0.0
        self.committed_units = 0
        self.aborted_units = 0
        #: What is waited for now.
        self.step = Step("", "", (), clock())

    async def run(self) -> None:
        """Do one unit of work. The steps, and why each comes where it does:

        1. Poll. Rebalances happen in here only, so no transaction is ever open when a partition comes or goes.
        2. Collect, per task, lowest timestamp first. Records stay buffered until step 6: an abort needs no seek.
        3. Fold. Agents write to dirty rows and outboxes; a record that fails is undone alone and becomes a dead letter.
           What it writes is encoded and its size checked with it, so that nothing can fail in the transaction.
        4. One transaction for all tasks: results, state records, input offsets under the group's generation, commit.
        5. Store, only after the commit: what is in RocksDB is in the log. Rows and marks go in one batch a partition.
        6. Let the records go, and serve the rows from the caches.
        """
        # 1. Poll
        self._begin("Kafka", "returned from a poll")
        await self._in_kafka_thread(self._poll)
        self._reached(FaultPoint.POLLED)
        started_s = self._clock()
        # 2. Collect
        work, loads = self._collect()
        if not work:
            return
        self._next_unit_s = started_s + self._settings.unit_interval_ms / 1000
        self._reached(FaultPoint.COLLECTED)
        # 3. Fold
        sealed = await self._fold_all(work, loads)
        self._check_breakers(sealed)
        self._reached(FaultPoint.SEALED)
        # 4. One transaction. The store is as old as what comes before it: nobody knows how long a commit takes, or
        #    how long this process is held up behind it.
        as_of_ms = self._sending.wall_clock_us() // 1000
        self._begin("Kafka", "ended their transaction", *(folded.task for folded in sealed))
        try:
            landed, commit_s = await self._in_kafka_thread(self._commit, sealed)
        except TransactionAborted as aborted:
            self._drop(sealed, str(aborted))
            # A rebalance or a coordinator that moves takes a moment: do not hammer it.
            await asyncio.sleep(min(0.5, 0.01 * 2**self._transaction.aborts_in_a_row))
            return
        self._reached(FaultPoint.COMMITTED)
        # 5. Store
        self._begin("the disk", "taken their rows", *(folded.task for folded in sealed))
        await self._in_kafka_thread(self._store, sealed, landed, as_of_ms)
        self._reached(FaultPoint.STORED)
        # 6. Let go
        for folded in sealed:
            folded.task.committed(folded)
        self._report(sealed, started_s, commit_s)
        self._reached(FaultPoint.DONE)

    def _begin(self, who: str, what: str, *tasks: Task) -> None:
        self.step = Step(who, what, tuple(sorted({task.owner for task in tasks})), self._clock())

    # -- 1

    def _poll(self) -> None:
        settings = self._settings
        self._ownership.advance()
        self._consumer.resume_drained()
        goes_on = any(task.goes_on for partition in self._ownership.active for task in partition.tasks)
        due_s = 0.0 if goes_on else self._next_unit_s
        idle_ms = 5 if self._ownership.is_restoring else 0 if goes_on else settings.poll_interval_ms
        self._consumer.poll(due_s, idle_ms / 1000, settings.unit_max_records)
        self._ownership.advance()

    # -- 2

    def _collect(self) -> tuple[list[tuple[Task, Sequence[Record]]], list[Load]]:
        now = self._clock()
        active = self._ownership.active
        for partition in active:
            if not partition.holds_records:
                partition.moved_s = now
        tasks = [task for partition in active for task in partition.tasks]
        busy = sum(task.holds_records for task in tasks)
        # A fair share each: one hot partition takes no more of a unit than the others that have work.
        share = max(1, self._settings.unit_max_records // max(1, busy))
        moves_markers = now >= self._next_idle_commit_s
        work: list[tuple[Task, Sequence[Record]]] = []
        loads: list[Load] = []
        for task in tasks:
            records = task.collect(share)
            # First positions at once, and of all inputs of a partition together: they tell what the group reads.
            if records or task.is_new or (moves_markers and task.has_position_to_commit):
                work.append((task, records))
                is_behind = len(records) == share or (task.was_cut_short and bool(records))
                # Ticks come to every partition, every second; nobody waits for what they do.
                waited_for = len(records) if any(record.source.ticks is None for record in records) else 0
                loads.append(Load(task.owner, waited_for, is_behind))
        if work:
            self._next_idle_commit_s = now + self._settings.idle_commit_ms / 1000
        return work, loads

    # -- 3

    async def _fold_all(self, work: Sequence[tuple[Task, Sequence[Record]]], loads: Sequence[Load]) -> list[Sealed]:
        """Every task's part, given back in the order of the work: what is of one partition stays together."""
        sealed: dict[int, Sealed] = {}
        for place, part in self._pace.parts(loads):
            sealed[place] = await self._fold(*work[place], part)
            self._pace.used(sealed[place].batch.used_bytes)
        return [sealed[place] for place in range(len(work))]

    async def _fold(self, task: Task, records: Sequence[Record], part: Part) -> Sealed:
        batch = self._batch(task, records, part)
        if not records:
            return task.seal(batch)
        started_s = self._clock()
        self._begin(f"agent {task.inputs.stage}", "returned its records", task)
        await task.inputs.fold(batch)
        sealed = task.seal(batch)
        self._metrics.agent_folded(task.inputs.stage, self._clock() - started_s, batch.done)
        self._reached(FaultPoint.FOLDED)
        return sealed

    def _batch(self, task: Task, records: Sequence[Record], part: Part) -> Batch:
        is_over = self._pace.over_after(part.seconds)
        return task.batch(records, self._sending, is_over, part.most_bytes)

    def _check_breakers(self, sealed: Sequence[Sealed]) -> None:
        for stage, keys, dead in _dead_by_stage(sealed):
            if stage not in self._breakers:
                self._breakers[stage] = Breaker(stage, self._settings.breaker)
            self._breakers[stage].check(keys, dead)

    # -- 4

    def _commit(self, sealed: Sequence[Sealed]) -> tuple[dict[tuple[str, int], int], float]:
        started_s = self._clock()
        landed = self._transaction.commit(
            [folded.batch.out.sent for folded in sealed],
            [
                [(rows.declaration.changelog.kafka_name, row, key, folded.task.partition) for key, row in rows.rows]
                for folded in sealed
                for rows in folded.rows
                if rows.rows
            ],
            self._offsets(sealed),
            self._consumer.metadata,
        )
        return landed, self._clock() - started_s

    def _offsets(self, sealed: Sequence[Sealed]) -> list[TopicPartition]:
        """What to commit: of each task at least one input, moved or not, or nothing would fence a zombie's output."""
        moved: dict[InputBuffer, Standing] = {}
        claimed: set[InputBuffer] = set()
        for folded in sealed:
            moves = {
                buffer: Standing(buffer.position_after(count), buffer is folded.pinned)
                for buffer, count in folded.taken
            }
            changed = [buffer for buffer, at in moves.items() if at != buffer.standing or not buffer.is_committed]
            claimed.update(changed or list(moves)[:1])
            moved.update(moves)
        offsets = []
        for partition in self._ownership.active:
            for source in partition.reading.values():
                if not claimed.isdisjoint(source.buffers):
                    offset, metadata = source.commit_at(moved)
                    offsets.append(TopicPartition(source.topic, source.partition, offset, metadata))
        return offsets

    def _drop(self, sealed: Sequence[Sealed], reason: str) -> None:
        self.aborted_units += 1
        for folded in sealed:
            folded.task.drop_dirty()
        log.warning("transaction aborted, its records are folded again: %s", reason)
        self._metrics.unit_aborted(reason)
        if self._transaction.aborts_in_a_row >= self._settings.max_aborts_in_a_row:
            raise InfrastructureError(
                f"{self._transaction.aborts_in_a_row} transactions in a row were aborted, last: {reason}"
            )

    # -- 5

    def _store(self, sealed: Sequence[Sealed], landed: dict[tuple[str, int], int], as_of_ms: int) -> None:
        written = [folded for folded in sealed if folded.rows]
        for number, of_partition in groupby(written, key=lambda folded: folded.task.owner):
            tables = [rows for folded in of_partition for rows in folded.rows]
            partition = self._ownership.partitions[number]
            marks = {}
            for rows in tables:
                if not rows.rows:  # only due-time entries: the changelog has nothing of them
                    continue
                topic = rows.declaration.changelog.kafka_name
                marks[topic] = Mark(partition.marks[topic].topic_id, landed[topic, partition.index] + 1)
            partition.open_store.write(chain.from_iterable(rows.store_rows() for rows in tables), marks, as_of_ms)
            partition.marks.update(marks)
            self._reached(FaultPoint.STORED_SOME)

    # -- 6

    def _report(self, sealed: Sequence[Sealed], started_s: float, commit_s: float) -> None:
        self.committed_units += 1
        now = self._clock()
        for folded in sealed:
            out, stage = folded.batch.out, folded.task.inputs.stage
            if out.notes:
                self._metrics.noted(stage, out.notes)
            for topic, reason_class, _key in out.failures:
                self._metrics.dead_letter(topic, reason_class)
            self._ownership.partitions[folded.task.owner].moved_s = now
        for stage, keys, dead in _dead_by_stage(sealed):
            self._breakers[stage].committed(keys, dead)
        self._metrics.unit_committed(now - started_s, commit_s, sum(folded.batch.done for folded in sealed))


Keys = set[bytes | None]


def _dead_by_stage(sealed: Sequence[Sealed]) -> list[tuple[str, Keys, Keys]]:
    """For each agent of the unit: the keys that it folded, and those of them that had dead letters.

    Keys, not records: one bad file or one payment gone wrong is one case, however many records it has.
    """
    keys: defaultdict[str, Keys] = defaultdict(set)
    dead: defaultdict[str, Keys] = defaultdict(set)
    for folded in sealed:
        batch, stage = folded.batch, folded.task.inputs.stage
        keys[stage].update(record.message.key() for record in batch.records[: batch.done])
        dead[stage].update(failed.key for failed in batch.out.failures)
    return [(stage, folded_keys, dead[stage]) for stage, folded_keys in keys.items()]
