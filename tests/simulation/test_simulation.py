"""The engine's protocol under drawn schedules and faults; `make simulate-protocol` runs as many as there is time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .run import Unraised, quietly, simulate
from .scenario import KINDS, Scenario

#: What the suite runs; each schedule takes some 35 ms.
SCHEDULES = 300
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quietly():
        yield


def test_no_schedule_breaks_a_rule() -> None:
    kinds: set[str] = set()
    for seed in range(1, SCHEDULES + 1):
        scenario = Scenario.drawn(seed)
        kinds.update(fault.kind for fault in scenario.faults)
        outcome = simulate(scenario)
        assert outcome.violation is None, f"seed {seed}: {outcome.violation}"
        assert outcome.units > 0
    assert kinds == KINDS.keys()


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: str(path.stem))
def test_what_was_found_once_stays_found(path: Path) -> None:
    outcome = simulate(Scenario.decode(path.read_text("utf-8")))
    assert outcome.violation is None, outcome.violation


_TRACED = """
from tests.simulation.run import quietly, simulate
from tests.simulation.scenario import Scenario
with quietly():
    for seed in (3, 4, 5):
        print("\\n".join(simulate(Scenario.drawn(seed), traces=True).trace))
"""


def test_a_killed_worker_leaves_no_coroutine_that_nobody_awaits() -> None:
    """Killed within its loop it leaves tasks behind that were never run."""
    with quietly():
        for seed in range(1, 31):
            simulate(Scenario.drawn(seed, ("kill-at/polled", "kill-at/collected", "kill-at/folded", "kill-at/done")))


def test_a_coroutine_that_nobody_awaits_is_an_error() -> None:
    with pytest.raises(Unraised, match=r"Event\.wait.*was never awaited"), quietly():
        asyncio.Event().wait()  # type: ignore[unused-coroutine]  # that is the point


def test_a_seed_gives_the_same_schedule_in_every_process() -> None:
    """Whatever the order of its sets: or no failure could be seen again."""
    traces = [
        subprocess.run(
            [sys.executable, "-c", _TRACED],
            env={"PYTHONHASHSEED": salt, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    ]
    assert len(traces[0].splitlines()) > 300
    assert traces[0] == traces[1]


def test_a_scenario_is_run_again_from_its_text() -> None:
    scenario = Scenario.drawn(8)
    again = Scenario.decode(scenario.encode())
    assert again == scenario
    assert simulate(again, traces=True).trace == simulate(scenario, traces=True).trace
