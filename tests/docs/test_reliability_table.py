"""The table says what the lines say."""

from __future__ import annotations

from typing import Any

import pytest

from docs.reliability_table import quantile, table


def line(**changes: Any) -> dict[str, Any]:
    return {
        "faults": {"kill": 2, "zombie": 1},
        "details": {"struck: kill": 3, "struck: zombie": 2, "store-damage: flip": 4},
        "events": 100,
        "lost": 0,
        "repeated": 0,
        "reordered": 0,
        "wrong_state": 0,
        "store_mismatch": 0,
        "recovery_s": {"kill": [6.0, 7.0, 9.0]},
        "kills_by_point": {"flushed": 2, "": 1},
        "handovers": 5,
        "exits": {"-9": 3},
        "ok": True,
        "arguments": "--seed 7 --steps 3 --faults kill,zombie",
        "commit": "abc1234",
        "machine": "Linux",
        "duration_s": 61.2,
        **changes,
    }


def test_faults_are_counted_by_worker_struck_over_all_runs() -> None:
    rows = {row.split("|")[1].strip(): row for row in table([line(), line(lost=1)]).splitlines() if row.startswith("|")}
    assert rows["`kill`"] == "| `kill` | 2 | 6 | 200 | 1 | 0 | 0 | 0 | 0 | 7.0 / 9.0 | 6 |"
    assert rows["`zombie`"] == "| `zombie` | 2 | 4 | 200 | 1 | 0 | 0 | 0 | 0 | – | – |"
    assert rows["all runs"].startswith("| all runs | 2 | 10 | 200 | 1 |")


def test_points_say_where_workers_were_killed_and_where_none_was() -> None:
    text = table([line()])
    assert "`flushed` 2" in text
    assert "`stored` 0" in text
    assert "at any other moment 1" in text


def test_every_run_is_named_with_its_verdict_and_what_makes_it_again() -> None:
    runs = [row for row in table([line(), line(ok=False)]).splitlines() if row.startswith("- abc1234")]
    again = '- abc1234: `make chaos ARGS="--seed 7 --steps 3 --faults kill,zombie"` (61 s, {})'
    assert runs == [again.format("right"), again.format("wrong")]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2.0), (0.95, 4.0), (0.0, 1.0), (1.0, 4.0)])
def test_a_quantile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], share) == expected
