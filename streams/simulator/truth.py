"""What the simulator knows to be true, and how it compares with what the pipeline published.

The truth comes from the stories, never from the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.domain.state import State
from streams.domain.statuses import Flag, Status
from streams.simulator.plan import DUPLICATES, PlannedPayment
from streams.simulator.stories import Step

_BOOKING_STEPS: Final = frozenset({Step.BOOKED, Step.BOOKED_SHORT})


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
    """Every payment's expected end, and the pairs that pay the same thing twice."""

    payments: dict[str, Expected] = field(default_factory=dict)
    duplicates: set[frozenset[str]] = field(default_factory=set)

    def learn(self, payment: PlannedPayment) -> None:
        """Write down what must become of one more payment."""
        self.payments[payment.names.correlation_id] = _expected(payment)
        if payment.twin in DUPLICATES and payment.twin_of is not None:
            self.duplicates.add(frozenset({payment.twin_of, payment.names.correlation_id}))


@dataclass(frozen=True, slots=True)
class Difference:
    """One payment that did not end as it must: what was expected and what was found, for a person."""

    correlation_id: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class DuplicateScore:
    """Pairs reported and true, true but not reported, reported but not true."""

    found: int
    missed: int
    false: int


def booked_minor(payment: PlannedPayment) -> int:
    """What the bank books for this payment: all of it, or three quarters if the story books short."""
    if Step.BOOKED_SHORT in payment.story.steps:
        return payment.amount.minor - payment.amount.minor // 4
    return payment.amount.minor


def _expected(payment: PlannedPayment) -> Expected:
    steps = payment.story.steps
    settled = booked_minor(payment) if _BOOKING_STEPS & set(steps) else 0
    returned = payment.amount.minor if Step.RETURNED in steps else 0
    return Expected(
        payment.story.ends,
        payment.story.flags,
        payment.story.closed,
        settled,
        returned,
        payment.amount.currency,
    )


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
    surplus = ", ".join(sorted(flags - expected.flags - {Flag.HELD, Flag.OUT_OF_SEQUENCE}))
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


def score_duplicates(truth: Truth, reported: Iterable[frozenset[str]]) -> DuplicateScore:
    """Compare the pairs with an open alert with the pairs that the simulator paid twice."""
    pairs = set(reported)
    return DuplicateScore(
        found=len(pairs & truth.duplicates),
        missed=len(truth.duplicates - pairs),
        false=len(pairs - truth.duplicates),
    )


def statuses(states: Iterable[State]) -> dict[str, int]:
    """How many payments stand where, in the order of the path."""
    counted = Counter(state.status for state in states)
    return {status.value: counted[status] for status in Status if counted[status]}
