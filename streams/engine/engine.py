"""The engine as a Faust service: it starts the parts in order, repeats the unit of work, and ends in order."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from mode import Service

from streams.engine.clients import Clients, ConfluentClients, answer, producer_config
from streams.engine.consumer import GroupConsumer
from streams.engine.division import divide
from streams.engine.ending import LEFT_OPEN, left, within
from streams.engine.errors import InfrastructureError
from streams.engine.hooks import FaultPoint, Hooks, everybody
from streams.engine.lost_client import Silence
from streams.engine.metrics import Metrics
from streams.engine.outage import Outage
from streams.engine.outbox import Sending
from streams.engine.ownership import Ownership
from streams.engine.partition import Partition
from streams.engine.readiness import Readiness, Step, input_statuses, why_not_ready
from streams.engine.restore import Restorer
from streams.engine.settings import EngineSettings
from streams.engine.status import EngineState, EngineStatus, PartitionStatus
from streams.engine.store import Stores
from streams.engine.threads import Threads
from streams.engine.timekeeping import Timekeeping
from streams.engine.topology import Cluster, Declared, TopicFacts, check, route, routes
from streams.engine.transaction import Transaction
from streams.engine.watchdog import Turns, Watchdog
from streams.engine.work import UnitOfWork

log = logging.getLogger(__name__)

T = TypeVar("T")

_STATUS_PERIOD_S = 1.0
_GUARD_PERIOD_S = 1.0
_GRACE_TURNS = 3
_MEMBERSHIP_PERIOD_S = 1.0
_KAFKA_PAUSE_S = 1.0
_CLOCK_PERIOD_S = 0.05
#: How long a worker that was told to stop waits for an answer to what it asked when it started.
_LAST_QUESTION_S = 2.0


class Engine(Service):  # type: ignore[misc]  # mode is not typed: its classes are Any to mypy
    """Runs an app's agents over its inputs, exactly once.

    All calls to Kafka's group and producer happen in one thread; agents run in the event loop; restores have threads of
    their own. Whatever it cannot deal with ends the process non-zero: what is committed is right, a restart goes on.
    """

    def __init__(
        self,
        settings: EngineSettings,
        declare: Callable[[], Declared],
        metrics: Metrics,
        reached: Hooks,
        clients: Clients | None = None,
        owns_process: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        admit: Callable[[], None] = everybody,
        threads: Threads = Threads(),  # noqa: B008 - it is frozen
        stores: Callable[[EngineSettings], Stores] = Stores,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.settings = settings
        self._declare = declare
        self._metrics = metrics
        self._reached = reached
        self._admit = admit
        self._clients = clients or ConfluentClients()
        self._threads = threads
        self._kafka_thread = threads.executor(1, "kafka")
        self._restore_threads = threads.executor(settings.restore_threads, "restore")
        self._clock_thread = threads.executor(1, "clock")
        self._stores = stores
        self._clock = clock
        self._wall_clock_us = wall_clock_us
        #: Whether this process exists for the engine alone: only then may the watchdog end it.
        self._owns_process = owns_process
        self._watchdog = Watchdog()
        self._state = EngineState.STARTING
        self._ended = asyncio.Event()
        self._last_turn_s = clock()
        self._next_report_s = 0.0
        self._failure = ""
        self._has_stalled = False
        #: Whether the group has this worker: known by its first assignment, or by asking.
        self._has_joined = False
        self._next_look_s = 0.0
        self._silence = Silence(clock)
        self._readiness = Readiness(settings, clock)
        self._outage = Outage(self._clients, clock, settings.silent_after_ms / 1000)
        self._cluster: Cluster | None = None
        self._stop_asked = threads.event()
        self._consumer: GroupConsumer | None = None
        self._ownership: Ownership | None = None
        self._work: UnitOfWork | None = None

    # -- life

    @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
    async def _run(self) -> None:
        """Units of work until told to stop. An exception ends the process: Faust hands it on, a watchdog makes sure."""
        try:
            work = await self._in_kafka_thread(self._start)
            self._state = EngineState.RUNNING
            while not self.should_stop:
                await work.run()
                self._last_turn_s = self._clock()
                self._report()
                self._silence.ended()
                self._outage.committed(work.committed_units)
                if not self._has_joined:
                    await self._in_kafka_thread(self._look_for_membership)
                if self._outage.is_suspected and self._cluster is not None and self._consumer is not None:
                    await self._in_kafka_thread(self._outage.look, self._cluster.answers, self._consumer.is_answered)
        except BaseException as error:
            if self._work is None and self._stop_asked.is_set() and isinstance(error, InfrastructureError):
                log.info("told to stop before the first unit of work: nothing was begun")
                return
            if not isinstance(error, asyncio.CancelledError):
                self._fail(error)
            raise
        finally:
            self._ended.set()

    @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
    async def _guard(self) -> None:
        """End the process if a call to Kafka does not return.

        librdkafka's send_offsets_to_transaction ignores its time-out while the group's coordinator is away, and may
        block for ever (its issue 5456), with heartbeats going on: nobody else would get the work.
        """
        limit_s = max(self.settings.stalled_after_ms, self.settings.transaction_timeout_ms) / 1000
        most, turns = math.ceil(limit_s / _GUARD_PERIOD_S), Turns(lambda: self._last_turn_s)
        if self._owns_process():
            self._watchdog.watch(lambda: self._last_turn_s, most + _GRACE_TURNS)
        while turns.look() < most:
            await self.sleep(_GUARD_PERIOD_S)
            if self.should_stop:
                return
        self._has_stalled = True
        stalled = InfrastructureError(f"no unit of work has ended for {limit_s:.0f} s: a call does not return")
        self._fail(stalled)
        raise stalled

    @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
    async def _keep_time(self) -> None:
        """Keep proved time while this worker owns partition 0. If it cannot, only time stands still."""
        keeping: Timekeeping | None = None
        clock = self._declare().clock
        try:
            while clock is not None and not self.should_stop:
                await self.sleep(_CLOCK_PERIOD_S)
                if keeping is not None and 0 not in self.partitions:
                    await self._in_clock_thread(keeping.close)
                    keeping = None
                elif 0 in self.partitions:
                    keeping = keeping or Timekeeping(self.settings, self._clients, clock, self._clock)
                    self._metrics.proved(await self._in_clock_thread(keeping.advance))
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                self._fail(error)
            raise
        finally:
            self._clock_thread.shutdown(wait=False, cancel_futures=True)

    async def _in_clock_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._clock_thread, call)

    def _start(self) -> UnitOfWork:
        """Check the topics, claim the transactional id, join the group: in this order, or a zombie could commit."""
        settings, declared = self.settings, self._declare()
        renew = partial(self._clients.admin, dict(settings.client))
        cluster = Cluster(renew(), settings.request_timeout_ms / 1000, renew)
        facts = answer(lambda: cluster.describe(declared.all_topics), self._wait_for_kafka)
        check(declared, facts, settings)
        transaction = self._claim(declared, facts)
        self._reached(FaultPoint.PRODUCER_READY)
        if self._stop_asked.is_set():
            raise InfrastructureError("told to stop before the group was joined")
        ownership, consumer = self._join(declared, facts, cluster)
        self._reached(FaultPoint.JOINED)
        dead = route(declared.dead_letters.kafka_name, facts)
        sending = Sending(routes(declared, facts), declared.dead_letters, dead, self._wall_clock_us)
        self._consumer, self._ownership, self._cluster = consumer, ownership, cluster
        self._work = UnitOfWork(
            settings,
            consumer,
            ownership,
            transaction,
            sending,
            self._in_kafka_thread,
            self._metrics,
            self._reached,
            self._clock,
            self._threads.worked_s,
        )
        return self._work

    def _claim(self, declared: Declared, facts: dict[str, TopicFacts]) -> Transaction:
        """The producer of this instance's transactional id, which fences whoever had it before."""
        settings = self.settings
        written = [facts[topic.kafka_name].max_bytes for topic in declared.outputs]
        written += [facts[table.changelog.kafka_name].max_bytes for table in declared.tables]
        written.append(facts[declared.dead_letters.kafka_name].max_bytes)
        producer = self._clients.producer(
            producer_config(settings, least_max_bytes=min(written), most_max_bytes=max(written))
        )
        transaction = Transaction(producer, settings.request_timeout_ms / 1000, self._reached, self._keep_trying)
        transaction.start()
        return transaction

    def _join(
        self, declared: Declared, facts: dict[str, TopicFacts], cluster: Cluster
    ) -> tuple[Ownership, GroupConsumer]:
        """Become a member of the group; what it is assigned comes with the polls."""
        settings = self.settings
        restorer = Restorer(
            settings,
            self._clients,
            cluster,
            self._stores(settings),
            self._reached,
            lambda: self._wall_clock_us() // 1000,
            self._admit,
            self._clock,
        )
        limits = {table.name: route(table.changelog.kafka_name, facts).max_bytes for table in declared.tables}
        counts = {name: known.partitions for name, known in facts.items()}
        ownership = Ownership(
            settings,
            divide(declared.inputs, counts, settings.partitions),
            restorer,
            limits,
            self._restore_threads,
            self._metrics,
            self._reached,
            self._clock,
            lambda: self._wall_clock_us() // 1000,
            self._threads,
        )
        consumer = GroupConsumer(settings, self._clients, declared.input_topics, ownership, self._clock)
        ownership.consumer = consumer
        consumer.join()
        return ownership, consumer

    def _look_for_membership(self) -> None:
        """A member that gets no partition is told nothing: a spare worker has to ask whether it is one."""
        consumer, ownership, cluster = self._consumer, self._ownership, self._cluster
        if consumer is None or ownership is None or cluster is None or self._clock() < self._next_look_s:
            return
        self._next_look_s = self._clock() + _MEMBERSHIP_PERIOD_S
        try:
            self._has_joined = ownership.has_joined or cluster.has_member(self.settings.group_id, consumer.member_id)
        except KafkaException as failure:
            log.info("cannot tell whether the group has this worker yet: %s", failure.args[0].str())

    async def on_stop(self) -> None:
        """Finish the open unit, leave the group, close the stores. mode calls this before the service's tasks end."""
        self._stop_asked.set()
        self._watch("it was told to stop")
        if self._state is not EngineState.FAILED:
            self._state = EngineState.STOPPING
            self._reached(FaultPoint.STOPPING)
        try:
            if not self._has_stalled:
                await self._finish()
        finally:
            self._restore_threads.shutdown(wait=False, cancel_futures=True)
            self._kafka_thread.shutdown(wait=False)

    async def _finish(self) -> None:
        """The open unit is waited for. A broker that does not answer is not: not to a start, nor to a farewell."""
        while self._started.is_set() and not await within(_LAST_QUESTION_S, self._ended.wait()):
            if self._work is None:  # nothing is begun: the question of the start is left unanswered
                return
            if late := self._readiness.why_late(self._work.step):
                self._fail(InfrastructureError(f"{LEFT_OPEN} ({late})"))
                return
        if not await left(self._in_kafka_thread(self._leave), lambda: bool(self._known_partitions())):
            log.warning("the group does not answer: it learns that this worker has left when its session ends")

    def _leave(self) -> None:
        try:
            if self._consumer is not None:
                self._consumer.leave()
        finally:
            if self._ownership is not None:
                self._ownership.stop()
        if self._state is not EngineState.FAILED:
            self._state = EngineState.STOPPED
        self._reached(FaultPoint.LEFT)

    def _fail(self, error: BaseException) -> None:
        self._state = EngineState.FAILED
        # What comes after the first failure comes of it.
        self._failure = self._failure or f"{type(error).__name__}: {error}"
        log.critical("the engine has failed, the process ends: %s", self._failure)
        self._watch(self._failure)

    def _watch(self, why: str) -> None:
        if self._owns_process():
            # Where a call does not return there is nothing to wait for: its thread would keep the process for ever.
            self._watchdog.arm(0.1 if self._has_stalled else self.settings.stop_timeout_ms / 1000, why)

    def _keep_trying(self) -> None:
        """Asked before a call to Kafka is repeated."""
        self._last_turn_s = self._clock()
        if self._stop_asked.is_set() or self._state is EngineState.FAILED:
            raise InfrastructureError(LEFT_OPEN)
        if self._cluster is not None:
            self._silence.goes_on(self._cluster.answers)

    def _wait_for_kafka(self) -> None:
        if self._state is EngineState.STARTING:
            log.warning("waiting for Kafka at %s", self.settings.client["bootstrap.servers"])
        self._stop_asked.wait(_KAFKA_PAUSE_S)
        self._keep_trying()

    async def _in_kafka_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._kafka_thread, call, *arguments)

    # -- facts

    @property
    def failure(self) -> str:
        """What ends the process; empty if it ends because it was told to."""
        return self._failure

    @property
    def partitions(self) -> list[int]:
        """The partitions that this worker runs."""
        return [] if self._ownership is None else sorted(partition.number for partition in self._ownership.active)

    def status(self) -> EngineStatus:
        """The worker as it is now."""
        age_s = self._clock() - self._last_turn_s
        ownership, work, consumer = self._ownership, self._work, self._consumer
        step = None if work is None else work.step
        known = self._known_partitions()
        partitions = tuple(self._readiness.partition(partition, self._end_offset, step) for partition in known)
        live_reason = self._why_not_live(age_s)
        reason = live_reason or self._why_not_ready(partitions, step)
        return EngineStatus(
            state=self._state,
            live=not live_reason,
            ready=not reason,
            reason=reason,
            group_id=self.settings.group_id,
            member_id="" if consumer is None else consumer.member_id,
            group_protocol="" if consumer is None else consumer.protocol.value,
            partitions=partitions,
            units=0 if work is None else work.committed_units,
            aborted_units=0 if work is None else work.aborted_units,
            rebalances=0 if ownership is None else ownership.rebalances,
            last_turn_age_s=age_s,
            last_error=self._failure or getattr(self._clients, "last_error", ""),
        )

    def _known_partitions(self) -> list[Partition]:
        if self._ownership is None:
            return []
        return sorted(self._ownership.partitions.values(), key=lambda partition: partition.number)

    def _why_not_live(self, age_s: float) -> str:
        if self._state is EngineState.FAILED:
            return self._failure
        if age_s * 1000 > self.settings.alive_within_ms:
            return f"no unit of work has ended for {age_s:.0f} s"
        return ""

    def _why_not_ready(self, partitions: tuple[PartitionStatus, ...], step: Step | None) -> str:
        if self._state is not EngineState.RUNNING:
            return f"the engine is {self._state}"
        if self._ownership is None or not (self._has_joined or self._ownership.has_joined):
            return "the group has not given this worker an assignment yet"
        if alone := self._outage.reason():
            return alone
        return self._readiness.why_late(step) or why_not_ready(partitions)

    def _end_offset(self, topic: str, partition: int) -> int | None:
        return None if self._consumer is None else self._consumer.end_offset(topic, partition)

    def _report(self) -> None:
        """Lag and watermark, once a second; asks librdkafka's memory only."""
        now = self._clock()
        if now < self._next_report_s:
            return
        self._next_report_s = now + _STATUS_PERIOD_S
        for partition in self._known_partitions():
            for status in input_statuses(partition, self._end_offset):
                if status.lag is not None:
                    self._metrics.progress(status.topic, status.partition, status.lag, status.watermark_us)
