"""What the documentation points at exists: files, headings, commands, make targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
COMMAND = re.compile(r"\bpaystate ([a-z]+)\b(?=[ `\n.)]|$)")
TARGET = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)
page_by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> str:
    """What stands in code spans and code blocks: the parts that a reader types."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", text))])


def headings(page: Path) -> set[str]:
    """Anchors of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@page_by_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        found = (page.parent / target).resolve()
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in headings(found), f"{page.name}: {target}#{anchor}"


@page_by_page
def test_every_command_named_exists(page: Path) -> None:
    assert set(COMMAND.findall(code(page))) <= set(COMMANDS)


@page_by_page
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {one or other for one, other in TARGET.findall(code(page))}
    assert named <= targets


def test_decisions_are_numbered_without_gaps() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(path.name.split("-")[0]) for path in decisions]
    assert numbers == list(range(1, len(decisions) + 1))


@pytest.mark.parametrize("folder", ["decisions", "runbooks"])
def test_the_index_lists_every_decision_and_every_runbook_once(folder: str) -> None:
    listed = re.findall(rf"\(({folder}/[^)]+)\)", (ROOT / "docs/README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(f"{folder}/{path.name}" for path in (ROOT / "docs" / folder).glob("*.md"))


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_says_its_context_and_its_consequences(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    positions = [text.index(f"## {heading}") for heading in ("Context", "Decision", "Consequences")]
    assert positions == sorted(positions)
    assert text.startswith("# ")
