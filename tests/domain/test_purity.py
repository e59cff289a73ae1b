"""The domain is pure: nothing of the world comes in, and no result depends on how a dict or a set is laid out."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import streams.domain

_MODULES = sorted(Path(streams.domain.__file__).parent.glob("*.py"))
_ROOT = Path(streams.domain.__file__).parents[2]

#: What of the standard library a pure function may use.
_ALLOWED = frozenset(
    {
        *("__future__", "bisect", "collections", "dataclasses", "decimal", "enum", "functools", "hashlib"),
        *("itertools", "operator", "re", "typing", "unicodedata"),
    }
)
_FORBIDDEN_NAMES = frozenset({"open", "print", "input", "eval", "exec", "globals", "id", "hash", "breakpoint"})

#: It writes constructors from the names of fields, when a module is loaded, as ``dataclasses`` does.
_GENERATING = {"construction": {"exec"}}


def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(), module.name)


def _imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.stem)
def test_it_imports_only_the_domain_and_harmless_parts_of_the_standard_library(module: Path) -> None:
    foreign = {
        name
        for name in _imported(_tree(module))
        if name.partition(".")[0] not in _ALLOWED and not f"{name}.".startswith("streams.domain.")
    }
    assert foreign == set()


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.stem)
def test_it_neither_reads_nor_writes_nor_asks_what_differs_between_processes(module: Path) -> None:
    calls = [node.func for node in ast.walk(_tree(module)) if isinstance(node, ast.Call)]
    forbidden = _FORBIDDEN_NAMES - _GENERATING.get(module.stem, set())
    assert {called.id for called in calls if isinstance(called, ast.Name)} & forbidden == set()


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.stem)
def test_it_keeps_no_state_between_calls(module: Path) -> None:
    statements = [node for node in ast.walk(_tree(module)) if isinstance(node, (ast.Global, ast.Nonlocal))]
    assert statements == []


_SCENARIO = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.domain.scenario import told
sys.stdout.write(told())
"""


def test_the_same_facts_give_the_same_bytes_whatever_the_hash_seed() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", _SCENARIO, str(_ROOT)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "42", "4711")
    }
    assert len(said) == 1
    assert len(said.pop()) > 5_000
