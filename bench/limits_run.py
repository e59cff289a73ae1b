"""What the cases of bench.limits share: a broker and workers of their own, what is read of these, waiting for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.join import PARTITIONS, environment
from schemas.apply import apply
from streams.broker.embedded import EmbeddedBroker
from streams.offsets import Place
from streams.quiet import Progress, await_quiet
from streams.topics import inputs_of, topics_of

GROUP: Final = "paystate"
TOPICS: Final = topics_of(1)
_PATIENCE_S: Final = 7_200.0
_TELL_EVERY_S: Final = 10.0


class Worker:
    """One worker process, all agents in it, as `paystate worker` starts it."""

    def __init__(self, name: str, given: dict[str, str], folder: Path) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env={**os.environ, **given, "PAYSTATE_INSTANCE": name},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def check(self) -> None:
        """Raises RuntimeError if it has ended: nothing is measured of a worker that was started again."""
        if self._process.poll() is not None:
            raise RuntimeError(f"a worker has ended: {self._log.read_text(errors='replace')[-3_000:]}")

    def cpu_s(self) -> float:
        """User and system time so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def peak_rss_mb(self) -> float:
        """The most memory that was ever resident, as the kernel counts it."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
        raise RuntimeError("the kernel does not say VmHWM: this needs Linux")

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class Run:
    """A broker with all topics, and the workers that were started so far."""

    folder: Path
    client: dict[str, Any]
    given: dict[str, str]
    workers: list[Worker] = field(default_factory=list)

    def start(self, workers: int = 1) -> Self:
        """Start workers."""
        for _ in range(workers):
            self.workers.append(Worker(f"bench-{len(self.workers) + 1}", self.given, self.folder))
        return self

    def cpu_s(self) -> float:
        """Of all workers."""
        return sum(worker.cpu_s() for worker in self.workers)

    def peaks(self) -> list[float]:
        """Peak resident memory of each worker, MB."""
        return [worker.peak_rss_mb() for worker in self.workers]

    def check(self) -> None:
        """Raises RuntimeError if a worker has ended."""
        for worker in self.workers:
            worker.check()

    def await_taken(self, *topics: str) -> None:
        """Until the group has taken what is in the topics now; says how far it is."""
        told_s = time.monotonic()
        with Progress(self.client, GROUP, list(topics)) as progress:
            ends = progress.ends()
            while behind := progress.behind(ends):
                self.check()
                if time.monotonic() - told_s >= _TELL_EVERY_S:
                    told_s = time.monotonic()
                    tell(f"{sum(behind.values()):,} records left, workers' peak memory {self.peaks()} MB")
                time.sleep(0.05)

    def await_rest(self) -> None:
        """Until nothing is on its way anywhere."""
        inputs = [topic.kafka_name for topic in inputs_of(TOPICS) if topic.kafka_name != TOPICS.clock.kafka_name]
        self.await_taken(*inputs)
        await_quiet(self.client, GROUP, inputs, _PATIENCE_S, self.check)

    def await_active(self) -> None:
        """Until the workers have committed something of every partition: they run."""
        inputs = [TOPICS.bank_acks.kafka_name]
        with Progress(self.client, GROUP, inputs) as progress:
            while len(progress.committed((inputs[0], number) for number in range(PARTITIONS))) < PARTITIONS:
                self.check()
                time.sleep(0.1)

    def read(self, topic: str) -> Iterator[Any]:
        """The committed records of a topic, each partition in its order."""
        consumer = Consumer(
            {
                **self.client,
                "group.id": "bench-reader",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        for number in range(PARTITIONS):
            consumer.assign([TopicPartition(topic, number, 0)])
            ended = False
            while not ended:
                for message in consumer.consume(1_000, 0.5):
                    if message.error() is None:
                        yield message
                    else:
                        ended = True
        consumer.close()

    def ends(self, topic: str) -> dict[Place, int]:
        """Where the partitions of a topic end."""
        with Progress(self.client, GROUP, [topic]) as progress:
            return progress.ends()


@contextmanager
def running(settings: dict[str, str] | None = None) -> Iterator[Run]:
    """A broker of its own in a temporary folder; no deadlines, for the load's times lie in the past."""
    with tempfile.TemporaryDirectory(prefix="paystate-limits-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        servers = broker.start().bootstrap_servers
        given = environment(servers, folder) | {
            "PAYSTATE_WEB_PORT": "0",
            "PAYSTATE_POLICY__ACKNOWLEDGEMENT_WITHIN_S": "0",
            "PAYSTATE_POLICY__ORPHAN_GRACE_S": "0",
            **(settings or {}),
        }
        run = Run(folder, {"bootstrap.servers": servers}, given)
        try:
            apply(AdminClient(run.client), PARTITIONS)
            yield run
        finally:
            for worker in run.workers:
                worker.stop()
            broker.stop()


def tell(text: str) -> None:
    """Progress, for who waits."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def told(records: Iterable[Any], what: str, every: int = 100_000) -> int:
    """Exhaust an iterator, telling how far it is. Returns how many there were."""
    count = 0
    for _ in records:
        count += 1
        if count % every == 0:
            tell(f"{count:,} {what}")
    return count


def timed(call: Callable[[], object]) -> float:
    """How many seconds a call takes."""
    begun_s = time.monotonic()
    call()
    return time.monotonic() - begun_s


def longest_transaction(messages: Iterable[Any]) -> int:
    """The most records of one partition between two markers of transactions: markers leave gaps in the offsets."""
    longest = length = 0
    before: Place | None = None
    for message in messages:
        follows = before == (message.partition(), message.offset() - 1)
        length = length + 1 if follows else 1
        longest = max(longest, length)
        before = (message.partition(), message.offset())
    return longest
