"""A generation against the live one: payments, alerts and pairs, and how the payments' steps were told.

What a replay promises (contracts.md, "Order and time"; ADR 24): every payment the same but for its envelope, every
alert and pair the same in the end. Steps are what was observed; where they were told otherwise it is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from schemas.codec import Codec
from schemas.registry import registry_of
from streams.domain.fingerprints import DuplicateAlert, DuplicateState
from streams.domain.state import AlertKind, AlertState, Mode, State
from streams.engine import Topic
from streams.lookup.log import CommittedLog
from streams.replay.difference import Differs, core, differing, facts_of
from streams.replay.latest import latest, values
from streams.settings import Settings
from streams.topics import Topics, topics_of

V = TypeVar("V")

MOST_SHOWN: Final = 1_000
"""Differing payments that are told in full; the rest are counted."""
_DIGEST_BYTES: Final = 16
_PLAIN: Final = Codec("payments.state.v1", State)


@dataclass(slots=True)
class Counted:
    """``same`` in both; ``otherwise``: the same, told otherwise; ids that differ, or that only one of them has.

    ``moving``: received after the comparison began, so that nothing can be said of it yet.
    """

    same: int = 0
    otherwise: int = 0
    moving: int = 0
    different: list[str] = field(default_factory=list)
    only_live: list[str] = field(default_factory=list)
    only_new: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.different or self.only_live or self.only_new)


@dataclass(slots=True)
class Comparison:
    """``differs`` tells the first payments that differ in full."""

    live: int
    new: int
    payments: Counted = field(default_factory=Counted)
    alerts: Counted = field(default_factory=Counted)
    pairs: Counted = field(default_factory=Counted)
    steps: Counted = field(default_factory=Counted)
    differs: list[Differs] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the new generation says what the live one says."""
        return self.payments.ok and self.alerts.ok and self.pairs.ok


def compare(client: Mapping[str, Any], live: Settings, new: Settings, until_us: int) -> Comparison:
    """Compare two generations that have taken everything received by ``until_us``. Raises ReadError, KafkaException.

    What was received later may have reached one of them only: a difference that it can explain is no difference yet.
    """
    ours, theirs = _topics(live), _topics(new)
    found = Comparison(live.generation, new.generation)
    _payments(client, ours, theirs, until_us, found)
    _tally(found.alerts, _alerts(client, ours), _alerts(client, theirs), until_us)
    _tally(found.pairs, _pairs(client, ours), _pairs(client, theirs), until_us)
    _steps(client, ours, theirs, found)
    return found


def _topics(settings: Settings) -> Topics:
    return topics_of(settings.generation, registry_of(settings.registry_url))


@dataclass(frozen=True, slots=True)
class _Told:
    """``said``: what must agree; ``worded``: what may be told otherwise; ``at``: the newest that it rests on.

    ``void``: it stands withdrawn. Whether it was ever told depends on the order of what led to it and took it back.
    """

    said: Hashable
    worded: Hashable
    at: int
    void: bool = False


def _tally(counted: Counted, live: Mapping[str, _Told], new: Mapping[str, _Told], until_us: int) -> None:
    for name in dict.fromkeys([*live, *new]):
        here, there = live.get(name), new.get(name)
        if here is not None and there is not None and here.said == there.said:
            counted.same += 1
            counted.otherwise += here.worded != there.worded
        elif all(told is None or told.void for told in (here, there)):
            counted.otherwise += 1
        elif max(told.at for told in (here, there) if told is not None) > until_us:
            counted.moving += 1
        elif here is None:
            counted.only_new.append(name)
        elif there is None:
            counted.only_live.append(name)
        else:
            counted.different.append(name)


def _payments(client: Mapping[str, Any], ours: Topics, theirs: Topics, until_us: int, found: Comparison) -> None:
    live, new = _digests(client, ours.state), _digests(client, theirs.state)
    counted = found.payments
    _tally(counted, live, new, until_us)
    wanted = sorted([*counted.different, *counted.only_live, *counted.only_new])[:MOST_SHOWN]
    here, there = _states(client, ours.state, wanted), _states(client, theirs.state, wanted)
    found.differs = [differing(name, here.get(name), there.get(name)) for name in wanted]


def _digests(client: Mapping[str, Any], topic: Topic[State]) -> dict[str, _Told]:
    """Of each payment a digest only, so that millions can be compared."""
    log = CommittedLog(client)
    found: dict[str, _Told] = {}
    for record in log.read(log.places(topic.kafka_name), settled=True):
        key = (record.key or b"").decode()
        if record.value is None:
            found.pop(key, None)
            continue
        state = topic.decode(record.value)
        public = _PLAIN.encode(core(state))
        facts = "\n".join(sorted(facts_of(state))).encode()
        found[key] = _Told(_digest(public, facts), None, state.updated_at)
    return found


def _digest(*parts: bytes) -> bytes:
    made = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.digest()


def _states(client: Mapping[str, Any], topic: Topic[State], wanted: list[str]) -> dict[str, State]:
    if not wanted:
        return {}
    log, keys = CommittedLog(client), {name.encode() for name in wanted}
    rows: dict[bytes, bytes | None] = {}
    for record in log.read(log.places(topic.kafka_name), settled=True):
        if record.key is not None and record.key in keys:
            rows[record.key] = record.value
    return {key.decode(): topic.decode(data) for key, data in rows.items() if data is not None}


def _alerts(client: Mapping[str, Any], topics: Topics) -> dict[str, _Told]:
    """Those of the pipeline: that a file was refused is told by whoever takes it in, to the generation in force."""
    found = latest(client, topics.alerts, lambda _, alert: alert.alert_id)
    return {
        name: _Told(
            (alert.kind, alert.correlation_id, alert.severity, alert.state),
            replace(alert, generation=0, mode=Mode.UNKNOWN),
            alert.at,
            alert.state is AlertState.WITHDRAWN,
        )
        for name, alert in found.items()
        if alert.kind is not AlertKind.FILE_REFUSED
    }


def _pairs(client: Mapping[str, Any], topics: Topics) -> dict[str, _Told]:
    found = latest(client, topics.duplicate_alerts, lambda _, pair: pair.alert_id)
    return {
        name: _Told(
            _said(pair),
            replace(pair, generation=0, mode=Mode.UNKNOWN),
            pair.at,
            pair.state is DuplicateState.WITHDRAWN,
        )
        for name, pair in found.items()
    }


def _said(pair: DuplicateAlert) -> Hashable:
    both = (pair.first.correlation_id, pair.second.correlation_id)
    return (pair.rules, both, pair.severity, pair.action, pair.state, pair.actor, pair.reason)


def _steps(client: Mapping[str, Any], ours: Topics, theirs: Topics, found: Comparison) -> None:
    """Payment by payment: whether the same steps were told in the same order."""
    live, new = _chains(client, ours), _chains(client, theirs)
    for name, chain in live.items():
        told = new.get(name)
        found.steps.same += chain == told
        found.steps.otherwise += told is not None and chain != told
    found.steps.only_live.extend(sorted(live.keys() - new.keys()))
    found.steps.only_new.extend(sorted(new.keys() - live.keys()))


def _chains(client: Mapping[str, Any], topics: Topics) -> dict[str, bytes]:
    chains: dict[str, bytes] = {}
    for name, step in values(client, topics.transitions):
        if step is not None:
            chains[name] = _digest(chains.get(name, b""), step.transition_id.encode())
    return chains
