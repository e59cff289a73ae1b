"""`make simulate-protocol ARGS="--seed N --schedules K"`: run schedules of the protocol, show what fails.

One line of JSON tells the figures. A schedule that breaks a rule is told with its seed, made as small as it gets and
printed as a scenario, which `--scenario` runs again with its trace.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .run import minimised, quietly, simulate
from .scenario import Scenario
from .world import Outcome


def main() -> int:
    """The exit status: 1 if a rule was broken."""
    parser = argparse.ArgumentParser(prog="make simulate-protocol ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--schedules", type=int, default=1000, help="how many seeds from there on")
    parser.add_argument(
        "--scenario", help="a scenario as it was printed, or a file that holds it: run this one, traced"
    )
    parser.add_argument("--trace", action="store_true", help="show the trace of the first seed")
    given = parser.parse_args()
    with quietly():
        if given.scenario:
            text = given.scenario if given.scenario.startswith("{") else Path(given.scenario).read_text("utf-8")
            return show(simulate(Scenario.decode(text), traces=True))
        if given.trace:
            return show(simulate(Scenario.drawn(given.seed), traces=True))
        return run(given.seed, given.schedules)


def show(outcome: Outcome) -> int:
    """Every step of one schedule."""
    print("\n".join(outcome.trace))
    return 0 if outcome.violation is None else 1


def run(seed: int, schedules: int) -> int:
    """Many schedules."""
    begin_s, steps, units, aborts, broken = time.perf_counter(), 0, 0, 0, 0
    for number in range(seed, seed + schedules):
        outcome = simulate(Scenario.drawn(number))
        steps, units, aborts = steps + outcome.steps, units + outcome.units, aborts + outcome.aborts
        if outcome.violation is not None:
            broken += 1
            print(f"seed {number}: {outcome.violation}")
            print(f"  as small as it gets: {minimised(outcome.scenario, outcome.violation.check).encode()}", flush=True)
    took_s = time.perf_counter() - begin_s
    told = {
        "seed": seed,
        "schedules": schedules,
        "broken": broken,
        "steps": steps,
        "units": units,
        "aborts": aborts,
        "took_s": round(took_s, 1),
        "schedules_per_minute": round(schedules / took_s * 60),
    }
    print(json.dumps(told))
    return 1 if broken else 0


sys.exit(main())
