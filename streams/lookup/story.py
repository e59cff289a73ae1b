"""One payment's whole story: its state, every step, open alerts, and payments that look like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.records import FileEntry
from streams.domain.fingerprints import DuplicateAlert
from streams.domain.state import Alert, AlertState, State, Transition
from streams.engine import Topic
from streams.lookup.files import files_of
from streams.lookup.log import CommittedLog
from streams.lookup.payments import of_key
from streams.topics import Topics


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one payment. ``files``: the ledger's entries of the files that it comes from, by hash."""

    state: State
    transitions: tuple[Transition, ...]
    alerts: tuple[Alert, ...]
    duplicates: tuple[DuplicateAlert, ...]
    files: Mapping[str, FileEntry]


def story_of(log: CommittedLog, topics: Topics, state: State) -> Story:
    """Read the rest of a payment's story. Raises ReadError, KafkaException, CodecError."""
    transitions = _transitions(log, topics.transitions, state.correlation_id)
    hashes = {step.evidence.file_hash for step in transitions} | {state.file_id}
    return Story(
        state,
        transitions,
        _open_alerts(log, topics.alerts, state.correlation_id),
        _duplicates(log, topics.duplicate_alerts, state.correlation_id),
        files_of(log, topics.files, filter(None, hashes)),
    )


def _transitions(log: CommittedLog, topic: Topic[Transition], correlation_id: str) -> tuple[Transition, ...]:
    records = of_key(log, topic.kafka_name, correlation_id)
    steps = [topic.decode(record.value) for record in records if record.value is not None]
    return tuple(sorted(steps, key=lambda step: step.seq))


def _open_alerts(log: CommittedLog, topic: Topic[Alert], correlation_id: str) -> tuple[Alert, ...]:
    newest: dict[str, Alert] = {}
    for record in of_key(log, topic.kafka_name, correlation_id):
        if record.value is not None:
            alert = topic.decode(record.value)
            newest[alert.alert_id] = alert
    return tuple(sorted((row for row in newest.values() if row.state is AlertState.OPEN), key=lambda row: row.at))


def _duplicates(log: CommittedLog, topic: Topic[DuplicateAlert], correlation_id: str) -> tuple[DuplicateAlert, ...]:
    """The pairs that this payment is half of, settled ones too: keyed by pair, so all of the topic is read."""
    needle = correlation_id.encode()
    newest: dict[bytes | None, DuplicateAlert] = {}
    for record in log.read(log.places(topic.kafka_name)):
        newest.pop(record.key, None)
        if record.value is not None and needle in record.value:
            newest[record.key] = topic.decode(record.value)
    pairs = (row for row in newest.values() if correlation_id in (row.first.correlation_id, row.second.correlation_id))
    return tuple(sorted(pairs, key=lambda row: (row.at, row.alert_id)))
