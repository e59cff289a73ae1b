"""Checks of what goes wrong under a running pipeline: replicas, open transactions, partitions, progress, stores."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.doctor.finding import Finding, fail, ok, skip, warn
from streams.engine.store_check import condemned
from streams.lookup.log import CommittedLog
from streams.lookup.pipeline import Pipeline
from streams.offsets import Place
from streams.settings import Settings
from streams.store_care import places
from streams.store_manifest import why_unreadable
from streams.upgrade.members import instance_of

_TIMEOUT_S: Final = 10.0
_SHOWN: Final = 6
#: Brokers look for transactions that have timed out every ten seconds (transaction.abort.timed.out.transaction...).
_ABORT_AFTER_S: Final = 20.0


def replicas(admin: AdminClient, names: Sequence[str]) -> Finding:
    """Partitions without a leader stand still; those with fewer replicas than they should have lose the next broker."""
    found = admin.list_topics(timeout=_TIMEOUT_S).topics
    parts = [(name, part) for name in names if name in found for part in found[name].partitions.values()]
    headless = [f"{name}[{part.id}]" for name, part in parts if part.leader < 0]
    short = [f"{name}[{part.id}]" for name, part in parts if len(part.isrs) < len(part.replicas)]
    if headless:
        advice = "a broker is down that alone has them: start it; their payments stand still until then"
        return fail("replicas", f"{len(headless)} partitions have no leader: {_some(headless)}", advice)
    if short:
        missing = sorted({broker for _, part in parts for broker in set(part.replicas) - set(part.isrs)})
        found_ = f"{len(short)} partitions lack replicas on broker {', '.join(map(str, missing))}: {_some(short)}"
        return warn("replicas", found_, "see whether that broker runs; while it is away, writes may be refused")
    return ok("replicas", f"all of {len(parts)} partitions have a leader and every replica in sync")


def open_transactions(client: Mapping[str, Any], names: Sequence[str], timeout_ms: int) -> Finding:
    """A transaction that nobody ends holds back all readers of committed records behind it, for ever."""
    log = CommittedLog(client)
    asked = log.places(*names)
    # In this order: what ends in between looks closed, never open.
    written, stable = log.high_watermarks(asked), log.ends(asked)
    held = {place: offset for place, offset in stable.items() if offset < written[place]}
    ages_s = _ages_s(client, held)
    limit_s = timeout_ms / 1000 + _ABORT_AFTER_S
    hung = {place: age_s for place, age_s in ages_s.items() if age_s > limit_s}
    if not hung:
        return ok("open transactions", f"{len(ages_s)} open, none for longer than {limit_s:.0f} s")
    told = _some([f"{topic}[{part}] for {age_s:.0f} s" for (topic, part), age_s in sorted(hung.items())])
    return fail(
        "open transactions",
        f"nobody ends the transactions that hold {told}: readers of committed records see nothing behind them",
        "see whose it is (kafka-transactions.sh find-hanging --broker-id N) and end it (kafka-transactions.sh abort "
        "--topic T --partition P --start-offset O); a worker's own ends when it is started again under its name",
    )


def _ages_s(client: Mapping[str, Any], held: Mapping[Place, int]) -> dict[Place, float]:
    """How long ago the first record of each transaction was written: the one at the last stable offset."""
    if not held:
        return {}
    consumer = Consumer({**client, "group.id": "paystate-doctor", "isolation.level": "read_uncommitted"})
    ages_s: dict[Place, float] = {}
    try:
        consumer.assign([TopicPartition(*place, offset) for place, offset in held.items()])
        deadline_s = time.monotonic() + _TIMEOUT_S
        while len(ages_s) < len(held) and time.monotonic() < deadline_s:
            for message in consumer.consume(100, 0.2):
                place = (message.topic(), message.partition())
                if message.error() is None and place not in ages_s:
                    ages_s[place] = time.time() - message.timestamp()[1] / 1000
    finally:
        consumer.close()
    return ages_s


def owners(now: Pipeline) -> Finding:
    """Partitions that no member of the group has: their payments stand still while the others go on."""
    if not now.members:
        return skip("owners", "no worker is in the group")
    owned, all_of_them = sum(row.partitions for row in now.members), len(now.lag)
    if owned >= all_of_them:
        return ok("owners", f"each of {all_of_them} input partitions has a worker")
    advice = (
        "a rebalance passes within the session time-out: look again. If it stays, workers of different releases run, "
        "or one hangs in a restore: see each worker's /status"
    )
    return warn("owners", f"{all_of_them - owned} of {all_of_them} input partitions have no worker", advice)


def progress(before: Pipeline, after: Pipeline, elapsed_s: float) -> Finding:
    """Lag where nothing moved between two looks: stuck, whatever else is fine."""
    still = [
        place
        for place in sorted(before.lag)
        if before.lag[place] and after.lag.get(place) and before.positions.get(place) == after.positions.get(place)
    ]
    if not still:
        return ok("progress", f"nothing that waits stood still for {elapsed_s:.0f} s")
    told = [f"{topic}[{part}] {after.lag[topic, part]}" for topic, part in still]
    found = f"in {elapsed_s:.0f} s nothing was taken of {_some(told)}"
    holders = sorted(
        f"{instance_of(row.client_id)} on {row.host}" for row in after.members if not row.owns.isdisjoint(still)
    )
    if not holders:
        return warn("progress", found, "no worker has them: see `owners`")
    advice = (
        f"{'; '.join(holders)} has them: its /ready says why. If it does not answer, it hangs or is a zombie (stopped, "
        "cut off): kill it, and the group gives its work away when its session ends"
    )
    return warn("progress", found, advice)


def stores(settings: Settings) -> Finding:
    """What can be seen of this machine's stores without reading them."""
    bad = []
    known = places(settings)
    for place in known:
        why = condemned(place.folder) or why_unreadable(place.folder)
        if why:
            bad.append(f"{place}: {why}")
    if bad:
        advice = "a worker makes it anew by itself at its start; now: `paystate store rebuild PARTITION`"
        return warn("stores", _some(bad), advice)
    return ok("stores", f"{len(known)} on this disk; `paystate store check` reads them whole")


def _some(rows: Sequence[str]) -> str:
    more = len(rows) - _SHOWN
    return "; ".join(rows[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
