"""Topics on a real broker against their contracts: made, corrected, and refused where data would go or move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

import schemas.apply
from schemas.apply import Action, Change, RefusedError, apply, diff
from schemas.contracts import TopicContract, contract, contracts
from schemas.names import COPIED, SHARED, derived, topic_name
from tests.conftest import Kafka

pytestmark = pytest.mark.kafka
PARTITIONS = 2
DAY_MS = 86_400_000

Declare = Callable[[Iterable[TopicContract]], None]


@pytest.fixture
def admin(kafka: Kafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap_servers})


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Makes these the contracts that are applied."""
    return lambda rows: monkeypatch.setattr(schemas.apply, "contracts", lambda: tuple(rows))


def own(row: TopicContract, prefix: str, **changed: Any) -> TopicContract:
    """A contract under a name of this test's own."""
    return row.model_copy(update={"name": f"{prefix}.{row.name}", **changed})


def kept_for_days(prefix: str, days: int, **changed: Any) -> TopicContract:
    return own(contract("payments.approvals.v1"), prefix, retention_ms=days * DAY_MS, **changed)


def config_of(admin: AdminClient, topic: str) -> Mapping[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    (answer,) = admin.describe_configs([resource]).values()
    return {key: entry.value for key, entry in answer.result(30).items()}


def set_config(admin: AdminClient, topic: str, **config: str) -> None:
    entries = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for key, value in config.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    (answer,) = admin.incremental_alter_configs([resource]).values()
    answer.result(30)
    deadline = time.monotonic() + 30
    while not {(entry.name, entry.value) for entry in entries} <= config_of(admin, topic).items():
        assert time.monotonic() < deadline, f"{topic} does not take {config}"


def actions(changes: Iterable[Change]) -> dict[str, Action]:
    return {change.topic: change.action for change in changes}


def test_every_contract_becomes_a_topic_and_a_second_time_nothing_is_done(
    admin: AdminClient, prefix: str, declare: Declare
) -> None:
    rows = [own(row, prefix) for row in contracts()]
    declare(rows)
    assert set(actions(apply(admin, PARTITIONS)).values()) == {Action.CREATE}
    found = admin.list_topics(timeout=30).topics
    for row in rows:
        assert len(found[row.name].partitions) == (row.partitions or PARTITIONS)
        assert row.topic_config.items() <= config_of(admin, row.name).items()
    assert set(actions(diff(admin, PARTITIONS)).values()) == {Action.NONE}
    assert set(actions(apply(admin, PARTITIONS)).values()) == {Action.NONE}


def test_a_setting_that_somebody_changed_is_corrected_and_others_are_left(
    admin: AdminClient, prefix: str, declare: Declare
) -> None:
    row = kept_for_days(prefix, 30)
    declare([row])
    apply(admin, PARTITIONS)
    set_config(admin, row.name, max_message_bytes="2048", segment_ms="3600000")
    (change,) = diff(admin, PARTITIONS)
    assert (change.action, change.what) == (Action.CORRECT, "max.message.bytes 2048 -> 1048576")
    apply(admin, PARTITIONS)
    config = config_of(admin, row.name)
    assert (config["max.message.bytes"], config["segment.ms"]) == ("1048576", "3600000")
    assert set(actions(diff(admin, PARTITIONS)).values()) == {Action.NONE}


def test_longer_retention_is_given(admin: AdminClient, prefix: str, declare: Declare) -> None:
    declare([kept_for_days(prefix, 30)])
    apply(admin, PARTITIONS)
    longer = kept_for_days(prefix, 60)
    declare([longer])
    assert actions(apply(admin, PARTITIONS)) == {longer.name: Action.CORRECT}
    assert config_of(admin, longer.name)["retention.ms"] == str(60 * DAY_MS)


def test_a_policy_that_stops_deleting_is_given(admin: AdminClient, prefix: str, declare: Declare) -> None:
    declare([kept_for_days(prefix, 30, cleanup_policy=("compact", "delete"))])
    apply(admin, PARTITIONS)
    compacted = kept_for_days(prefix, 30, cleanup_policy=("compact",))
    declare([compacted])
    apply(admin, PARTITIONS)
    assert config_of(admin, compacted.name)["cleanup.policy"] == "compact"


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "fewer partitions": ({}, 1, "has 2 partitions, expected 1: keys would move; use a new generation"),
    "more partitions": ({}, 3, "has 2 partitions, expected 3: keys would move; use a new generation"),
    "shorter retention": ({"retention_ms": 7 * DAY_MS}, 2, "retention.ms 2592000000 -> 604800000 would delete records"),
    "compaction": ({"cleanup_policy": ("compact", "delete")}, 2, "cleanup.policy gains compact: records would go"),
}


@pytest.mark.parametrize(("changed", "partitions", "complaint"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_would_delete_or_move_data_is_refused_before_anything_is_done(
    admin: AdminClient, prefix: str, declare: Declare, changed: dict[str, Any], partitions: int, complaint: str
) -> None:
    there, wrong = kept_for_days(prefix, 30), own(contract("payments.alerts.v1"), prefix, partitions=PARTITIONS)
    declare([there, wrong])
    apply(admin, PARTITIONS)
    set_config(admin, wrong.name, max_message_bytes="2048")
    missing = own(contract("payments.clock.v1"), prefix)
    declare([missing, there.model_copy(update=changed), wrong])
    with pytest.raises(RefusedError) as caught:
        apply(admin, partitions)
    assert str(caught.value).startswith(f"{there.name}: {complaint}")
    assert missing.name not in admin.list_topics(timeout=30).topics
    assert config_of(admin, wrong.name)["max.message.bytes"] == "2048"
    assert len(admin.list_topics(timeout=30).topics[there.name].partitions) == PARTITIONS


def test_a_state_topic_never_starts_to_delete(admin: AdminClient, prefix: str, declare: Declare) -> None:
    state = own(contract("payments.state.v1"), prefix)
    declare([state])
    apply(admin, PARTITIONS)
    declare([state.model_copy(update={"cleanup_policy": ("compact", "delete"), "retention_ms": -1})])
    with pytest.raises(RefusedError, match="gains delete: records would go; do it by hand if it is meant"):
        apply(admin, PARTITIONS)
    declare([state.model_copy(update={"retention_ms": DAY_MS})])
    with pytest.raises(RefusedError, match=r"retention\.ms -1 -> 86400000 would delete records"):
        apply(admin, PARTITIONS)


def test_all_refusals_are_told_at_once(admin: AdminClient, prefix: str, declare: Declare) -> None:
    rows = [kept_for_days(prefix, 30), own(contract("payments.state.v1"), prefix)]
    declare(rows)
    apply(admin, PARTITIONS)
    with pytest.raises(RefusedError) as caught:
        apply(admin, PARTITIONS + 1)
    assert all(row.name in str(caught.value) for row in rows)


def test_a_fixed_number_of_partitions_is_kept_in_every_generation(
    admin: AdminClient, prefix: str, declare: Declare
) -> None:
    row = own(contract("payments.clock.v1"), prefix, partitions=1)
    declare([row])
    apply(admin, PARTITIONS, generation=7)
    assert len(admin.list_topics(timeout=30).topics[f"{row.name}.g7"].partitions) == 1
    assert actions(diff(admin, 5, generation=7)) == {f"{row.name}.g7": Action.NONE}


def test_two_that_apply_at_once_both_end_well(admin: AdminClient, prefix: str, declare: Declare) -> None:
    declare([own(row, prefix) for row in contracts()[:6]])
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(apply, admin, PARTITIONS) for _ in range(4)]:
            done.result(60)
    assert set(actions(diff(admin, PARTITIONS)).values()) == {Action.NONE}


def test_what_the_broker_refuses_is_raised(admin: AdminClient, prefix: str, declare: Declare) -> None:
    declare([kept_for_days(prefix, 30)])
    with pytest.raises(KafkaException, match="REPLICATION_FACTOR"):
        apply(admin, PARTITIONS, replication_factor=9)


def test_a_generation_has_topics_of_its_own_but_for_the_shared_ones() -> None:
    for row in contracts():
        suffix = "" if row.name in SHARED - COPIED else ".g2"
        assert topic_name(row.name, 2) == row.name + suffix
        assert topic_name(row.name) == row.name
        assert derived(row.name, 2) == (suffix != "")
        assert derived(row.name, 1) == (row.name not in SHARED)


@pytest.mark.parametrize("generation", [0, -1])
def test_a_generation_is_numbered_from_one(generation: int) -> None:
    with pytest.raises(ValueError, match=f"generation {generation}: expected 1 or more"):
        topic_name("payments.state.v1", generation)
