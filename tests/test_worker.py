"""What a worker process does beside running its app."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from streams.worker import port_of, settle_memory


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector is this process's own: as it was before, afterwards."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize(("number", "port"), [(1, 6066), (2, 6067), (256, 6321)])
def test_workers_of_one_machine_take_ports_side_by_side(number: int, port: int) -> None:
    assert port_of(6066, number) == port


def test_with_port_0_every_worker_takes_a_free_one() -> None:
    assert {port_of(0, number) for number in (1, 2, 256)} == {0}


@pytest.mark.usefixtures("collector")
def test_what_is_loaded_at_the_start_is_looked_at_no_more_and_cycles_are_still_found() -> None:
    settle_memory()
    assert gc.get_freeze_count() > 0
    assert gc.isenabled()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() > 0
