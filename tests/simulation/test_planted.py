"""Every step of the protocol is guarded: a bug planted there is found, and the page that says so is current."""

from __future__ import annotations

import pytest

from .page import PAGE, known, look_for, written
from .planted import BUGS, PlantedBug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: str(bug.name))
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    """Where it was found last, or else from the first seed on."""
    last = known()[bug.name].schedules
    assert look_for(bug, first=last, most=1) or look_for(bug), f"{bug.name} survives: {bug.how}"


def test_the_page_names_every_planted_bug_and_nothing_else() -> None:
    assert PAGE.read_text("utf-8") == written(known()), "run `make planted-bugs`"
    assert list(known()) == [bug.name for bug in BUGS]


def test_names_are_used_once() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
