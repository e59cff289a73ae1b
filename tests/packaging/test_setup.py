"""make needs Python 3.11 and nothing else, and says so in one line where that is not what it finds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def stand_in(folder: Path, body: str) -> Path:
    """An executable that stands in for Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def venv(python: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".ci/venv"), str(python), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_missing_python_is_told_in_one_line(tmp_path: Path) -> None:
    done = venv("no-such-python", tmp_path / "venv")
    assert done.returncode == 1
    assert done.stderr == (
        "no no-such-python here: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3\n"
    )


def test_an_old_python_is_told_with_its_version(tmp_path: Path) -> None:
    old = stand_in(tmp_path, 'case "$1" in -c) exit 1;; --version) echo "Python 3.9.2";; esac')
    done = venv(old, tmp_path / "venv")
    assert done.returncode == 1
    assert "is Python 3.9.2, expected Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_with_neither_ensurepip_nor_pip_is_told_what_to_install(tmp_path: Path) -> None:
    bare = stand_in(tmp_path, 'case "$*" in *ensurepip*|"-m pip"*) exit 1;; esac')
    done = venv(bare, tmp_path / "venv")
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


@pytest.mark.parametrize("without", ["", "ensurepip"])
def test_an_environment_has_pip_with_and_without_ensurepip(tmp_path: Path, without: str) -> None:
    blind = f'case "$*" in *{without}.version*) exit 1;; esac; ' if without else ""
    python = stand_in(tmp_path, f'{blind}exec "{sys.executable}" "$@"')
    done = venv(python, tmp_path / "venv")
    assert done.returncode == 0, done.stderr
    pip = [str(tmp_path / "venv/bin/python"), "-m", "pip", "--version"]
    told = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "venv") in told


def test_help_lists_every_target_that_a_person_may_call() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))
    listed = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} == phony
    assert {"demo", "test", "lint", "bench", "dashboards", "docs", "fmt", "clean", "help"} <= phony


def test_ci_runs_the_developers_test_command() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    assert re.search(r"^make test\b", script, re.MULTILINE)
