"""Which files are taken, line by line, and which are refused, with the line that refuses them."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from typing import Any

import pytest

from connectors.contract import FileEnd, ProviderRecord
from connectors.csv_statements.reader import read as read_csv
from connectors.formats import InstalledFormats
from connectors.registry import connector_of
from tests.connectors.csv_statements.given import HEADER, ROW, layout, profile, row, statement
from tests.connectors.files import SAMPLES, profile_of, read

FOOTER = {"begins": "^Count;", "count": r"^Count;(\d+)", "total": "^Total;([^;]+)"}


def test_each_line_is_a_record_with_its_cells_as_text() -> None:
    done = statement(HEADER + ROW + "\n;;;\n" + row("5,00"))
    assert [record.position for record in done.records] == ["line 2", "line 5"]
    assert done.records[0].fields["cells"] == {
        "Day": "24.11.2026",
        "Text": "Invoice 1",
        "Amount": "-10,50",
        "Ref": "PAY-1",
    }
    assert isinstance(done.last, FileEnd)
    assert done.last.records == 2


def test_a_statement_without_bookings_is_taken() -> None:
    done = statement(HEADER)
    assert isinstance(done.last, FileEnd)
    assert done.last.records == 0


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    done = statement(HEADER + '24.11.2026;"a; ""b""\nc";-1,00;PAY-1\n' + ROW)
    assert [record.position for record in done.records] == ["line 2", "line 4"]
    cells = done.records[0].fields["cells"]
    assert isinstance(cells, dict)
    assert cells["Text"] == 'a; "b"\nc'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(end: str) -> None:
    assert len(statement((HEADER + ROW + ROW).replace("\n", end)).acknowledgements()) == 2


@pytest.mark.parametrize(
    ("encoding", "bom", "declared"),
    [
        ("utf-8", b"", None),
        ("utf-8", codecs.BOM_UTF8, None),
        ("utf-8", codecs.BOM_UTF8, "latin-1"),
        ("utf-16-le", codecs.BOM_UTF16_LE, None),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-8"),
        ("latin-1", b"", "latin-1"),
        ("cp1252", b"", "cp1252"),
    ],
)
def test_a_byte_order_mark_says_the_encoding_else_the_profile_does(
    encoding: str, bom: bytes, declared: str | None
) -> None:
    data = bom + (HEADER + row(ref="PÄY-1")).encode(encoding)
    assert statement(data, profile(encoding=declared)).only().references.end_to_end_id == "PÄY-1"


@pytest.mark.parametrize(
    ("data", "declared", "reason"),
    [
        ((HEADER + row(ref="PÄY-1")).encode("latin-1"), None, "wrong_encoding"),
        ((HEADER + ROW).encode("utf-16"), None, "ok"),
        ((HEADER + ROW).encode("utf-16")[:-1], None, "wrong_encoding"),
        ((HEADER + ROW).encode(), "rot13", "wrong_encoding"),
        ((HEADER + ROW).encode(), "undefined", "wrong_encoding"),
        ((HEADER + ROW).encode().replace(b"Invoice", b"In\0oice"), None, "nul_byte"),
        ((HEADER + ROW).encode().replace(b"Invoice", b"In\x1boice"), None, "control_character"),
        (HEADER.encode() + b"x" * 70_000, None, "field_too_long"),
        (HEADER.encode() + b'24.11.2026;"' + b"x\n" * 90_000, None, "malformed_csv"),
    ],
)
def test_bytes_that_are_no_such_text_are_refused(data: bytes, declared: str | None, reason: str) -> None:
    done = statement(data, profile(encoding=declared))
    assert done.accepted if reason == "ok" else done.refusal.reason == reason


@pytest.mark.parametrize(
    ("text", "reason", "where"),
    [
        ("", "empty", "the file"),
        ("\n \n", "wrong_header", "line 2"),
        ("Text;Amount\n" + ROW, "wrong_header", "line 1"),
        ("preamble\n" + HEADER + ROW, "wrong_header", "line 1"),
        ("Day;Text;Amount;Ref;Amount\n" + ROW, "duplicate_header", "line 1"),
        (HEADER + "24.11.2026;-10,50;PAY-1\n", "ragged_row", "line 2"),
        (HEADER + ROW + "24.11.2026;Inv; oice;-10,50;PAY-1\n", "ragged_row", "line 3"),
        (HEADER + ROW.replace("\n", ";\n"), "ragged_row", "line 2"),
        (HEADER + '24.11.2026;"a"b;-1,00;x\n', "malformed_csv", "line 2"),
        (HEADER + ROW + '24.11.2026;"a;-1,00;x\n', "truncated", "line 3"),
        (HEADER + ROW + ROW[:-1], "truncated", "line 3"),
        (HEADER + row("10.50"), "malformed_amount", "line 2, amount"),
        (HEADER + row("-10,505"), "malformed_amount", "line 2, amount"),
        (HEADER + row(""), "malformed_amount", "line 2, amount"),
        (HEADER + row(day="11/24/2026"), "malformed_date", "line 2, booking_date"),
        (HEADER + row(day="31.11.2026"), "malformed_date", "line 2, booking_date"),
        (HEADER + row(day=""), "malformed_date", "line 2, the dates"),
        ("sep=,\n" + HEADER + ROW, "wrong_delimiter", "line 1"),
    ],
)
def test_a_file_that_is_not_as_described_is_refused_with_its_line(text: str, reason: str, where: str) -> None:
    done = statement(text)
    assert (done.refusal.reason, done.refusal.where) == (reason, where)
    assert done.refusal.expected
    assert done.refusal.found
    assert done.refusal.format == "csv"
    assert done.money() == 0


def test_excels_hint_about_the_delimiter_is_passed_over() -> None:
    assert statement("sep=;\n" + HEADER + ROW).only().position == "line 3"


def test_a_name_that_comes_twice_is_no_matter_if_it_is_not_used() -> None:
    done = statement("Day;Text;Amount;Ref;;\n" + ROW.replace("\n", ";a;b\n"))
    cells = done.records[0].fields["cells"]
    assert isinstance(cells, dict)
    assert list(cells.values())[-2:] == ["a", "b"]


def test_columns_by_number_read_a_file_without_header() -> None:
    columns = {"booking_date": 1, "amount": 3, "text": [2], "end_to_end_id": 4}
    using = profile(layout(columns, header=False, width=4, preamble={"most_lines": 1}))
    only = statement("Statement 7\n" + ROW, using).only()
    assert (str(only.amount), only.references.end_to_end_id, only.position) == ("10.50", "PAY-1", "line 2")
    assert statement("", using).refusal.reason == "empty"
    assert statement("Statement 7\n" + ROW.replace("\n", ";\n"), using).refusal.reason == "ragged_row"


def test_a_column_number_beyond_the_header_is_refused() -> None:
    assert statement(HEADER + ROW, profile(layout({"bank_ref": 9}))).refusal.reason == "wrong_header"


def test_a_trailing_delimiter_is_a_matter_of_the_profile() -> None:
    text = HEADER + ROW.replace("\n", ";\n")
    assert statement(text, profile(layout(trailing_delimiter=True))).accepted
    shifted = HEADER + "24.11.2026;Inv; oice;-10,50;PAY-1\n"
    assert statement(shifted, profile(layout(trailing_delimiter=True))).refusal.reason == "ragged_row"


def test_a_missing_last_line_end_is_a_matter_of_the_profile() -> None:
    assert statement((HEADER + ROW)[:-1], profile(layout(final_line_end=False))).accepted


def test_without_quoting_a_quote_is_a_character() -> None:
    only = statement(HEADER + row(text='5" pipe'), profile(layout(quote=None)))
    assert only.accepted


def test_lines_before_the_header_say_account_currency_and_statement() -> None:
    preamble = {
        "most_lines": 3,
        "account": r"^IBAN: ([A-Z0-9 ]+)$",
        "currency": "^Currency ([A-Z]{3})",
        "statement": r"^No\. (\S+)",
    }
    using = profile(layout(currency=None, preamble=preamble))
    done = statement('IBAN: DE02 1203\n\nCurrency CHF "net\nNo. 7/2026\n' + HEADER + ROW, using)
    only = done.only()
    assert (only.account, only.currency, only.source_message_id) == ("DE021203", "CHF", "7/2026")
    assert done.last.message_id == "7/2026"
    assert statement("IBAN: DE02\nCurrency CHF\n" + HEADER + ROW, using).refusal.reason == "missing_line"
    assert statement("IBAN: DE02\nIBAN: DE03\n" + HEADER + ROW, using).refusal.reason == "contradiction"
    assert statement("IBAN: DE02\nNo. 7\n" + HEADER + ROW, using).refusal.reason == "unknown_currency"


@pytest.mark.parametrize(
    ("footer", "reason"),
    [
        ("Count;2\nTotal;-21,00\n", None),
        ("Count;2\n\n;;;\nTotal;-21,00\n", None),
        ("Count;3\nTotal;-21,00\n", "count_mismatch"),
        ("Count;2\nTotal;21,00\n", "sum_mismatch"),
        ("Count;2\nTotal;-21.00\n", "malformed_control"),
        ("Count;2\n", "truncated"),
        ("", "truncated"),
        ("Count;2\nTotal;-21,00", "truncated"),
        ("Count;2\nTotal;-21,00\n" + ROW, "misplaced_line"),
        ("Count;2\nCount;3\nTotal;-21,00\n", "contradiction"),
        (f"Count;{'9' * 20}\nTotal;-21,00\n", "malformed_control"),
    ],
)
def test_the_footers_figures_are_controls(footer: str, reason: str | None) -> None:
    done = statement(HEADER + ROW + ROW + footer, profile(layout(footer=FOOTER)))
    if reason is None:
        assert isinstance(done.last, FileEnd)
        assert (done.last.declared_count, str(done.last.declared_sum)) == (2, "-21.00")
    else:
        assert done.refusal.reason == reason


def test_debits_and_credits_are_controls_whatever_their_sign() -> None:
    footer = {"begins": "^Out", "debits": "^Out (.+)", "credits": "^In (.+)"}
    text = HEADER + ROW + row("3,00")
    assert statement(text + "Out -10,50\nIn 3,00\n", profile(layout(footer=footer))).accepted
    assert statement(text + "Out 10,50\nIn 3,00\n", profile(layout(footer=footer))).accepted
    assert statement(text + "Out 10,50\nIn 3,01\n", profile(layout(footer=footer))).refusal.reason == "sum_mismatch"


def test_a_profile_may_ignore_the_controls() -> None:
    using = profile(layout(footer=FOOTER), controls="ignore")
    assert statement(HEADER + ROW + "Count;7\nTotal;1,00\n", using).accepted


BALANCES = {"most_lines": 2, "opening_balance": "^Old (.+)", "closing_balance": "^New (.+)"}


@pytest.mark.parametrize(
    ("footing", "closing", "accepted"),
    [("reject", "89,50", True), ("reject", "89,51", False), ("warn", "89,51", True), ("ignore", "1,00", True)],
)
def test_opening_balance_and_lines_make_the_closing_balance(footing: str, closing: str, accepted: bool) -> None:
    using = profile(layout(preamble=BALANCES), footing=footing)
    done = statement(f"Old 100,00\nNew {closing}\n" + HEADER + ROW, using)
    assert done.accepted is accepted
    if not accepted:
        assert done.refusal.reason == "balance_mismatch"


@pytest.mark.parametrize(
    ("order", "balances", "accepted"),
    [
        ("oldest_first", ("89,50", "79,00"), True),
        ("oldest_first", ("89,50", "100,00"), False),
        ("newest_first", ("79,00", "89,50"), True),
        ("newest_first", ("89,50", "79,00"), False),
    ],
)
def test_the_balance_beside_each_line_follows_from_the_one_before(
    order: str, balances: tuple[str, str], accepted: bool
) -> None:
    using = profile(layout({"balance": "Saldo"}, balance_order=order))
    lines = [ROW.replace("\n", f";{balance}\n") for balance in balances]
    done = statement(HEADER.replace("\n", ";Saldo\n") + "".join(lines), using)
    assert done.accepted is accepted
    if not accepted:
        assert (done.refusal.reason, done.refusal.where) == ("balance_mismatch", "line 3, balance")


def test_a_line_that_was_left_out_shows_in_the_balances() -> None:
    path = SAMPLES / "csv/us_debit_credit_columns.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    done = read(b"".join(lines[:2] + lines[3:]), "csv", profile_of(path))
    assert done.refusal.reason == "balance_mismatch"


def test_csv_without_a_profile_that_describes_it_is_refused_with_what_is_needed() -> None:
    refusal = read((HEADER + ROW).encode(), "csv").refusal
    assert refusal.reason == "profile_needed"
    for option in ("options.csv", "columns", "delimiter", "decimal_mark", "date_format", "currency"):
        assert option in refusal.expected
    assert "'default'" in refusal.found


@pytest.mark.parametrize("name", ["de_semicolon_bom_preamble.csv", "us_debit_credit_columns.csv"])
def test_a_sample_cut_at_any_byte_never_says_more_or_else(name: str) -> None:
    path = SAMPLES / "csv" / name
    data = path.read_bytes()
    whole = read(data, "csv", profile_of(path))
    for length in range(len(data)):
        cut = read(data[:length], "csv", profile_of(path))
        assert cut.mapped == whole.mapped[: len(cut.mapped)] or not cut.accepted
        assert cut.money() <= whole.money()


def test_a_footer_leaves_no_cut_unseen() -> None:
    using = profile(layout(footer=FOOTER))
    data = (HEADER + ROW + ROW + "Count;2\nTotal;-21,00\n").encode()
    assert statement(data, using).accepted
    assert not [length for length in range(len(data)) if statement(data[:length], using).accepted]


class _Endless(io.RawIOBase):
    """A statement of many lines that is never whole in memory."""

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._data = HEADER.encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._data and self._left:
            self._left -= 1
            self._data = ROW.encode()
        part = self._data[: len(buffer)]
        self._data = self._data[len(part) :]
        buffer[: len(part)] = part
        return len(part)


def test_memory_does_not_grow_with_the_file() -> None:
    using, lines = profile(), 15_000
    tracemalloc.start()
    try:
        count = sum(isinstance(item, ProviderRecord) for item in read_csv(io.BufferedReader(_Endless(lines)), using))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == lines
    assert peak_bytes < 400_000


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        ((HEADER + ROW).encode(), True),
        (codecs.BOM_UTF8 + (HEADER + ROW).encode(), True),
        ((HEADER + ROW).encode("utf-16"), True),
        (b"a,b,c\n1,2,3\n", True),
        (b"a\tb\tc\r1\t2\t3\r", True),
        (b"One line; only; here\n", False),
        (b"some words, and more words\nand more, of course\n", False),
        (b'{"a": 1, "b": 2, "c": 3}\n{"a": 1, "b": 2, "c": 3}\n', False),
        (b"<a>1;2;3</a>\n<a>1;2;3</a>\n", False),
        (b":20:A\n:86:a,b,c\n:86:d,e,f\n", False),
        (b"01,A,B,260302,0815,1,,,2/\n02,A,B,1,260302,,,/\n", False),
        (b"a;b;c\0\n1;2;3\n", False),
    ],
)
def test_csv_is_told_by_its_shape(head: bytes, ours: bool) -> None:
    connector = connector_of("csv")
    assert connector is not None
    assert connector.sniff(head) is ours


def test_what_may_be_csv_is_said_to_need_a_profile() -> None:
    refused = InstalledFormats().connector("auto", b"Header; of one\n")
    assert "--profile" in getattr(refused, "found", "")
