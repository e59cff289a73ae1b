"""The truth that the simulator wrote, read again; and the truths of two companies as one."""

from __future__ import annotations

import json
from pathlib import Path

from streams.domain.statuses import Flag, Status
from streams.simulator.truth import Expected, Truth


def read_truth(path: Path) -> Truth:
    """What ``Truth.as_json`` wrote."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return Truth(
        payments={
            name: Expected(
                status=Status(row["status"]),
                flags=frozenset(Flag(flag) for flag in row["flags"]),
                closed=row["closed"],
                settled_minor=row["settled_minor"],
                returned_minor=row["returned_minor"],
                currency=row["currency"],
            )
            for name, row in said["payments"].items()
        },
        duplicates={frozenset(pair) for pair in said["duplicates"]},
        waiting=said["waiting"],
        dead_letters=said["dead_letters"],
    )


def together(first: Truth, second: Truth) -> Truth:
    """Both; they have no payment in common."""
    return Truth(
        payments=first.payments | second.payments,
        duplicates=first.duplicates | second.duplicates,
        waiting=first.waiting + second.waiting,
        dead_letters=first.dead_letters + second.dead_letters,
    )
