"""What any release wrote says the same today, and nothing is written in another way without a form of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from schemas.contract_files import version_key
from streams.agents.payment_rows import KINDS
from streams.forms import FORMS, Form, Forms
from tests.evolution.golden import (
    PAYMENTS,
    PRIVATE,
    GoldenTable,
    differences,
    features,
    goldens,
    kept_in,
    said,
    written,
)
from tests.evolution.releases import AFTER_NEXT, BEFORE, NEXT, RELEASES
from tests.evolution.write_golden import ReleasedError, check_unreleased, write

GOLDENS = goldens()
NEWEST = max((row.release for row in GOLDENS), key=version_key)
every_table = pytest.mark.parametrize("golden", GOLDENS, ids=lambda row: f"{row.release}/{row.table}")
newest_tables = pytest.mark.parametrize(
    "golden", [row for row in GOLDENS if row.release == NEWEST], ids=lambda row: row.table
)
NOT_AS_BEFORE = (
    "release {release} wrote form {form} in another way. If {release} is out: add a form to streams/forms.py, raise "
    "the version, and `make golden RELEASE=` the new one. If it is still being made: `make golden RELEASE={release}`"
)


@every_table
@pytest.mark.parametrize("forms", RELEASES.values(), ids=RELEASES.keys())
def test_what_a_release_wrote_says_the_same_to_every_later_one(golden: GoldenTable, forms: Forms) -> None:
    for row in golden.rows:
        assert list(differences(row.says, said(golden.table, row.value, forms))) == [], row.shows


@every_table
@pytest.mark.parametrize("forms", [FORMS, NEXT, AFTER_NEXT], ids=["current", "next", "after-next"])
def test_until_an_upgrade_is_finished_rows_are_what_the_earlier_release_would_have_written(
    golden: GoldenTable, forms: Forms
) -> None:
    form = forms.of(golden.form)
    for row in golden.rows:
        assert written(golden.table, said(golden.table, row.value, forms), form, forms) == row.value, row.shows


@newest_tables
def test_the_form_being_written_is_the_one_of_the_newest_golden_rows(golden: GoldenTable) -> None:
    told = NOT_AS_BEFORE.format(release=golden.release, form=golden.form)
    assert golden.form == FORMS.newest.number, f"no golden rows of form {FORMS.newest.number}: make golden"
    for row in golden.rows:
        assert written(golden.table, row.says, FORMS.newest) == row.value, f"{row.shows}: {told}"


def test_a_form_is_known_since_the_release_that_first_wrote_it() -> None:
    for golden in GOLDENS:
        assert version_key(FORMS.of(golden.form).release) <= version_key(golden.release)


def test_golden_rows_show_every_kind_of_row_and_of_fact() -> None:
    shown = {table: set[str]() for table in (PAYMENTS, *PRIVATE)}
    for golden in GOLDENS:
        if golden.release == NEWEST:
            shown[golden.table] |= {name for row in golden.rows for name in features(golden.table, row.says)}
    for table, rows in PRIVATE.items():
        assert {kind.__name__ for kind in rows.kinds} <= shown[table]
    facts = {f"fact {kind.__name__}" for _, kind in KINDS}
    assert facts | {"rivals", "withdrawn", "overflowed", "fired", "flag CONFLICT"} <= shown[PAYMENTS]


def test_a_changed_layout_without_a_form_of_its_own_is_found() -> None:
    """What the tests above are for: the layout of the next release, smuggled in as this one's form."""
    smuggled = Forms("0.0.0", *FORMS.known[:-1], Form(FORMS.newest.number, "0.0.0", NEXT.newest.internal))
    payments = next(row for row in GOLDENS if row.table == PAYMENTS and row.form == FORMS.newest.number)
    assert any(written(PAYMENTS, row.says, smuggled.newest, smuggled) != row.value for row in payments.rows)


def test_a_changed_schema_of_a_fact_without_a_form_of_its_own_is_found() -> None:
    payments = next(row for row in GOLDENS if row.table == PAYMENTS)
    row = next(row for row in payments.rows if "fact Approval" in features(PAYMENTS, row.says))
    smuggled = BEFORE.of(1)
    assert written(PAYMENTS, row.says, smuggled, BEFORE) != row.value


def test_differences_are_told_by_their_place_and_later_fields_are_none() -> None:
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "new": 0}], "c": 3})) == []
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]})) == [".a[1].b: expected 2, found 3"]
    assert list(differences({"a": 1}, {})) == [".a: expected 1, found no such field"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A release 3.0.0 in the making, as far as the writer of golden rows looks at it."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "3.0.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 2.9.0\n")
    return tmp_path


@pytest.mark.parametrize("version", ["2.9.0", "3.0.1", ""])
def test_golden_rows_are_written_for_the_release_that_is_being_made_only(checkout: Path, version: str) -> None:
    with pytest.raises(ReleasedError, match=r"makes release 3\.0\.0"):
        check_unreleased(version, checkout)


def test_golden_rows_of_a_version_in_the_changelog_are_never_overwritten(checkout: Path) -> None:
    check_unreleased("3.0.0", checkout)
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## 3.0.0 (2026-12-01)\n")
    with pytest.raises(ReleasedError, match=r"released, CHANGELOG\.md says"):
        write("3.0.0", checkout / "golden", checkout)
    assert not (checkout / "golden").exists()


def test_golden_rows_of_a_tagged_version_are_never_overwritten(checkout: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@t")
        subprocess.run(["git", "-C", str(checkout), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "all")
    check_unreleased("3.0.0", checkout)
    git("tag", "v3.0.0")
    with pytest.raises(ReleasedError, match=r"tag v3\.0\.0 is there"):
        check_unreleased("3.0.0", checkout)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    for golden in GOLDENS:
        kept_in(tmp_path / golden.release / f"{golden.table}.json", golden)
    assert goldens(tmp_path) == GOLDENS
    for path in tmp_path.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
