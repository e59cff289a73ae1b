"""NACHA files: which are read, in which shapes, and which are refused."""

from __future__ import annotations

import logging
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import BankProfile, FileEnd
from connectors.nacha.reader import KEPT_ADDENDA
from tests.connectors.files import SAMPLES
from tests.connectors.nacha.given import (
    batch,
    batch_of,
    entry,
    file_of,
    header,
    one,
    read,
    record,
    returned,
    text,
)

NO_CONTROLS = BankProfile("careless", controls="ignore")
HEADLESS = BankProfile("headless", options={"file_header": "optional"})
RETURNS = file_of(
    batch_of(batch(), entry(), returned(), entry("26", 12354), returned("R01")),
    batch_of(batch("CCD"), entry("31", 1), returned("R02")),
)
REMITTANCE = record((2, "05"), (4, "INV 1"), kind="7")


def fill(lines: list[str]) -> list[str]:
    return [*lines, *["9" * 94] * (-len(lines) % 10)]


def changed(lines: list[str], number: int, position: int, told: str) -> bytes:
    """The file with another text at one place: record and position count from 1."""
    line = lines[number - 1]
    other = line[: position - 1] + told + line[position - 1 + len(told) :]
    assert other != line
    return text([*lines[: number - 1], other, *lines[number:]])


@pytest.mark.parametrize(
    "data",
    [
        text(RETURNS, "\r\n"),
        text(RETURNS, "\r"),
        text(RETURNS, ""),
        text(RETURNS, "") + b"\n",
        text([line.rstrip() for line in RETURNS]),
        text(["", *RETURNS, "", ""]),
        text([line + "     " for line in RETURNS]),
        text(fill(RETURNS)),
        text(fill(RETURNS), ""),
        text(fill(RETURNS))[:-50],
        b"\xef\xbb\xbf" + text(RETURNS),
        text(RETURNS) + b"\x1a",
    ],
    ids=[
        *("CRLF", "CR", "joined", "joined, one line end", "trimmed", "blank lines", "padded", "filled"),
        *("filled and joined", "fill cut off", "byte order mark", "Ctrl-Z"),
    ],
)
def test_records_are_the_same_in_every_shape(data: bytes) -> None:
    assert read(data).mapped == read(text(RETURNS)).mapped
    assert len(read(data).acknowledgements()) == 3


def test_joined_records_longer_than_a_piece_of_the_file_are_cut_at_their_length() -> None:
    pairs = [line for number in range(1_000) for line in (entry(trace=f"{number:015d}"), returned())]
    data = text(file_of(batch_of(batch(), *pairs)), "")
    assert len(read(data).acknowledgements()) == 1_000


def test_a_file_is_named_by_who_made_it_for_whom_and_when() -> None:
    last = read(text(RETURNS)).last
    assert last == FileEnd("nacha", "691000134/091400606/181017/0306/A", "691000134", 3)


@pytest.mark.parametrize("first", [header(time="    "), header(time="0000"), header(modifier=" ")])
def test_a_file_without_a_time_of_its_own_is_named_by_its_bytes(first: str) -> None:
    last = read(one(entry(), returned(), first=first)).last
    assert isinstance(last, FileEnd)
    assert last.message_id is None


@pytest.mark.parametrize(
    ("number", "position", "told", "reason", "expected"),
    [
        (7, 5, "000003", "count_mismatch", "3 entries and addenda"),
        (7, 11, "0018280121", "hash_mismatch", "18280121 entry hash"),
        (7, 21, "000000012355", "sum_mismatch", "12355 debits"),
        (7, 33, "000000004566", "sum_mismatch", "4566 credits"),
        (7, 2, "220", "batch_mismatch", "service class 200"),
        (7, 80, "09100002", "batch_mismatch", "originating bank 09100001"),
        (7, 88, "0000002", "batch_mismatch", "batch number 0000001"),
        (12, 2, "000001", "count_mismatch", "1 batches"),
        (12, 8, "000001", "count_mismatch", "1 blocks"),
        (12, 14, "00000007", "count_mismatch", "7 entries and addenda"),
        (12, 22, "0027420181", "hash_mismatch", "27420181 entry hash"),
        (12, 32, "000000012355", "sum_mismatch", "12355 debits"),
        (12, 44, "000000004567", "sum_mismatch", "4567 credits"),
        (3, 30, "0000004566", "sum_mismatch", "4565 credits"),
        (3, 4, "09140061", "hash_mismatch", "entry hash"),
        (3, 2, "26", "sum_mismatch", "12354 debits"),
        (3, 79, "0", "count_mismatch", "no addenda"),
    ],
)
def test_a_control_that_does_not_agree_refuses_the_file(
    number: int, position: int, told: str, reason: str, expected: str
) -> None:
    refusal = read(changed(RETURNS, number, position, told)).refusal
    assert refusal.reason == reason
    assert expected in refusal.expected
    assert refusal.where == f"record {7 if number == 3 and position < 79 else number}"
    assert read(changed(RETURNS, number, position, told), NO_CONTROLS).accepted


def test_controls_that_only_warn_say_what_does_not_agree(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        done = read(changed(RETURNS, 7, 33, "000000004566"), BankProfile("lenient", controls="warn"))
    assert done.accepted
    assert "4566 credits" in caplog.text
    assert "lenient" in caplog.text


@pytest.mark.parametrize("missing", range(1, 13))
def test_no_record_can_be_missing(missing: int) -> None:
    data = text([line for number, line in enumerate(RETURNS, 1) if number != missing])
    assert not read(data).accepted


@pytest.mark.parametrize(
    ("lines", "reason", "where"),
    [
        ([header(), header()], "several_files", "record 2"),
        ([*RETURNS, *RETURNS], "text_after_end", "record 13"),
        ([header(), entry()], "misplaced_record", "record 2"),
        ([header(), batch(), returned()], "misplaced_record", "record 3"),
        ([header(), batch(), batch()], "misplaced_record", "record 3"),
        ([header(), batch(), entry(follow=0), RETURNS[-1]], "misplaced_record", "record 4"),
        ([header(), RETURNS[6]], "misplaced_record", "record 2"),
        ([header(), "9" * 94], "misplaced_record", "record 2"),
        ([header(), batch(), entry(), returned(), returned()], "misplaced_record", "record 5"),
        ([header(), "2" + "0" * 93], "unknown_record", "record 2"),
        ([header().replace("094101", "080101"), *RETURNS[1:]], "malformed_record", "record 1"),
        ([header(), batch(service="999")], "malformed_record", "record 2"),
        ([header(), batch(), entry("25")], "malformed_record", "record 3"),
        ([header(), batch(), entry(at_30="12345.6789")], "malformed_record", "record 3"),
        ([header(), batch(), entry(at_80="0910000X")], "malformed_record", "record 3"),
        ([header(), batch(), entry(), record(kind="7")], "malformed_record", "record 4"),
        ([header(), batch(), entry(), returned(), record(kind="8")], "malformed_record", "record 5"),
        ([*RETURNS[:-1], record(kind="9")], "malformed_record", "record 12"),
        ([*RETURNS[:-1], record((2, RETURNS[-1][1:55]), (80, "MORE"), kind="9")], "malformed_record", "record 12"),
        ([header(), batch(), entry() + "1"], "record_length", "record 4"),
        ([header()], "truncated", "end of file"),
        ([header(), batch()], "truncated", "end of file"),
        (RETURNS[:-1], "truncated", "end of file"),
        (RETURNS[1:], "missing_header", "record 1"),
        ([RETURNS[-1]], "missing_header", "record 1"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_at_its_place(lines: list[str], reason: str, where: str) -> None:
    refusal = read(text(lines)).refusal
    assert (refusal.reason, refusal.where) == (reason, where)
    assert refusal.expected
    assert refusal.found


BANK_AND_CHECK = "091400606"


def test_accounting_advices_do_not_mix_with_other_batches() -> None:
    advice = record((2, "81"), (4, BANK_AND_CHECK), (28, "000000000100"), (79, "0"), (80, "091000012910001"), kind="6")
    lines = [header(), *batch_of(batch(), entry(), returned()), batch("ADV", service="280"), advice]
    assert read(text(lines)).refusal.reason == "mixed_batches"


def test_accounting_advices_have_amounts_and_sums_of_their_own_width() -> None:
    advice = record((2, "82"), (4, BANK_AND_CHECK), (28, "123456789012"), (79, "0"), (80, "091000012910001"), kind="6")
    data = one(advice, batch_header=batch("ADV", service="280"))
    told = read(data).only()
    assert told.amount == Decimal("1234567890.12")
    assert told.lifecycle is None
    assert read(data.replace(b"123456789012", b"123456789013", 1)).refusal.reason == "sum_mismatch"


@pytest.mark.parametrize("declared", ["0002", "    ", "0001"])
def test_a_corporate_entry_has_as_many_addenda_as_it_says_inside_its_name(declared: str) -> None:
    told = entry("22", follow=1, name=f"{declared}Receiver Company")
    done = read(one(told, REMITTANCE, REMITTANCE, batch_header=batch("CTX")))
    assert done.accepted is (declared != "0001")
    if not done.accepted:
        assert done.refusal.reason == "count_mismatch"
        assert done.refusal.where == "record 3"


@pytest.mark.parametrize(("addenda", "taken"), [(7, True), (9, True), (6, False)])
def test_an_international_entry_has_at_least_the_addenda_that_it_says(addenda: int, taken: bool) -> None:
    lines = [record((2, str(10 + number)), kind="7") for number in range(addenda)]
    data = one(entry("22", at_13="0007".ljust(17)), *lines, batch_header=batch("IAT", "FF3"))
    assert read(data).accepted is taken


def test_a_return_repeats_the_count_of_its_original() -> None:
    told = entry(name="0007Receiver Company")
    assert read(one(told, returned(), batch_header=batch("CTX"))).accepted


def test_an_entry_that_announces_addenda_has_some() -> None:
    refusal = read(one(entry("22", follow=1))).refusal
    assert (refusal.reason, refusal.where) == ("count_mismatch", "record 3")


def test_of_many_addenda_some_are_kept_and_all_are_counted() -> None:
    told = entry("22", name="0500Receiver Company")
    [only] = read(one(told, *[REMITTANCE] * 500, batch_header=batch("CTX"))).records
    assert only.fields["addenda_count"] == 500
    assert only.fields["7"] == [REMITTANCE.rstrip()] * KEPT_ADDENDA


def test_two_returns_of_one_trace_number_stay_two() -> None:
    first, second = read(one(entry(), returned(), entry(), returned())).acknowledgements()
    assert first.references == second.references
    assert (first.position, second.position) == ("record 3", "record 5")


BODY = [line for line in RETURNS if line[0] not in "19"]


def test_returns_without_headers_are_taken_where_the_profile_says_so() -> None:
    assert read(text(BODY)).refusal.reason == "missing_header"
    assert "file_header: optional" in read(text(BODY)).refusal.expected
    done = read(text(BODY), HEADLESS)
    assert [told.references for told in done.acknowledgements()] == [
        told.references for told in read(text(RETURNS)).acknowledgements()
    ]
    assert read(text([*BODY, RETURNS[-1]]), HEADLESS).accepted
    assert read(text(RETURNS), HEADLESS).accepted


@pytest.mark.parametrize("kept", range(1, 5))
def test_returns_without_headers_end_with_a_whole_batch(kept: int) -> None:
    assert read(text(BODY[:kept]), HEADLESS).refusal.reason == "truncated"


def test_nothing_is_no_file_even_without_headers() -> None:
    assert read(b"\n\n", HEADLESS).refusal.reason == "empty"


def test_a_name_in_another_encoding_needs_a_profile_that_says_so() -> None:
    data = text(file_of(batch_of(batch(), entry(name="Bob Märlei"), returned()))).decode()
    assert read(data.encode()).accepted
    assert read(data.encode("latin-1")).refusal.reason == "wrong_encoding"
    assert read(data.encode("latin-1"), BankProfile("x", encoding="iso8859-1")).accepted


def test_blanks_that_were_trimmed_off_a_record_of_another_alphabet_cannot_be_counted() -> None:
    lines = [header(), batch(company="Bob Märlei").replace("0000001", "       ").rstrip()]
    assert read(text(lines)).refusal.reason == "record_length"


@pytest.mark.parametrize(("stray", "reason"), [(b"\0", "nul_byte"), (b"\x07", "control_character")])
def test_control_bytes_are_refused(stray: bytes, reason: str) -> None:
    data = text(RETURNS)
    assert read(data[:200] + stray + data[201:]).refusal.reason == reason


@pytest.mark.parametrize("path", sorted((SAMPLES / "nacha").iterdir()), ids=lambda path: path.name)
def test_a_file_cut_at_any_byte_says_all_or_nothing(path: Path) -> None:
    data = path.read_bytes()
    whole = read(data)
    for length in range(len(data)):
        cut = read(data[:length])
        assert not cut.accepted or cut.mapped == whole.mapped, f"cut after {length} bytes"


READ = """
import resource, sys
from connectors.contract import DEFAULT_PROFILE, FileEnd
from connectors.nacha.reader import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as stream:
    for item in read(stream, DEFAULT_PROFILE):
        pass
assert isinstance(item, FileEnd), item
print(item.records, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize("end", ["\n", ""], ids=["lines", "joined"])
def test_a_large_file_is_read_in_little_memory(tmp_path: Path, end: str) -> None:
    pairs = [entry(), returned()] * 50_000
    path = tmp_path / "large.ach"
    path.write_bytes(text(file_of(batch_of(batch(), *pairs)), end))
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    records, grown_bytes = map(int, done.stdout.split())
    assert records == 50_000
    assert grown_bytes < 4_000_000
