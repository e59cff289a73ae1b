"""Formats and bank profiles as installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.bank_profiles import OWN_FOLDER, ProfileError
from connectors.contract import BankProfile, Connector, FileEnd, Refusal
from connectors.formats import InstalledFormats
from streams.domain.statuses import Status
from tests.connectors.files import SAMPLES, read


def installed(folder: Path | None = None) -> InstalledFormats:
    return InstalledFormats(folder)


def profile(formats: InstalledFormats, name: str) -> BankProfile:
    found = formats.profile(name)
    assert isinstance(found, BankProfile)
    return found


def test_a_format_is_found_by_name_and_by_content() -> None:
    formats = installed()
    named = formats.connector("pain.002", b"")
    assert isinstance(named, Connector)
    data = (SAMPLES / "pain002/gs_v03_accepted.xml").read_bytes()
    assert formats.connector("auto", data) == named
    assert formats.connector_named("pain.002") == named
    assert formats.connector_named("pain.999") is None


def test_an_unknown_format_name_is_refused_with_those_there_are() -> None:
    refused = installed().connector("pain.999", b"")
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.found) == ("unknown_format", "'pain.999'")
    assert "pain.002" in refused.expected


def test_unknown_content_is_refused_with_its_first_bytes_and_what_was_looked_for() -> None:
    refused = installed().connector("auto", b"%PDF-1.7 something")
    assert isinstance(refused, Refusal)
    assert refused.reason == "unknown_format"
    assert "%PDF-1.7" in refused.found
    assert "camt.054" in refused.expected
    assert "pain.001" in refused.expected


def test_unknown_xml_is_refused_with_what_it_is() -> None:
    refused = installed().connector("auto", b"<Document><CstmrDrctDbtInitn><GrpHdr/></CstmrDrctDbtInitn></Document>")
    assert isinstance(refused, Refusal)
    assert "XML of Document/CstmrDrctDbtInitn" in refused.found


@pytest.mark.parametrize("head", [b"", b" \n\t "])
def test_nothing_is_refused_as_empty(head: bytes) -> None:
    refused = installed().connector("auto", head)
    assert isinstance(refused, Refusal)
    assert refused.reason == "empty"


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    refused = installed().profile("nobank")
    assert isinstance(refused, Refusal)
    assert refused.reason == "unknown_profile"
    assert "default" in refused.expected


def test_our_own_profiles_are_valid_and_the_default_changes_nothing() -> None:
    formats = installed()
    assert {"default", "first-batch-only", "nordea", "rtp"} <= set(formats.profiles())
    assert profile(formats, "default") == BankProfile("default")


def test_a_profile_without_controls_takes_a_file_that_counts_only_its_first_batch() -> None:
    data = (SAMPLES / "pain001/multi_pmtinf.xml").read_bytes()
    assert read(data, "pain.001").refusal.reason == "count_mismatch"
    taken = read(data, "pain.001", profile(installed(), "first-batch-only"))
    assert isinstance(taken.last, FileEnd)
    assert [item.references.payment_info_id for item in taken.instructions()] == [
        "a790e857-e006-4dea-8d35-3fccf4736e4",
        "second-one",
    ]


def test_a_profile_says_which_movements_are_no_payments_at_this_bank() -> None:
    data = (SAMPLES / "camt053/nordea.xml").read_bytes()
    ours = profile(installed(), "nordea")
    assert read(data, "camt.053").acknowledgements()[3].lifecycle is Status.SETTLED
    assert read(data, "camt.053", ours).acknowledgements()[3].lifecycle is None


def test_a_profile_says_what_a_status_means_on_this_network() -> None:
    data = (SAMPLES / "pacs002/rtp_ACTC.xml").read_bytes()
    assert read(data, "pacs.002").only().lifecycle is Status.BANK_RECEIVED
    assert read(data, "pacs.002", profile(installed(), "rtp")).only().lifecycle is Status.SETTLED


def test_a_profile_of_the_users_is_added_and_wins_over_ours(tmp_path: Path) -> None:
    (tmp_path / "mybank.yaml").write_text(
        "description: My bank\n"
        "encoding: latin-1\n"
        "statuses:\n  ACTC: BANK_ACCEPTED\n  'GROUP:PART': null\n"
        "own_accounts: ['CH29 0900 0000 2500 9423 9']\n"
        "options:\n  movements:\n    Z99: fee\n",
        encoding="utf-8",
    )
    (tmp_path / "rtp.yml").write_text("description: Mine\ncontrols: ignore\n", encoding="utf-8")
    formats = installed(tmp_path)
    mine = profile(formats, "mybank")
    assert mine.encoding == "iso8859-1"
    assert mine.statuses == {"ACTC": Status.BANK_ACCEPTED, "GROUP:PART": None}
    assert mine.own_accounts == frozenset({"CH2909000000250094239"})
    assert mine.options == {"movements": {"Z99": "fee"}}
    assert profile(formats, "rtp").controls == "ignore"


def test_all_problems_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    wrong = {
        "a.yaml": "description: A\nencoding: klingon\ncolour: red\n",
        "b.yaml": "description: B\nstatuses:\n  ACTC: NOWHERE\n  accp: SETTLED\n",
        "c.yaml": "description: [",
        "d.yaml": "- a list\n",
        "e.yaml": "options:\n  movements:\n    Z1: gift\n",
        "f.yaml": "description: F\ncontrols: maybe\n",
    }
    for name, text in wrong.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as raised:
        installed(tmp_path)
    lines = str(raised.value).splitlines()
    for name, told in (
        ("a.yaml", "klingon"),
        ("a.yaml", "colour"),
        ("b.yaml", "NOWHERE"),
        ("b.yaml", "accp"),
        ("c.yaml", "expected YAML"),
        ("d.yaml", "the file"),
        ("e.yaml", "description"),
        ("e.yaml", "gift"),
        ("f.yaml", "maybe"),
    ):
        assert any(name in line and told in line for line in lines), (name, told, lines)


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no such folder"):
        installed(tmp_path / "nowhere")


def test_the_example_of_the_readme_is_a_profile(tmp_path: Path) -> None:
    readme = (OWN_FOLDER / "README.md").read_text(encoding="utf-8")
    example = [line[4:] for line in readme.splitlines() if line.startswith("    ")]
    (tmp_path / "x.yaml").write_text("\n".join(example), encoding="utf-8")
    found = profile(installed(tmp_path), "x")
    assert found.statuses == {"GROUP:PART": Status.BANK_RECEIVED}
    assert found.options == {"movements": {"Z99": "fee"}}
