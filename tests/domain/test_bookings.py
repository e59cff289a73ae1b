"""Bookings counted once each, and what the ERP's match makes of them."""

from __future__ import annotations

import pytest

from streams.domain.facts import Level, ReconciliationKind
from streams.domain.payment import Context
from streams.domain.policy import Policy, ReconciliationMode
from streams.domain.state import TransitionKind
from streams.domain.statuses import Status
from tests.domain.given import DAY, INSTRUCTED, after, booking, money_back, reconciliation, submission, usd


def test_the_same_booking_in_two_messages_counts_once() -> None:
    told = after(submission("s"), booking("b054", booking_key="K"), booking("b053", booking_key="K", at=DAY))
    assert told.known.view.settled == INSTRUCTED
    assert told.flags == set()


def test_equal_bookings_inside_one_message_are_as_many_bookings() -> None:
    one = booking("b1", usd(50_000), booking_key="K", source_message_id="M")
    two = booking("b2", usd(50_000), booking_key="K", source_message_id="M")
    assert after(submission("s"), one, two).status is Status.SETTLED


def test_a_booking_without_a_key_adds_nothing_to_one_that_has_it() -> None:
    told = after(submission("s"), booking("b940", booking_key=None, at=DAY), booking("b054", booking_key="K"))
    assert told.known.view.settled == INSTRUCTED
    assert told.flags == set()


def test_a_payment_partly_booked_is_settled_when_the_rest_comes() -> None:
    told = after(submission("s"), booking("b1", usd(40_000)), booking("b2", usd(60_000), 60))
    assert told.status is Status.SETTLED
    assert told.milestones[Status.PARTIALLY_SETTLED] == "b1"
    assert told.milestones[Status.SETTLED] == "b2"


def test_booked_again_after_its_return_it_is_settled_again() -> None:
    told = after(submission("s"), booking("b"), money_back("x"), booking("b2", at=5 * DAY))
    assert told.status is Status.SETTLED
    assert told.transitions[-1].kind is TransitionKind.REOPEN


def test_a_booked_return_of_a_whole_batch_says_of_no_member_that_it_came_back() -> None:
    whole = money_back("x", usd(900_000), level=Level.BATCH, batch_count=9)
    assert after(submission("s"), booking("b"), whole).status is Status.SETTLED
    alone = money_back("x", level=Level.BATCH, batch_count=1)
    assert after(submission("s"), booking("b"), alone).status is Status.RETURNED


@pytest.mark.parametrize(
    ("mode", "kinds", "reconciled"),
    [
        (ReconciliationMode.MATCH, ("MATCHED",), True),
        (ReconciliationMode.MATCH, ("CLOSED",), False),
        (ReconciliationMode.ERP, ("CLOSED",), True),
        (ReconciliationMode.ERP, ("MATCHED",), False),
        (ReconciliationMode.BOTH, ("MATCHED",), False),
        (ReconciliationMode.BOTH, ("MATCHED", "CLOSED"), True),
    ],
)
def test_reconciled_is_what_the_policy_says(mode: ReconciliationMode, kinds: tuple[str, ...], reconciled: bool) -> None:
    facts = [reconciliation(f"m{kind}", ReconciliationKind(kind)) for kind in kinds]
    told = after(submission("s"), booking("b"), *facts, context=Context(policy=Policy(reconciliation=mode)))
    assert told.status is (Status.RECONCILED if reconciled else Status.SETTLED)


def test_unmatched_again_takes_the_match_back_and_the_highest_sequence_wins() -> None:
    undone = reconciliation("u", ReconciliationKind.UNMATCHED, sequence=2)
    told = after(submission("s"), booking("b"), undone, reconciliation("m", sequence=1))
    assert told.status is Status.SETTLED
    told = after(submission("s"), booking("b"), undone, reconciliation("m", sequence=3))
    assert told.status is Status.RECONCILED
