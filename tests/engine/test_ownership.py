"""A partition runs while all its inputs are here and its store is current, and not a moment longer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine import EngineSettings, InfrastructureError, NoMetrics, Topic
from streams.engine.division import Division
from streams.engine.errors import RestoreCancelled, StoreBusy
from streams.engine.ownership import Ownership
from streams.engine.partition import Phase
from streams.engine.restore import Progress, Restored
from streams.engine.store import Store, Stores

ALL = [("a", 0), ("b", 0)]
WALL_MS = 1_700_000_000_000


class FakeRestorer:
    """Restores at once, or when it is allowed to; keeps the stores that it gave away."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self.may_end = Event()
        self.may_end.set()
        self.given: list[Restored] = []
        self.cancelled = 0

    def open(self, partition: int) -> Store:
        return self._stores.open(partition)

    def restore(self, division: Division, partition: int, cancelled: Event, progress: Progress) -> Restored:
        del progress
        while not self.may_end.wait(0.01):
            if cancelled.is_set():
                self.cancelled += 1
                raise RestoreCancelled
        self.given.append(
            Restored(self._opened(division.first + partition), {"a": (5, ""), "b": (7, ""), "raw": (3, "")})
        )
        return self.given[-1]

    def _opened(self, partition: int) -> Store:
        """As the real one does: a store that is being let go is waited for."""
        while True:
            try:
                return self._stores.open(partition)
            except StoreBusy:
                continue


class FakeConsumer:
    """Says what it was told to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any]]] = []
        self.is_ready = True

    def read(self, inputs: list[Any]) -> bool:
        self.calls.append(("read", [(source.topic, source.position) for source in inputs]))
        return self.is_ready

    def stop_reading(self, inputs: list[Any]) -> None:
        self.calls.append(("stop", inputs))

    def hold(self, inputs: list[Any]) -> None:
        self.calls.append(("hold", inputs))


class Parts:
    """An ownership and what it is made of."""

    def __init__(self, folder: Path) -> None:
        settings = EngineSettings(
            client={"bootstrap.servers": "x"}, group_id="g", transactional_id="t", data_dir=folder, partitions=1
        )
        topics = (Topic("a", bytes, bytes), Topic("b", bytes, bytes))
        inputs: Any = SimpleNamespace(topics=topics, tables=(), stage="stage")
        apart: Any = SimpleNamespace(topics=(Topic("raw", bytes, bytes),), tables=(), stage="apart")
        self.now_s = 0.0
        self.restorer = FakeRestorer(Stores(settings))
        consumer: Any = FakeConsumer()
        self.consumer: FakeConsumer = consumer
        self.threads = ThreadPoolExecutor(2)
        restorer: Any = self.restorer
        self.ownership = Ownership(
            settings,
            [Division((inputs,), 1), Division((apart,), 2, first=1)],
            restorer,
            {},
            self.threads,
            NoMetrics(),
            lambda _: None,
            lambda: self.now_s,
            lambda: WALL_MS,
        )
        self.ownership.consumer = consumer

    @property
    def phase(self) -> Phase:
        return self.ownership.partitions[0].phase

    def settle(self) -> None:
        """Let restores end, and take notice."""
        for restoring in list(self.ownership._restoring.values()):
            restoring.job.result(10)
        self.ownership.advance()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path)
    yield parts
    parts.restorer.may_end.set()
    parts.ownership.stop()
    parts.threads.shutdown()


def is_closed(restored: Restored) -> bool:
    """A store that is closed can be opened by the next."""
    try:
        restored.store.get(b"x")
    except InfrastructureError:
        return True
    return False


def test_a_partition_waits_for_all_its_inputs_and_its_store(parts: Parts) -> None:
    ownership = parts.ownership
    ownership.assigned(ALL[:1])
    parts.settle()
    phases = [parts.phase]
    ownership.assigned(ALL[1:])
    phases.append(parts.phase)
    assert phases == [Phase.PARTIAL, Phase.RESTORING]
    assert ownership.active == []
    parts.settle()
    assert [partition.number for partition in ownership.active] == [0]
    assert parts.consumer.calls == [("read", [("a", 5), ("b", 7)])]


def test_a_partition_that_loses_one_input_holds_the_other_and_starts_again_from_what_is_committed(parts: Parts) -> None:
    ownership = parts.ownership
    ownership.assigned(ALL)
    parts.settle()
    ownership.revoked(ALL[:1], lost=False)
    assert ownership.active == []
    assert parts.consumer.calls[1:] == [("stop", [("b", 0)]), ("hold", [("b", 0)])]
    assert is_closed(parts.restorer.given[0])
    ownership.assigned(ALL[:1])
    parts.settle()
    assert [partition.number for partition in ownership.active] == [0]
    assert len(parts.restorer.given) == 2


@pytest.mark.parametrize(("lost", "age_ms"), [(False, 2_000), (True, None)])
def test_a_store_given_up_in_order_was_current_until_its_partition_last_moved(
    parts: Parts, lost: bool, age_ms: int | None
) -> None:
    """One that was lost may have been another's for days."""
    parts.ownership.assigned(ALL)
    parts.settle()
    parts.now_s = 2.0
    parts.ownership.revoked(ALL, lost=lost)
    store = parts.restorer.open(0)
    assert store.as_of_ms() == (None if age_ms is None else WALL_MS - age_ms)
    store.close()


@pytest.mark.parametrize("lost", [False, True])
def test_a_partition_revoked_while_it_is_restored_leaves_no_open_store(parts: Parts, lost: bool) -> None:
    parts.restorer.may_end.clear()
    parts.ownership.assigned(ALL)
    parts.ownership.revoked(ALL, lost=lost)
    assert parts.ownership.partitions == {}
    parts.threads.submit(lambda: None).result(10)
    parts.restorer.may_end.set()
    # It comes back at once: the new restore waits until the old one has let the store go.
    parts.ownership.assigned(ALL)
    parts.settle()
    assert len(parts.ownership.active) == 1
    assert len(parts.restorer.given) + parts.restorer.cancelled == 2


def test_a_restore_that_ended_unwanted_is_closed(parts: Parts) -> None:
    parts.ownership.assigned(ALL)
    parts.ownership._restoring[0].job.result(10)
    parts.ownership.revoked(ALL, lost=False)
    assert is_closed(parts.restorer.given[0])


def test_a_restore_that_fails_ends_the_process(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Restored:
        raise OSError("no space left on device")

    monkeypatch.setattr(parts.restorer, "restore", fail)
    parts.ownership.assigned(ALL)
    with pytest.raises(OSError, match="no space"):
        parts.settle()


def test_inputs_that_are_not_ready_to_be_sought_are_asked_again_but_not_for_ever(parts: Parts) -> None:
    parts.consumer.is_ready = False
    parts.ownership.assigned(ALL)
    parts.settle()
    assert parts.ownership.active == []
    parts.now_s = 3.0
    parts.ownership.advance()
    parts.consumer.is_ready = True
    parts.ownership.advance()
    assert len(parts.ownership.active) == 1


def test_inputs_that_are_never_ready_end_the_process(parts: Parts) -> None:
    parts.consumer.is_ready = False
    parts.now_s = 1.0
    parts.ownership.assigned(ALL)
    parts.settle()
    parts.now_s = 10.0
    with pytest.raises(InfrastructureError, match="refuse to be sought"):
        parts.ownership.advance()


def test_what_is_partitioned_apart_runs_by_itself_under_a_number_of_its_own(parts: Parts) -> None:
    parts.ownership.assigned([("raw", 1), ("a", 0)])
    parts.settle()
    (apart,) = parts.ownership.active
    assert (apart.number, apart.index, list(apart.reading)) == (2, 1, ["raw"])
    assert apart.reading["raw"].partition == 1
    assert parts.phase is Phase.PARTIAL
    parts.ownership.assigned([("b", 0)])
    parts.settle()
    assert sorted(partition.number for partition in parts.ownership.active) == [0, 2]
    parts.ownership.revoked([("raw", 1)], lost=False)
    assert [partition.number for partition in parts.ownership.active] == [0]
