"""When a payment tells the duplicate rules how it looks: as seldom as they can do with."""

from __future__ import annotations

from streams.domain.facts import PaymentFact
from streams.domain.fingerprints import Liveness, Rule
from tests.domain.given import DEFAULT, Told, ack, after, booking, release, submission, usd, verdict


def lives_told(*facts: PaymentFact) -> list[Liveness]:
    """The liveness of each telling, one a fact that told."""
    told, lives = Told(), []
    for fact in facts:
        before = len(told.appearances)
        told.tell(fact, DEFAULT)
        lives += sorted({row.liveness for row in told.appearances[before:]})
    return lives


def test_a_payment_in_no_pair_tells_its_looks_once_however_far_it_comes() -> None:
    assert lives_told(release("r"), submission("s"), booking("b")) == [Liveness.PLANNED]


def test_a_dead_payment_says_so_and_says_when_it_lives_again() -> None:
    assert lives_told(submission("s"), ack("k", "RJCT"), submission("s2", "FILE-B", at=90)) == [
        Liveness.SUBMITTED,
        Liveness.DEAD,
        Liveness.SUBMITTED,
    ]


def test_from_the_first_verdict_on_every_change_of_life_is_told() -> None:
    assert lives_told(submission("s"), booking("b"), verdict("v"), ack("k", "RJCT")) == [
        Liveness.SUBMITTED,
        Liveness.SETTLED,
    ]
    assert lives_told(submission("s"), verdict("v"), booking("b")) == [
        Liveness.SUBMITTED,
        Liveness.SUBMITTED,
        Liveness.SETTLED,
    ]


def test_what_is_told_last_does_not_depend_on_when_the_verdict_came() -> None:
    early = after(submission("s"), verdict("v"), booking("b")).appearances[-1]
    late = after(submission("s"), booking("b"), verdict("v")).appearances[-1]
    assert (early.liveness, early.status) == (late.liveness, late.status)


def test_a_fingerprint_that_no_longer_holds_is_told_as_gone() -> None:
    told = after(submission("s", amount=usd(1_000)), submission("s2", "FILE-B", at=90, amount=usd(2_000)))
    exact = [(row.fingerprint, row.liveness) for row in told.appearances if row.rule is Rule.EXACT_INVOICE]
    (first, _), *later = exact
    assert (first, Liveness.GONE) in later
    assert {liveness for name, liveness in later if name != first} == {Liveness.SUBMITTED}
