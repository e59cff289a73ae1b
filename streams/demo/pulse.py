"""How far the workers are: lag by stage, and which partitions each of them has. Asked once a second, in a thread."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException

from streams.quiet import Progress
from streams.topics import Topics

_EVERY_S: Final = 1.0
_ANSWER_WITHIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class WorkerPulse:
    """What a worker says of itself; ``state`` is "gone" if it says nothing."""

    state: str
    active: tuple[int, ...]
    restoring: tuple[int, ...]


GONE: Final = WorkerPulse("gone", (), ())


@dataclass(frozen=True, slots=True)
class Beat:
    """One look. ``lag`` by stage, in the order of the pipeline."""

    lag: Mapping[str, int]
    workers: Mapping[str, WorkerPulse]

    @property
    def owners(self) -> dict[int, str]:
        """Who works on each partition."""
        return {number: name for name, worker in self.workers.items() for number in worker.active}


NOTHING: Final = Beat({}, {})


def stages(topics: Topics) -> dict[str, list[str]]:
    """The inputs of every agent, by its name (streams/app.py)."""
    return {
        "normalise": [topics.raw.kafka_name],
        "correlate": [topics.references.kafka_name],
        "lifecycle": [
            row.kafka_name
            for row in (
                topics.approvals,
                topics.releases,
                topics.bank_acks,
                topics.reconciliations,
                topics.commands,
                topics.verdicts,
            )
        ],
        "duplicates": [topics.fingerprints.kafka_name],
    }


class Pulse:
    """Start, read ``beat``, stop. ``addresses``: where each worker serves its pages.

    ``looked_s``: when the look at what ``beat`` tells began (monotonic).
    """

    def __init__(
        self, client: Mapping[str, Any], group: str, topics: Topics, addresses: Callable[[], Mapping[str, str]]
    ) -> None:
        self.beat = NOTHING
        self.looked_s = 0.0
        self._client = client
        self._group = group
        self._stage_of = {topic: stage for stage, inputs in stages(topics).items() for topic in inputs}
        self._addresses = addresses
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def workers(self) -> dict[str, WorkerPulse]:
        """Ask every worker now."""
        return {name: _ask(address) for name, address in self._addresses().items()}

    def _run(self) -> None:
        with Progress(self._client, self._group, list(self._stage_of)) as progress:
            while not self._ended.wait(_EVERY_S):
                began_s = time.monotonic()
                self.beat = Beat(self._lag(progress), self.workers())
                self.looked_s = began_s

    def _lag(self, progress: Progress) -> Mapping[str, int]:
        try:
            behind = progress.behind(progress.ends())
        except KafkaException:
            return self.beat.lag  # looked at again in a second
        waiting = Counter(dict.fromkeys(self._stage_of.values(), 0))
        for (topic, _), count in behind.items():
            waiting[self._stage_of[topic]] += count
        return waiting


def _ask(address: str) -> WorkerPulse:
    try:
        with urllib.request.urlopen(f"{address}/status", timeout=_ANSWER_WITHIN_S) as answer:  # noqa: S310 -- our own worker
            return _pulse(json.load(answer))
    except (OSError, ValueError, http.client.HTTPException):
        return GONE


def _pulse(status: Mapping[str, Any]) -> WorkerPulse:
    active = tuple(row["partition"] for row in status["partitions"] if row["phase"] == "active")
    others = tuple(row["partition"] for row in status["partitions"] if row["phase"] != "active")
    return WorkerPulse(status["state"], active, others)
