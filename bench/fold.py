"""The lifecycle agent without Kafka: what a fact costs from its bytes to the bytes of what is published, by stage.

    python -m bench.fold [--payments N] [--in-flight N] [--repeats N] [--json] [--bare]

The engine's own tasks over real stores take facts of made-up payments (bench/load.py) in units of work as a worker
does; only the clients are missing. Every repetition has other payments, so that data is cold. Figures are microseconds
of CPU a fact, of each the least of all repetitions, because the machine has other work too. Asking for the time costs
some microseconds a fact; ``--bare`` asks for the whole only, for that figure, a profiler or callgrind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar

from bench.load import STREAMS, Encoded, Facts
from streams.agents.lifecycle import lifecycle
from streams.agents.payment_rows import PaymentRows
from streams.domain.payment import Context
from streams.domain.policy import Policy
from streams.engine import DueIndex, EngineSettings, TableDeclaration, Topic, partition_of
from streams.engine.buffers import InputBuffer
from streams.engine.division import Division
from streams.engine.outbox import Sending
from streams.engine.partition import Sealed, Task
from streams.engine.store import Store, Stores
from streams.engine.topic import Route
from streams.metrics import PipelineMetrics
from streams.settings import MetricsSettings
from streams.topics import Topics, topics_of
from streams.worker import settle_memory

PARTITIONS: Final = 4
_MOST_BYTES: Final = 1 << 20
#: More than any unit here comes to.
_UNIT_BYTES: Final = 1 << 28
_T = TypeVar("_T")


@dataclass(slots=True)
class Message:
    """A consumed record, as far as a fold looks at one."""

    topic: str
    in_partition: int
    place: int
    key_bytes: bytes
    data: bytes

    def __len__(self) -> int:
        return len(self.data)

    def partition(self) -> int:
        """Where it lies."""
        return self.in_partition

    def offset(self) -> int:
        """Its place there."""
        return self.place

    def key(self) -> bytes:
        """The correlation id."""
        return self.key_bytes

    def value(self) -> bytes:
        """The fact."""
        return self.data

    def timestamp(self) -> tuple[int, int]:
        """Facts are taken in the order in which they were made."""
        return (0, self.place)


def consumed(facts: Iterable[Encoded], place: int) -> list[Message]:
    """The facts as a consumer hands them out, from ``place`` on."""
    return [
        Message(fact.topic, partition_of(fact.key, PARTITIONS), place + number, fact.key, fact.value)
        for number, fact in enumerate(facts)
    ]


@dataclass(slots=True)
class Stopwatch:
    """Where the time of one repetition went, in nanoseconds; stages that lie within another one are taken out of it."""

    is_running: bool
    spent_ns: Counter[str] = field(default_factory=Counter)

    def timed(self, stage: str, call: Callable[..., _T]) -> Callable[..., _T]:
        """The same call, its time noted."""
        if not self.is_running:
            return call
        spent_ns, now_ns = self.spent_ns, time.thread_time_ns

        def measured(*arguments: Any) -> _T:
            begun_ns = now_ns()
            try:
                return call(*arguments)
            finally:
                spent_ns[stage] += now_ns() - begun_ns

        return measured


class Bench:
    """The lifecycle agent's tasks over four stores, as a worker has them."""

    def __init__(self, folder: Path, watch: Stopwatch) -> None:
        self._watch = watch
        settings = EngineSettings(
            client={"bootstrap.servers": "nobody"},
            group_id="bench",
            transactional_id="bench",
            data_dir=folder,
            partitions=PARTITIONS,
        )
        self._unit = settings.unit_max_records
        topics = self._topics()
        inputs = self._inputs(topics)
        division = Division((inputs,), PARTITIONS)
        stores = Stores(settings)
        self._stores = [stores.open(number) for number in range(PARTITIONS)]
        self._buffers = [
            {topic.name: InputBuffer(topic, place, number, 0) for place, topic in enumerate(inputs.topics)}
            for number in range(PARTITIONS)
        ]
        self._tasks = [
            Task(inputs, number, division, [*buffers.values()], store, settings, {"payments": _MOST_BYTES})
            for number, (buffers, store) in enumerate(zip(self._buffers, self._stores, strict=True))
        ]
        self._handler = lifecycle(topics, Policy(), 1)
        told = (topics.transitions, topics.alerts, topics.fingerprints, topics.dead_letters)
        routes = {topic.name: Route(topic.kafka_name, PARTITIONS, _MOST_BYTES) for topic in told}
        nobody: Any = None
        self._sending = Sending(routes, nobody, routes[topics.dead_letters.name], lambda: 0)
        self._metrics = PipelineMetrics(MetricsSettings(), STREAMS)

    def _topics(self) -> Topics:
        """Their codecs timed."""
        topics, timed = topics_of(1), self._watch.timed

        def read(topic: Topic[_T]) -> Topic[_T]:
            return replace(topic, decode=timed("decode the fact", topic.decode))

        def told(topic: Topic[_T]) -> Topic[_T]:
            return replace(topic, encode=timed("encode what is told", topic.encode))

        return replace(
            topics,
            approvals=read(topics.approvals),
            releases=read(topics.releases),
            bank_acks=read(topics.bank_acks),
            transitions=told(topics.transitions),
            alerts=told(topics.alerts),
            fingerprints=told(topics.fingerprints),
        )

    def _inputs(self, topics: Topics) -> Any:
        rows, timed = PaymentRows(topics.state, Context(Policy(), 1)), self._watch.timed
        table = TableDeclaration(
            "payments",
            topics.state,
            timed("encode the row", rows.encode),
            timed("decode a row", rows.decode),
            DueIndex(of_value=rows.due_of_value, of_row=rows.due_of_row),
        )
        facts: tuple[Topic[Any], ...] = (topics.approvals, topics.releases, topics.bank_acks)
        return SimpleNamespace(topics=facts, tables=(table,), stage="lifecycle")

    def fold(self, messages: Sequence[Message]) -> None:
        """Everything, unit by unit, as a worker takes a backlog."""
        waiting = iter(messages)
        while (piece := list(islice(waiting, self._unit))) or any(task.holds_records for task in self._tasks):
            self._watch.timed("take", self._take)(piece)
            sealed = [self._folded(task) for task in self._tasks]
            for store, folded in zip(self._stores, sealed, strict=True):
                self._watch.timed("write the store", _write)(store, folded)
            for folded in sealed:
                self._watch.timed("keep rows", folded.task.committed)(folded)
                self._watch.timed("count", self._metrics.noted)("lifecycle", folded.batch.out.notes)

    def _take(self, messages: Sequence[Message]) -> None:
        """What the consumer does with records."""
        for message in messages:
            self._buffers[message.in_partition][message.topic].add(message)  # type: ignore[arg-type]  # all that is looked at

    def _folded(self, task: Task) -> Sealed:
        watch = self._watch
        records = watch.timed("take", task.collect)(self._unit)
        batch = task.batch(records, self._sending, lambda: False, _UNIT_BYTES)
        watch.timed("fold", batch.each)(self._handler)
        if batch.out.failures:
            raise RuntimeError(f"{len(batch.out.failures)} facts became dead letters: {batch.out.failures[0]}")
        return watch.timed("seal", task.seal)(batch)

    def close(self) -> None:
        """Close the stores."""
        for store in self._stores:
            store.close()


def _write(store: Store, folded: Sealed) -> None:
    store.write(chain.from_iterable(rows.store_rows() for rows in folded.rows), {}, 0)


#: What lies within what.
_WITHIN: Final = {
    "fold": ("decode the fact", "decode a row", "encode what is told", "encode the row"),
}


def stages_of(watch: Stopwatch) -> dict[str, float]:
    """Nanoseconds by stage, those within others taken out."""
    spent = dict(watch.spent_ns)
    for outer, inner in _WITHIN.items():
        spent[outer] = spent.get(outer, 0) - sum(spent.get(stage, 0) for stage in inner)
    return {stage: float(spent_ns) for stage, spent_ns in spent.items()}


def measured(folder: Path, payments: int, in_flight: int, repeats: int, *, bare: bool) -> dict[str, float]:
    """Microseconds a fact: ``whole`` by the process's CPU time, each stage by its thread's."""
    watch = Stopwatch(is_running=not bare)
    bench = Bench(folder, watch)
    warm = consumed(Facts("warm").payments(2_000, in_flight), 0)
    bench.fold(warm)
    begin = len(warm)
    least: dict[str, float] = {}
    for repeat in range(repeats):
        messages = consumed(Facts(f"run-{repeat}").payments(payments, in_flight), begin)
        begin += len(messages)
        watch.spent_ns.clear()
        cpu_ns = time.process_time_ns()
        bench.fold(messages)
        found = {"whole": float(time.process_time_ns() - cpu_ns), **({} if bare else stages_of(watch))}
        for stage, spent_ns in found.items():
            us = spent_ns / len(messages) / 1_000
            least[stage] = round(min(us, least.get(stage, us)), 2)
    bench.close()
    return least


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=1_000, help="payments under way at a time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bare", action="store_true", help="the whole only")
    given = parser.parse_args()
    settle_memory()
    with tempfile.TemporaryDirectory(prefix="paystate-bench-") as name:
        figures = measured(Path(name), given.payments, given.in_flight, given.repeats, bare=given.bare)
    if given.json:
        print(json.dumps({"us_per_event": figures, "python": sys.version.split()[0], **vars(given)}))
        return
    for stage, us in figures.items():
        print(f"{stage:>24}  {us:6.2f}")


if __name__ == "__main__":
    main()
