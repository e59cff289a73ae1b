"""What ingest writes to Kafka: raw records, ledger entries and the alert of a refused file, each encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.contract import FileEnd
from connectors.intake.archive import Archived
from connectors.intake.publish import Message
from connectors.intake.spool import Spooled
from schemas.codec import codec
from schemas.names import topic_name
from schemas.records import FileEntry, Raw
from streams.domain.alerts import alert_about
from streams.domain.identity import stable_id
from streams.domain.state import Alert, AlertKind, AlertState, Severity

RAW_TOPIC: Final = "payments.raw.v1"
FILES_TOPIC: Final = "payments.files.v1"
ALERTS_TOPIC: Final = "payments.alerts.v1"
UNSIGNED_FILE: Final = "file"
"""``authentication`` of a record of a file: who may write into the drop folder is all that vouches for it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file's records come from: what all of its raw records have in common."""

    source: str
    source_message_id: str
    profile: str
    sender: str
    archived: Archived
    end: FileEnd

    def raw(self, number: int, record: Spooled) -> Raw:
        """The raw record of the ``number``-th thing that the file says. Its ids depend on the file alone."""
        return Raw(
            message_id=stable_id(self.archived.file_hash, record.position),
            source=self.source,
            source_message_id=self.source_message_id,
            format=self.end.format,
            kind=record.kind,
            profile=self.profile,
            sender=self.sender,
            file_hash=self.archived.file_hash,
            position=record.position,
            records_in_file=self.end.records,
            payload=record.fields,
            authentication=UNSIGNED_FILE,
            occurred_at=None,
            trace_id=stable_id("trace", self.archived.file_hash, str(number)),
            correlation_id=None,
        )


class Encoder:
    """Encodes and addresses what ingest publishes. ``generation`` names the alerts topic; the others are shared."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._raw_topic = topic_name(RAW_TOPIC, generation)
        self._files_topic = topic_name(FILES_TOPIC, generation)
        self._alerts_topic = topic_name(ALERTS_TOPIC, generation)
        self._raw = codec(RAW_TOPIC, Raw)
        self._files = codec(FILES_TOPIC, FileEntry)
        self._alerts = codec(ALERTS_TOPIC, Alert)

    def raw(self, raw: Raw) -> Message:
        """Keyed by source and message id, so that a message's records stay together and in order."""
        return Message(self._raw_topic, f"{raw.source}/{raw.source_message_id}", self._raw.encode(raw))

    def entry(self, entry: FileEntry) -> Message:
        """The ledger's entry of a file, keyed by the file's hash."""
        return Message(self._files_topic, entry.file_hash, self._files.encode(entry))

    def refusal(self, entry: FileEntry, state: AlertState, at: int) -> Message:
        """The alert of a refused file, or with state WITHDRAWN the end of it, once the file was taken after all."""
        subject = f"file:{entry.file_hash}"
        alert = alert_about(
            subject,
            AlertKind.FILE_REFUSED,
            f"{entry.name}: {entry.reason}: {entry.detail}",
            alert_id=stable_id(AlertKind.FILE_REFUSED, entry.file_hash),
            cause_event_id=entry.file_hash,
            at=at,
            generation=self._generation,
            trace_id=stable_id("trace", entry.file_hash),
            bank=entry.sender,
            severity=Severity.CRITICAL,
            state=state,
        )
        return Message(self._alerts_topic, subject, self._alerts.encode(alert))
