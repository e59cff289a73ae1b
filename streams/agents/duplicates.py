"""Compares payments under their fingerprints and publishes one alert for every pair that pays the same thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from streams.agents.rows import RowCodec
from streams.domain.alerts import alert_about
from streams.domain.duplicates import MEMBERS_KEPT, PairRow, hits_of, judge, newer
from streams.domain.fingerprints import Appearance, FingerprintMessage, FingerprintMessageType
from streams.domain.identity import stable_id
from streams.domain.state import Alert, AlertKind
from streams.engine import Outbox, Record, Table
from streams.topics import Topics


@dataclass(frozen=True, slots=True)
class Members:
    """The payments at a fingerprint, by correlation id: nearly always one, at most MEMBERS_KEPT.

    ``crowded``: there were more, and somebody was told.
    """

    appearances: tuple[Appearance, ...]
    crowded: bool = False


ROWS: Final = RowCodec("payments.duplicates-state.v1", Members, PairRow)
Handler = Callable[[Record, "Table[Any]", Outbox], None]
_NOBODY: Final = Members(())
_correlation_id: Final = attrgetter("correlation_id")


def duplicates(topics: Topics, generation: int) -> Handler:
    """The handler of payments.fingerprints.v1."""

    def handle(record: Record, rows: Table[Any], out: Outbox) -> None:
        message: FingerprintMessage = record.value
        if message.type is FingerprintMessageType.APPEARANCE:
            _appear(message, rows, out, topics, generation)
        else:
            _judge(message, rows, out, topics, generation)

    return handle


def _appear(message: FingerprintMessage, rows: Table[Any], out: Outbox, topics: Topics, generation: int) -> None:
    told = message.appearance
    if told is None:
        return
    row: Members = rows.get(message.key) or _NOBODY
    others = tuple(member for member in row.appearances if member.correlation_id != told.correlation_id)
    known = next((member for member in row.appearances if member.correlation_id == told.correlation_id), None)
    if not newer(known, told):
        return
    if known is None and len(others) >= MEMBERS_KEPT:
        if not row.crowded:
            rows[message.key] = Members(row.appearances, crowded=True)
            alert = _too_many(message, told, generation)
            out.send(topics.alerts, told.correlation_id, alert)
            out.note(alert)
        return
    now = tuple(sorted((*others, told), key=_correlation_id)) if others else (told,)
    rows[message.key] = Members(now, row.crowded)
    for hit in hits_of(told, others, message):
        out.send(topics.fingerprints, hit.key, hit)


def _judge(message: FingerprintMessage, rows: Table[Any], out: Outbox, topics: Topics, generation: int) -> None:
    row = rows.get(message.key) or PairRow()
    judged = judge(row, message, generation)
    if judged.row != row:
        rows[message.key] = judged.row
    if judged.alert is None:
        return
    out.send(topics.duplicate_alerts, judged.alert.alert_id, judged.alert)
    out.note(judged.alert)
    for verdict in judged.verdicts:
        out.send(topics.verdicts, verdict.correlation_id, verdict)


def _too_many(message: FingerprintMessage, told: Appearance, generation: int) -> Alert:
    alert = alert_about(
        told.correlation_id,
        AlertKind.LIMIT_EXCEEDED,
        f"more than {MEMBERS_KEPT} payments share {told.rule}: what they share names nothing",
        alert_id=stable_id("limit", message.key),
        cause_event_id=message.key,
        at=message.received_at,
        generation=generation,
        trace_id=message.trace_id,
        bank=told.bank,
    )
    return replace(alert, region=told.region, company_code=told.company_code, amount=told.amount)
