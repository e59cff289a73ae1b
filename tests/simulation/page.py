"""`make planted-bugs` (ARGS=NAMES): look for planted bugs, and write what found them into docs/protocol.md."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .planted import BUGS, COVERED_TWICE, PlantedBug
from .run import quietly, simulate
from .scenario import Scenario

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
#: A bug that so many schedules do not find is not found.
MOST_SCHEDULES = 3000

#: A worker that ends so has found a slip in the planted bug itself, and not what it does to the protocol.
_BROKEN = re.compile(r"\b(AttributeError|ImportError|NameError|RecursionError|TypeError|UnboundLocalError)\(")
_ROW = re.compile(r"^\| `(?P<name>[a-z-]+)` \|.*\| (?P<check>[^|]+) \| (?P<schedules>\d+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """After how many schedules which rule was seen broken."""

    schedules: int
    check: str


def look_for(bug: PlantedBug, first: int = 1, most: int = MOST_SCHEDULES) -> Found | None:
    """Run schedules with the bug, from seed `first` on, until one breaks a rule that it keeps without the bug."""
    with quietly():
        for seed in range(first, first + most):
            scenario = Scenario.drawn(seed, bug.focus)
            with bug.planted():
                violation = simulate(scenario).violation
            if violation is not None and simulate(scenario).violation is None:
                if _BROKEN.search(violation.what):
                    raise AssertionError(f"{bug.name} is no bug that runs, but broken code: {violation}")
                return Found(seed, violation.check)
    return None


def known() -> dict[str, Found]:
    """What the page says, by the bug's name."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return {row["name"]: Found(int(row["schedules"]), row["check"]) for row in _ROW.finditer(text)}


def written(found: dict[str, Found]) -> str:
    """The page."""
    told = [(bug, found[bug.name]) for bug in BUGS if bug.name in found]
    rows = [f"| `{bug.name}` | {bug.step} | {bug.how} | {by.check} | {by.schedules} |" for bug, by in told]
    twice = [f"| {step} | {why} |" for step, why in COVERED_TWICE]
    return _TEXT.format(rows="\n".join(rows), twice="\n".join(twice), speed=SPEED)


SPEED = """\
A schedule is some 2,000 steps and takes 40 to 80 ms of CPU, as busy as the machine is; in the same minutes a fifth to
a quarter less than before. The command shares schedules between as many processes as there are cores (`--jobs`).
Measured beside other work only, at low priority on two shared cores: 1,021 a minute in one process (load average 5),
1,158 in two (3.5). More than 2,000 have not been seen.

The last long runs: of 4,000 schedules from seed 20261126 two found a worker that nobody ended when it was told to
stop within a call that hangs (the model had no watchdog; one is kept in `tests/simulation/regressions`). Since then
1,000 from seed 20270101 and 1,200 from 20271101: no rule broken. Of 4,360 from 20280101 and 3,500 from 20290101 four
ended a worker as one whose client is lost, which it was not (it had been asleep; markers came late): one is a
regression now, and all four are right. 588 to 672 a minute there, in one process at idle priority beside the tests."""

_TEXT = """\
# The protocol, and what guards each of its steps

The engine's unit of work, restore and rebalance (`streams/engine`) are simulated: the engine's own code runs against a
model of Kafka in memory, with a scheduler that draws who runs next at every call to Kafka, every write to a store and
every fault point, in virtual time. Workers are killed, stopped and continued, expelled, restarted over older stores;
inputs move one by one; markers come late; calls fail before or after they act; cleaners, retention and operators are at
work. When the faults end everything must come to rest, and what is in the logs then must be right
(`tests/simulation/oracle.py`).

    make simulate-protocol ARGS="--seed 1 --schedules 10000"    # a seed a schedule; a failing one is made small
    make simulate-protocol ARGS="--scenario FILE"               # one schedule as it was printed, with its trace
    make planted-bugs                                           # this page

{speed}

A check that cannot fail proves nothing. Each row is a bug planted into the engine, one step of the protocol done wrong
as somebody could do it in good faith; the simulation has to find it. The test suite plants all of them again and fails
if one survives.

| planted bug | step | what it does instead | found by the rule | schedules |
|---|---|---|---|---|
{rows}

"Schedules" counts from seed 1, the last one is the one that found it; a bug that takes several rare faults together is
looked for in schedules that draw from these kinds only (`focus` in `tests/simulation/planted.py`). Without a planted
bug none of them breaks a rule.

## A record that takes several units

A handler may ask to be called again for the same record (AGAIN): a long scan keeps its cursor in a row, a tick for
which many rows are due sees to a slice of them. What it has done is committed, the offset stays before the record, and
the record comes first in the next unit, before older records of the task's other inputs. That it comes first is
committed too, in the metadata of the offset that stays (`again AGENT=OFFSET`): whoever takes the partition over, after
a kill or a rebalance, waits for that record and goes on with it. So nothing is folded between two parts of a record,
whoever folds them: the scans of the simulation tell a sum with each part, and all parts must tell the same. Before,
nothing was lost or repeated, but after a restart records of other inputs could come in between, and what one of them
wrote behind a scan's cursor was told with half of the scan, what it wrote before the cursor was not. A pin counts at
the offset that it was committed with only: where an operator has moved the offset since, it is void. A release that
does not know pins passes over them.

## Steps that are covered twice

Left out alone, these change nothing that anybody could see, because another step catches the same case; no single
planted bug can stand for them.

| step | why its absence alone does not show |
|---|---|
{twice}
"""


def main(names: list[str]) -> int:
    """Look for the named bugs, or for all. The exit status: 1 if one was not found."""
    found = known() if names else {}
    for bug in BUGS:
        if names and bug.name not in names:
            continue
        result = look_for(bug)
        print(f"{bug.name}: {result or 'NOT FOUND'}", flush=True)
        if result is None:
            return 1
        found[bug.name] = result
    PAGE.write_text(written(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
