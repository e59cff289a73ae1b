"""One format fuzzed by random changes alone, where atheris does not install. Same arguments and results as guided.

python -m tests.fuzz.unguided FORMAT SECONDS FOLDER
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.findings import failure
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import seeds

MOST_MEMORY_BYTES: Final = 2 << 30


def fuzz(format_: str, seconds: int, folder: Path) -> int:
    """Until the time is up or something was found. How many inputs were tried."""
    files = [seed.data for seed in seeds()[format_]]
    until, number, random = time.monotonic() + seconds, 0, Random()
    while time.monotonic() < until:
        number += 1
        data = mutated(random.choice(files), random, files)
        if failure(format_, data) is not None:
            (folder / f"finding-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            break
    return number


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    tried = fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    print(f"stat::number_of_executed_units: {tried}", file=sys.stderr)
