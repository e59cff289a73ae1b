"""One worker process: the real engine over the model's clients, stores, threads, clock; it can be killed anywhere."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from streams.engine import EngineSettings, FaultPoint, GroupProtocol, NoMetrics
from streams.engine.engine import Engine
from streams.engine.settings import BreakerSettings
from streams.engine.threads import Threads

from . import ledger
from .broker import Broker
from .clients import ModelClients
from .consumer import ModelConsumer
from .jobs import SimulatedExecutor, wait_for
from .loop import SimulatedLoop
from .store import Disk, ModelStores
from .strands import Killed, Scheduler, SimulatedEvent

TRANSACTION_TIMEOUT_S = 5.0
#: The engine's watchdog, which ends a worker that was told to stop and hangs, is the world's here.
STOP_TIMEOUT_S = 15.0

#: Far from any loop strand: hooks of these points are called by threads, which may give way within them.
_IN_LOOP = frozenset(
    {
        FaultPoint.POLLED,
        FaultPoint.COLLECTED,
        FaultPoint.FOLDED,
        FaultPoint.SEALED,
        FaultPoint.COMMITTED,
        FaultPoint.STORED,
        FaultPoint.DONE,
        FaultPoint.STOPPING,
    }
)


class Watched(NoMetrics):
    """Hands on that a partition was taken over, with what its store holds."""

    def __init__(self, taken_over: Callable[[int, Callable[[str], Iterator[bytes]]], None]) -> None:
        self._taken_over = taken_over

    def holds(self, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        self._taken_over(partition, rows)


class Outside(Protocol):
    """What a process needs of the world around it."""

    scheduler: Scheduler
    broker: Broker
    is_classic: bool
    is_calm: bool

    def now_ms(self) -> int:
        """The wall clock."""

    def new_member_id(self) -> str:
        """A member id that nobody has had."""

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""

    def violation(self, check: str, what: str) -> None:
        """A rule of the protocol was broken."""

    def taken_over(self, process: Process, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        """A process has taken a partition over."""


class Process:
    """A worker from its start to its end. A restart is another one with the same name and disks."""

    def __init__(self, outside: Outside, name: str, disks: dict[int, Disk]) -> None:
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self.has_ended = False
        #: When it was told to stop.
        self.told_to_stop_s = math.inf
        self.scheduler = outside.scheduler
        self.broker = outside.broker
        self._outside = outside
        self.disks = disks
        self.members: list[ModelConsumer] = []
        #: Errors that the next calls meet: (call, flavour).
        self.errors: list[tuple[str, str]] = []
        #: Armed harm: (fault point, times still to pass, harm).
        self.armed: list[tuple[FaultPoint, int, Callable[[], None]]] = []
        self._excused: set[str] = set()
        self.engine = self._engine()
        self._stop = asyncio.Event()
        self.loop = SimulatedLoop(self.scheduler, self)
        self.loop.start(self._life, self._ended)

    def _engine(self) -> Engine:
        scheduler = self.scheduler
        settings = EngineSettings(
            client={"bootstrap.servers": "model"},
            group_id="g",
            transactional_id=self.name,
            data_dir=Path("/nowhere"),
            partitions=self.broker.partitions,
            group_protocol=GroupProtocol.CLASSIC if self._outside.is_classic else GroupProtocol.CONSUMER,
            unit_max_records=5,
            # Now and then less than five records send: batches that are cut short are part of most schedules.
            unit_bytes=1_200,
            unit_interval_ms=5,
            input_buffer_bytes=1500,
            request_timeout_ms=1_000,
            stalled_after_ms=5_000,
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT_S * 1000),
            breaker=BreakerSettings(least_dead_keys=1_000_000),
        )
        self.app = ledger.build()
        threads = Threads(
            executor=lambda workers, _name: SimulatedExecutor(scheduler, self, workers),
            event=lambda: SimulatedEvent(scheduler),  # type: ignore[arg-type, return-value]  # the same four calls
            wait=lambda jobs: wait_for(scheduler, jobs),
            worked_s=lambda: scheduler.now_s,
        )
        stores: Any = ModelStores(self.disks, self, lambda: self.is_dead, self._disk_fails)
        return Engine(
            settings,
            lambda: self.app.declared,
            Watched(lambda partition, rows: self._outside.taken_over(self, partition, rows)),
            self.reached,
            ModelClients(self, self.members),
            clock=lambda: scheduler.now_s,
            wall_clock_us=lambda: self.now_ms() * 1000,
            threads=threads,
            stores=lambda _settings: stores,
        )

    async def _life(self) -> None:
        agents = [
            asyncio.ensure_future(ledger.agent(self.app.ledger, ledger.fold)),
            asyncio.ensure_future(ledger.agent(self.app.audit, ledger.audit)),
        ]
        await self.engine.start()
        waiting = [
            asyncio.ensure_future(self._stop.wait()),
            asyncio.ensure_future(self.engine.wait_until_stopped()),
        ]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await self.engine.stop()
        for task in [*agents, *waiting]:
            task.cancel()

    # -- its life as the world steers it

    def stop(self) -> None:
        """SIGTERM. It may come while Kafka does not answer: then the worker gives up."""
        self.excuse("InfrastructureError")
        self.told_to_stop_s = min(self.told_to_stop_s, self.scheduler.now_s)
        self.loop.call_soon(self._stop.set)

    def kill(self) -> None:
        """SIGKILL: nothing that it does from here on has an effect. Called outside of strands."""
        self.scheduler.end(self)
        self.loop.close()
        self._bury()

    def _ended(self) -> None:
        reason = self.engine.crash_reason
        self._outside.note(self.name, f"ends: {reason!r}" if reason else "ends")
        if reason is not None and type(reason).__name__ not in self._excused:
            self._outside.violation("a worker ends only for a cause", f"{self.name}: {reason!r}")
        self.is_dead = True

    def _bury(self) -> None:
        self.has_ended = True
        for disk in self.disks.values():
            if disk.holder is self:
                disk.crash(self.scheduler.random)

    def reap(self) -> None:
        """Called by the world once the process is dead."""
        if not self.has_ended:
            self.kill()

    def owns(self, partition: int) -> bool:
        """Whether the group agrees that all inputs of a partition are this process's now."""
        inputs = {place for place in self.broker.input_places if place[1] == partition}
        members = (self.broker.group.members.get(client.member[0]) for client in self.members)
        return any(member is not None and inputs <= member.assigned for member in members)

    # -- what the engine's parts call

    def reached(self, point: FaultPoint) -> None:
        """The engine's hook."""
        self._outside.note(self.name, f"reached {point}")
        for armed in tuple(self.armed):
            at, passes, harm = armed
            if at == point:
                self.armed.remove(armed)
                if passes:
                    self.armed.append((at, passes - 1, harm))
                else:
                    harm()
        if point not in _IN_LOOP:
            self.scheduler.give_way()

    def die(self) -> None:
        """SIGKILL from within."""
        self.is_dead = True

    def enter(self, call: str) -> str:
        """Give way before a call to Kafka, and say which error it shall meet."""
        if self.is_dead:
            raise Killed
        self.scheduler.give_way()
        for error in self.errors:
            if error[0] == call:
                self.errors.remove(error)
                self._outside.note(self.name, f"{call} meets {error[1]}")
                return error[1]
        return ""

    def _disk_fails(self, what: str) -> bool:
        if self.errors and what == "write" and ("disk", "full") in self.errors:
            self.errors.remove(("disk", "full"))
            self.excuse("StoreError")
            return True
        return False

    def excuse(self, error: str) -> None:
        """An error of this name may end the process."""
        self._excused.add(error)

    def used_after_end(self, call: str) -> None:
        """The engine went on with a producer that is at its end."""
        self._outside.violation("a producer at its end is not used", f"{self.name}: {call}")

    def note(self, what: str) -> None:
        self._outside.note(self.name, what)

    def now_ms(self) -> int:
        return self._outside.now_ms()

    def new_member_id(self) -> str:
        return self._outside.new_member_id()
