"""What the simulator knows to be true, and how it compares with what the pipeline published.

The truth comes from the stories, never from the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final

from streams.domain.state import State
from streams.domain.statuses import Flag, Status
from streams.simulator.plan import DUPLICATES, PlannedPayment
from streams.simulator.stories import Step

_WHOLE: Final = frozenset({Step.BOOKED, Step.BOOKED_SECOND_HALF})


@dataclass(frozen=True, slots=True)
class Expected:
    """How a payment must stand when everything has been read. Amounts in minor units of its currency."""

    status: Status
    flags: frozenset[Flag]
    closed: bool
    settled_minor: int
    returned_minor: int
    currency: str


@dataclass(slots=True)
class Truth:
    """Every payment's expected end, and the pairs that pay the same thing twice.

    ``waiting``: facts about payments that nobody here made; ``dead_letters``: messages that nobody can read.
    """

    payments: dict[str, Expected] = field(default_factory=dict)
    duplicates: set[frozenset[str]] = field(default_factory=set)
    waiting: int = 0
    dead_letters: int = 0

    def learn(self, payment: PlannedPayment) -> None:
        """Write down what must become of one more payment."""
        self.payments[payment.names.correlation_id] = _expected(payment)
        if payment.twin in DUPLICATES and payment.twin_of is not None:
            self.duplicates.add(frozenset({payment.twin_of, payment.names.correlation_id}))

    def as_json(self) -> dict[str, object]:
        """The truth as one JSON object, in an order that depends on nothing but the truth."""
        return {
            "payments": {name: _expected_json(row) for name, row in sorted(self.payments.items())},
            "duplicates": sorted(sorted(pair) for pair in self.duplicates),
            "waiting": self.waiting,
            "dead_letters": self.dead_letters,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """One payment that did not end as it must: what was expected and what was found, for a person."""

    correlation_id: str
    what: str
    expected: str
    found: str


def booked_minor(payment: PlannedPayment) -> int:
    """What the bank books for this payment: nothing, all of it, or three quarters if the story books short."""
    if Step.BOOKED_SHORT in payment.story.steps:
        return payment.amount.minor - payment.amount.minor // 4
    return 0 if _WHOLE.isdisjoint(payment.story.steps) else payment.amount.minor


def _expected(payment: PlannedPayment) -> Expected:
    steps = payment.story.steps
    returned = payment.amount.minor if Step.RETURNED in steps else 0
    return Expected(
        payment.story.ends,
        payment.story.flags,
        payment.story.closed,
        booked_minor(payment),
        returned,
        payment.amount.currency,
    )


def _expected_json(row: Expected) -> dict[str, object]:
    return {
        "status": row.status.value,
        "flags": sorted(flag.value for flag in row.flags),
        "closed": row.closed,
        "settled_minor": row.settled_minor,
        "returned_minor": row.returned_minor,
        "currency": row.currency,
    }


def differences(truth: Truth, states: Mapping[str, State]) -> list[Difference]:
    """Every payment whose published state is not what the truth says, and every one that nobody should know."""
    found: list[Difference] = []
    for correlation_id, expected in truth.payments.items():
        state = states.get(correlation_id)
        if state is None:
            found.append(Difference(correlation_id, "state", "a state", "nothing"))
        else:
            found.extend(_compare(correlation_id, expected, state))
    strangers = states.keys() - truth.payments.keys()
    found.extend(Difference(stranger, "state", "no such payment", "a state") for stranger in sorted(strangers))
    return found


def _compare(correlation_id: str, expected: Expected, state: State) -> Iterable[Difference]:
    flags = frozenset(raised.name for raised in state.flags)
    settled = state.settled.minor if state.settled is not None else 0
    returned = state.returned.minor if state.returned is not None else 0
    missing = ", ".join(sorted(expected.flags - flags))
    surplus = ", ".join(sorted(flags - expected.flags))
    rows: tuple[tuple[str, object, object], ...] = (
        ("status", expected.status, state.status),
        ("closed", expected.closed, state.closed),
        ("flags missing", "", missing),
        ("flags too many", "", surplus),
        ("settled_minor, booked", expected.settled_minor, settled if _is_booked(state) else 0),
        ("returned_minor", expected.returned_minor, returned),
    )
    return [Difference(correlation_id, what, str(want), str(have)) for what, want, have in rows if want != have]


def _is_booked(state: State) -> bool:
    return state.settlement_evidence is not None and state.settlement_evidence.value == "BOOKED"


def with_overdue(truth: Truth, payments: Set[str]) -> Truth:
    """The truth at a moment when these payments have waited in vain for longer than their banks may take."""
    flagged = {
        name: replace(row, flags=row.flags | {Flag.OVERDUE}) if name in payments else row
        for name, row in truth.payments.items()
    }
    return replace(truth, payments=flagged)


def statuses(states: Iterable[State]) -> dict[str, int]:
    """How many payments stand where, in the order of the path."""
    counted = Counter(state.status for state in states)
    return {status.value: counted[status] for status in Status if counted[status]}
