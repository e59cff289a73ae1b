"""How far a replay is, in words that an operator can act on."""

from __future__ import annotations

from streams.cli.replay import standing_text
from streams.replay.progress import Standing


def test_until_the_marks_are_reached_it_replays_and_says_how_long() -> None:
    standing = Standing(replayed=1_200, total=4_000, behind=2_812, per_s=350.0)
    assert (standing.phase, standing.eta_s) == ("replaying", 8.0)
    assert standing_text(standing) == (
        "replaying, 1200 of 4000 offsets replayed (30 %), 350/s, 8 s to go; 2812 records behind"
    )


def test_where_no_worker_gets_on_nothing_is_promised() -> None:
    standing = Standing(replayed=0, total=4_000, behind=4_000, per_s=0.0)
    assert standing.eta_s is None
    assert "no worker gets on with it" in standing_text(standing)


def test_behind_the_marks_it_catches_up_and_then_it_is_live() -> None:
    assert Standing(10, 10, 3).phase == "catching up"
    assert Standing(10, 10, 0).phase == "live"
    assert Standing(0, 0, 0).phase == "live"
