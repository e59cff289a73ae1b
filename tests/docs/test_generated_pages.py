"""The pages that the code can tell by itself are what the code says, and leave nothing out."""

from __future__ import annotations

import pytest

from docs.generate import FOLDER, PAGES
from streams.metric_catalogue import CATALOGUE, LABELS
from streams.settings import Settings, names


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_setting_is_described() -> None:
    rows = [line for line in PAGES["settings.md"]().splitlines() if line.startswith("| `PAYSTATE_")]
    assert {row.split("`")[1] for row in rows} == set(names())
    for row in rows:
        assert row.split("|")[-2].strip(), row


def test_no_secret_has_a_default() -> None:
    assert Settings.model_fields["account_hash_key"].default is None
    assert [
        row for row in PAGES["settings.md"]().splitlines() if "| secret |" in row and "|  | secret" not in row
    ] == []


def test_every_metric_and_label_is_on_its_page() -> None:
    page = PAGES["metrics.md"]()
    for metric in CATALOGUE:
        assert f"| `{metric.name}` | {metric.kind.value} |" in page
    for label in LABELS:
        assert f"| `{label}` |" in page
