"""From SIGTERM to the end of a worker, on the real broker: idle, at full load, while it restores, without its broker.

    python -m bench.stop [--payments N] [--json]

Seconds until the process has ended, its exit status, and until the group has no member any more (as the broker says).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from confluent_kafka.admin import AdminClient

from bench.join import PARTITIONS, environment, produce
from bench.load import Facts
from schemas.apply import apply
from streams.broker.embedded import EmbeddedBroker

_GROUP: Final = "paystate"
_PATIENCE_S: Final = 120.0
_AT_LOAD_S: Final = 5.0

Row = dict[str, object]


class Worker:
    """One worker process and its log."""

    def __init__(self, given: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env={**os.environ, **given},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def await_said(self, words: str, times: int = 1) -> None:
        """Until its log has said it so often."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while self._log.read_text(errors="replace").count(words) < times:
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"the worker never said {words!r}: {self._log.read_text()[-2_000:]}")
            time.sleep(0.02)

    def stop(self, members: Callable[[], int] | None) -> Row:
        """SIGTERM, and how long everything took."""
        begun_s, left_s = time.monotonic(), None
        self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None or (members is not None and left_s is None):
            if members is not None and left_s is None and members() == 0:
                left_s = time.monotonic() - begun_s
            ended_s = time.monotonic() - begun_s
            time.sleep(0.01)
        return {
            "ended_s": round(ended_s, 2),
            "left_group_s": None if left_s is None else round(left_s, 2),
            "status": self.process.returncode,
        }


def measure(payments: int) -> dict[str, Row]:
    """Each case in turn, on a broker of its own."""
    found: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="paystate-bench-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        running = broker.start()
        client: dict[str, Any] = {"bootstrap.servers": running.bootstrap_servers}
        admin = AdminClient(client)
        apply(admin, PARTITIONS)
        given = {**environment(running.bootstrap_servers, folder), "PAYSTATE_WEB_PORT": "0"}

        def members() -> int:
            return len(admin.describe_consumer_groups([_GROUP])[_GROUP].result(10).members)

        def start(case: str) -> Worker:
            return Worker(given, folder / f"{case}.log")

        try:
            worker = start("idle")
            worker.await_said("is active", PARTITIONS)
            found["idle"] = worker.stop(members)
            for _ in produce(client, Facts("stop").payments(payments, 1_000)):
                pass
            worker = start("load")
            worker.await_said("is active", PARTITIONS)
            time.sleep(_AT_LOAD_S)
            found["load, buffers full"] = worker.stop(members)
            shutil.rmtree(folder / "data" / "stores")
            worker = start("restoring")
            worker.await_said("assigned: partitions")
            found["restoring"] = worker.stop(members)
            worker = start("unreachable")
            worker.await_said("is active", PARTITIONS)
            os.kill(running.pid, signal.SIGSTOP)
            time.sleep(_AT_LOAD_S)
            found["broker silent, work under way"] = worker.stop(None)
            os.kill(running.pid, signal.SIGCONT)
            worker = start("gone")
            worker.await_said("is active", PARTITIONS)
            broker.kill()
            time.sleep(_AT_LOAD_S)
            found["broker dead, work under way"] = worker.stop(None)
        finally:
            broker.kill()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    found = measure(given.payments)
    if given.json:
        print(json.dumps({"cases": found, "load_average_before": load_before}))
        return
    for case, row in found.items():
        print(f"{case:>30}  {row}")
    print("load average before:", load_before)


if __name__ == "__main__":
    main()
