"""The truth survives the way through a file, and two truths make one."""

from __future__ import annotations

import json
from pathlib import Path

from streams.demo.company import company
from streams.demo.truth_file import read_truth, together
from streams.simulator.simulation import simulate


def test_what_the_simulator_wrote_is_read_as_it_was(tmp_path: Path) -> None:
    truth = simulate(3, 400).truth
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth.as_json()), encoding="utf-8")
    assert read_truth(path) == truth


def test_two_companies_have_everything_of_both() -> None:
    real, simulated = company().truth, simulate(3, 400).truth
    both = together(real, simulated)
    assert both.payments == real.payments | simulated.payments
    assert len(both.payments) == len(real.payments) + len(simulated.payments)
    assert both.duplicates == real.duplicates | simulated.duplicates
    assert (both.waiting, both.dead_letters) == (
        real.waiting + simulated.waiting,
        real.dead_letters + simulated.dead_letters,
    )
