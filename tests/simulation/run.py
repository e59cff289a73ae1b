"""Run schedules, say what fails and how to see it again."""

from __future__ import annotations

import gc
import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from .scenario import Scenario
from .world import Outcome, World


@contextmanager
def quietly() -> Iterator[None]:
    """Without the engine's log, and without the collector at odd moments: schedules run many a second."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        logging.disable(level)


_COLLECT_EVERY = 25
_counted = itertools.count(1)


def simulate(scenario: Scenario, *, traces: bool = False) -> Outcome:
    """One schedule."""
    outcome = World(scenario, traces=traces).run()
    if next(_counted) % _COLLECT_EVERY == 0:
        gc.collect()
    return outcome


def minimised(scenario: Scenario, check: str) -> Scenario:
    """The scenario with the faults, the load and the workers that it takes to fail the same check, no more."""
    shrinking = True
    while shrinking:
        shrinking = False
        for smaller in scenario.smaller():
            violation = simulate(smaller).violation
            if violation is not None and violation.check == check:
                scenario, shrinking = smaller, True
                break
    return scenario
