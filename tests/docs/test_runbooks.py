"""A runbook knows every case that the code tells apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from streams.metric_catalogue import REASON_CLASSES

ROOT = Path(__file__).resolve().parents[2]
REFUSALS = {"Refusal", "RefusedError", "_UnreadableError"}


def listed(name: str) -> set[str]:
    """What a runbook's tables explain: code spans in the first column."""
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs/runbooks" / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {span for row in rows for span in re.findall(r"`([a-z_]+)`", row)}


def refusals(path: Path) -> Iterator[str]:
    """The reasons for which a module refuses a file: the first word that it gives."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)


def test_every_reason_for_which_a_file_is_refused_has_its_row() -> None:
    said = {reason for path in (ROOT / "connectors").rglob("*.py") for reason in refusals(path)}
    assert {"truncated", "count_mismatch", "doctype_forbidden"} <= said
    assert said - listed("file-refused.md") == set()


def test_every_class_of_dead_letters_has_its_row() -> None:
    assert listed("dead-letters.md") == set(REASON_CLASSES)
