"""The hot partition of bench.limits: how long the facts of the others take before, beside its heat or backlog."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import count, islice
from statistics import median
from typing import Any, Final

from confluent_kafka import Producer

from bench.join import PARTITIONS, Arrivals
from bench.limits_run import Run, running, tell
from bench.load import STREAMS, Encoded, Facts
from streams.engine import partition_of

RATE_PER_S: Final = 50
"""Facts a second of each partition that is not hot."""
HOT: Final = 0
_BACKLOG_PER_S: Final = 4_000
"""Facts of a backlog for each second of its phase: more than a worker takes meanwhile."""
_PHASES: Final = ("before", "during", "backlog")


@dataclass
class Sent:
    """When a fact was handed to the producer, and of what."""

    phase: str
    turn: int
    is_hot: bool
    at_s: float


@dataclass
class Heating:
    """Produces what each phase says, on time; keeps when."""

    run: Run
    heat: int
    seconds: int
    sent: dict[str, Sent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._producer = Producer({**self.run.client, "linger.ms": 1, "acks": "all", "enable.idempotence": True})
        self._facts = [_facts_in(number) for number in range(PARTITIONS)]

    def do(self, phase: str, turn: int) -> None:
        """One phase, until all that it produced is taken."""
        rates = [RATE_PER_S] * PARTITIONS
        if phase == "during":
            rates[HOT] *= self.heat
        ready = list(islice(self._facts[HOT], _BACKLOG_PER_S * self.seconds)) if phase == "backlog" else []
        for fact in ready:
            self._produce(fact, HOT)
        begun_s = time.time()
        for due_s, partition in merge(*(_times(rate, self.seconds, number) for number, rate in enumerate(rates))):
            fact = next(self._facts[partition])
            self._producer.poll(0)
            time.sleep(max(0.0, begun_s + due_s - time.time()))
            self._produce(fact, partition)
            self.sent[fact.event_id] = Sent(phase, turn, partition == HOT, time.time())
        self._producer.flush(60)
        self.run.await_taken(*STREAMS)

    def _produce(self, fact: Encoded, partition: int) -> None:
        while True:
            try:
                self._producer.produce(fact.topic, fact.value, fact.key, partition)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return


def _times(rate: int, seconds: int, partition: int) -> Iterator[tuple[float, int]]:
    """When to produce to a partition: evenly, and not at the same moments as to the others."""
    return (((number + partition / PARTITIONS) / rate, partition) for number in range(rate * seconds))


def _facts_in(partition: int) -> Iterator[Encoded]:
    """The facts of payments that belong to a partition, one payment after the other."""
    facts = Facts("heat")
    for number in count():
        if partition_of(facts.key(number).encode(), PARTITIONS) == partition:
            yield facts.approval(number)
            yield facts.release(number)
            yield facts.acknowledgement(number)


def hot_partition(heat: int, rounds: int, seconds: int) -> dict[str, object]:
    """Latency from produced to visible, of the partitions that are not hot, by phase; phases take turns."""
    with running() as run:
        run.start().await_active()
        arrivals = Arrivals(run.client)
        arrivals.start()
        arrivals.ready.wait(30)
        heating = Heating(run, heat, seconds)
        heating.do("warm-up", 0)
        begun_s = time.monotonic()
        for turn in range(rounds):
            for phase in _PHASES:
                heating.do(phase, turn)
            tell(f"round {turn + 1} of {rounds}, workers' peak memory {run.peaks()} MB")
        elapsed_s = time.monotonic() - begun_s
        time.sleep(1.0)  # what was committed last is on its way to the reader
        arrivals.done.set()
        arrivals.join()
        found = _figures(heating.sent, arrivals.seen_s, rounds)
        return {
            "events": len(arrivals.seen_s),
            "seconds": round(elapsed_s, 1),
            "rate_per_s": RATE_PER_S,
            "heat": heat,
            **found,
            "peak_rss_mb": run.peaks(),
        }


def _figures(sent: dict[str, Sent], seen_s: dict[str, float], rounds: int) -> dict[str, object]:
    def delays_ms(phase: str, turns: Sequence[int], *, is_hot: bool = False) -> list[float]:
        chosen = {
            name: row for name, row in sent.items() if (row.phase, row.is_hot) == (phase, is_hot) and row.turn in turns
        }
        missing = chosen.keys() - seen_s.keys()
        if missing:
            raise RuntimeError(f"{len(missing)} of {len(chosen)} transitions were not seen")
        return sorted((seen_s[name] - row.at_s) * 1_000 for name, row in chosen.items())

    everything = range(rounds)
    found: dict[str, Any] = {f"others_{phase}_ms": _percentiles(delays_ms(phase, everything)) for phase in _PHASES}
    found["hot_during_ms"] = _percentiles(delays_ms("during", everything, is_hot=True))
    before = found["others_before_ms"]
    for phase in _PHASES[1:]:
        found[f"ratio_{phase}"] = {
            name: round(value / before[name], 2) for name, value in found[f"others_{phase}_ms"].items()
        }
        by_round = [
            _percentiles(delays_ms(phase, [turn]))["p99"] / _percentiles(delays_ms("before", [turn]))["p99"]
            for turn in everything
        ]
        found[f"ratio_{phase}"]["p99, median of rounds"] = round(median(by_round), 2)
    return found


def _percentiles(ordered: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
    }
