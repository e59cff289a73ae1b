"""Small answers of the gpi tracker, written by hand, one thing different in each test."""

from __future__ import annotations

import json
from typing import Any

from tests.connectors.files import Read, read

UETR = "97ed4827-7b6f-4491-a06f-b548d5a7512d"


def usd(amount: str) -> dict[str, str]:
    """An amount as the tracker writes it."""
    return {"currency": "USD", "amount": amount}


def transaction(status: str = "ACSP", **fields: Any) -> dict[str, Any]:
    """A payment transaction."""
    return {"uetr": UETR, "transaction_status": status, **fields}


def event(type_: str = "CTSU", /, **fields: Any) -> dict[str, Any]:
    """A payment event."""
    return {"tracker_event_type": type_, "valid": True, **fields}


def answer(value: Any) -> Read:
    """What is read of an answer."""
    return read(json.dumps(value).encode(), "gpi")
