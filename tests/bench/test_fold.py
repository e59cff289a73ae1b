"""The fold that is measured is the agent's own: every fact goes through every stage."""

from __future__ import annotations

from pathlib import Path

from bench.fold import measured

_STAGES = {
    *("take", "decode the fact", "fold", "encode what is told", "seal", "encode the row"),
    *("write the store", "keep rows", "count"),
}


def test_every_stage_is_measured(tmp_path: Path) -> None:
    figures = measured(tmp_path, payments=20, in_flight=20, repeats=1, bare=False)
    assert figures.keys() == _STAGES | {"whole"}
    assert all(figures[stage] > 0 for stage in ("whole", "fold", "encode the row"))
