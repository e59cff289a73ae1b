"""An alert that is about no payment says nothing that only a payment has."""

from __future__ import annotations

from streams.domain.alerts import alert_about
from streams.domain.state import Alert, AlertKind, AlertState, Mode, Severity


def test_what_only_a_payment_has_is_left_open() -> None:
    assert alert_about(
        "BANK/MSG-1",
        AlertKind.CONFLICT,
        "told twice",
        alert_id="id",
        cause_event_id="e",
        at=7,
        generation=2,
        trace_id="t",
    ) == Alert(
        alert_id="id",
        correlation_id="BANK/MSG-1",
        kind=AlertKind.CONFLICT,
        severity=Severity.WARNING,
        state=AlertState.OPEN,
        detail="told twice",
        at=7,
        cause_event_id="e",
        bank=None,
        rail=None,
        region=None,
        company_code=None,
        amount=None,
        owner=None,
        route=None,
        generation=2,
        mode=Mode.LIVE,
        trace_id="t",
    )
