"""Make the broker's topics agree with their contracts; refuse what would destroy data.

Never done: fewer or more partitions (keys would move), shorter retention, a clean-up policy that starts to delete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.contracts import TopicContract, contracts
from schemas.names import SHARED, topic_name

_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.05


class Action(Enum):
    """What must happen to a topic."""

    NONE = "agrees"
    CREATE = "create"
    CORRECT = "correct"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One topic's difference: ``what`` tells it to a person, ``config`` is what would be set."""

    topic: str
    action: Action
    what: str
    config: Mapping[str, str]
    partitions: int


class RefusedError(RuntimeError):
    """Changes that would destroy or move data; nothing was changed."""


def diff(admin: AdminClient, partitions: int, generation: int = 1) -> list[Change]:
    """What must happen to every topic so that it agrees with its contract."""
    existing = admin.list_topics(timeout=_TIMEOUT_S).topics
    # What is copied is shared all the same: a later generation needs both.
    named = {name: row for row in contracts() for name in (topic_name(row.name, generation), *_shared(row.name))}
    configs = _configs(admin, [name for name in named if name in existing])
    return [
        _change(
            name, row, _count(name, row, partitions, generation, existing), existing.get(name), configs.get(name, {})
        )
        for name, row in named.items()
    ]


def _shared(contract: str) -> tuple[str, ...]:
    return (contract,) if contract in SHARED else ()


def _count(name: str, row: TopicContract, partitions: int, generation: int, existing: Mapping[str, Any]) -> int:
    """What a later generation shares, and what goes with that, keeps the count that it has."""
    if row.partitions is not None:
        return row.partitions
    shared = row.name if name in SHARED else row.partitioned_as
    if generation > 1 and shared is not None and shared in existing:
        return len(existing[shared].partitions)
    return partitions


def apply(admin: AdminClient, partitions: int, generation: int = 1, replication_factor: int = -1) -> list[Change]:
    """Create and correct topics; returns what was done. Raises RefusedError before it changes anything."""
    changes = diff(admin, partitions, generation)
    refused = [f"{change.topic}: {change.what}" for change in changes if change.action is Action.REFUSED]
    if refused:
        raise RefusedError("; ".join(refused))
    _create([change for change in changes if change.action is Action.CREATE], admin, replication_factor)
    _correct([change for change in changes if change.action is Action.CORRECT], admin)
    return changes


def _create(changes: list[Change], admin: AdminClient, replication_factor: int) -> None:
    if not changes:
        return
    wanted = [
        NewTopic(change.topic, change.partitions, replication_factor, config=dict(change.config)) for change in changes
    ]
    for future in admin.create_topics(wanted, operation_timeout=_TIMEOUT_S).values():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _await_topics(admin, {change.topic for change in changes})


def _await_topics(admin: AdminClient, names: set[str]) -> None:
    """A created topic is not at once known to every answer of the broker."""
    _await(
        lambda: names <= set(admin.list_topics(timeout=_TIMEOUT_S).topics),
        f"the broker does not show all of {', '.join(sorted(names))}, which it said it created",
    )


def _await_configs(admin: AdminClient, changes: list[Change]) -> None:
    """Nor is a changed setting, which a worker reads right after."""

    def agree() -> bool:
        found = _configs(admin, [change.topic for change in changes])
        return all(
            _same(found[change.topic].get(key), value) for change in changes for key, value in change.config.items()
        )

    _await(agree, f"the broker does not show the settings of {', '.join(change.topic for change in changes)}")


def _await(shown: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not shown():
        if time.monotonic() > deadline:
            raise RefusedError(f"{complaint}: try again, then see the broker's log")
        time.sleep(_POLL_S)


def _correct(changes: list[Change], admin: AdminClient) -> None:
    if not changes:
        return
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            change.topic,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in change.config.items()
            ],
        )
        for change in changes
    ]
    for future in admin.incremental_alter_configs(resources).values():
        future.result(_TIMEOUT_S)
    _await_configs(admin, changes)


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources)
    return {
        resource.name: {key: entry.value for key, entry in future.result(_TIMEOUT_S).items()}
        for resource, future in answers.items()
    }


def _change(name: str, row: TopicContract, partitions: int, found: Any, config: Mapping[str, str]) -> Change:
    wanted = row.topic_config
    if found is None:
        return Change(name, Action.CREATE, f"{partitions} partitions", wanted, partitions)
    different = {key: value for key, value in wanted.items() if not _same(config.get(key), value)}
    what = ", ".join(f"{key} {config.get(key)} -> {value}" for key, value in sorted(different.items()))
    if len(found.partitions) != partitions:
        counts = f"has {len(found.partitions)} partitions, expected {partitions}"
        return Change(name, Action.REFUSED, f"{counts}: keys would move; use a new generation", {}, partitions)
    if reason := _destructive(config, different):
        return Change(name, Action.REFUSED, reason, {}, partitions)
    return Change(name, Action.CORRECT if different else Action.NONE, what, different, partitions)


def _same(found: str | None, wanted: str) -> bool:
    if found is None:
        return False
    return found == wanted or set(found.split(",")) == set(wanted.split(",")) or _number(found) == _number(wanted)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _destructive(config: Mapping[str, str], different: Mapping[str, str]) -> str | None:
    if "retention.ms" in different:
        found, wanted = int(config["retention.ms"]), int(different["retention.ms"])
        if wanted != -1 and (found == -1 or wanted < found):
            return f"retention.ms {found} -> {wanted} would delete records: do it by hand if it is meant"
    if "cleanup.policy" in different:
        found_policy, wanted_policy = (
            set(config["cleanup.policy"].split(",")),
            set(different["cleanup.policy"].split(",")),
        )
        if gained := wanted_policy - found_policy:
            return f"cleanup.policy gains {', '.join(sorted(gained))}: records would go; do it by hand if it is meant"
    return None
