"""What is said of a pipeline under which something broke: each fault as it looks from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.app import engine_settings
from streams.doctor.examine import _or_refused
from streams.doctor.faults import open_transactions, owners, progress, replicas, stores
from streams.doctor.finding import Finding, Level, ok
from streams.engine.store import Stores
from streams.lookup.pipeline import Member, Pipeline
from streams.settings import Settings
from tests.conftest import Kafka
from tests.generation import new_generation

PLACES = {("raw", 0): 0, ("raw", 1): 0}


def pipeline(*partitions: int, lag: dict[Any, int] = PLACES, positions: dict[Any, int] | None = None) -> Pipeline:
    members = tuple(Member(f"w{at}", "10.0.0.1", count) for at, count in enumerate(partitions))
    return Pipeline("paystate", "stable", members, positions or dict.fromkeys(lag, 5), lag)


def cluster_of(*partitions: tuple[int, list[int], list[int]]) -> Any:
    """An admin client's answer about one topic: leader, replicas and those in sync, by partition."""
    parts = {
        at: SimpleNamespace(id=at, leader=leader, replicas=known, isrs=synced)
        for at, (leader, known, synced) in enumerate(partitions)
    }
    answer = SimpleNamespace(topics={"raw": SimpleNamespace(partitions=parts)})
    return SimpleNamespace(list_topics=lambda **_: answer)


def test_a_broker_that_is_down_is_named_by_the_replicas_that_it_lacks() -> None:
    found = replicas(cluster_of((1, [1, 2, 3], [1, 2]), (2, [1, 2], [1, 2])), ["raw", "missing"])
    assert found.level is Level.WARN
    assert "broker 3: raw[0]" in found.found


def test_a_partition_without_a_leader_fails() -> None:
    found = replicas(cluster_of((-1, [1], [1]), (1, [1], [1])), ["raw"])
    assert (found.level, "raw[0]" in found.found) == (Level.FAIL, True)
    assert replicas(cluster_of((1, [1], [1])), ["raw"]).level is Level.OK


def test_a_partition_that_no_worker_has_is_counted() -> None:
    assert owners(pipeline()).level is Level.SKIP
    assert owners(pipeline(1, 1)).level is Level.OK
    found = owners(pipeline(1))
    assert (found.level, found.found) == (Level.WARN, "1 of 2 input partitions have no worker")


def test_lag_that_does_not_move_is_told_from_lag_that_does() -> None:
    waits = {("raw", 0): 7, ("raw", 1): 9}
    before = pipeline(2, lag=waits)
    stuck = progress(before, replace(before, positions={("raw", 0): 5, ("raw", 1): 6}), 3.0)
    assert (stuck.level, "raw[0] 7" in stuck.found, "raw[1]" in stuck.found) == (Level.WARN, True, False)
    assert progress(before, replace(before, lag=PLACES), 3.0).level is Level.OK


def test_who_has_the_partitions_that_stand_still_is_named() -> None:
    waits = {("raw", 0): 7, ("raw", 1): 9}
    blue = Member("paystate/1/form-1/blue", "10.0.0.1", 1, frozenset({("raw", 0)}))
    green = Member("paystate/1/form-1/green", "10.0.0.2", 1, frozenset({("raw", 1)}))
    before = replace(pipeline(lag=waits), members=(blue, green))
    found = progress(before, replace(before, positions={("raw", 0): 6, ("raw", 1): 5}), 3.0)
    assert found.advice.startswith("green on 10.0.0.2 has them")
    nobody = progress(before, replace(before, members=(blue,), positions={("raw", 0): 6, ("raw", 1): 5}), 3.0)
    assert nobody.advice == "no worker has them: see `owners`"


def test_a_condemned_store_and_one_whose_index_is_damaged_are_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert stores(settings).level is Level.OK
    kept = Stores(engine_settings(settings, {"bootstrap.servers": "x"}, "w"))
    for partition in (0, 1, 2):
        store = kept.open(partition)
        store.close()
    assert stores(settings).level is Level.OK
    (kept.path(0) / "condemned").write_text("1 a checksum did not match\n")
    (index,) = kept.path(2).glob("MANIFEST-*")
    index.write_bytes(index.read_bytes()[:6] + b"\xff" + index.read_bytes()[7:])
    found = stores(settings)
    assert found.level is Level.WARN
    assert "w/0: a checksum did not match" in found.found
    assert "w/1" not in found.found
    assert "w/2: MANIFEST" in found.found


def test_a_coordinator_that_is_away_is_not_taken_for_missing_rights() -> None:
    def asking(code: int) -> Iterator[Finding]:
        if code:
            raise KafkaException(KafkaError(code))
        yield ok("workers", "never said")

    (away,) = _or_refused("workers", asking(KafkaError.COORDINATOR_NOT_AVAILABLE))
    (refused,) = _or_refused("workers", asking(KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert "coordinator" in away.advice
    assert "right" in refused.advice


@pytest.mark.kafka
def test_a_transaction_that_nobody_ends_is_found_by_the_age_of_its_first_record(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = new_generation(kafka.bootstrap_servers, tmp_path)
    admin, topic = AdminClient(generation.client), generation.topics.alerts.kafka_name
    assert replicas(admin, [topic]).level is Level.OK
    assert open_transactions(generation.client, [topic], 10_000).found.startswith("0 open")
    with generation.open_transaction() as producer:
        long_ago_ms = int(time.time() * 1000) - 120_000
        producer.produce(topic, b"{}", b"k", 1, timestamp=long_ago_ms)
        producer.flush(30)
        found = open_transactions(generation.client, [topic], 10_000)
        assert found.level is Level.FAIL
        assert f"{topic}[1] for 12" in found.found
        young = open_transactions(generation.client, [topic], 600_000)
        assert (young.level, young.found[:6]) == (Level.OK, "1 open")
    assert open_transactions(generation.client, [topic], 10_000).level is Level.OK
