"""Restore alone, on the real broker: how fast a partition's state topic becomes its store, and what a warm one costs.

    python -m bench.restore [--payments N] [--json]

The rows are real: facts of made-up payments folded and encoded as the lifecycle agent does it, each payment written
three times, in transactions of the size of a unit of work. The stores are restored by the engine's own Restorer in as
many threads as a worker has, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, Final

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.load import STREAMS, Facts
from schemas.apply import apply
from schemas.codec import codec
from streams.agents.payment_rows import PaymentRows, packed
from streams.broker.embedded import EmbeddedBroker
from streams.domain.facts import Approval, BankAck, Release
from streams.domain.fold import fold
from streams.domain.payment import Context, Payment
from streams.domain.policy import Policy
from streams.domain.state import Evidence, Mode
from streams.engine import EngineSettings, TableDeclaration, Topic, partition_of
from streams.engine.clients import ConfluentClients
from streams.engine.division import Division
from streams.engine.hooks import no_hooks
from streams.engine.restore import Progress, Restorer
from streams.engine.store import Stores
from streams.engine.topology import Cluster
from streams.topics import topics_of

PARTITIONS: Final = 4
_UNIT: Final = 2_000
_IN_FLIGHT: Final = 1_000
_GROUP: Final = "bench"
_MIB: Final = 1 << 20

Row = tuple[bytes, bytes]


@dataclass(slots=True)
class Figures:
    """What was measured of all partitions together. CPU is user + system time of the restoring process."""

    records: int
    mean_row_bytes: int
    restore_records_per_s: int
    cpu_us_per_record: float
    warm_s_per_partition: float
    peak_rss_mb: float


def rows(payments: int) -> Iterator[Row]:
    """Key and row of each state that the payments go through."""
    topics, policy = topics_of(1), Policy()
    encode = PaymentRows(topics.state, Context(policy, 1)).encode
    kinds: tuple[type[Any], ...] = (Approval, Release, BankAck)
    decode = {topic: codec(topic, kind).decode for topic, kind in zip(STREAMS, kinds, strict=True)}
    known: dict[bytes, Payment] = {}
    for record in Facts("restore").payments(payments, _IN_FLIGHT):
        fact = decode[record.topic](record.value)
        context = Context(policy, 1, Mode.LIVE, Evidence(record.topic, 0, 0, None, None), packed)
        payment = fold(known.get(record.key), fact, context).payment
        assert payment is not None
        known[record.key] = payment
        yield record.key, encode(payment)
        if isinstance(fact, BankAck):
            del known[record.key]


def fill(client: dict[str, Any], payments: int) -> tuple[int, int]:
    """Write the state topic as a worker does. Returns records and bytes of rows."""
    producer = Producer({**client, "transactional.id": "bench", "linger.ms": 1, "batch.num.messages": 10_000})
    producer.init_transactions(30)
    state, count, size = topics_of(1).state.kafka_name, 0, 0
    for key, row in rows(payments):
        if count % _UNIT == 0:
            if count:
                producer.commit_transaction(30)
            producer.begin_transaction()
        producer.produce(state, row, key, partition_of(key, PARTITIONS))
        count, size = count + 1, size + len(row)
    producer.commit_transaction(30)
    # A group without offsets has no state either: the restorer would refuse to believe in these rows.
    consumer = Consumer({**client, "group.id": _GROUP})
    places = [TopicPartition(STREAMS[0], number, 0) for number in range(PARTITIONS)]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()
    return count, size


def restored(settings: EngineSettings) -> tuple[float, float, float, int]:
    """Restore every partition. Returns elapsed and CPU seconds, the longest of a partition, and records replayed."""
    topics, policy = topics_of(1), Policy()
    codec_of_rows = PaymentRows(topics.state, Context(policy, 1))
    table = TableDeclaration("payments", topics.state, codec_of_rows.encode, codec_of_rows.decode)
    clients = ConfluentClients()
    cluster = Cluster(clients.admin(dict(settings.client)), 10.0)
    restorer = Restorer(settings, clients, cluster, Stores(settings), no_hooks, lambda: time.time_ns() // 10**6)

    inputs: Any = SimpleNamespace(topics=(Topic(STREAMS[0], bytes, bytes),), tables=(table,))
    division = Division((inputs,), PARTITIONS)

    def one(partition: int) -> tuple[float, int]:
        begun_s = time.monotonic()
        done = restorer.restore(division, partition, Event(), Progress())
        took_s = time.monotonic() - begun_s
        done.store.close()
        return took_s, done.records

    begun_s, cpu_s = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(settings.restore_threads) as threads:
        done = list(threads.map(one, range(PARTITIONS)))
    elapsed_s, cpu_s = time.monotonic() - begun_s, time.process_time() - cpu_s
    return elapsed_s, cpu_s, max(took_s for took_s, _ in done), sum(records for _, records in done)


def measured(client: dict[str, Any], folder: Path, records: int, size: int) -> Figures:
    """Into empty stores, and then again over them."""
    settings = EngineSettings(
        client=client, group_id=_GROUP, transactional_id=_GROUP, data_dir=folder, partitions=PARTITIONS
    )
    elapsed_s, cpu_s, _, replayed = restored(settings)
    assert replayed == records, f"{replayed} of {records} records were replayed"
    peak = psutil.Process().memory_info().rss
    _, _, warm_s, again = restored(settings)
    assert again == 0, f"{again} records were replayed over stores that were current"
    return Figures(
        records,
        size // records,
        round(records / elapsed_s),
        round(cpu_s / records * 1e6, 2),
        round(warm_s, 3),
        round(peak / _MIB, 1),
    )


def measure(payments: int) -> Figures:
    """Everything, on a broker of its own."""
    with tempfile.TemporaryDirectory(prefix="paystate-bench-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker")
        client: dict[str, Any] = {"bootstrap.servers": broker.start().bootstrap_servers}
        try:
            apply(AdminClient(client), PARTITIONS)
            records, size = fill(client, payments)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                return process.submit(measured, client, folder / "stores", records, size).result()
        finally:
            broker.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=150_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    conditions = {
        "payments": given.payments,
        "partitions": PARTITIONS,
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "load_average_before": round(os.getloadavg()[0], 2),
    }
    figures = asdict(measure(given.payments))
    if given.json:
        print(json.dumps({**figures, "conditions": conditions}))
        return
    for name, value in figures.items():
        print(f"{name:>24}  {value}")
    print("conditions:", ", ".join(f"{name} {value}" for name, value in conditions.items()))


if __name__ == "__main__":
    main()
