"""How files of sub-folders are read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from connectors.formats import InstalledFormats
from connectors.intake.reading import Request
from connectors.watch.reading_rules import ReadingRules, RulesError, rules_from

RULES = """
folders:
  postfinance: {bank: POSTFINANCE}
  citi: {bank: CITI, profile: nordea}
  citi/old/mt940: {format: mt940, profile: unproved-statements}
"""


@pytest.fixture
def rules(tmp_path: Path) -> ReadingRules:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return rules_from(path, Request(source="drop"))


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("a.xml", Request(source="drop")),
        ("other/a.xml", Request(source="drop")),
        ("postfinance/a.xml", Request(source="drop", bank="POSTFINANCE")),
        ("citi/a.xml", Request(profile="nordea", source="drop", bank="CITI")),
        ("citi/old/a.xml", Request(profile="nordea", source="drop", bank="CITI")),
        ("citi/old/mt940/x/a.sta", Request("mt940", "unproved-statements", "drop", "CITI")),
        ("citibank/a.xml", Request(source="drop")),
    ],
)
def test_the_deeper_folder_changes_what_it_names(path: str, request_: Request, rules: ReadingRules) -> None:
    assert rules.request_for(PurePosixPath(path)) == request_


def test_formats_and_profiles_that_nobody_has_are_told_before_any_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("folders: {a: {profile: nobody}, b: {format: papyrus}, c: {format: mt940}}")
    rules = rules_from(path, Request(profile="default"))
    with pytest.raises(RulesError) as told:
        rules.check(InstalledFormats())
    _, *problems = str(told.value).splitlines()
    assert len(problems) == 2
    assert "a: --profile: expected one of" in problems[0]
    assert "found 'nobody'" in problems[0]
    assert "b: --format: expected auto or one of" in problems[1]


def test_what_is_installed_is_no_problem(rules: ReadingRules) -> None:
    rules.check(InstalledFormats())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("folders: {a: {profil: x}}", "folders.a.profil"),
        ("folders: {a: {profile: 5}}", "folders.a.profile"),
        ("folders: {../secret: {profile: x}}", "expected a folder below the drop folder"),
        ("folders: {/etc: {profile: x}}", "expected a folder below the drop folder"),
        ("folder: {}", "folders: Field required"),
        ("", "the file"),
        ("folders: [", "expected YAML"),
        ("\x00", "expected YAML"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_with_its_place(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(content)
    with pytest.raises(RulesError) as raised:
        rules_from(path, Request())
    assert told in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="No such file"):
        rules_from(tmp_path / "nowhere.yaml", Request())
