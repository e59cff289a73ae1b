"""Every committed sample says what expected/ holds, checked against the file by hand."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from connectors.formats import InstalledFormats
from connectors.parsing import Parsed, parse_stream
from tests.connectors.files import SAMPLES, all_samples, name_of, profile_name, refused_samples

EXPECTED = Path(__file__).parent / "expected"
LISTED_FORMATS = re.compile(r"one of the formats [a-z0-9.,_ ]+")
"""A refusal of an unknown format lists all that are installed."""


def said_by(path: Path, profile: str) -> dict[str, Any]:
    """What ``paystate parse --json`` prints of a file."""
    out = io.BytesIO()
    with Parsed(name_of(path)) as parsed, path.open("rb") as stream:
        parse_stream(stream, parsed, InstalledFormats(), "auto", profile)
        parsed.write_json(out)
    said: dict[str, Any] = json.loads(LISTED_FORMATS.sub("one of the formats ...", out.getvalue().decode()))
    return said


def _expectation(path: Path) -> Path:
    return EXPECTED / path.parent.name / f"{path.name}.json"


EVERY = [*all_samples(), *refused_samples()]


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_a_sample_says_what_was_checked_by_hand(path: Path) -> None:
    assert said_by(path, profile_name(path)) == json.loads(_expectation(path).read_text(encoding="utf-8"))


def test_every_expectation_belongs_to_a_sample() -> None:
    assert set(EXPECTED.rglob("*.json")) == {_expectation(path) for path in EVERY}


def test_the_manifest_names_every_sample_and_its_licence() -> None:
    with (SAMPLES / "manifest.tsv").open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream, delimiter="\t")}
    files = {name_of(path) for path in SAMPLES.glob("*/*") if path.parent.name != "LICENCES"}
    assert set(rows) == files
    assert all(row["licence"] and row["shows"] for row in rows.values())
