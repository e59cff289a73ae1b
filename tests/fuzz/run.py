"""Fuzz the readers for a bounded time. Every finding is made small and written to ``tests/fuzz/regressions/``.

    python -m tests.fuzz.run [--seconds N] [--format NAME] [--unguided]

The time is shared by all formats. Where atheris is installed, coverage guides the changes; elsewhere they are random.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from connectors.registry import formats
from tests.fuzz.findings import keep
from tests.fuzz.seeds import seeds

_SECONDS: Final = 120
_LEAST_SECONDS: Final = 2
_TRIED: Final = re.compile(r"number_of_executed_units: ([0-9]+)|^#([0-9]+)\s", re.MULTILINE)
_START_UP_S: Final = 60
#: libFuzzer's names of inputs that took too long or too much memory; findings of ours.
_FOUND: Final = ("finding-*", "crash-*", "timeout-*", "oom-*", "slow-unit-*")


def main() -> int:
    """Exit status 1 if something was found."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=_SECONDS, help="for all formats together")
    arguments.add_argument("--format", choices=formats(), action="append", help="only this one; may be repeated")
    arguments.add_argument("--unguided", action="store_true", help="random changes even where atheris is installed")
    chosen = arguments.parse_args()
    guided = not chosen.unguided and importlib.util.find_spec("atheris") is not None
    names = chosen.format or list(formats())
    print(f"fuzzing {len(names)} formats, {'guided by coverage' if guided else 'unguided'}")
    found = 0
    for name in names:
        found += fuzz(name, max(_LEAST_SECONDS, chosen.seconds // len(names)), guided=guided)
    print(f"{found} findings" if found else "nothing found")
    return 1 if found else 0


def fuzz(format_: str, seconds: int, *, guided: bool) -> int:
    """One format, going on after a finding until its time is up. How many inputs broke a promise."""
    until, tried, found = time.monotonic() + seconds, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        for number, seed in enumerate(seeds()[format_]):
            (folder / "corpus" / f"seed-{number}").write_bytes(seed.data)
        while (left := int(until - time.monotonic())) > 0:
            tried += _one_run(format_, left, folder, "guided" if guided else "unguided")
            findings = [path for pattern in _FOUND for path in folder.glob(pattern)]
            for path in findings:
                kept = keep(format_, path.read_bytes())
                path.unlink()
                if kept is not None:
                    found += 1
                    print(f"{format_}: {kept}", flush=True)
    print(f"{format_:24} {tried:9,} inputs", flush=True)
    return found


def _one_run(format_: str, seconds: int, folder: Path, how: str) -> int:
    """A process of its own, so that a crash of a C library is a finding too. How many inputs it tried."""
    command = [sys.executable, "-m", f"tests.fuzz.{how}", format_, str(seconds), str(folder)]
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=seconds + _START_UP_S, check=False
    )
    said = done.stderr.decode(errors="replace")
    if done.returncode and not any(True for pattern in _FOUND for _ in folder.glob(pattern)):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{said[-2_000:]}")
    counts = [int(first or second) for first, second in _TRIED.findall(said)]
    return max(counts, default=0)


if __name__ == "__main__":
    sys.exit(main())
