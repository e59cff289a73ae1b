"""``make chaos``: runs of seeded faults on a real Kafka, one JSON line each; exit status 1 if anything was wrong."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import psutil

from .scenario import Options, run
from .schedule import NETWORK, THREE_BROKERS, Fault, schedule

#: What a machine without root and without further packages can do on one broker.
_DEFAULT: Final = tuple(
    fault
    for fault in Fault
    if fault not in {*THREE_BROKERS, *NETWORK, Fault.BROKER_DISK, Fault.STORE_DISK, Fault.STORE_DAMAGE, Fault.CLOCK}
)


def main() -> int:
    """0: every run was right."""
    # A run that is told to end takes its brokers and workers with it, also where a shell had it ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    asked = _arguments()
    right = True
    for seed in range(asked.seed, asked.seed + asked.runs):
        options = Options(seed, asked.faults, asked.steps, asked.rate, asked.payments)
        if asked.plan:
            print("\n".join(map(str, schedule(seed, asked.faults, asked.steps))))
            continue
        line = _run(options, asked.keep)
        right = right and line["ok"]
        print(json.dumps(line), flush=True)
        if asked.json is not None:
            with asked.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
    return 0 if right else 1


def _run(options: Options, keep: bool) -> dict[str, Any]:
    """One run in a folder of its own, which stays if the run was wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"paystate-chaos-{options.seed}-"))
    began_s = time.monotonic()
    with _clients_apart(folder) as console:

        def say(text: str) -> None:
            print(f"{time.monotonic() - began_s:6.1f} s  {text}", file=console, flush=True)

        line = run(options, folder, say) | {"commit": _commit(), "machine": _machine()}
    if line["ok"] and not keep:
        shutil.rmtree(folder)
    else:
        line["folder"] = str(folder)
    return line


@contextmanager
def _clients_apart(folder: Path) -> Iterator[IO[str]]:
    """What librdkafka says of brokers that are away goes into the run's folder; the console is left to the run."""
    kept = os.dup(2)
    try:
        with (folder / "clients.log").open("wb") as log, os.fdopen(os.dup(kept), "w") as console:
            os.dup2(log.fileno(), 2)
            yield console
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _machine() -> str:
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {memory_gib:.0f} GiB"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next ones count up")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument(
        "--faults", type=_faults, default=_DEFAULT, help=f"of: {', '.join(Fault)}; default: what needs no root"
    )
    parser.add_argument("--steps", type=int, default=30, help="faults a run")
    parser.add_argument("--rate", type=int, default=80, help="messages a second")
    parser.add_argument("--payments", type=int, default=500, help="of a company; they speak one after the other")
    parser.add_argument("--json", type=Path, help="the file that the lines are added to")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a run that was right, too")
    parser.add_argument("--plan", action="store_true", help="only print the faults of each seed")
    return parser.parse_args()


def _faults(text: str) -> tuple[Fault, ...]:
    try:
        return tuple(Fault(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; expected of: {', '.join(Fault)}") from error


if __name__ == "__main__":
    sys.exit(main())
