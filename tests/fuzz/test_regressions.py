"""Every file that fuzzing has ever found wanting keeps all promises now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.promises import check
from tests.fuzz.seeds import regressions


@pytest.mark.parametrize("path", regressions(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_stays_mended(path: Path) -> None:
    check(path.parent.name, path.read_bytes())
