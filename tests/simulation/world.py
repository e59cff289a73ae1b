"""The world of one schedule: workers, the broker and faults, one drawn step after the other until all is at rest."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from streams.engine.store import Mark

from . import ledger
from .broker import DAY_MS, Broker
from .faults import Faults
from .feed import Feed
from .group import Place
from .oracle import Fed, check_end, check_offsets
from .process import STOP_TIMEOUT_S, TRANSACTION_TIMEOUT_S, Outside, Process
from .scenario import Scenario
from .store import Disk
from .strands import Scheduler

PARTITIONS = 2
#: With no more faults and no more load, everything is at rest after a few hundred steps; this many is stuck.
_PATIENCE_STEPS = 20_000
_OTHERS = ("receipts", "dead")


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold."""

    check: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"


@dataclass
class Outcome:
    """What a schedule came to."""

    scenario: Scenario
    violation: Violation | None
    steps: int
    units: int
    aborts: int
    trace: list[str] = field(default_factory=list)


class _Broken(Exception):  # noqa: N818 - it names what happened
    """A rule does not hold: the schedule ends here."""


class World(Outside):
    """Runs one scenario."""

    def __init__(self, scenario: Scenario, *, traces: bool = False) -> None:
        self.scenario = scenario
        self.random = Random(f"schedule {scenario.seed}")
        self.scheduler = Scheduler(self.random)
        self.broker = Broker(ledger.INPUTS, _OTHERS, list(ledger.CHANGELOGS.values()), PARTITIONS)
        self.is_classic = scenario.is_classic
        if scenario.is_classic:
            self.broker.use_classic_group()
        self.traces = traces
        self.trace: list[str] = []
        self.steps = 0
        self.is_calm = False
        self.fed = Fed(self.broker)
        self.names = [f"w{number}" for number in range(scenario.workers)]
        self.disks: dict[str, dict[int, Disk]] = {name: {} for name in self.names}
        self.processes: dict[str, Process] = {}
        #: Errors that any process may end with, for as long as they stand here.
        self.excused: set[str] = set()
        self.held: set[Place | None] = set()
        self.feed = Feed(scenario, self.broker)
        self.faults = Faults(self, scenario)
        self._ids = itertools.count(1)
        self._wall_ms = 1_700_000_000_000
        self._found: Violation | None = None
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._taken: set[tuple[str, int]] = set()
        self.units = self.aborts = 0

    # -- what processes ask of the world

    def now_ms(self) -> int:
        return self._wall_ms + int(self.scheduler.now_s * 1000)

    def pass_time(self, ms: int) -> None:
        """Days go by; nobody is restoring anything."""
        self.scheduler.now_s += ms / 1000

    def new_member_id(self) -> str:
        return f"m{self.random.randrange(1000):03d}-{next(self._ids)}"

    def note(self, who: str, what: str) -> None:
        if self.traces:
            self.trace.append(f"{self.steps:5d} {self.scheduler.now_s:10.3f} {who:6s} {what}")

    def violation(self, check: str, what: str) -> None:
        if self._found is None:
            self._found = Violation(check, what)
            self.note("ORACLE", str(self._found))

    def taken_over(self, process: Process, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        """A worker has restored a partition: its store must be what the state topics add up to.

        Unless it is no longer the partition's owner and has not heard of that yet: what it commits is refused.
        """
        if not process.owns(partition):
            return
        self._taken.add((process.name, partition))
        self._check_store(process, partition, rows, {})

    def _check_store(
        self, process: Process, partition: int, rows: Callable[[str], Iterator[bytes]], marks: Mapping[str, Mark]
    ) -> None:
        """A store is what its topics add up to, all of them or up to its marks."""
        for table, topic in ledger.CHANGELOGS.items():
            before = marks[topic].offset if topic in marks else None
            expected, found = self.broker.log((topic, partition)).rows(before), sorted(rows(table))
            if found != sorted(expected.values()):
                told = f"{process.name}: {table}[{partition}] holds {found}, expected {sorted(expected.values())}"
                self.violation("a restored store is its topics", told)

    # -- the schedule

    def run(self) -> Outcome:
        """Run to the end; the first violation ends it."""
        try:
            self._run()
        except _Broken:
            pass
        finally:
            self._count()
            for process in list(self.processes.values()):
                process.reap()
        return Outcome(self.scenario, self._found, self.steps, self.units, self.aborts, self.trace)

    def _run(self) -> None:
        for name in self.names:
            self.start(name)
        while self._later or not (self.faults.are_done and self.feed.is_done):
            self.step()
        self.become_calm()
        self._until(self._is_at_rest, "everything comes to rest when the faults end")
        self._check_running_stores()
        check_end(self.broker, self.fed, self.violation)
        self._break_off()
        self._try_every_store()

    def become_calm(self) -> None:
        """No more faults: what was held is let go."""
        self.is_calm = True
        self.held.clear()
        self.broker.group.overrides.clear()
        self.broker.group.retarget()
        for process in self.processes.values():
            process.is_frozen = False
            process.errors.clear()
            process.armed.clear()
        self.note("world", "no more faults")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        for count in range(_PATIENCE_STEPS):
            if count % 32 == 0 and condition():
                return
            self.step()
        self.violation("nothing is stuck", f"waited in vain: {what} ({self._why_restless()})")
        self._break_off()

    def _break_off(self) -> None:
        if self._found is not None:
            raise _Broken

    def step(self) -> None:
        """One drawn step: a strand runs until it gives way, or something happens around them."""
        self.steps += 1
        scheduler, drawn = self.scheduler, self.random.random
        scheduler.now_s += drawn() * 0.001
        self.faults.happen()
        while self._later and self._later[0][0] <= self.steps:
            heapq.heappop(self._later)[2]()
        runnable = scheduler.runnable()
        if not (runnable and drawn() < 0.75) and self._happen(urgent=not runnable):
            pass
        elif runnable:
            strand = runnable[int(drawn() * len(runnable))]
            scheduler.run(strand)
            if strand.owner.is_dead:
                self._reap_the_dead()
        else:
            self._wait()
        self._break_off()

    def _reap_the_dead(self) -> None:
        for process in list(self.processes.values()):
            if process.is_dead and not process.has_ended:
                self._count_one(process)
                process.reap()

    def _wait(self) -> None:
        wake_s = self.scheduler.next_wake_s()
        if math.isinf(wake_s):
            # Nobody would ever move again by himself: frozen, dead or hung.
            self.scheduler.now_s += 1.0
        else:
            self.scheduler.now_s = max(self.scheduler.now_s, wake_s)

    def later(self, steps: int, act: Callable[[], None]) -> None:
        """Have something happen after so many steps."""
        heapq.heappush(self._later, (self.steps + steps, next(self._ids), act))

    # -- what happens around the workers

    def _happen(self, *, urgent: bool) -> bool:
        """One thing of those that may happen now; slow things sooner if nothing else does. False if there is none."""
        random = self.random
        slow = urgent or random.random() < 0.1
        acts: list[Callable[[], object]] = []
        if markers := [marker for marker in self.broker.markers if marker.place not in self.held]:
            acts.append(lambda: self.write_marker(random.choice(markers)))
        if clients := [
            client
            for process in self.processes.values()
            if not process.is_dead and not process.is_frozen
            for client in process.members
            if client.has_news
        ]:
            acts.append(lambda: random.choice(clients).heartbeat())
        if self.feed.is_due(self.steps):
            acts.append(self._feed)
        if slow:
            if away := [name for name in self.names if self.processes[name].is_dead]:
                acts.append(lambda: self.start(random.choice(away)))
            if gone := self._lost_members():
                acts.append(lambda: self.expire(random.choice(gone)))
            if left := self._left_open():
                acts.append(lambda: self.time_out(random.choice(left)))
            if hung := self._hung():
                acts.append(lambda: self.kill(random.choice(hung)))
        if not acts:
            return False
        random.choice(acts)()
        return True

    def _feed(self) -> None:
        self.feed.produce(self.random, self.now_ms())
        self.scheduler.news()

    def write_marker(self, marker: Any) -> None:
        """A marker is written; offsets that count from now on must not lie before those that did."""
        before = dict(self.broker.offsets.committed)
        come = self.broker.write(marker, self.now_ms())
        check_offsets(before, come, self.broker.input_places, self.violation)
        self.note("broker", f"marker of {marker.txn.transactional_id} {marker.txn.fate.value} to {marker.place}")
        self.scheduler.news()

    def _lost_members(self) -> list[str]:
        """Members whose process cannot send heartbeats."""
        alive = {
            client.member[0]
            for process in self.processes.values()
            if not process.is_dead and not process.is_frozen
            for client in process.members
            if not client.is_fatal
        }
        return [member for member in self.broker.group.members if member not in alive]

    def expire(self, member: str) -> None:
        """A member's session ends."""
        self.note("broker", f"the session of {member} has ended")
        self.broker.group.leave(member)
        self.scheduler.news()

    def _left_open(self) -> list[str]:
        """Transactions that have been open for too long, of those who will not end them."""
        before_s = self.scheduler.now_s - TRANSACTION_TIMEOUT_S
        return [
            name
            for name, known in self.broker.producers.items()
            if known.txn is not None
            and known.started_s < before_s
            and (self.processes[name].is_dead or self.processes[name].is_frozen)
        ]

    def _hung(self) -> list[str]:
        """Workers that were told to stop and have not, for so long that their watchdogs end them."""
        before_s = self.scheduler.now_s - STOP_TIMEOUT_S
        return [
            name
            for name, process in self.processes.items()
            if process.told_to_stop_s < before_s and not process.is_dead and not process.is_frozen
        ]

    def time_out(self, transactional_id: str) -> None:
        """The coordinator aborts a transaction that has been open for too long."""
        self.note("broker", f"the transaction of {transactional_id} times out")
        self.broker.time_out(transactional_id)
        self.scheduler.news()

    def start(self, name: str) -> None:
        """A supervisor starts the worker (again)."""
        self.note(name, "starts")
        process = self.processes[name] = Process(self, name, self.disks[name])
        for error in self.excused:
            process.excuse(error)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self.processes[name]
        if not process.is_dead:
            self.note(name, "is killed")
            self._count_one(process)
            process.kill()

    def _count_one(self, process: Process) -> None:
        work = process.engine._work
        if work is not None:
            self.units += work.committed_units
            self.aborts += work.aborted_units

    def _count(self) -> None:
        for process in self.processes.values():
            if not process.is_dead:
                self._count_one(process)

    # -- at rest

    def _is_at_rest(self) -> bool:
        return not self._why_restless()

    def _why_restless(self) -> str:
        if not self.broker.is_quiet or self.broker.offsets.pending:
            return "transactions are open"
        for name, process in self.processes.items():
            if process.is_dead:
                return f"{name} is down"
            if any(client.has_news for client in process.members):
                return "the group rebalances"
            if not any(client.is_member for client in process.members):
                return f"{name} is no member"
        for place in self.broker.input_places:
            log, (offset, _) = self.broker.log(place), self.broker.offsets.committed.get(place, (0, ""))
            if offset != log.end:
                return f"{place} is committed up to {offset}, its end is {log.end}"
        running = [number for process in self.processes.values() for number in process.engine.partitions]
        if sorted(running) != list(range(PARTITIONS)):
            return f"partitions that run: {running}"
        return ""

    def _check_running_stores(self) -> None:
        for process in self.processes.values():
            ownership = process.engine._ownership
            for partition in [] if ownership is None else ownership.active:
                self._check_store(process, partition.number, partition.snapshot, partition.marks)

    def _try_every_store(self) -> None:
        """Each worker alone, whatever its stores have been through, must make the same state of them."""
        for process in self.processes.values():
            if self.random.random() < 0.5:
                process.stop()
        self.names, names = [], self.names
        for _ in range(self.random.randrange(200)):
            self.step()
        for name in names:
            for other in names:
                self.kill(other)
            self._taken.clear()
            self.names = [name]
            self.start(name)
            self._until(lambda: len(self._taken) >= PARTITIONS, f"{name} alone takes over everything")
            self._until(self._is_quiet_alone, f"{name} alone comes to rest")
            self._check_running_stores()
            self._break_off()

    def _is_quiet_alone(self) -> bool:
        return self.broker.is_quiet


__all__ = ["DAY_MS", "Outcome", "Violation", "World"]
