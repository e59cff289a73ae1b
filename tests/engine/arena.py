"""A test's own topics, workers and reader on a real broker, and the conditions it waits for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.engine import EngineSettings, FaultPoint
from streams.engine.store import Stores
from streams.engine.topology import Cluster

from .ledger import Names, build

PATIENCE_S = 60.0
RECORD_BYTES = 1024 * 1024
DEAD_LETTER_BYTES = 4 * 1024 * 1024  # the ledger writes dead letters in hex: twice the size


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The condition's first true answer."""
    give_up = time.monotonic() + patience_s
    pause = threading.Event()
    while time.monotonic() < give_up:
        if answer := condition():
            return answer
        pause.wait(0.05)
    raise AssertionError(f"waited {patience_s:.0f} s in vain until {what}")


@dataclass
class WorkerProcess:
    """A worker in a process of its own, to be killed, stopped and continued."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: to the group it looks dead."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def is_frozen(self) -> bool:
        """Whether it has stopped itself (SIGSTOP)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def is_active(self) -> bool:
        """Whether it has begun to fold a partition."""
        return "is active" in self.text()

    def is_ready(self) -> bool:
        """Whether it runs and listens to signals."""
        return "[^Worker]: Ready" in self.text()

    def is_assigned(self) -> bool:
        """Whether the group has given it a partition."""
        return re.search(r"assigned: partitions \[\d", self.text()) is not None

    def stop_or_end(self) -> int:
        """SIGTERM to a worker that may have ended already; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.ended()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def ended(self) -> int:
        """Wait until it has ended by itself; the exit status."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end:\n{self.text()[-4000:]}") from None

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text()


@dataclass
class RunningApp:
    """An app running in a thread of this process."""

    ledger: Any
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    points: list[FaultPoint] = field(default_factory=list)

    @property
    def engine(self) -> Any:
        return self.ledger.app.engine

    def is_ready(self) -> bool:
        return bool(self.engine.status().ready) and bool(self.engine.partitions)


@dataclass
class Arena:
    """Everything one test has on the broker."""

    bootstrap_servers: str
    names: Names
    folder: Path
    partitions: int = 2
    processes: list[WorkerProcess] = field(default_factory=list)
    #: What runs in this process: the app over the test's topics.
    application: Callable[..., Any] = build

    def __post_init__(self) -> None:
        self.client = {"bootstrap.servers": self.bootstrap_servers}
        self.producer = Producer(
            {**self.client, "partitioner": "murmur2_random", "linger.ms": 1, "message.max.bytes": 2_000_000}
        )
        self.admin = AdminClient(self.client)

    def create_topics(self, *names: str) -> None:
        """Create some (default: all) of the test's topics."""
        compacted = {self.names.accounts, self.names.audited}
        news = []
        for name in names or self.names.all():
            most_bytes = DEAD_LETTER_BYTES if name == self.names.dead_letters else RECORD_BYTES
            config = {
                "cleanup.policy": "compact" if name in compacted else "delete",
                "max.message.bytes": str(most_bytes),
            }
            news.append(NewTopic(name, self.partitions, 1, config=config))
        for created in self.admin.create_topics(news).values():
            created.result()

    def settings(self, instance: str = "one", **changes: Any) -> EngineSettings:
        """Settings of one worker."""
        given: dict[str, Any] = {
            "client": self.client,
            "group_id": self.names.prefix,
            "transactional_id": f"{self.names.prefix}-{instance}",
            "data_dir": self.folder / "data",
            "partitions": self.partitions,
        }
        return EngineSettings(**{**given, **changes})

    # -- what goes in

    def send(self, topic: str, key: str | bytes | None, value: Any, **options: Any) -> None:
        """Produce one record; `flush` afterwards."""
        data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        self.producer.produce(topic, data, key, **options)

    def deposit(self, ids: Iterator[str] | list[str], keys: int = 10) -> list[str]:
        """Spread records over both inputs and some keys."""
        sent = []
        for number, record_id in enumerate(ids):
            topic = self.names.deposits if number % 2 else self.names.withdrawals
            self.send(topic, f"k{number % keys}", {"id": record_id})
            sent.append(record_id)
        self.producer.flush()
        return sent

    # -- what comes out

    def read(self, topic: str) -> list[Any]:
        """All that a read_committed consumer sees of a topic, by partition and offset."""
        consumer = Consumer(
            {
                **self.client,
                "group.id": "reader",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
            }
        )
        consumer.assign([TopicPartition(topic, number, 0) for number in range(self.partitions)])
        ended: set[int] = set()
        messages = []
        while len(ended) < self.partitions:
            for message in consumer.consume(1000, 0.1):
                if message.error():
                    ended.add(message.partition())
                else:
                    messages.append(message)
        consumer.close()
        return sorted(messages, key=lambda message: (message.partition(), message.offset()))

    def values(self, topic: str) -> list[Any]:
        """Decoded values of a topic."""
        return [json.loads(message.value()) for message in self.read(topic)]

    def table(self, topic: str) -> dict[tuple[int, bytes], bytes]:
        """A changelog's rows: the last value of each key, tombstones applied, by partition and key."""
        rows: dict[tuple[int, bytes], bytes] = {}
        for message in self.read(topic):
            place = (message.partition(), message.key())
            if message.value() is None:
                rows.pop(place, None)
            else:
                rows[place] = message.value()
        return rows

    def lag(self) -> int:
        """Records between the group's committed offsets and the ends of all inputs."""
        names = self.names
        asked = [
            TopicPartition(topic, number)
            for topic in (names.deposits, names.withdrawals, names.entries)
            for number in range(self.partitions)
        ]
        consumer = Consumer({**self.client, "group.id": names.prefix, "isolation.level": "read_committed"})
        try:
            # No answer while a dead worker's offsets are pending in its open transaction, or while a broker restarts.
            committed = {(tp.topic, tp.partition): max(0, tp.offset) for tp in consumer.committed(asked, 5)}
            # High watermarks, asked afterwards: a commit's offsets can be stable before its records are.
            ends = Cluster(self.admin, 10).ends(committed)
        except KafkaException:
            return 1_000_000
        finally:
            consumer.close()
        return int(sum(ends.values()) - sum(committed.values()))

    def wait_until_folded(self, patience_s: float = PATIENCE_S) -> None:
        """Everything sent so far is committed, trailing transaction markers included."""
        wait_until(lambda: self.lag() == 0, "the group has committed everything", patience_s)

    def is_folded_by(self, worker: WorkerProcess) -> bool:
        """Whether everything gets committed before the worker ends."""
        wait_until(lambda: worker.process.poll() is not None or self.lag() == 0, "the worker ends or is done")
        return worker.process.poll() is None

    # -- workers

    @contextmanager
    def running(self, instance: str = "one", hooks: Any = None, **changes: Any) -> Iterator[RunningApp]:
        """The app in a thread of this process, until the block ends."""
        points: list[FaultPoint] = []

        def reached(point: FaultPoint) -> None:
            points.append(point)
            if hooks is not None:
                hooks(point)

        ledger = self.application(self.names, self.settings(instance, **changes), hooks=reached)
        loop = asyncio.new_event_loop()
        started = threading.Event()

        asked = asyncio.Event()

        async def life() -> None:
            await ledger.app.start()
            started.set()
            waiting = [asyncio.ensure_future(asked.wait()), asyncio.ensure_future(ledger.app.wait_until_stopped())]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await ledger.app.stop()
            leftovers = asyncio.all_tasks() - {asyncio.current_task()}
            for task in leftovers:
                task.cancel()
            await asyncio.gather(*leftovers, return_exceptions=True)

        def run() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(life())

        thread = threading.Thread(target=run, name=f"app-{instance}", daemon=True)
        thread.start()
        assert started.wait(PATIENCE_S)
        running = RunningApp(ledger, loop, thread, points)
        try:
            yield running
        finally:
            loop.call_soon_threadsafe(asked.set)
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the app did not stop"
            loop.close()

    def start(
        self,
        instance: str = "one",
        fault: str = "",
        after: int = 1,
        freeze: bool = False,
        hang: bool = False,
        then: str = "",
        **changes: Any,
    ) -> WorkerProcess:
        """A worker process. With `fault` it kills itself when it is there for the `after`-th time.

        With `freeze` it stops itself there instead, with `hang` it does not return from there, with `then` it kills
        itself at that point afterwards.
        """
        log = self.folder / f"{instance}-{len(self.processes)}.log"
        harm = "hang" if hang else "freeze" if freeze else "kill"
        faults = [(fault, after, harm), (then, 1, "kill")]
        orders = {
            "prefix": self.names.prefix,
            "settings": {
                "client": self.client,
                "group_id": self.names.prefix,
                "transactional_id": f"{self.names.prefix}-{instance}",
                "data_dir": str(self.folder / "data"),
                "partitions": self.partitions,
                # What a kill leaves open holds its heir up for so long.
                "transaction_timeout_ms": 6_000,
                "stalled_after_ms": 20_000,
                **changes,
            },
            "faults": [each for each in faults if each[0]],
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.worker_process", json.dumps(orders)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        worker = WorkerProcess(process, log)
        self.processes.append(worker)
        return worker

    def end(self) -> None:
        """Kill what is left."""
        for worker in self.processes:
            if worker.process.poll() is None:
                worker.kill()

    # -- what must hold

    def check_books(self, sent: list[str]) -> None:
        """Each record had its effect once, in order, through both stages; state is what the effects add up to."""
        entries = self.read(self.names.entries)
        found = [json.loads(message.value()) for message in entries]
        assert sorted(entry["id"] for entry in found) == sorted(sent)
        last: dict[bytes, Mapping[str, Any]] = {}
        for message, entry in zip(entries, found, strict=True):
            before = last.get(message.key(), {"n": 0, "id": ""})
            assert (entry["n"], entry["previous"]) == (before["n"] + 1, before["id"])
            last[message.key()] = entry
        assert sorted(receipt["id"] for receipt in self.values(self.names.receipts)) == sorted(sent)
        for topic in (self.names.accounts, self.names.audited):
            state = {key: json.loads(row) for (_, key), row in self.table(topic).items()}
            assert state == {key: {"count": entry["n"], "last": entry["id"]} for key, entry in last.items()}

    def check_stores(self, instance: str = "one") -> None:
        """The stores of a worker that has ended hold what the state topics hold, to the byte."""
        stores = Stores(self.settings(instance))
        topics = {"accounts": self.table(self.names.accounts), "audited": self.table(self.names.audited)}
        for number in range(self.partitions):
            store = stores.open(number)
            for table, rows in topics.items():
                prefix = table.encode() + b"\x00"
                held = {key[len(prefix) :]: row for key, row in store.scan(prefix, prefix)}
                assert held == {key: row for (partition, key), row in rows.items() if partition == number}
            store.close()
