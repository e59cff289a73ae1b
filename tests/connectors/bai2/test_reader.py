"""BAI2 files: which are read, in which shapes, and which are refused."""

from __future__ import annotations

import logging
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.bai2.fields import LONGEST_TEXT
from connectors.contract import BankProfile, FileEnd, ProviderRecord
from tests.connectors.bai2.given import ACCOUNT, FILE, GROUP, WIRE, account_of, file_of, one, read, text
from tests.connectors.files import SAMPLES

NO_CONTROLS = BankProfile("careless", controls="ignore")
PLAIN = file_of(
    account_of(WIRE, "88,EREF: E-1", "16,475,100,0,,,CHEQUE/", total=605100),
    account_of("16,195,7,1,B2,C2,IN/", first="03,999,EUR,015,-3,,/", total=4),
    total=605104,
)


def detail(data: bytes) -> ProviderRecord:
    done = read(data)
    assert done.accepted, done.last
    [only] = done.records
    return only


@pytest.mark.parametrize(
    "data",
    [
        text(PLAIN, "\r\n"),
        text(PLAIN, "\r"),
        text(PLAIN)[:-1],
        text([*PLAIN, "", "", "\x1a"]),
        text([f"  {line}   " for line in PLAIN]),
        b"\xef\xbb\xbf" + text(PLAIN),
        text([line if line[:2] in ("16", "88") else line.replace(",", ", ") for line in PLAIN]),
    ],
    ids=["CRLF", "CR", "no last line end", "blank lines", "indented", "byte order mark", "blanks around fields"],
)
def test_a_file_is_the_same_in_every_shape(data: bytes) -> None:
    assert read(data).mapped == read(text(PLAIN)).mapped
    assert len(read(data).acknowledgements()) == 3


def test_a_file_is_named_by_who_made_it_for_whom_and_when() -> None:
    assert read(text(PLAIN)).last == FileEnd("bai2", "BANK/US/261124/0815/7", "BANK", 3)
    unnamed = read(text(["01,BANK,US,261124,,7,,,2/", *PLAIN[1:]])).last
    assert isinstance(unnamed, FileEnd)
    assert unnamed.message_id is None


@pytest.mark.parametrize(
    ("line", "head", "words"),
    [
        ("16,495,505000,Z,B,C,T, WITH, COMMAS/", ("505000", "Z", [], "B", "C"), ["T, WITH, COMMAS"]),
        ("16,495,505000,,B,C,T", ("505000", "", [], "B", "C"), ["T"]),
        ("16,495,9,S,2,3,4,B,C,T", ("9", "S", ["2", "3", "4"], "B", "C"), ["T"]),
        ("16,495,505000,V,261124,1530,B,C,T", ("505000", "V", ["261124", "1530"], "B", "C"), ["T"]),
        ("16,495,505000,V,261124,,,,T", ("505000", "V", ["261124", ""], "", ""), ["T"]),
        ("16,495,9,D,2,0,5,1,4,B,C,T", ("9", "D", ["2", "0", "5", "1", "4"], "B", "C"), ["T"]),
        ("16,495,505000,D,0,B,C,T", ("505000", "D", ["0"], "B", "C"), ["T"]),
        ("16,495,+505000,1,B,C,/", ("+505000", "1", [], "B", "C"), [""]),
        ("16,495,505000,1,B,C/", ("505000", "1", [], "B", "C"), []),
        ("16,495,505000,1,B/", ("505000", "1", [], "B", ""), []),
        ("16,495,505000,1/", ("505000", "1", [], "", ""), []),
        ("16,495,505000,1,B,C,INV 12/2026/", ("505000", "1", [], "B", "C"), ["INV 12/2026"]),
    ],
)
def test_the_text_begins_behind_the_availability(line: str, head: tuple[object, ...], words: list[str]) -> None:
    fields = detail(one(line, amount=int(line.split(",")[2]))).fields
    said = fields["detail"]
    assert isinstance(said, dict)
    assert tuple(said[name] for name in list(said)[1:]) == head
    assert fields["text"] == words


@pytest.mark.parametrize(
    "lines",
    [
        ("16,495,505000,Z,B,C,WIRE", "88,EREF: E-1"),
        ("16,495,505000,Z,B,C,WIRE/", "88,EREF: E-1/"),
        ("16,495,505000,Z,B,C/", "88,WIRE", "88,EREF: E-1"),
        ("16,495,505000,Z/", "88,B,C,WIRE", "88,EREF: E-1"),
        ("16,495/", "88,505000/", "88,Z,B/", "88,C,WIRE", "88,EREF: E-1"),
        ("16,495,505000", "88,Z,B,C,WIRE", "88,EREF: E-1"),
    ],
)
def test_a_record_may_be_continued_at_any_field(lines: tuple[str, ...]) -> None:
    fields = detail(one(*lines)).fields
    assert fields["text"] == ["WIRE", "EREF: E-1"]
    assert fields["detail"] == {
        "type_code": "495",
        "amount": "505000",
        "funds_type": "Z",
        "availability": [],
        "bank_reference": "B",
        "customer_reference": "C",
    }


def test_a_text_that_was_wrapped_without_a_code_goes_on_in_mid_word() -> None:
    wrapped = ("16,495,505000,Z,B,C,WIRE FOR INV", "OICE 4711/")
    data = text([FILE, GROUP, ACCOUNT, *wrapped, "49,605000,3/", *trailers(5, 605000)])
    assert detail(data).fields["text"] == ["WIRE FOR INVOICE 4711"]


def trailers(records: int, total: int) -> tuple[str, str]:
    """98 and 99 of one account; ``records``: of the group."""
    return f"98,{total},1,{records}/", f"99,{total},1,{records + 2}/"


def test_records_that_share_a_line_are_each_read() -> None:
    lines = [
        f"{FILE}   {GROUP}",
        f"{ACCOUNT} 16,142,2500,Z,,,TRANSFER PPD/ 16,142,500,Z,,,5 / 6 TRANSFER/",
        "88,MORE/   49,103000,5/ 98,103000,1,7/ 99,103000,1,9/",
    ]
    done = read(text(lines))
    assert [told.amount for told in done.acknowledgements()] == [Decimal("25.00"), Decimal("5.00")]
    assert [record.position for record in done.records] == ["line 2, record 2", "line 2, record 3"]
    assert done.records[1].fields["text"] == ["5 / 6 TRANSFER", "MORE"]


@pytest.mark.parametrize(
    ("account", "more", "total"),
    [
        ("03,1,USD/", (), 0),
        ("03,1,/", (), 0),
        ("03,1/", (), 0),
        ("03,1,USD,010,5/", (), 5),
        ("03,1,USD,010,5,,/", (), 5),
        ("03,1,USD,010,5,,,/", (), 5),
        ("03,1,USD,,,,,060,5,,,100,-7,1,/", (), -2),
        ("03,1,USD,010,5,,,190/", ("88,7,4,0,110/", "88,9,15,D,3,0,2,1,3,3,4,100,1,,V,261124,/"), 22),
        ("03,1,USD,010,5,,,/", ("88,100,7,3,,/", "88,400,9,2,S,1,2,6/"), 21),
    ],
)
def test_balances_and_totals_of_an_account_are_added_up(account: str, more: tuple[str, ...], total: int) -> None:
    assert read(text(file_of(account_of(*more, first=account, total=total), total=total))).accepted
    wrong = read(text(file_of(account_of(*more, first=account, total=total + 1), total=total + 1)))
    assert wrong.refusal.reason == "sum_mismatch"


@pytest.mark.parametrize(
    ("number", "line", "reason", "found"),
    [
        (7, "49,605101,5/", "sum_mismatch", "605100"),
        (7, "49,605100,4/", "count_mismatch", "5"),
        (10, "49,-4,3/", "sum_mismatch", "4"),
        (11, "98,605103,2,10/", "sum_mismatch", "605104"),
        (11, "98,605104,1,10/", "count_mismatch", "2"),
        (11, "98,605104,2,11/", "count_mismatch", "10"),
        (12, "99,605105,1,12/", "sum_mismatch", "605104"),
        (12, "99,605104,2,12/", "count_mismatch", "1"),
        (12, "99,605104,1,11/", "count_mismatch", "12"),
        (4, "16,495,505001,Z,BANKREF1,PAY-4711,WIRE OUT", "sum_mismatch", "605101"),
    ],
)
def test_a_trailer_that_does_not_agree_refuses_the_file(number: int, line: str, reason: str, found: str) -> None:
    lines = [*PLAIN[: number - 1], line, *PLAIN[number:]]
    assert lines != PLAIN
    refusal = read(text(lines)).refusal
    assert (refusal.reason, refusal.found) == (reason, found)
    assert refusal.where == f"line {7 if number == 4 else number}"
    assert read(text(lines), NO_CONTROLS).accepted


def test_trailers_that_only_warn_say_what_does_not_agree(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        done = read(text([*PLAIN[:-1], "99,605104,1,13/"]), BankProfile("lenient", controls="warn"))
    assert done.accepted
    assert "13 records" in caplog.text
    assert "lenient" in caplog.text


@pytest.mark.parametrize("missing", range(1, 13))
def test_no_record_can_be_missing(missing: int) -> None:
    assert not read(text([line for number, line in enumerate(PLAIN, 1) if number != missing])).accepted


@pytest.mark.parametrize(
    ("lines", "reason", "where"),
    [
        ([FILE, GROUP, WIRE], "misplaced_record", "line 3"),
        ([FILE, ACCOUNT], "misplaced_record", "line 2"),
        ([GROUP], "misplaced_record", "line 1"),
        (["88,X/"], "misplaced_record", "line 1"),
        ([FILE, GROUP, ACCOUNT, ACCOUNT], "misplaced_record", "line 4"),
        ([FILE, GROUP, GROUP], "misplaced_record", "line 3"),
        ([*PLAIN, *PLAIN], "several_files", "line 13"),
        ([*PLAIN, WIRE], "text_after_end", "line 13"),
        ([*PLAIN, "hello"], "unexpected_text", "line 13"),
        ([FILE, GROUP, ACCOUNT, "17,495,1,Z,,,X/"], "unexpected_text", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,1,Z,,,X/", "Y"], "unexpected_text", "line 5"),
        ([FILE, f"{GROUP} hello"], "unexpected_text", "line 2"),
        ([FILE.replace(",2/", ",3/"), GROUP], "unsupported_version", "line 1"),
        (["01,BANK,US,261124,0815,7/", GROUP], "unsupported_version", "line 1"),
        ([FILE.replace(",2/", ",2,9,9/"), GROUP], "malformed_record", "line 1"),
        ([FILE, GROUP.replace(",1,", ",2,"), ACCOUNT], "unsupported_deletion", "line 2"),
        ([FILE, GROUP, "03,,USD/"], "malformed_record", "line 3"),
        ([FILE, GROUP, "03,1,USD,10,5,,/", "49,5,2/"], "malformed_record", "line 3"),
        ([FILE, GROUP, "03,1,USD,010,5.00,,/", "49,5,2/"], "malformed_amount", "line 3"),
        ([FILE, GROUP, "03,1,USD,010,5,,D,2,0,5/", "49,5,2/"], "malformed_record", "line 3"),
        ([FILE, GROUP, "03,1,USD,010,5,,D,X,0,5/", "49,5,2/"], "malformed_record", "line 3"),
        ([FILE, GROUP, ACCOUNT, "16,495,5.00,Z,,,X/", "49,5,3/"], "malformed_amount", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,1e9,Z,,,X/", "49,5,3/"], "malformed_amount", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,\u0661,Z,,,X/", "49,5,3/"], "malformed_amount", "line 4"),
        ([FILE, GROUP, ACCOUNT, f"16,495,{'9' * 31},Z,,,X/", "49,5,3/"], "malformed_amount", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,49,5,Z,,,X/", "49,5,3/"], "malformed_record", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,5,Q,,,X/", "49,5,3/"], "malformed_record", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,5,V,261124/", "49,5,3/"], "malformed_record", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,5,Z,B", "49,5,3/"], "malformed_record", "line 4"),
        ([FILE, GROUP, ACCOUNT, "16,495,5/", "49,5,3/"], "malformed_record", "line 4"),
        ([*PLAIN[:6], "49,605100/", *PLAIN[7:]], "malformed_record", "line 7"),
        ([*PLAIN[:6], "49,,5/", *PLAIN[7:]], "malformed_record", "line 7"),
        ([*PLAIN[:6], "49,605100,5,6/", *PLAIN[7:]], "malformed_record", "line 7"),
        ([*PLAIN[:6], "49,605100,x/", *PLAIN[7:]], "malformed_record", "line 7"),
        ([FILE, "88" + ",x" * 80], "malformed_record", "line 1"),
        ([FILE], "truncated", "end of file"),
        (PLAIN[:-1], "truncated", "end of file"),
    ],
)
def test_a_file_that_is_none_is_refused_at_its_place(lines: list[str], reason: str, where: str) -> None:
    refusal = read(text(lines)).refusal
    assert (refusal.reason, refusal.where) == (reason, where)
    assert refusal.expected
    assert refusal.found


def test_a_group_may_have_no_account_and_a_file_no_group() -> None:
    assert read(text([FILE, GROUP, "98,0,0,2/", "99,0,1,4/"])).accepted
    assert read(text([FILE, "99,0,0,2/"])).accepted


def test_a_text_cannot_grow_without_bound() -> None:
    lines = [FILE, GROUP, ACCOUNT, WIRE, *["88," + "x" * 1_000] * (LONGEST_TEXT // 1_000 + 1)]
    refusal = read(text(lines)).refusal
    assert (refusal.reason, refusal.where) == ("field_too_long", "line 4")
    endless = read(text([FILE, GROUP, ACCOUNT, WIRE + "x" * 10_000])).refusal
    assert endless.reason == "field_too_long"


@pytest.mark.parametrize(("stray", "reason"), [(b"\0", "nul_byte"), (b"\x07", "control_character")])
def test_control_bytes_are_refused(stray: bytes, reason: str) -> None:
    data = text(PLAIN)
    assert read(data[:60] + stray + data[61:]).refusal.reason == reason


def test_a_text_in_another_encoding_needs_a_profile_that_says_so() -> None:
    data = one("16,495,505000,Z,B,C,MÜLLER").decode().encode("latin-1")
    assert read(data).refusal.reason == "wrong_encoding"
    assert read(data, BankProfile("x", encoding="iso8859-1")).accepted


def test_the_sample_whose_authors_edited_its_trailers_reads_line_by_line() -> None:
    data = (SAMPLES / "bai2/moov_sample4-continuations-newline-delimited.txt").read_bytes()
    assert read(data).refusal.reason == "sum_mismatch"
    told = read(data, NO_CONTROLS).acknowledgements()
    assert [(ack.bank_transaction_code, ack.amount, ack.lifecycle) for ack in told] == [
        (code, Decimal(amount), lifecycle)
        for code, amount, lifecycle in (
            ("447", "600.00", "SETTLED"),
            ("261", "1435.00", "RETURNED"),
            ("447", "9286.50", "SETTLED"),
            ("557", "2000.00", None),
            ("451", "555.55", None),
            ("266", "19.12", "RETURNED"),
            ("495", "505.00", "SETTLED"),
            ("195", "11.25", None),
            ("257", "600.00", "RETURNED"),
            ("255", "9.31", "RETURNED"),
            ("195", "500.50", None),
            ("175", "5.27", None),
            ("475", "101.00", "SETTLED"),
            ("275", "3376.86", None),
            ("165", "50.00", None),
            ("475", "442.50", "SETTLED"),
            ("495", "300000.00", "SETTLED"),
        )
    ]
    assert told[5].references.end_to_end_id == "20210706MMQFMPU8000001"
    assert told[8].reason_codes == ("R02",)


@pytest.mark.parametrize("path", sorted((SAMPLES / "bai2").iterdir()), ids=lambda path: path.name)
def test_a_file_cut_at_any_byte_says_all_or_nothing(path: Path) -> None:
    data = path.read_bytes()
    whole = read(data)
    for length in range(len(data)):
        cut = read(data[:length])
        assert not cut.accepted or cut.mapped == whole.mapped, f"cut after {length} bytes"


READ = """
import resource, sys
from connectors.bai2.reader import read
from connectors.contract import DEFAULT_PROFILE, FileEnd
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as stream:
    for item in read(stream, DEFAULT_PROFILE):
        pass
assert isinstance(item, FileEnd), item
print(item.records, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize(
    ("account", "lines", "records"),
    [
        (ACCOUNT, [WIRE, "88,EREF: E-1"] * 50_000, 50_000),
        ("03,1,USD,010,100000,,/", ["88,100,505000,,/"] * 50_000, 0),
    ],
    ids=["many transactions", "one account of many totals"],
)
def test_a_large_file_is_read_in_little_memory(tmp_path: Path, account: str, lines: list[str], records: int) -> None:
    path = tmp_path / "large.bai2"
    path.write_bytes(one(*lines, amount=505000 * 50_000, account=account))
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    told, grown_bytes = map(int, done.stdout.split())
    assert told == records
    assert grown_bytes < 4_000_000
