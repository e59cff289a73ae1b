"""Run schedules, say what fails and how to see it again."""

from __future__ import annotations

import gc
import itertools
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from .scenario import Scenario
from .world import Outcome, World


class Unraised(AssertionError):  # noqa: N818 - it names what happened
    """Something was let go that had still to say something: a coroutine that nobody awaited, a failing destructor."""


_unraised: list[str] = []


@contextmanager
def quietly() -> Iterator[None]:
    """Without the engine's log, and without the collector at odd moments: schedules run many a second.

    What can be said only to nobody, because an object goes, is an error here: Unraised, at the next collection.
    """
    level, hook = logging.root.manager.disable, sys.unraisablehook
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda told: _unraised.append(f"{told.exc_value!r}: {told.err_msg} {told.object!r}")
    gc.disable()
    # What was made before the first schedule is not looked through again and again: that would take half the time.
    gc.freeze()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            yield
            _collect()
    finally:
        gc.unfreeze()
        gc.enable()
        sys.unraisablehook = hook
        logging.disable(level)


def _collect() -> None:
    gc.collect()
    if _unraised:
        told = "; ".join(_unraised)
        _unraised.clear()
        raise Unraised(told)


_COLLECT_EVERY = 25
_counted = itertools.count(1)


def simulate(scenario: Scenario, *, traces: bool = False) -> Outcome:
    """One schedule."""
    outcome = World(scenario, traces=traces).run()
    if next(_counted) % _COLLECT_EVERY == 0:
        _collect()
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
