"""An arena a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite(f"{__package__}.arena")

from .arena import Arena  # noqa: E402 - its assertions are rewritten only if it is imported after the line above
from .ledger import Names  # noqa: E402


@pytest.fixture
def arena(kafka: Any, prefix: str, tmp_path: Path) -> Iterator[Arena]:
    """Topics of this test on the shared broker, and a folder for its stores."""
    arena = Arena(kafka.bootstrap_servers, Names(prefix), tmp_path)
    arena.create_topics()
    yield arena
    arena.end()
