"""What is said of an upgrade: the form in force, who is of which release, what is left to do."""

from __future__ import annotations

import pytest

from schemas.records import Upgrade, UpgradeStep
from streams.doctor.finding import Level
from streams.doctor.release import form
from streams.forms import FORMS, Forms
from streams.upgrade.finish import Standing
from streams.upgrade.members import Member
from tests.evolution.releases import AFTER_NEXT, NEXT

OWN = FORMS.newest.number
AT = 1_798_105_200_000_000
IN_FORCE = Upgrade(OWN, UpgradeStep.IN_FORCE, OWN, FORMS.release, "kim", AT)
LATER = Upgrade(OWN + 1, UpgradeStep.IN_FORCE, OWN, NEXT.release, "kim", AT)
FINISHING = Upgrade(OWN + 1, UpgradeStep.FINISHING, OWN, NEXT.release, "kim", AT)
BLUE = Member("blue", FORMS.release, OWN, "10.0.0.1")
GREEN = Member("green", NEXT.release, OWN + 1, "10.0.0.2")


@pytest.mark.parametrize(
    ("forms", "decision", "members", "level", "words"),
    [
        (FORMS, None, (), Level.OK, "no worker has run"),
        (FORMS, IN_FORCE, (BLUE,), Level.OK, f"form {OWN} is in force and written by all workers"),
        (FORMS, IN_FORCE, (BLUE, GREEN), Level.WARN, "workers are of several releases: blue on 10.0.0.1"),
        (NEXT, IN_FORCE, (GREEN,), Level.WARN, f"98.0.0 can write form {OWN + 1}"),
        (NEXT, FINISHING, (GREEN,), Level.WARN, f"form {OWN} is in force"),
        (FORMS, LATER, (GREEN,), Level.FAIL, f"reads up to form {OWN}"),
        (NEXT, LATER, (GREEN,), Level.OK, "98.0.0, kim, 2026-12-24"),
        (AFTER_NEXT, LATER, (GREEN,), Level.WARN, f"99.0.0 can write form {OWN + 2}"),
    ],
)
def test_the_form_in_force_is_told_with_what_is_left_to_do(
    forms: Forms, decision: Upgrade | None, members: tuple[Member, ...], level: Level, words: str
) -> None:
    found = form(Standing(forms, decision, members))
    assert found.level is level
    assert words in found.found
    assert bool(found.advice) is (level is not Level.OK)


def test_one_that_is_being_finished_says_how_it_is_ended() -> None:
    found = form(Standing(NEXT, FINISHING, ()))
    assert f"the upgrade to form {OWN + 1} is being finished" in found.found
    assert "`paystate upgrade finish` of 98.0.0 again" in found.advice
