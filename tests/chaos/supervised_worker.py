"""The suite's worker under the real supervisor, with pauses that suit a suite that kills it every few seconds."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from streams.supervisor import supervised

PRELOADED: Final = "CHAOS_PRELOADED"
"""The variable that names a library to be loaded into the worker before any other."""
_LONGEST_PAUSE_S: Final = 0.5

if __name__ == "__main__":
    # A library that moves clocks is for the worker alone: under it a supervisor cannot even pause.
    preloaded = ["env", f"LD_PRELOAD={library}"] if (library := os.environ.get(PRELOADED)) else []
    command = [*preloaded, sys.executable, "-m", "tests.chaos.worker"]
    sys.exit(supervised(command, lambda pause_s: time.sleep(min(pause_s, _LONGEST_PAUSE_S))))
