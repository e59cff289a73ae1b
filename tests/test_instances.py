"""Workers of one machine never share a name, and get it back after they die."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streams.instances import NoInstanceError, claim

CLAIM = """
import sys, pathlib
from streams.instances import claim
held = claim(pathlib.Path(sys.argv[1]))
print(held.name, flush=True)
sys.stdin.read()
"""


def test_each_worker_takes_the_first_number_that_nobody_holds(tmp_path: Path) -> None:
    first, second = claim(tmp_path), claim(tmp_path)
    assert (first.number, second.number) == (1, 2)
    assert first.name != second.name
    for lock in first.locks:
        lock.close()
    assert claim(tmp_path).name == first.name


def test_named_workers_have_numbers_of_their_own_for_their_ports(tmp_path: Path) -> None:
    held = [claim(tmp_path, name) for name in ("blue", "green")]
    assert [(row.name, row.number) for row in held] == [("blue", 1), ("green", 2)]


def test_a_name_that_a_running_worker_holds_is_refused(tmp_path: Path) -> None:
    held = claim(tmp_path, "blue")
    with pytest.raises(NoInstanceError, match="'blue' runs already: choose another PAYSTATE_INSTANCE"):
        claim(tmp_path, held.name)


def test_a_killed_workers_name_is_free_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert claim(tmp_path).name != name
        process.kill()
        process.wait()
        assert claim(tmp_path).name == name
