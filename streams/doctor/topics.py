"""Checks of the topics: against their contracts, and of what everything else rests on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from schemas.apply import Action, Change, diff
from schemas.names import SHARED
from streams.doctor.finding import Finding, fail, ok, skip, warn
from streams.engine.dead_letters import ENVELOPE_BYTES
from streams.lookup.pipeline import input_topics
from streams.offsets import ask_again
from streams.settings import Settings
from streams.topics import Topics

_TIMEOUT_S: Final = 10.0
_SHOWN: Final = 6
_SKEW_US: Final = 2_000_000
"""More than this is no network delay; the allowance that proved time leaves (contracts.md, "Order and time")."""
_APPLY: Final = "`paystate topics apply`"


def examine_topics(admin: AdminClient, settings: Settings, topics: Topics) -> Iterator[Finding]:
    """Every check of topics."""
    yield contracts(diff(admin, settings.partitions, settings.generation), settings)
    found = admin.list_topics(timeout=_TIMEOUT_S).topics
    counts = {name: len(found[name].partitions) for name in input_topics(topics) if name in found}
    later = settings.generation > 1  # shared topics are read apart from its own: their count may be another one
    yield partition_counts({name: count for name, count in counts.items() if not (later and name in SHARED)})
    dead, raw = topics.dead_letters.kafka_name, topics.raw.kafka_name
    if dead not in found or raw not in found:
        yield skip("dead letter size", "topics are missing")
        return
    configs = topic_configs(admin, [*counts, dead])
    yield dead_letter_size(configs, dead)
    yield arrival_time(configs[raw])
    yield clock(_newest_us(admin, raw, counts[raw]), time.time_ns() // 1_000)


def contracts(changes: Sequence[Change], settings: Settings) -> Finding:
    """What `paystate topics apply` would do."""
    refused = [f"{row.topic}: {row.what}" for row in changes if row.action is Action.REFUSED]
    missing = [row.topic for row in changes if row.action is Action.CREATE]
    wrong = [f"{row.topic}: {row.what}" for row in changes if row.action is Action.CORRECT]
    if refused:
        return fail("topics", _some(refused), f"{_APPLY} refuses this, because records would be lost or moved")
    if missing and settings.embedded:
        return warn("topics", f"{len(missing)} not made yet: {_some(missing)}", "the next command makes them by itself")
    if missing:
        return fail("topics", f"{len(missing)} missing: {_some(missing)}", _APPLY)
    if wrong:
        return warn("topics", _some(wrong), f"{_APPLY} corrects them")
    return ok("topics", f"all {len(changes)} agree with their contracts")


def partition_counts(counts: Mapping[str, int]) -> Finding:
    """Partition p of all inputs is one task: a worker refuses to start on unequal counts."""
    if not counts:
        return skip("partitions", "topics are missing")
    if len(set(counts.values())) > 1:
        told = [f"{name} {count}" for name, count in sorted(counts.items())]
        return fail("partitions", f"unequal: {_some(told)}", "use a new generation whose topics have equal counts")
    return ok("partitions", f"{next(iter(counts.values()))} in each of {len(counts)} input topics")


def topic_configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The configuration of these topics."""
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    return {
        resource.name: {key: entry.value for key, entry in answer.result(_TIMEOUT_S).items()}
        for resource, answer in answers.items()
    }


def dead_letter_size(configs: Mapping[str, Mapping[str, str]], dead: str) -> Finding:
    """A dead letter is larger than the record that it holds; one that does not fit stops its worker."""
    largest = max(int(config["max.message.bytes"]) for name, config in configs.items() if name != dead)
    found = int(configs[dead]["max.message.bytes"])
    if found < largest + ENVELOPE_BYTES:
        what = f"{dead} takes {found} bytes, an input up to {largest}"
        return fail("dead letter size", what, f"set its max.message.bytes to at least {largest + ENVELOPE_BYTES}")
    return ok("dead letter size", f"{found} bytes, {found - largest} more than the largest input")


def arrival_time(raw: Mapping[str, str]) -> Finding:
    """received_at is the broker's append time: a producer's own time would let anybody date a record back."""
    found = raw["message.timestamp.type"]
    if found != "LogAppendTime":
        return fail(
            "arrival time", f"payments.raw.v1 has message.timestamp.type={found}", f"LogAppendTime is needed: {_APPLY}"
        )
    return ok("arrival time", "what arrives is stamped by the broker")


def clock(newest_us: int | None, now_us: int) -> Finding:
    """The broker cannot be asked for its time, but what it stamped cannot lie in the future of a right clock."""
    if newest_us is None:
        return ok("clock", "nothing has arrived yet to compare with")
    ahead_us = newest_us - now_us
    if ahead_us > _SKEW_US:
        found = f"the broker stamped a record {ahead_us / 1e6:.1f} s in this machine's future"
        return fail("clock", found, "synchronise both clocks (NTP): latencies and dates here are wrong by that much")
    return ok("clock", f"not behind the broker's: its newest stamp is {-ahead_us / 1e6:.0f} s old")


def _newest_us(admin: AdminClient, topic: str, partitions: int) -> int | None:
    asked = {(topic, at): OffsetSpec.max_timestamp() for at in range(partitions)}
    stamps = [answer.timestamp for answer in ask_again(admin, asked, _TIMEOUT_S).values()]
    known = [stamp for stamp in stamps if stamp is not None and stamp >= 0]
    return max(known) * 1000 if known else None


def _some(rows: Sequence[str]) -> str:
    more = len(rows) - _SHOWN
    return "; ".join(rows[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
