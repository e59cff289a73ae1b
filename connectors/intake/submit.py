"""Take events in that come without a file: API bodies, webhooks, what the simulator says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from connectors.intake.messages import Encoder
from connectors.intake.publish import Publisher, batch_of
from schemas.records import Raw
from streams.domain.identity import stable_id


@dataclass(frozen=True, slots=True)
class Event:
    """One body as it came. ``source_message_id`` is the source's own id of it: the same id again is a redelivery.

    ``payload`` is JSON; ``kind`` names the mapper's branch; ``authentication`` says how the sender was proved.
    """

    source: str
    source_message_id: str
    format: str
    kind: str
    payload: bytes
    authentication: str
    profile: str = "default"
    sender: str | None = None
    occurred_at: int | None = None
    correlation_id: str | None = None


class Submitter:
    """Publishes events in transactions: each batch is visible whole or not at all.

    One ``name`` has one submitter at a time: entering a second one fences the first. A batch that is submitted again
    after a crash is dropped as a redelivery by the normalise agent, so a caller may always repeat.
    """

    def __init__(self, client_config: Mapping[str, Any], name: str, generation: int = 1) -> None:
        self._publisher = Publisher(client_config, f"submit-{name}")
        self._encoder = Encoder(generation)

    def __enter__(self) -> Self:
        self._publisher.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._publisher.__exit__(kind, error, at)

    def submit(self, events: Iterable[Event]) -> int:
        """Publish all events, in order; returns their number. Raises FencedError, PublishError."""
        messages = (self._encoder.raw(_raw(event)) for event in events)
        submitted = 0
        while batch := batch_of(messages):
            self._publisher.transaction(batch)
            submitted += len(batch)
        return submitted


def _raw(event: Event) -> Raw:
    message_id = stable_id(event.source, event.source_message_id)
    return Raw(
        message_id=message_id,
        source=event.source,
        source_message_id=event.source_message_id,
        format=event.format,
        kind=event.kind,
        profile=event.profile,
        sender=event.sender or event.source,
        file_hash=None,
        position=None,
        records_in_file=None,
        payload=event.payload,
        authentication=event.authentication,
        occurred_at=event.occurred_at,
        trace_id=stable_id("trace", message_id),
        correlation_id=event.correlation_id,
    )
