"""Every kind of damage leaves a store other than it was."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .damage import damage
from .schedule import DAMAGES

FILES = {"CURRENT": b"MANIFEST-000005", "MANIFEST-000005": bytes(200), "000007.sst": bytes(4_000), "LOG": b"kept"}


@pytest.mark.parametrize("variant", [variant for variant in DAMAGES if variant != "roll-back"])
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_store_differs_in_one_file_that_it_needs_or_is_gone(tmp_path: Path, variant: str, seed: int) -> None:
    store = tmp_path / "0"
    store.mkdir()
    for name, content in FILES.items():
        (store / name).write_bytes(content)
    damage(store, variant, random.Random(seed))
    if variant == "delete":
        assert not store.exists()
        return
    left = {path.name: path.read_bytes() for path in store.iterdir()}
    changed = {name for name, content in FILES.items() if left.get(name) != content}
    assert len(changed) == 1
    assert "LOG" not in changed
