"""Alerts about something that is no payment, or none yet: a file, a message, a name that too many share."""

from __future__ import annotations

from streams.domain.state import Alert, AlertKind, AlertState, Mode, Severity


def alert_about(
    subject: str,
    kind: AlertKind,
    detail: str,
    *,
    alert_id: str,
    cause_event_id: str,
    at: int,
    generation: int,
    trace_id: str,
    bank: str | None = None,
    severity: Severity = Severity.WARNING,
    state: AlertState = AlertState.OPEN,
) -> Alert:
    """``subject`` stands where a payment's alert has its correlation id; what only a payment has is None."""
    return Alert(
        alert_id=alert_id,
        correlation_id=subject,
        kind=kind,
        severity=severity,
        state=state,
        detail=detail,
        at=at,
        cause_event_id=cause_event_id,
        bank=bank,
        rail=None,
        region=None,
        company_code=None,
        amount=None,
        owner=None,
        route=None,
        generation=generation,
        mode=Mode.LIVE,
        trace_id=trace_id,
    )
