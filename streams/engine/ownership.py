"""Which partitions this worker runs: from assignment through restore to activity and back. Runs in the Kafka thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from threading import Event

from streams.engine.consumer import GroupConsumer, InputKey
from streams.engine.division import Division
from streams.engine.errors import InfrastructureError, RestoreCancelled
from streams.engine.hooks import FaultPoint, Hooks
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition, Phase
from streams.engine.restore import Progress, Restored, Restorer
from streams.engine.settings import EngineSettings
from streams.engine.threads import Threads

log = logging.getLogger(__name__)


@dataclass
class Restoring:
    """A restore under way."""

    job: Future[Restored]
    cancelled: Event
    started_s: float
    progress: Progress = field(default_factory=Progress)
    #: Since when its inputs refuse to be sought (monotonic clock).
    refused_s: float | None = None


class Ownership:
    """The partitions of one worker. A partition runs only while all of its inputs are assigned here.

    When some of its inputs are revoked, the others are paused and everything read of them is dropped: when all are back
    they are read again from the group's committed offsets, over a store restored anew.
    """

    def __init__(
        self,
        settings: EngineSettings,
        divisions: Sequence[Division],
        restorer: Restorer,
        row_limits: dict[str, int],
        threads: Executor,
        metrics: Metrics,
        reached: Hooks,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        made: Threads = Threads(),  # noqa: B008 - it is frozen
    ) -> None:
        self._settings = settings
        self._restorer = restorer
        self._row_limits = row_limits
        self._threads = threads
        self._metrics = metrics
        self._reached = reached
        self._clock = clock
        self._wall_clock_ms = wall_clock_ms
        self._made = made
        self._division_of = {topic: division for division in divisions for topic in division.topics}
        self.partitions: dict[int, Partition] = {}
        self._restoring: dict[int, Restoring] = {}
        #: Restores of partitions that were revoked meanwhile: each still holds its store until it has noticed.
        self._leaving: dict[int, Future[Restored]] = {}
        self.consumer: GroupConsumer
        #: Rebalances seen.
        self.rebalances = 0
        self.has_joined = False

    # -- told by the consumer, from within a poll

    def assigned(self, inputs: Sequence[InputKey]) -> None:
        """Inputs are this worker's now, paused. Their partition is restored once it has all of them."""
        self.has_joined = True
        self._count(assigned=len(inputs))
        log.info("assigned: partitions %s of %d inputs", *_summary(inputs))
        for topic, index in inputs:
            division, number = self._division_of[topic], self._number(topic, index)
            partition = self.partitions.setdefault(number, Partition(number, division))
            partition.inputs.add(topic)
        for number in {self._number(*key) for key in inputs}:
            if not self.partitions[number].missing_inputs:
                self._start_restore(self.partitions[number])
        self._reached(FaultPoint.ASSIGNED)

    def revoked(self, inputs: Sequence[InputKey], *, lost: bool) -> None:
        """Inputs are no longer this worker's. No transaction is open: rebalances come only from a poll."""
        self._count(revoked=0 if lost else len(inputs), lost=len(inputs) if lost else 0)
        log.info("%s: partitions %s of %d inputs", "lost" if lost else "revoked", *_summary(inputs))
        for key in inputs:
            self.partitions[self._number(*key)].inputs.discard(key[0])
            self._metrics.released(*key)
        for number in {self._number(*key) for key in inputs}:
            partition = self.partitions[number]
            if not lost:
                self._note_age(partition)
            self._stop(partition)
            if partition.inputs:
                left = [(topic, partition.index) for topic in partition.inputs]
                self.consumer.stop_reading(left)
                self.consumer.hold(left)
            else:
                del self.partitions[number]
        self._reached(FaultPoint.LOST if lost else FaultPoint.REVOKED)

    def _number(self, topic: str, index: int) -> int:
        """The worker's number of a partition of a topic."""
        return self._division_of[topic].first + index

    def _count(self, assigned: int = 0, revoked: int = 0, lost: int = 0) -> None:
        self.rebalances += 1
        self._metrics.rebalanced(assigned, revoked, lost)

    # -- called between polls

    def advance(self) -> None:
        """Activate partitions whose restore has ended. Raises what made a restore fail."""
        for number, restoring in list(self._restoring.items()):
            partition = self.partitions[number]
            partition.remaining = restoring.progress.total
            for table, remaining in restoring.progress.remaining.items():
                self._metrics.recovery(number, table, remaining)
            if restoring.job.done():
                self._activate(partition, restoring)

    def _start_restore(self, partition: Partition) -> None:
        partition.phase = Phase.RESTORING
        partition.since_ms = self._wall_clock_ms()
        cancelled, progress = self._made.event(), Progress()
        before = self._leaving.pop(partition.number, None)

        def job() -> Restored:
            if before is not None:
                self._made.wait([before])
            return self._restorer.restore(partition.division, partition.index, cancelled, progress)

        self._restoring[partition.number] = Restoring(self._threads.submit(job), cancelled, self._clock(), progress)

    def _activate(self, partition: Partition, restoring: Restoring) -> None:
        if not partition.tasks:
            restored = restoring.job.result()
            partition.activate(
                restored.store, restored.committed, self._settings, self._row_limits, restored.never_committed
            )
        if not self.consumer.read(list(partition.reading.values())):
            self._check_patience(partition, restoring)
            return
        del self._restoring[partition.number]
        restored, duration_s = restoring.job.result(), self._clock() - restoring.started_s
        partition.remaining = 0
        partition.moved_s = self._clock()
        log.info(
            "partition %d is active: %d records replayed in %.2f s", partition.number, restored.records, duration_s
        )
        self._metrics.recovered(partition.number, duration_s, restored.records)
        self._metrics.holds(partition.number, partition.snapshot)
        self._metrics.owns(partition.number, partition.since_ms)
        self._reached(FaultPoint.ACTIVATED)

    def _check_patience(self, partition: Partition, restoring: Restoring) -> None:
        """librdkafka may never be ready: an echo of its first fetch can stop a partition for good. A restart helps."""
        now = self._clock()
        if restoring.refused_s is None:
            restoring.refused_s = now
        if now - restoring.refused_s > self._settings.request_timeout_ms / 1000:
            raise InfrastructureError(f"partition {partition.number} cannot be read: its inputs refuse to be sought")

    def _note_age(self, partition: Partition) -> None:
        """A store given up in order was current until its partition last moved, however long ago it was written.

        Without this a partition that was quiet for days would be rebuilt with the next restart.
        """
        if partition.phase is Phase.ACTIVE and partition.number not in self._restoring:
            still_ms = int((self._clock() - partition.moved_s) * 1000)
            partition.open_store.write((), {}, self._wall_clock_ms() - still_ms)

    def _stop(self, partition: Partition) -> None:
        restoring = self._restoring.pop(partition.number, None)
        if restoring is not None and not partition.tasks:
            restoring.cancelled.set()
            restoring.job.add_done_callback(_close_unwanted)
            self._leaving[partition.number] = restoring.job
        self._metrics.owns(partition.number, None)  # also what it reports of a restore
        partition.close()

    def stop(self) -> None:
        """Drop everything: the worker ends."""
        for partition in list(self.partitions.values()):
            self._stop(partition)
        self.partitions.clear()

    @property
    def is_restoring(self) -> bool:
        """Whether a restore is under way."""
        return bool(self._restoring)

    @property
    def active(self) -> list[Partition]:
        """The partitions that run."""
        return [
            partition
            for partition in self.partitions.values()
            if partition.phase is Phase.ACTIVE and partition.number not in self._restoring
        ]


def _summary(inputs: Sequence[InputKey]) -> tuple[list[int], int]:
    """The partition numbers, and of how many topics."""
    return sorted({number for _, number in inputs}), len({topic for topic, _ in inputs})


def _close_unwanted(job: Future[Restored]) -> None:
    """A restore that ended although its partition was revoked has a store that nobody took."""
    if job.cancelled():
        return
    error = job.exception()
    if error is None:
        job.result().store.close()
    elif not isinstance(error, RestoreCancelled):
        log.warning("the restore of a revoked partition failed: %s", error)
