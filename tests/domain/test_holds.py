"""Holds, commands and verdicts: a person's word stands until a later one, a verdict until a higher number."""

from __future__ import annotations

from streams.domain.facts import CommandAction, VerdictAction
from streams.domain.fold import Outcome
from streams.domain.payment import Context, as_state
from streams.domain.state import RaisedFlag
from streams.domain.statuses import Flag, HoldKind, Status
from tests.domain.given import Told, after, command, release, verdict

_HOLD, _UNHOLD = CommandAction.HOLD, CommandAction.UNHOLD


def _held(told: Told) -> set[str | None]:
    return {flag.detail for flag in told.known.view.flags if flag.name is Flag.HELD}


def test_a_hold_is_a_flag_with_its_kind_and_never_a_status() -> None:
    told = after(release("r"), command("h", _HOLD, hold=HoldKind.SANCTIONS))
    assert told.status is Status.RELEASED
    fact = told.known.facts[0]
    assert told.known.view.flags == (RaisedFlag(Flag.HELD, "sanctions", fact.received_at),)


def test_a_hold_without_a_kind_is_manual_and_an_unhold_without_a_kind_releases_all() -> None:
    held = (command("h1", _HOLD), command("h2", _HOLD, 16, 2, hold=HoldKind.CUTOFF))
    assert _held(after(release("r"), *held)) == {"manual", "cutoff"}
    assert _held(after(release("r"), *held, command("u", _UNHOLD, 20, 3))) == set()


def test_an_unhold_of_one_kind_leaves_the_others() -> None:
    told = after(
        command("h1", _HOLD, hold=HoldKind.SOD),
        command("h2", _HOLD, hold=HoldKind.MANUAL),
        command("u", _UNHOLD, 20, 2, hold=HoldKind.SOD),
    )
    assert _held(told) == {"manual"}


def test_the_highest_sequence_is_the_last_word_whatever_came_first() -> None:
    unhold, hold = command("u", _UNHOLD, 20, 2), command("h", _HOLD, 15, 1)
    assert _held(after(unhold, hold)) == _held(after(hold, unhold)) == set()


def test_a_verdict_that_asks_for_it_holds_and_is_an_open_alert() -> None:
    told = after(release("r"), verdict("v"))
    assert _held(told) == {"duplicate"}
    assert as_state(told.known, b"").open_alerts == ("dup-1",)


def test_a_verdict_without_a_hold_only_suspects() -> None:
    told = after(release("r"), verdict("v", hold=False))
    assert (_held(told), as_state(told.known, b"").open_alerts) == (set(), ("dup-1",))


def test_a_higher_number_of_the_same_verdict_takes_its_place_in_any_order() -> None:
    suspect, clear = verdict("v"), verdict("v", VerdictAction.CLEAR, number=2, hold=False)
    for facts in ((suspect, clear), (clear, suspect)):
        told = after(release("r"), *facts)
        assert (_held(told), as_state(told.known, b"").open_alerts) == (set(), ())
    assert after(release("r"), suspect, clear).outcomes[-1] is Outcome.APPLIED


def test_a_person_who_dismisses_the_alert_or_unholds_overrules_the_verdict() -> None:
    dismissed = command("d", CommandAction.DISMISS_DUPLICATE, alert_id="dup-1")
    assert _held(after(release("r"), verdict("v"), dismissed)) == set()
    released = command("u", _UNHOLD, 20, hold=HoldKind.DUPLICATE)
    told = after(release("r"), verdict("v"), released)
    assert _held(told) == set()
    assert as_state(told.known, b"").open_alerts == ("dup-1",)


def test_a_doubt_raised_after_the_unhold_holds_again() -> None:
    released = command("u", _UNHOLD, 20, hold=HoldKind.DUPLICATE)
    assert _held(after(release("r"), verdict("v"), released, verdict("w", at=30, alert_id="dup-2"))) == {"duplicate"}


def test_a_confirmed_duplicate_stays_held() -> None:
    confirmed = command("c", CommandAction.CONFIRM_DUPLICATE, alert_id="dup-1")
    assert _held(after(release("r"), verdict("v"), confirmed)) == {"duplicate"}


def test_cases_are_open_from_assignment_to_resolution() -> None:
    assigned = command("a", CommandAction.ASSIGN, case_id="case-1")
    told = after(release("r"), assigned)
    assert as_state(told.known, b"").case_ids == ("case-1",)
    told.tell(command("z", CommandAction.RESOLVE, 30, 2, case_id="case-1"), Context())
    assert as_state(told.known, b"").case_ids == ()
