"""What each fault does to a running pipeline, step by step. Every one of them undoes what it did before it returns."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, Producer

from streams.engine import FaultPoint
from tests.engine.fault_points import HANDOVER, LOSS, START, STOP, UNIT

from .crew import Hit, wait_until
from .damage import damage
from .field import ACTIVE_WITHIN_S, Field, struck
from .proxy import Mood
from .rolling import rolling_restart, upgrade
from .schedule import SPARE, WORKERS, Blow, Fault, Step

_OBEYED_WITHIN_S: Final = 20.0
_BEYOND_SESSION_S: Final = 7.5
_COPY_IS_OLD_AFTER_S: Final = 4.0


def inflict(here: Field, step: Step) -> None:
    """Do it, heal it. What stands still for it is left with ``here.recoveries``."""
    _FAULTS[step.fault](here, step)
    here.count(step.fault)


# -- workers


def _kill(here: Field, step: Step) -> None:
    """Every victim at its point; those that have to be brought there first, first."""
    lost = [blow for blow in step.blows if blow.point in LOSS]
    for blow in lost:
        _kill_in_loss(here, step.fault, blow)
    others = [blow for blow in step.blows if blow.point not in LOSS]
    for blow in others:
        _lead_to(here, step.fault, blow)
    for blow in others:
        _await_kill(here, step.fault, blow.worker, blow.point)
        if blow.again is not None:
            here.crew.order(blow.worker, blow.again, "kill")
    for blow in others:
        if blow.again is not None:
            _await_kill(here, step.fault, blow.worker, blow.again)


def _kill_in_loss(here: Field, fault: Fault, blow: Blow) -> None:
    """Stopped until the group has given its work away, and killed when it notices.

    The order comes while it stands still: it must be this loss, and no other, that it dies in.
    """
    if blow.point is None:
        raise AssertionError(f"{blow} has no point")
    struck(here, Fault.ZOMBIE, _freeze_at(here, blow.worker, LOSS[blow.point], blow.after))
    time.sleep(_BEYOND_SESSION_S)
    here.crew.order(blow.worker, blow.point, "kill")
    here.crew.thaw(blow.worker)
    _await_kill(here, fault, blow.worker, blow.point)


def _lead_to(here: Field, fault: Fault, blow: Blow) -> None:
    """Order the kill, and do what makes a worker come by its point."""
    crew, point = here.crew, blow.point
    if point is None:
        return
    crew.order(blow.worker, point, "kill", blow.after if point in UNIT else 1)
    if point in START:
        here.count(f"struck: {fault}")
        struck(here, fault, crew.kill(blow.worker))
    elif point in STOP:
        crew.tell_to_stop(blow.worker)
    elif point in HANDOVER:
        _change_crew(here)


def _await_kill(here: Field, fault: Fault, name: str, point: FaultPoint | None) -> None:
    """The worker kills itself at its point; one that does not come by in time, or has none, is killed."""
    hit = None if point is None else _await_order(here, name)
    if hit is None:
        here.crew.take_back(name)
        hit = here.crew.kill(name)
        if point is not None:
            here.unheard.append(f"{name}@{point}")
    here.count(f"struck: {fault}")
    struck(here, fault, hit)


def _await_order(here: Field, name: str) -> Hit | None:
    found: list[Hit] = []

    def is_carried_out() -> bool:
        hit = here.crew.outcome(name)
        if hit is not None:
            found.append(hit)
        return bool(found)

    wait_until(is_carried_out, _OBEYED_WITHIN_S)
    return found[0] if found else None


def _freeze_at(here: Field, name: str, point: FaultPoint | None, after: int) -> Hit | None:
    """Stop a worker at a point, or anywhere if it does not come by in time."""
    hit = None
    if point is not None:
        here.crew.order(name, point, "freeze", after)
        hit = _await_order(here, name)
        if hit is None:
            here.crew.take_back(name)
            here.unheard.append(f"{name}@{point}")
    return hit or here.crew.freeze(name)


def _rebalance(here: Field, step: Step) -> None:
    """The spare worker joins, or leaves in peace or by a kill that it does not come back from."""
    _change_crew(here, rude=step.variant == "rude")


def _change_crew(here: Field, *, rude: bool = False) -> None:
    crew = here.crew
    if SPARE not in crew.names:
        crew.start(SPARE)
        crew.await_active([SPARE], ACTIVE_WITHIN_S)
    elif rude:
        struck(here, Fault.KILL, crew.fell(SPARE))
    else:
        crew.stop(SPARE)


def _zombie(here: Field, step: Step) -> None:
    """Stopped until the group has given the work away, then continued."""
    for blow in step.blows:
        struck(here, step.fault, _freeze_at(here, blow.worker, blow.point, blow.after))
        here.count(f"struck: {step.fault}")
    time.sleep(step.seconds)
    for blow in step.blows:
        here.crew.thaw(blow.worker)


def _fence(here: Field, step: Step) -> None:
    """Somebody else claims the worker's transactional id: its producer can do nothing any more."""
    name = step.blows[0].worker
    hit = here.crew.look(name)
    intruder = Producer({**here.cluster.client, "transactional.id": here.instance_id(name), "log_level": 2})
    intruder.init_transactions(30)
    del intruder
    struck(here, step.fault, hit)


# -- brokers


def _broker_kill(here: Field, step: Step) -> None:
    at_s = time.monotonic()
    here.cluster.brokers[0].kill()
    time.sleep(step.seconds)
    here.cluster.start_all()
    here.recoveries.struck(step.fault, here.everything(), at_s)


def _broker_restart(here: Field, step: Step) -> None:
    at_s = time.monotonic()
    here.cluster.brokers[0].stop()
    time.sleep(step.seconds)
    here.cluster.start_all()
    here.recoveries.struck(step.fault, here.everything(), at_s)


def _broker_freeze(here: Field, step: Step) -> None:
    at_s = time.monotonic()
    here.cluster.freeze()
    time.sleep(step.seconds)
    here.cluster.thaw()
    here.recoveries.struck(step.fault, here.everything(), at_s)


def _broker_disk(here: Field, step: Step) -> None:
    """No byte is free under the broker's log. It ends by itself or is ended: it takes nothing until it is restarted."""
    if here.broker_disk is None:
        raise AssertionError("the run has no small disk under its broker")
    broker, at_s = here.cluster.brokers[0], time.monotonic()
    here.broker_disk.fill()
    if wait_until(lambda: broker.status() is None, step.seconds + _OBEYED_WITHIN_S):
        here.count("broker-disk: the broker ended by itself")
    else:
        broker.kill()
    here.broker_disk.free()
    here.cluster.start_all()
    here.recoveries.struck(step.fault, here.everything(), at_s)


def _leader(here: Field, step: Step) -> None:
    """Kill the leader of a partition of the state topic; the others go on without it."""
    partition = step.number % here.partitions
    _lose(here, step, here.cluster.leader_of(here.topics.state.kafka_name, partition))


def _coordinator(here: Field, step: Step) -> None:
    """Kill who coordinates the group, or a worker's transactions."""
    name = here.group if step.variant == "group" else here.instance_id(step.blows[0].worker)
    _lose(here, step, here.cluster.coordinator_of(step.variant, name))


def _lose(here: Field, step: Step, number: int) -> None:
    broker, at_s = here.cluster.brokers[number], time.monotonic()
    broker.kill()
    here.recoveries.struck(step.fault, here.everything(), at_s)
    time.sleep(step.seconds)
    broker.start()


# -- network


def _network(here: Field, step: Step) -> None:
    """One worker's way to the brokers, or everybody's."""
    mood = {Fault.LATENCY: Mood.SLOW, Fault.CUT: Mood.CUT, Fault.BLACK_HOLE: Mood.BLACK_HOLE}[step.fault]
    seats = [*WORKERS, SPARE] if step.variant == "all" else [step.blows[0].worker]
    cards, at_s = [here.crew.card(seat) for seat in seats], time.monotonic()
    here.cluster.be(mood, seats)
    if mood is not Mood.SLOW:
        struck = sorted({number for card in cards if card is not None for number in card.partitions})
        here.recoveries.struck(step.fault, struck, at_s)
    time.sleep(step.seconds)
    here.cluster.be(Mood.FAIR, seats)


# -- disks, files, clocks


def _store_disk(here: Field, step: Step) -> None:
    """No byte is free under the stores while a worker has to come back."""
    if here.store_disk is None:
        raise AssertionError("the run has no small disk under its stores")
    here.store_disk.fill()
    struck(here, step.fault, here.crew.kill(step.blows[0].worker))
    time.sleep(step.seconds)
    here.store_disk.free()


def _store_damage(here: Field, step: Step) -> None:
    """While the worker is away something happens to its files. It leaves in peace first, so that there are some."""
    name = step.blows[0].worker
    hit = here.crew.look(name)
    here.crew.stop(name)
    root = here.stores / here.instance_id(name)
    if step.variant == "roll-back":
        _put_back(here, name, root)
    else:
        chance = random.Random(f"damage {step.number} {step.variant}")
        for store in _stores(root):
            damage(store, step.variant, chance)
            here.count(f"store-damage: {step.variant}")
    struck(here, step.fault, hit)
    here.crew.start(name)
    here.crew.await_active([name], ACTIVE_WITHIN_S)


def _stores(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/CURRENT"))


def _put_back(here: Field, name: str, root: Path) -> None:
    """Copy the stores, let the worker go on for a while, and have the copies take the stores' place."""
    copies = {store: here.copies / name / store.name for store in _stores(root)}
    for store, copy in copies.items():
        shutil.copytree(store, copy)
    here.crew.start(name)
    here.crew.await_active([name], ACTIVE_WITHIN_S)
    time.sleep(_COPY_IS_OLD_AFTER_S)
    here.crew.stop(name)
    for store, copy in copies.items():
        shutil.rmtree(store, ignore_errors=True)
        shutil.move(copy, store)
        here.count("store-damage: roll-back")


def _clock(here: Field, step: Step) -> None:
    """A worker's wall clock jumps, and jumps back."""
    name = step.blows[0].worker
    set_clock(here.crew.folder, name, step.variant)
    time.sleep(step.seconds)
    set_clock(here.crew.folder, name, "+0")


def clock_file(folder: Path, name: str) -> Path:
    """What a worker's clock is read from (libfaketime)."""
    return folder / f"{name}.clock"


def set_clock(folder: Path, name: str, offset: str) -> None:
    """Have the worker's wall clock differ by ``offset`` (as libfaketime writes it)."""
    path = clock_file(folder, name)
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{offset}\n")
    temporary.replace(path)


def _poison(here: Field, step: Step) -> None:
    """Records on raw that nobody can read: each is a dead letter, and nothing else."""
    chance = random.Random(f"poison {step.number}")
    records: Iterable[tuple[bytes | None, bytes | None]] = [
        (b"k", b""),
        (b"k", None),
        (None, chance.randbytes(40)),
        (chance.randbytes(8), b"\xc3\x01" + chance.randbytes(200)),
        (b"\xff\xfe", chance.randbytes(900_000)),
    ]
    producer = Producer(
        {**here.cluster.client, "message.max.bytes": 1_000_000, "log_level": 2, "enable.idempotence": True}
    )
    for key, value in records:
        producer.produce(here.topics.raw.kafka_name, value, key, step.number % here.partitions)
        here.poisoned += 1
    if producer.flush(60):
        raise KafkaException("poison was not taken: the count of dead letters is not known")


_FAULTS: Final[dict[Fault, Callable[[Field, Step], None]]] = {
    Fault.KILL: _kill,
    Fault.KILL_ALL: _kill,
    Fault.REBALANCE: _rebalance,
    Fault.ZOMBIE: _zombie,
    Fault.TRANSACTION_TIMEOUT: _zombie,
    Fault.FENCE: _fence,
    Fault.ROLLING_RESTART: rolling_restart,
    Fault.UPGRADE: upgrade,
    Fault.BROKER_KILL: _broker_kill,
    Fault.BROKER_FREEZE: _broker_freeze,
    Fault.BROKER_RESTART: _broker_restart,
    Fault.BROKER_DISK: _broker_disk,
    Fault.LEADER: _leader,
    Fault.COORDINATOR: _coordinator,
    Fault.LATENCY: _network,
    Fault.CUT: _network,
    Fault.BLACK_HOLE: _network,
    Fault.STORE_DISK: _store_disk,
    Fault.STORE_DAMAGE: _store_damage,
    Fault.CLOCK: _clock,
    Fault.POISON: _poison,
}
