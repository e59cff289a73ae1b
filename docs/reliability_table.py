"""The table of docs/reliability.md, from the JSON lines of runs: ``python -m docs.reliability_table FILES``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from streams.engine import FaultPoint

ZEROS: Final = ("lost", "repeated", "reordered", "wrong_state", "store_mismatch")
_HEAD: Final = (
    "| fault | runs | injected | events | lost | repeated | reordered | wrong state | store mismatch "
    "| recovery p50 / p95 s | measured |"
)


@dataclass
class Row:
    """All runs in which a fault was drawn. The zeros are those of whole runs: they cannot be told apart by fault."""

    runs: int = 0
    injected: int = 0
    events: int = 0
    zeros: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ZEROS, 0))
    recovery_s: list[float] = field(default_factory=list)

    def add(self, line: dict[str, Any], injected: int, recovery_s: Iterable[float]) -> None:
        """One more run."""
        self.runs += 1
        self.injected += injected
        self.events += line["events"]
        for name in ZEROS:
            self.zeros[name] += line[name]
        self.recovery_s.extend(recovery_s)

    def cells(self, name: str) -> str:
        """As a line of the table."""
        measured = len(self.recovery_s)
        recovery = f"{quantile(self.recovery_s, 0.5):.1f} / {quantile(self.recovery_s, 0.95):.1f}" if measured else "–"
        cells = (name, self.runs, self.injected, self.events, *self.zeros.values(), recovery, measured or "–")
        return f"| {' | '.join(map(str, cells))} |"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(lines: Sequence[dict[str, Any]]) -> str:
    """What the runs came to, as Markdown: by fault, and by the point at which workers were killed."""
    rows: dict[str, Row] = {}
    total = Row()
    for line in lines:
        total.add(line, sum(_injected(line).values()), ())
        for fault, injected in _injected(line).items():
            if injected:
                rows.setdefault(fault, Row()).add(line, injected, line["recovery_s"].get(fault, ()))
    width = _HEAD.count("|") - 1
    drawn = [rows[fault].cells(f"`{fault}`") for fault in sorted(rows)]
    return "\n".join(
        [_HEAD, "|---" * width + "|", *drawn, total.cells("all runs"), "", *_points(lines), *_runs(lines), ""]
    )


def _injected(line: dict[str, Any]) -> dict[str, int]:
    """How often each fault was inflicted. Workers killed and stopped are counted, not the steps that did it."""
    details = line["details"]
    return {fault: details.get(f"struck: {fault}", steps) for fault, steps in line["faults"].items()}


def _points(lines: Sequence[dict[str, Any]]) -> list[str]:
    killed = {str(point): 0 for point in FaultPoint} | {"": 0}
    for line in lines:
        for point, count in line["kills_by_point"].items():
            killed[point] += count
    named = (f"`{point}` {count}" if point else f"at any other moment {count}" for point, count in killed.items())
    handovers, exits = sum(line["handovers"] for line in lines), sum(sum(line["exits"].values()) for line in lines)
    return [
        f"Workers killed, by the step of their work at which it happened: {', '.join(named)}.",
        f"Partitions were handed over {handovers} times; workers ended {exits} times and were started again.",
    ]


def _runs(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Where the runs were made, and how each is made again."""
    machines = sorted({line["machine"] for line in lines})
    yield f"\nMade on {'; '.join(machines)}, shared with other work. Each run again, at its commit:\n"
    for line in lines:
        verdict = "right" if line["ok"] else "wrong"
        yield f'- {line["commit"]}: `make chaos ARGS="{line["arguments"]}"` ({line["duration_s"]:.0f} s, {verdict})'


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The lines of all files."""
    return [json.loads(text) for path in paths for text in path.read_text(encoding="utf-8").splitlines() if text]


if __name__ == "__main__":
    print(table(read(map(Path, sys.argv[1:]))))
