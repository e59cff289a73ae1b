"""``paystate parse`` as it is run: output, exit status, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.files import SAMPLES
from tests.connectors.iso20022.given import notification_xml

REJECTED = SAMPLES / "pain002/nordea_v03_txn_reject.xml"
KEYS = {
    "level",
    "references",
    "bank_status",
    "lifecycle",
    "flags",
    "reason_codes",
    "reason_text",
    "amount",
    "currency",
    "value_date",
    "direction",
    "account",
    "position",
}


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "streams.cli", "parse", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    return done


def objects(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_accepted_file_is_one_object_with_status_0() -> None:
    done = run(REJECTED, "--json")
    [said] = objects(done)
    assert done.returncode == 0
    assert (said["outcome"], said["reason"], said["detail"]) == ("accepted", None, None)
    assert (said["format"], said["message_id"]) == ("pain.002", "XML990920150728124014189")
    assert [ack["level"] for ack in said["acknowledgements"]] == ["batch", "transaction", "transaction"]
    assert all(set(ack) >= KEYS for ack in said["acknowledgements"])
    assert set(said["acknowledgements"][0]["references"]) == {
        *("end_to_end_id", "uetr", "instruction_id", "payment_info_id", "message_id", "bank_ref", "trace_number"),
    }


def test_a_rejected_file_says_why_with_status_2() -> None:
    done = run(SAMPLES / "pain001/multi_pmtinf.xml", "--json")
    [said] = objects(done)
    assert done.returncode == 2
    assert (said["outcome"], said["reason"]) == ("rejected_file", "count_mismatch")
    assert said["detail"] == {"where": "GrpHdr/NbOfTxs", "expected": "1", "found": "2 were read"}
    assert said["instructions"] == []


def test_a_rejected_file_says_nothing_of_what_came_before_the_fault(tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml"
    cut.write_bytes(REJECTED.read_bytes()[:-30])
    [said] = objects(run(cut, "--json"))
    assert (said["reason"], said["acknowledgements"]) == ("truncated", [])


def test_several_files_are_an_object_a_line_and_one_bad_one_is_enough_for_status_2(tmp_path: Path) -> None:
    done = run(REJECTED, tmp_path / "none.xml", tmp_path, SAMPLES / "pain001/intl_usd.xml", "--json")
    said = objects(done)
    assert done.returncode == 2
    assert [row["outcome"] for row in said] == ["accepted", "rejected_file", "rejected_file", "accepted"]
    assert [row["reason"] for row in said] == [None, "unreadable", "unreadable", None]
    assert said[3]["instructions"][0]["amount"] == "111.11"


def test_a_dash_is_the_standard_input() -> None:
    [said] = objects(run("-", "--json", stdin=REJECTED.read_bytes()))
    assert (said["outcome"], len(said["acknowledgements"])) == ("accepted", 3)


def test_a_person_sees_a_table_and_a_verdict() -> None:
    done = run(REJECTED, SAMPLES / "pain001/multi_pmtinf.xml")
    text = done.stdout.decode()
    assert done.returncode == 2
    assert "RJCT: REJECTED" in text
    assert "accepted" in text
    assert "count_mismatch: GrpHdr/NbOfTxs: expected 1, found 2 were read" in text


def test_a_person_sees_what_was_not_understood(tmp_path: Path) -> None:
    file = tmp_path / "odd.xml"
    file.write_bytes(notification_xml("<Ntry><Amt Ccy='CHF'>1</Amt><CdtDbtInd>X</CdtDbtInd><Sts>BOOK</Sts></Ntry>"))
    done = run(file)
    assert done.returncode == 0
    assert "not understood Ntry[1], Ntry/CdtDbtInd: expected DBIT or CRDT, found 'X'" in done.stdout.decode()
    [said] = objects(run(file, "--json"))
    assert said["errors"] == [
        {"position": "Ntry[1]", "field": "Ntry/CdtDbtInd", "expected": "DBIT or CRDT", "found": "'X'"}
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--format", "camt.054"), "wrong_format"),
        (("--format", "x"), "unknown_format"),
        (("--profile", "x"), "unknown_profile"),
    ],
)
def test_a_wrong_option_is_a_refusal_that_says_what_there_is(options: tuple[str, ...], reason: str) -> None:
    done = run(REJECTED, "--json", *options)
    [said] = objects(done)
    assert (done.returncode, said["reason"]) == (2, reason)
    assert said["detail"]["expected"]


def test_a_profile_changes_what_is_taken() -> None:
    done = run(SAMPLES / "pain001/multi_pmtinf.xml", "--json", "--profile", "first-batch-only")
    [said] = objects(done)
    assert (done.returncode, len(said["instructions"])) == (0, 2)


def test_profiles_that_cannot_be_used_are_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yaml").write_text("controls: maybe\n", encoding="utf-8")
    monkeypatch.setenv("PAYSTATE_PROFILES_DIR", str(tmp_path))
    done = run(REJECTED)
    assert done.returncode == 1
    assert b"bad.yaml" in done.stderr
