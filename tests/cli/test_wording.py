"""Moments, amounts, delays and places as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.cli import wording
from streams.domain.facts import Party, Precision
from streams.domain.money import Money
from streams.domain.state import Deadline, Evidence, Milestone, Reason, ReasonClass
from streams.domain.statuses import Status

MINUTE_US = 60_000_000


def test_a_moment_of_which_only_the_day_is_known_shows_no_time() -> None:
    at = 1_764_000_000_000_000
    assert wording.moment(at) == "2025-11-24 16:00:00Z"
    assert wording.moment(at, Precision.DATE) == "2025-11-24"


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (250_000, "+250 ms"),
        (1_500_000, "+1.5 s"),
        (90 * 1_000_000, "+1 min 30 s"),
        (61 * MINUTE_US, "+1 h 1 min"),
        (25 * 60 * MINUTE_US, "+1 d 1 h"),
        (-2 * MINUTE_US, "-2 min 0 s"),
    ],
)
def test_a_delay_is_told_in_its_two_largest_units_and_may_be_negative(us: int, text: str) -> None:
    assert wording.delay(us) == text


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123456750, "EUR", 2), "1,234,567.50 EUR"),
        (Money(5000, "JPY", 0), "5,000 JPY"),
        (Money(-5, "USD", 2), "-0.05 USD"),
        (Money(1, "KWD", 3), "0.001 KWD"),
        (None, ""),
    ],
)
def test_an_amount_has_its_currencys_digits(money: Money | None, text: str) -> None:
    assert wording.amount(money) == text


def test_a_deadline_says_what_must_happen_until_when_and_a_late_milestone_by_how_much() -> None:
    due = Deadline("acknowledgement", 1_764_000_000_000_000, "default")
    assert wording.deadline(due) == "acknowledgement until 2025-11-24 16:00:00Z (policy default)"
    late = Milestone(Status.BANK_ACCEPTED, 0, Precision.TIME, "BANKX", "E-1", 90_000_000)
    assert wording.lateness(late) == "BANK_ACCEPTED 1 min 30 s late"
    assert wording.lateness(replace(late, late_by_us=None)) == ""


def test_a_party_shows_no_more_of_its_account_than_the_last_four() -> None:
    assert wording.party(Party("V-1", "ACME", "1234", "hash")) == "ACME, account …1234"
    assert wording.party(Party("V-1", None, None, None)) == "V-1"
    assert wording.party(None) == "unknown"


def test_a_reason_of_no_known_class_names_none() -> None:
    assert wording.reason(Reason(ReasonClass.BUSINESS, ("AC04", "NARR"), "closed")) == "AC04, NARR closed (business)"
    assert wording.reason(Reason(ReasonClass.UNKNOWN, (), "text")) == "text"


def test_evidence_is_a_place_in_a_file_if_there_is_one() -> None:
    in_file = Evidence("payments.bank-acks.v1", 1, 2, "a" * 64, "Ntry[1]")
    assert wording.evidence(in_file, "camt.xml") == "camt.xml Ntry[1]"
    assert wording.evidence(in_file, None) == f"{'a' * 12} Ntry[1]"
    assert wording.evidence(Evidence("payments.bank-acks.v1", 1, 2, None, None), None) == "payments.bank-acks.v1[1]@2"
