"""A short form of `make chaos`, about 90 s on two processors: real broker, real workers, a bit of everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .scenario import Options, run
from .schedule import Fault

FAULTS = (Fault.KILL, Fault.BROKER_KILL, Fault.REBALANCE, Fault.ZOMBIE, Fault.FENCE, Fault.POISON)


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_under_a_bit_of_everything_nothing_is_lost_repeated_or_wrong(tmp_path: Path) -> None:
    said: list[str] = []
    line = run(Options(seed=4, faults=FAULTS, steps=len(FAULTS), payments=200), tmp_path, said.append)
    assert line["ok"], json.dumps({"said": said, **line}, indent=1)
    assert line["kills"] >= 2
    assert line["zombies"] >= 1
    assert all(line["faults"].values()), line["faults"]
    assert line["events"] > 1_000
    assert line["dead_letters"] == line["expected"]["dead_letters"] >= 5
