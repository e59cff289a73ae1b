"""The suite's worker under the real supervisor, with pauses that suit a suite that kills it every few seconds."""

from __future__ import annotations

import sys
import time
from typing import Final

from streams.supervisor import supervised

_LONGEST_PAUSE_S: Final = 0.5

if __name__ == "__main__":
    command = [sys.executable, "-m", "tests.chaos.worker"]
    sys.exit(supervised(command, lambda pause_s: time.sleep(min(pause_s, _LONGEST_PAUSE_S))))
