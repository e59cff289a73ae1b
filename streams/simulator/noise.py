"""What a company hears beside its payments: banks that speak of strangers, and messages that nobody can read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from streams.domain.identity import stable_id
from streams.simulator.plan import DAY_S
from streams.simulator.said import Body, instant

_ONE_STRANGER_IN: Final = 500
_ONE_UNREADABLE_IN: Final = 1_000


def strangers(seed: int, payments: int) -> Iterator[Body]:
    """Acknowledgements of payments that were never released here: they wait for their payment, for ever."""
    chance = random.Random(f"paystate strangers {seed}")  # noqa: S311 -- a simulation, not a secret
    for number in range(payments // _ONE_STRANGER_IN):
        at_s = chance.uniform(0.0, DAY_S)
        own_id = f"STRANGER-{seed}-{number:05d}"
        document = {
            "source": "FIRSTWIRE",
            "source_event_id": own_id,
            "occurred_at": instant(at_s),
            "bank": "FIRSTWIRE",
            "status": "ACCP",
            "references": {"end_to_end_id": f"NOT-OURS-{seed}-{number:05d}"},
        }
        yield Body(at_s, "FIRSTWIRE", own_id, "acknowledgement.json", _json(document), "FIRSTWIRE")


def unreadable(seed: int, payments: int) -> Iterator[Body]:
    """Messages with each of the faults that a source can have: one dead letter each, and nothing else."""
    chance = random.Random(f"paystate unreadable {seed}")  # noqa: S311 -- a simulation, not a secret
    for number in range(payments // _ONE_UNREADABLE_IN):
        at_s = chance.uniform(0.0, DAY_S)
        own_id = f"UNREADABLE-{seed}-{number:05d}"
        document: dict[str, object] = {
            "source": "coupa",
            "source_event_id": own_id,
            "occurred_at": instant(at_s),
            "correlation_id": f"PAY-{stable_id(own_id)[:12]}",
            "scope": "payment",
            "actor": "a.lindqvist",
            "decision": "approved",
            "amount": {"value": "120.00", "currency": "EUR"},
        }
        payload = _FAULTS[number % len(_FAULTS)](document)
        yield Body(at_s, "coupa", own_id, "approval.json", payload)


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _unknown_currency(document: dict[str, object]) -> bytes:
    return _json(document | {"amount": {"value": "120.00", "currency": "EURO"}})


def _naive_time(document: dict[str, object]) -> bytes:
    return _json(document | {"occurred_at": str(document["occurred_at"])[:19]})


def _unknown_field(document: dict[str, object]) -> bytes:
    return _json(document | {"aproved_by": document["actor"]})


def _cut_off(document: dict[str, object]) -> bytes:
    return _json(document)[:-20]


_FAULTS: Final[tuple[Callable[[dict[str, object]], bytes], ...]] = (
    _unknown_currency,
    _naive_time,
    _unknown_field,
    _cut_off,
)
