"""A worker process of a test: runs the ledger, and kills itself where it is told to."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streams.engine import EngineSettings, FaultPoint, GroupProtocol, run_worker

from .ledger import Names, build

HARM: dict[str, Callable[[], object]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "freeze": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "hang": lambda: threading.Event().wait(),
}


def main(orders: dict[str, Any]) -> None:
    """Run as ordered. SIGUSR1 shows where every thread is: mode does that."""
    given = orders["settings"]
    given["data_dir"] = Path(given["data_dir"])
    if "group_protocol" in given:
        given["group_protocol"] = GroupProtocol(given["group_protocol"])
    faults = orders["faults"]

    def reached(point: FaultPoint) -> None:
        """The faults come one after the other: each is counted once the one before has happened."""
        if faults and point == faults[0][0]:
            faults[0][1] -= 1
            if faults[0][1] == 0:
                HARM[faults.pop(0)[2]]()

    run_worker(build(Names(orders["prefix"]), EngineSettings(**given), hooks=reached).app)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
