"""A worker process of a test: runs the ledger, and kills itself where it is told to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from streams.engine import EngineSettings, FaultPoint, GroupProtocol, run_worker

from .ledger import Names, build


def main(orders: dict[str, Any]) -> None:
    """Run as ordered."""
    given = orders["settings"]
    given["data_dir"] = Path(given["data_dir"])
    if "group_protocol" in given:
        given["group_protocol"] = GroupProtocol(given["group_protocol"])
    left = orders["after"]

    def reached(point: FaultPoint) -> None:
        nonlocal left
        if point == orders["fault"]:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), orders["signal"])

    run_worker(build(Names(orders["prefix"]), EngineSettings(**given), hooks=reached).app)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
