"""The three-stream join, end to end on the real broker: cost an event, throughput, latency, restore, memory.

    python -m bench.join [--payments N] [--json]

A broker of its own is started in a temporary folder. The load is produced by this process; the figures of cost and
memory are those of the worker process alone.
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
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.load import STREAMS, Encoded, Facts
from schemas.apply import apply
from schemas.codec import codec
from streams.broker.embedded import EmbeddedBroker
from streams.domain.state import Transition
from streams.engine import partition_of
from streams.quiet import Progress, await_quiet

PARTITIONS: Final = 4
IN_FLIGHT: Final = 1_000
RATE_PER_S: Final = 500
_GROUP: Final = "paystate"
_WARM_UP_PAYMENTS: Final = 2_000
_PATIENCE_S: Final = 600.0


@dataclass(slots=True)
class Figures:
    """What was measured. CPU is user + system time of the worker process; latency from produced to visible."""

    cpu_us_per_event: float = 0.0
    events_per_s: float = 0.0
    latency_p50_ms: float = 0.0
    latency_p99_ms: float = 0.0
    restore_records_per_s: float = 0.0
    warm_restart_s: float = 0.0
    rss_mb: float = 0.0
    conditions: dict[str, object] = field(default_factory=dict)


class Worker:
    """The measured process, and what it says."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self._log = folder / "worker.log"
        self._process: subprocess.Popen[str] | None = None
        self.recovered: list[dict[str, Any]] = []
        self.started_s = 0.0

    def start(self) -> None:
        """Start it and wait until every partition is restored."""
        self.recovered, self.started_s = [], time.time()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.lifecycle_worker"],
                env={**os.environ, **self._environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            _, told, row = line.partition('{"recovered": ')  # Faust writes cursor codes before the first line
            if told:
                self.recovered.append(json.loads(row.rstrip().removesuffix("}")))
            if len(self.recovered) == PARTITIONS:
                break
        else:
            raise RuntimeError(f"the worker ended: {self._log.read_text()[-2_000:]}")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait()

    def cpu_s(self) -> float:
        """User and system time so far."""
        assert self._process is not None
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Resident memory now."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20


def produce(client: dict[str, Any], records: Iterable[Encoded], per_s: float = 0.0) -> Iterator[Encoded]:
    """Produce at a rate (0: as fast as it goes); yields each record when it has been handed over."""
    producer = Producer({**client, "linger.ms": 5 if not per_s else 1, "acks": "all", "enable.idempotence": True})
    due_s = time.monotonic()
    for record in records:
        if per_s:
            due_s += 1 / per_s
            time.sleep(max(0.0, due_s - time.monotonic()))
        while True:
            try:
                partition = partition_of(record.key, PARTITIONS)
                producer.produce(record.topic, record.value, record.key, partition)
                break
            except BufferError:
                producer.poll(0.05)
        yield record
    producer.flush(60)


def await_folded(client: dict[str, Any]) -> None:
    """Wait until the group has no lag on the three streams."""
    await_quiet(client, _GROUP, list(STREAMS), _PATIENCE_S, lambda: None)


def throughput(client: dict[str, Any], worker: Worker, payments: int, figures: Figures) -> None:
    """All facts at once: what an event costs, and how many go through in a second."""
    for _ in produce(client, Facts("warm").payments(_WARM_UP_PAYMENTS, IN_FLIGHT)):
        pass
    await_folded(client)
    load = list(Facts("load").payments(payments, IN_FLIGHT))
    cpu_s, started_s = worker.cpu_s(), time.monotonic()
    for _ in produce(client, load):
        pass
    _await_no_lag(client)
    elapsed_s, cpu_s = time.monotonic() - started_s, worker.cpu_s() - cpu_s
    figures.cpu_us_per_event = round(cpu_s / len(load) * 1e6, 1)
    figures.events_per_s = round(len(load) / elapsed_s)
    figures.rss_mb = round(worker.rss_mb(), 1)


def _await_no_lag(client: dict[str, Any]) -> None:
    with Progress(client, _GROUP, list(STREAMS)) as progress:
        ends = progress.ends()
        while progress.behind(ends):
            time.sleep(0.05)


class Arrivals(threading.Thread):
    """Notes when the last transition that an event caused becomes visible to a reader of committed records."""

    def __init__(self, client: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.seen_s: dict[str, float] = {}
        #: How many transitions each event caused: that of a batch causes many.
        self.counts: Counter[str] = Counter()
        self.ready = threading.Event()
        self.wanted = 0
        self.done = threading.Event()
        self._client = client
        self._read = codec("payments.transitions.v1", Transition)

    def run(self) -> None:
        """Read from the end on."""
        consumer = Consumer(
            {**self._client, "group.id": "bench", "isolation.level": "read_committed", "fetch.wait.max.ms": 5}
        )
        topic = "payments.transitions.v1"
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(
            [
                TopicPartition(topic, place.partition, consumer.get_watermark_offsets(place, timeout=10)[1])
                for place in places
            ]
        )
        self.ready.set()
        while not self.done.is_set():
            for message in consumer.consume(500, 0.005):
                now_s = time.time()
                if message.error() is None:
                    value = message.value()
                    assert value is not None
                    event_id = self._read.decode(value).cause.event_id
                    self.seen_s[event_id] = now_s
                    self.counts[event_id] += 1
        consumer.close()


def latency(client: dict[str, Any], seconds: int, figures: Figures) -> None:
    """At a steady rate: from handing a fact to the producer until its transition can be read."""
    arrivals = Arrivals(client)
    arrivals.start()
    arrivals.ready.wait(30)
    count = RATE_PER_S * seconds // 3
    facts = list(Facts("steady").payments(count, 500))
    sent_s: dict[str, float] = {}
    for fact in produce(client, facts, RATE_PER_S):
        sent_s[fact.event_id] = time.time()
    await_folded(client)
    deadline = time.monotonic() + 10
    while len(arrivals.seen_s) < len(facts) and time.monotonic() < deadline:
        time.sleep(0.05)
    arrivals.done.set()
    arrivals.join()
    delays_ms = sorted(
        (arrivals.seen_s[name] - at_s) * 1000 for name, at_s in sent_s.items() if name in arrivals.seen_s
    )
    if len(delays_ms) < len(facts):
        raise RuntimeError(f"{len(facts) - len(delays_ms)} of {len(facts)} transitions were not seen")
    figures.latency_p50_ms = round(delays_ms[len(delays_ms) // 2], 1)
    figures.latency_p99_ms = round(delays_ms[int(len(delays_ms) * 0.99)], 1)


def restarts(worker: Worker, stores: Path, figures: Figures) -> None:
    """A kill without its stores: how fast the state topic is read back. A kill with them: how soon it runs again."""
    worker.end(signal.SIGKILL)
    shutil.rmtree(stores)
    worker.start()
    records = sum(row["records"] for row in worker.recovered)
    begun_s = min(row["at_s"] - row["duration_s"] for row in worker.recovered)
    figures.restore_records_per_s = round(records / (max(row["at_s"] for row in worker.recovered) - begun_s))
    figures.conditions["restored_records"] = records
    worker.end(signal.SIGTERM)
    worker.start()
    figures.warm_restart_s = round(max(row["at_s"] for row in worker.recovered) - worker.started_s, 2)
    figures.conditions["warm_restore_s"] = round(max(row["duration_s"] for row in worker.recovered), 3)


def measure(payments: int, latency_s: int) -> Figures:
    """Everything, on a broker of its own."""
    figures = Figures()
    figures.conditions = {
        "payments": payments,
        "events": payments * 3,
        "partitions": PARTITIONS,
        "in_flight": IN_FLIGHT,
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "load_average_before": round(os.getloadavg()[0], 2),
    }
    with tempfile.TemporaryDirectory(prefix="paystate-bench-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        servers = broker.start().bootstrap_servers
        client: dict[str, Any] = {"bootstrap.servers": servers}
        try:
            apply(AdminClient(client), PARTITIONS)
            worker = Worker(environment(servers, folder), folder)
            worker.start()
            try:
                throughput(client, worker, payments, figures)
                latency(client, latency_s, figures)
                restarts(worker, folder / "data" / "stores", figures)
            finally:
                worker.end(signal.SIGTERM)
        finally:
            broker.stop()
    return figures


def environment(servers: str, folder: Path) -> dict[str, str]:
    """The settings of the measured worker."""
    return {
        "PAYSTATE_KAFKA__BOOTSTRAP_SERVERS": servers,
        "PAYSTATE_DATA_DIR": str(folder / "data"),
        "PAYSTATE_ACCOUNT_HASH_KEY": "x" * 32,
        "PAYSTATE_PARTITIONS": str(PARTITIONS),
        "PAYSTATE_INSTANCE": "bench",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=40_000)
    parser.add_argument("--latency-seconds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = asdict(measure(given.payments, given.latency_seconds))
    if given.json:
        print(json.dumps(figures))
        return
    conditions = figures.pop("conditions")
    for name, value in figures.items():
        print(f"{name:>24}  {value}")
    print("conditions:", ", ".join(f"{name} {value}" for name, value in conditions.items()))


if __name__ == "__main__":
    main()
