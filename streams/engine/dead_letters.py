"""Records that could not be folded: kept whole, with all it takes to understand and replay them; and the breaker."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from itertools import islice

from streams.engine.errors import BadRecord, BreakerOpen
from streams.engine.record import Record
from streams.engine.settings import BreakerSettings

#: What a dead letter may take beyond its record: the room its topic must have over the inputs' `max.message.bytes`.
ENVELOPE_BYTES = 64 * 1024

_MESSAGE_CHARACTERS = 4000
_ATTEMPTS_HEADER = "attempts"
_TRACE_HEADER = "trace_id"


@dataclass(frozen=True)
class Failure:
    """Why a record could not be folded, and the record as it was. Attributes are named as in payments.dead-letters."""

    stage: str
    error_class: str
    reason_class: str
    message: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    attempts: int
    failed_at: int
    """Wall clock, microseconds since 1970 (UTC)."""
    trace_id: str


DeadLetterEncoder = Callable[[Failure], bytes]


@dataclass(frozen=True)
class DeadLetters:
    """Where dead letters go (a Kafka topic's name) and how one is written."""

    kafka_name: str
    encode: DeadLetterEncoder


def describe(stage: str, record: Record, error: Exception, failed_at_us: int) -> Failure:
    """All that is known about a record that could not be folded. `attempts` counts replays: a header carries it."""
    message = record.message
    headers = record.headers
    return Failure(
        stage=stage,
        error_class=type(error).__name__,
        reason_class=error.reason_class if isinstance(error, BadRecord) else "handler_error",
        message=_text(error),
        source_topic=record.source.kafka_name,
        source_partition=record.partition,
        source_offset=record.offset,
        source_timestamp_ms=record.timestamp_us // 1000,
        key=message.key(),
        value=message.value(),
        headers=headers,
        attempts=_earlier_attempts(headers) + 1,
        failed_at=failed_at_us,
        trace_id=_text_header(headers, _TRACE_HEADER),
    )


def cut(failure: Failure, most_bytes: int) -> Failure:
    """The failure with at most so many bytes of key and of value, without headers; its message says what is missing."""
    key, value = failure.key or b"", failure.value or b""
    said = (
        f"[cut: the record has a key of {len(key)}, a value of {len(value)} bytes and {len(failure.headers)} headers; "
        f"it is whole at {failure.source_topic}[{failure.source_partition}]@{failure.source_offset}] "
    )
    return replace(
        failure,
        message=(said + failure.message)[:_MESSAGE_CHARACTERS],
        key=failure.key and key[:most_bytes],
        value=failure.value and value[:most_bytes],
        headers=(),
    )


def _text(error: Exception) -> str:
    """The error's text, fit for UTF-8: JSON can bring half characters into it."""
    return str(error)[:_MESSAGE_CHARACTERS].encode(errors="backslashreplace").decode()[:_MESSAGE_CHARACTERS]


def _text_header(headers: tuple[tuple[str, bytes | None], ...], name: str) -> str:
    return next(((value or b"").decode(errors="replace") for key, value in headers if key == name), "")


def _earlier_attempts(headers: tuple[tuple[str, bytes | None], ...]) -> int:
    text = _text_header(headers, _ATTEMPTS_HEADER)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class Breaker:
    """Watches the share of keys with dead letters among the last that one agent folded.

    A key counts once, as it was folded last: a payment that goes wrong in one unit after the other is one case, too.
    Asked before a transaction: when it opens, the unit at hand is not committed and the process ends, so what tripped
    it is read again by whatever is started next.
    """

    def __init__(self, stage: str, settings: BreakerSettings) -> None:
        self._stage = stage
        self._settings = settings
        #: Whether each of the last keys had dead letters, the one folded longest ago first.
        self._is_dead: dict[bytes | None, bool] = {}
        self._dead = 0

    def check(self, keys: Set[bytes | None], dead: Set[bytes | None]) -> None:
        """Raise BreakerOpen if committing these would bring the share of dead letters over the limit."""
        limit, known = self._settings, self._is_dead
        folded = keys | dead
        all_keys = len(known) + sum(key not in known for key in folded)
        all_dead = self._dead + len(dead) - sum(known.get(key, False) for key in folded)
        if all_dead >= limit.least_dead_keys and all_dead > limit.share * all_keys:
            raise BreakerOpen(
                f"agent {self._stage}: {all_dead} of the last {all_keys} keys would have dead letters, "
                f"more than {limit.share:.0%}. Nothing of this unit was committed. Undo the last release or "
                "setting; if it is the records that are wrong, raise the breaker's limit and start again."
            )

    def committed(self, keys: Set[bytes | None], dead: Set[bytes | None]) -> None:
        """Count the keys of a committed unit, and forget those beyond the window."""
        known = self._is_dead
        for key in keys | dead:
            is_dead = key in dead
            self._dead += is_dead - known.pop(key, False)
            known[key] = is_dead
        for key in list(islice(known, max(0, len(known) - self._settings.window_keys))):
            self._dead -= known.pop(key)
