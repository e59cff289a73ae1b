"""The short form of ``make fuzz``: some hundred changed files of every format, the same ones on every run."""

from __future__ import annotations

from random import Random

import pytest

from connectors.registry import formats
from tests.fuzz.mutations import mutated
from tests.fuzz.promises import check
from tests.fuzz.seeds import seeds

INPUTS = 400


@pytest.mark.parametrize("format_", formats())
def test_every_format_has_a_seed_that_keeps_all_promises(format_: str) -> None:
    assert seeds()[format_]
    for seed in seeds()[format_]:
        check(format_, seed.data)


@pytest.mark.parametrize("format_", formats())
def test_a_changed_file_breaks_no_promise(format_: str) -> None:
    files = [seed.data for seed in seeds()[format_] if len(seed.data) < 4_000] or [seeds()[format_][0].data]
    for number in range(INPUTS):
        random = Random(f"{format_} {number}")
        check(format_, mutated(random.choice(files), random, files))
