"""The expected ends are written by hand: these are the rules of the lifecycle that they must obey."""

from __future__ import annotations

import pytest

from streams.domain.statuses import STATUSES, Flag, Status
from streams.simulator.stories import STORIES, Step, Story

_REACHES = {
    Step.REQUESTED: Status.PENDING_APPROVAL,
    Step.FIRST_APPROVED: Status.PENDING_APPROVAL,
    Step.SECOND_APPROVED: Status.APPROVED,
    Step.APPROVED: Status.APPROVED,
    Step.INVOICE_APPROVED: Status.APPROVED,
    Step.PROPOSED: Status.PROPOSED,
    Step.RELEASED: Status.RELEASED,
    Step.SUBMITTED: Status.SUBMITTED,
    Step.RESUBMITTED: Status.SUBMITTED,
    Step.RECEIVED: Status.BANK_RECEIVED,
    Step.ACCEPTED: Status.BANK_ACCEPTED,
    Step.ACCEPTED_AGAIN: Status.BANK_ACCEPTED,
    Step.IN_PROCESS: Status.IN_PROCESS,
    Step.BOOKED_SHORT: Status.PARTIALLY_SETTLED,
    Step.BOOKED_FIRST_HALF: Status.PARTIALLY_SETTLED,
    Step.SETTLED: Status.SETTLED,
    Step.BOOKED: Status.SETTLED,
    Step.BOOKED_SECOND_HALF: Status.SETTLED,
    Step.CREDITED: Status.CREDITED,
    Step.MATCHED: Status.RECONCILED,
}
_ENDS = {
    Step.APPROVAL_REJECTED: Status.APPROVAL_REJECTED,
    Step.VOIDED: Status.VOIDED,
    Step.SUBMIT_FAILED: Status.SUBMIT_FAILED,
    Step.REJECTED: Status.REJECTED,
    Step.RUN_REJECTED: Status.REJECTED,
    Step.CANCELLED: Status.CANCELLED,
    Step.RETURNED: Status.RETURNED,
}
_BOOKINGS = {Step.BOOKED, Step.BOOKED_SHORT, Step.BOOKED_SECOND_HALF}
_ON_THE_PATH = [story for story in STORIES if STATUSES[story.ends].rank is not None]
_OFF_THE_PATH = [story for story in STORIES if STATUSES[story.ends].rank is None]


def _name(story: Story) -> str:
    return story.name


def _rank(status: Status) -> int:
    rank = STATUSES[status].rank
    assert rank is not None
    return rank


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_a_story_is_closed_if_and_only_if_its_last_status_closes_a_payment(story: Story) -> None:
    assert story.closed is STATUSES[story.ends].closed


@pytest.mark.parametrize("story", _ON_THE_PATH, ids=_name)
def test_a_story_on_the_path_ends_at_the_furthest_place_it_reached_unless_something_was_taken_back(
    story: Story,
) -> None:
    steps = list(story.steps)
    if story.name == "approval_withdrawn":
        steps = [Step.REQUESTED]  # the only yes was taken back before the release: as if it were only asked for
    assert _rank(story.ends) == max(_rank(_REACHES[step]) for step in steps if step in _REACHES)


@pytest.mark.parametrize("story", _OFF_THE_PATH, ids=_name)
def test_a_story_off_the_path_ends_as_its_last_word_says(story: Story) -> None:
    assert story.ends is _ENDS[story.steps[-1]]


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_a_rejection_beside_a_booked_debit_is_a_conflict_and_nothing_else_is(story: Story) -> None:
    rejected_and_booked = Step.REJECTED in story.steps and bool(_BOOKINGS & set(story.steps))
    assert (Flag.CONFLICT in story.flags) is rejected_and_booked


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_a_void_at_or_past_submission_asks_for_a_cancellation(story: Story) -> None:
    too_late = Step.VOIDED in story.steps and Step.SUBMITTED in story.steps
    assert (Flag.CANCEL_REQUESTED in story.flags) is too_late
    assert (story.ends is Status.VOIDED) is (Step.VOIDED in story.steps and not too_late)


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_only_a_payment_that_was_booked_is_reconciled(story: Story) -> None:
    if story.ends is Status.RECONCILED:
        assert Step.BOOKED in story.steps


@pytest.mark.parametrize("story", STORIES, ids=_name)
def test_what_a_bank_says_comes_after_the_submission(story: Story) -> None:
    bank = [step for step in story.steps if step in _REACHES and _rank(_REACHES[step]) > _rank(Status.SUBMITTED)]
    if bank:
        assert story.steps.index(Step.SUBMITTED) < story.steps.index(bank[0])


def test_weights_are_thousandths() -> None:
    assert sum(story.weight for story in STORIES) == 1_000
    assert all(story.weight > 0 for story in STORIES)
