"""`make simulate-protocol ARGS="--seed N --schedules K"`: run schedules of the protocol, show what fails.

One line of JSON tells the figures. A schedule that breaks a rule is told with its seed, made as small as it gets and
printed as a scenario, which `--scenario` runs again with its trace.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .run import minimised, quietly, simulate
from .scenario import Scenario
from .world import Outcome

#: Schedules that a process is given at a time.
_AT_ONCE = 50


def main() -> int:
    """The exit status: 1 if a rule was broken."""
    parser = argparse.ArgumentParser(prog="make simulate-protocol ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--schedules", type=int, default=1000, help="how many seeds from there on")
    parser.add_argument(
        "--scenario", help="a scenario as it was printed, or a file that holds it: run this one, traced"
    )
    parser.add_argument("--trace", action="store_true", help="show the trace of the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that share the schedules")
    given = parser.parse_args()
    if not (given.scenario or given.trace):
        return run(given.seed, given.schedules, given.jobs)
    with quietly():
        if given.trace:
            return show(simulate(Scenario.drawn(given.seed), traces=True))
        text = given.scenario if given.scenario.startswith("{") else Path(given.scenario).read_text("utf-8")
        return show(simulate(Scenario.decode(text), traces=True))


def show(outcome: Outcome) -> int:
    """Every step of one schedule."""
    print("\n".join(outcome.trace))
    return 0 if outcome.violation is None else 1


def run(seed: int, schedules: int, jobs: int) -> int:
    """Many schedules, in `jobs` processes: each is its own world."""
    begin_s, total = time.perf_counter(), Counter[str]()
    begins = range(seed, seed + schedules, _AT_ONCE)
    with ProcessPoolExecutor(jobs) as pool:
        for counted, failed in pool.map(some, begins, (min(_AT_ONCE, seed + schedules - begin) for begin in begins)):
            total += counted
            for lines in failed:
                print(lines, flush=True)
    took_s = time.perf_counter() - begin_s
    told = {
        "seed": seed,
        "schedules": schedules,
        **{name: total[name] for name in ("broken", "steps", "units", "aborts")},
        "jobs": jobs,
        "took_s": round(took_s, 1),
        "schedules_per_minute": round(schedules / took_s * 60),
        "cpu_ms_per_schedule": round(total["cpu_us"] / schedules / 1000, 1),
    }
    print(json.dumps(told))
    return 1 if total["broken"] else 0


def some(seed: int, schedules: int) -> tuple[Counter[str], list[str]]:
    """A few schedules: their figures, and what to say of those that break a rule."""
    counted, failed, began_s = Counter[str](), [], time.process_time()
    with quietly():
        for number in range(seed, seed + schedules):
            outcome = simulate(Scenario.drawn(number))
            counted.update(steps=outcome.steps, units=outcome.units, aborts=outcome.aborts)
            if outcome.violation is not None:
                counted["broken"] += 1
                small = minimised(outcome.scenario, outcome.violation.check).encode()
                failed.append(f"seed {number}: {outcome.violation}\n  as small as it gets: {small}")
    counted["cpu_us"] = round((time.process_time() - began_s) * 1_000_000)
    return counted, failed


if __name__ == "__main__":
    sys.exit(main())
