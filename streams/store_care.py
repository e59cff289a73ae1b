"""The stores on this machine as a person cares for them: what is wrong with each, and making one anew."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

from streams.app import build, engine_settings, group_of
from streams.cluster import Cluster
from streams.engine import EngineSettings
from streams.engine.clients import ConfluentClients
from streams.engine.division import Division, divide
from streams.engine.hooks import no_hooks
from streams.engine.restore import Progress, Restorer, goals_of, why_unusable
from streams.engine.store import Stores
from streams.engine.store_check import condemn, condemned, examine, holder
from streams.engine.topology import Cluster as Questions
from streams.settings import Settings
from streams.verify.contracts import STATE, TABLES
from streams.verify.read import KafkaLog
from streams.verify.report import Report
from streams.verify.stores import RocksStore
from streams.verify.verifier import compare_stores

_TIMEOUT_S: Final = 10.0
_SHOWN: Final = 3
_BY_HAND: Final = "a person asked for it (paystate store rebuild)"


class NoStoreError(RuntimeError):
    """There is no such store on this machine; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Place:
    """One store on this disk: of which worker, of which partition."""

    instance: str
    partition: int
    folder: Path

    def __str__(self) -> str:
        return f"{self.instance}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one store. ``held_by``: the process that has it open; then nothing else was looked at.

    ``wrong``: why a worker would make it anew, or must not use it. ``rows`` and ``behind`` (records of its changelogs
    that it has yet to take) only where it could be read.
    """

    place: Place
    held_by: int | None = None
    rows: int = 0
    behind: int = 0
    wrong: str = ""


def places(settings: Settings) -> list[Place]:
    """The stores of this generation under the data folder."""
    group = group_of(settings)
    found = [
        Place(folder.parent.name.removeprefix(f"{group}-"), int(folder.name), folder)
        for folder in (settings.store_dir / group).glob("*/*")
        if folder.is_dir() and folder.name.isdigit()
    ]
    return sorted(found, key=lambda place: (place.instance, place.partition))


def check(cluster: Cluster, *, deep: bool) -> Iterator[Verdict]:
    """Look at every store: can all of it be read, do its marks fit the topics; ``deep``: is every row as published.

    Raises KafkaException, ConfigurationError, ReadError. Nothing is changed.
    """
    known = places(cluster.settings)
    if not known:
        return
    questions = _questions(cluster)
    divisions = _divisions(cluster, questions)
    for place in known:
        held_by = holder(place.folder)
        yield Verdict(place, held_by) if held_by else _judged(cluster, place, divisions, questions, deep=deep)


def _judged(
    cluster: Cluster, place: Place, divisions: Sequence[Division], questions: Questions, *, deep: bool
) -> Verdict:
    if why := condemned(place.folder):
        return Verdict(place, wrong=f"condemned, to be made anew by the next worker that takes it: {why}")
    found = examine(place.folder)
    if found.damage:
        return Verdict(place, wrong=found.damage)
    if found.as_of_ms is None:
        return Verdict(place, wrong="nothing was ever written to it, or its index is lost")
    division = _home(divisions, place)
    goals = goals_of(questions, division.tables, place.partition - division.first)
    wrong = why_unusable(goals, found.marks, found.as_of_ms, time.time_ns() // 1_000_000)
    if wrong:
        return Verdict(place, rows=found.rows, wrong=wrong)
    behind = sum(goal.end - found.marks[goal.topic].offset for goal in goals)
    return Verdict(place, rows=found.rows, behind=behind, wrong=_unlike_topics(cluster, place) if deep else "")


def _unlike_topics(cluster: Cluster, place: Place) -> str:
    """Rows that are not as published, up to the store's marks."""
    report = Report()
    contracts = [STATE, *TABLES.values()]
    with KafkaLog(cluster.client, cluster.settings.generation, contracts) as log:
        compare_stores(
            log,
            [RocksStore(place.folder, cluster.settings.partitions if cluster.settings.generation > 1 else None)],
            report,
        )
    if not report.store_mismatch:
        return ""
    told = [f"{row.subject}: expected {row.expected}, found {row.found}" for row in report.findings[:_SHOWN]]
    return f"{report.store_mismatch} rows are not as published: {'; '.join(told)}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a store. ``held_by``: a process still works with it; it is made anew when that has restarted."""

    place: Place
    held_by: int | None
    records: int = 0


def rebuild(cluster: Cluster, place: Place) -> Rebuilt:
    """Make a store anew: at once, or where a worker holds it at its next start.

    Raises StoreError, LostInput, ConfigurationError, KafkaException; the store is condemned then and heals later.
    """
    condemn(place.folder, _BY_HAND)
    held_by = holder(place.folder)
    if held_by:
        return Rebuilt(place, held_by)
    settings = engine_settings(cluster.settings, cluster.client, place.instance)
    division = _home(_divisions(cluster, _questions(cluster)), place)
    restored = _restorer(cluster, settings).restore(division, place.partition - division.first, Event(), Progress())
    restored.store.close()
    return Rebuilt(place, None, restored.records)


def find(settings: Settings, partition: int, instance: str | None) -> list[Place]:
    """The stores of a partition, of one worker or of all. Raises NoStoreError."""
    known = places(settings)
    found = [row for row in known if row.partition == partition and instance in (None, row.instance)]
    if not found:
        told = ", ".join(map(str, known)) or "none"
        raise NoStoreError(
            f"no store of partition {partition}{f' of {instance}' if instance else ''} in {settings.store_dir}: there "
            f"are {told} (worker/partition)"
        )
    return found


def _questions(cluster: Cluster) -> Questions:
    return Questions(cluster.admin(), _TIMEOUT_S)


def _divisions(cluster: Cluster, questions: Questions) -> tuple[Division, ...]:
    """As a worker has them: it numbers its stores through all of them."""
    inputs = build(cluster.settings, cluster.client, "store-care").inputs_declared
    facts = questions.describe({topic.kafka_name for one in inputs for topic in one.topics})
    if missing := sorted({topic.kafka_name for one in inputs for topic in one.topics} - facts.keys()):
        raise NoStoreError(f"topics are gone: {', '.join(missing)}. Create them (paystate topics apply)")
    counts = {name: known.partitions for name, known in facts.items()}
    return divide(inputs, counts, cluster.settings.partitions)


def _home(divisions: Sequence[Division], place: Place) -> Division:
    """Of which division a store is. Raises NoStoreError: of none, as the topics are now."""
    for division in divisions:
        if division.first <= place.partition < division.first + division.partitions:
            return division
    raise NoStoreError(f"store {place}: the topics have no such partition: a worker that is stopped may lose it")


def _restorer(cluster: Cluster, settings: EngineSettings) -> Restorer:
    return Restorer(
        settings,
        ConfluentClients(),
        _questions(cluster),
        Stores(settings),
        no_hooks,
        lambda: time.time_ns() // 1_000_000,
    )
