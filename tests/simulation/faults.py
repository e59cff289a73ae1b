"""The faults of a scenario, each done when its step has come, or a little later where it would prove nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams.engine import FaultPoint

from . import ledger
from .broker import DAY_MS
from .oracle import unfolded
from .scenario import Fault, Scenario

if TYPE_CHECKING:
    from .process import Process
    from .world import World

_AGAIN_IN = 40


class Faults:
    """Does what the scenario has planned."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._left = list(scenario.faults)
        self._acts: dict[str, Callable[[Fault], bool | None]] = {
            "kill": self._kill,
            "kill-at": self._kill_at,
            "freeze": self._freeze,
            "freeze-at": self._freeze_at,
            "expire": self._expire,
            "error": self._error,
            "move": self._move,
            "stop": self._stop,
            "hold-markers": self._hold_markers,
            "roll-back-store": self._roll_back_store,
            "lose-store": self._lose_store,
            "compact": self._compact,
            "days": self._days,
            "retention": self._retention,
            "lost-input": self._lose_input,
            "expired-offsets": self._expire_offsets,
            "restored-cluster": self._restore_cluster,
            "recreated-topics": self._recreate_topics,
            "time-out": self._time_out,
            "delete-changelog": self._delete_changelog,
        }
        #: Whether a backup of the cluster waits for being restored: a later one would be of another history.
        self._has_backup = False

    @property
    def are_done(self) -> bool:
        return not self._left

    def happen(self) -> None:
        """Do what is due."""
        while self._left and self._left[0].step <= self._world.steps:
            self._do(self._left.pop(0))

    def _do(self, fault: Fault) -> None:
        if self._acts[fault.kind](fault) is False:
            # Not now; it gives up where it would wait for ever.
            if self._world.steps < fault.step + 4000:
                self._world.later(_AGAIN_IN, lambda: self._do(fault))
        else:
            self._world.note("fault", f"{fault.kind} {fault.what} of w{fault.worker} ({fault.number})")

    def _process(self, fault: Fault) -> Process:
        return self._world.processes[self._world.names[fault.worker % len(self._world.names)]]

    def _places(self) -> list[Any]:
        return self._world.broker.input_places

    # -- of workers

    def _kill(self, fault: Fault) -> None:
        self._world.kill(self._process(fault).name)

    def _kill_at(self, fault: Fault) -> None:
        process = self._process(fault)
        process.armed.append((FaultPoint(fault.what), fault.number % 3, process.die))

    def _freeze(self, fault: Fault) -> None:
        self._freeze_for(self._process(fault), 20 + fault.number % 900)

    def _freeze_at(self, fault: Fault) -> None:
        process = self._process(fault)
        freeze = lambda: self._freeze_for(process, 20 + fault.number % 900)  # noqa: E731 - one name for one harm
        process.armed.append((FaultPoint(fault.what), fault.number % 3, freeze))

    def _freeze_for(self, process: Process, steps: int) -> None:
        process.is_frozen = True

        def thaw() -> None:
            process.is_frozen = False

        self._world.later(steps, thaw)

    def _expire(self, fault: Fault) -> bool:
        members = sorted(self._world.broker.group.members)
        if not members:
            return False
        self._world.expire(members[fault.number % len(members)])
        return True

    def _error(self, fault: Fault) -> None:
        call, _, flavour = fault.what.partition("/")
        process = self._process(fault)
        if flavour == "hang":
            process.excuse("InfrastructureError")
        process.errors.append((call, flavour))

    def _stop(self, fault: Fault) -> None:
        self._process(fault).stop()

    def _roll_back_store(self, fault: Fault) -> None:
        """A worker comes back with a copy of its stores that is older than what it had."""
        process = self._process(fault)
        self._world.kill(process.name)
        for disk in process.disks.values():
            if disk.copies:
                disk.durable = dict(disk.copies[fault.number % len(disk.copies)])

    def _lose_store(self, fault: Fault) -> None:
        process = self._process(fault)
        self._world.kill(process.name)
        process.disks.clear()

    # -- of the group and the coordinator

    def _move(self, fault: Fault) -> bool:
        """One input of a partition goes to another worker, and comes back: the others stay."""
        world, group = self._world, self._world.broker.group
        members = sorted(group.members)
        if not members:
            return False
        places = self._places()
        place = places[fault.number % len(places)]
        group.overrides[place] = members[fault.number // 7 % len(members)]
        group.retarget()

        def back() -> None:
            group.overrides.pop(place, None)
            group.retarget()
            world.scheduler.news()

        world.later(20 + fault.number // 11 % 500, back)
        world.scheduler.news()
        return True

    def _hold_markers(self, fault: Fault) -> None:
        """One partition (or the group's offsets) gets its markers late."""
        world = self._world
        places: list[Any] = [
            None,
            *((topic, n) for topic in world.broker.topics for n in range(world.broker.partitions)),
        ]
        place = None if fault.what == "offsets" else places[fault.number % len(places)]
        world.held.add(place)
        # Held for long, they look to a producer as if nobody answered it.
        self._excuse("ClientLost")
        world.later(50 + fault.number % 700, lambda: world.held.discard(place))

    def _time_out(self, fault: Fault) -> bool:
        """The coordinator loses patience with a transaction whoever runs it."""
        opened = [name for name, known in self._world.broker.producers.items() if known.txn is not None]
        if not opened:
            return False
        self._world.time_out(opened[fault.number % len(opened)])
        return True

    # -- of logs and time

    def _compact(self, _fault: Fault | None = None) -> None:
        world = self._world
        for topic in world.broker.topics.values():
            if topic.is_compacted:
                for log in topic.logs:
                    log.compact(world.now_ms(), topic.tombstones_kept_ms)

    def _is_restoring(self) -> bool:
        """Whether any restore runs, if only of a partition that was taken away meanwhile."""
        owners = (process.engine._ownership for process in self._world.processes.values() if not process.is_dead)
        return any(
            owner.is_restoring or any(not job.done() for job in owner._leaving.values())
            for owner in owners
            if owner is not None
        )

    def _days(self, fault: Fault) -> bool:
        """Days pass, with cleaners at work. A restore that takes days is another matter (half of the retention)."""
        if self._is_restoring():
            return False
        self._compact()
        self._world.pass_time(int(DAY_MS * 7 * (0.3, 0.6, 1.2)[fault.number % 3]))
        self._compact()
        return True

    def _retention(self, fault: Fault) -> None:
        """What every reader has folded goes."""
        places = self._places()
        place = places[fault.number % len(places)]
        offset, _ = self._world.broker.offsets.committed.get(place, (0, ""))
        self._world.broker.log(place).truncate(max(0, offset - fault.number % 3))

    def _delete_changelog(self, fault: Fault) -> bool:
        """An operator deletes what compaction has left of no use: the changelog begins with the first row left."""
        if self._is_restoring():
            return False
        self._compact()
        topics = list(ledger.CHANGELOGS.values())
        for log in self._world.broker.topics[topics[fault.number % len(topics)]].logs:
            rows = [entry.offset for entry in log.entries if not entry.is_marker]
            log.truncate(min(rows, default=log.last_stable))
        return True

    # -- of everything at once

    def _bring_down(self) -> None:
        """All workers are killed, their transactions aborted, the group is empty."""
        world = self._world
        for name in world.names:
            world.kill(name)
        for name, known in list(world.broker.producers.items()):
            if known.txn is not None:
                world.time_out(name)
        for marker in list(world.broker.markers):
            world.write_marker(marker)
        for member in list(world.broker.group.members):
            world.broker.group.leave(member)

    def _excuse(self, error: str) -> None:
        self._world.excused.add(error)
        for process in self._world.processes.values():
            process.excuse(error)

    def _lose_input(self, fault: Fault) -> bool:
        """Records are deleted unread: the engine must say so and stop, until an operator has written them off."""
        world = self._world
        place = [place for place in self._places() if place[0] in ("deposits", "withdrawals")][fault.number % 4]
        committed = world.broker.offsets.committed
        if place not in committed and ("ticks", place[1]) not in committed:
            return False  # nobody has been here yet: what is gone was never anybody's
        log, (offset, _) = world.broker.log(place), committed.get(place, (0, ""))
        if offset >= log.end or "LostInput" in world.excused:
            return False
        log.truncate(offset + 1 + fault.number % (log.end - offset))
        self._excuse("LostInput")

        def operate() -> None:
            self._bring_down()
            # Another log than before, if the cluster was set back meanwhile.
            log = world.broker.log(place)
            known, metadata = world.broker.offsets.committed.get(place, (0, ""))
            if known < log.begin:
                lost = unfolded(log.history, known, log.begin)
                world.fed.written_off.update((place[0], place[1], number) for number in lost)
                world.broker.offsets.committed[place] = (log.begin, metadata)
            world.excused.discard("LostInput")

        world.later(600, operate)
        return True

    def _expire_offsets(self, _fault: Fault) -> bool:
        """All workers were away for so long that the group's offsets are gone; later an operator sets them again."""
        world, offsets = self._world, self._world.broker.offsets
        if "LostInput" in world.excused or not self._has_rows_everywhere():
            return False
        self._bring_down()
        saved, offsets.committed = offsets.committed, {}
        self._excuse("LostInput")

        def operate() -> None:
            self._bring_down()
            offsets.committed = saved
            world.excused.discard("LostInput")

        world.later(600, operate)
        return True

    def _has_rows_everywhere(self) -> bool:
        broker = self._world.broker
        return all(
            any(broker.log((topic, number)).rows() for topic in ledger.CHANGELOGS.values())
            for number in range(broker.partitions)
        )

    def _restore_cluster(self, _fault: Fault) -> bool:
        """The whole cluster is set back to a backup: stores are ahead of it. Several workers could not tell."""
        world, broker = self._world, self._world.broker
        if world.scenario.workers > 1 or not broker.is_quiet or broker.offsets.pending or world.excused:
            return False
        if self._has_backup:
            return False
        self._has_backup = True
        saved = copy.deepcopy((broker.topics, broker.producers, broker.offsets, world.fed.written_off))

        def restore() -> None:
            self._bring_down()
            self._has_backup = False
            broker.topics, broker.producers, broker.offsets, world.fed.written_off = saved

        world.later(500, restore)
        return True

    def _recreate_topics(self, _fault: Fault) -> bool:
        """A new beginning under the old names: stores of before know other topics."""
        world, broker = self._world, self._world.broker
        if world.excused:
            return False
        self._bring_down()
        broker.create_topics()
        broker.offsets.committed.clear()
        world.fed.written_off.clear()
        return True
