"""MT940 and MT942 as wholes: what proves a statement, what refuses it, what a bank's profile softens."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from connectors.contract import DEFAULT_PROFILE, BankProfile, FileEnd
from tests.connectors.files import read
from tests.connectors.swift_mt.given import ACCOUNT, IGNORED, fin, interim, statement, taken

DEBIT = ":61:2603020302D10,50NTRFPAY-1//B1"
CREDIT = ":61:2603020302C0,5NTRFPAY-2//B2"


def test_opening_balance_and_lines_make_the_closing_balance() -> None:
    done = taken(statement(DEBIT, CREDIT, closing="C260302EUR990,"), "mt940")
    assert [ack.amount for ack in done.acknowledgements()] == [Decimal("10.50"), Decimal("0.5")]


def test_reversals_count_as_what_they_do() -> None:
    text = statement(":61:260302RD10,NTRFX", ":61:260302RC3,NTRFX", closing="C260302EUR1007,")
    assert taken(text, "mt940").accepted


def test_an_overdrawn_account_foots_below_zero() -> None:
    text = statement(DEBIT, opening="D260301EUR5,", closing="D260302EUR15,50")
    assert taken(text, "mt940").accepted


@pytest.mark.parametrize("closing", ["C260302EUR1000,", "D260302EUR989,50", "C260302USD989,50", "C260302EUR989,5"])
def test_a_balance_that_does_not_foot_is_refused_unless_it_does(closing: str) -> None:
    done = taken(statement(DEBIT, closing=closing), "mt940")
    if closing == "C260302EUR989,5":
        assert done.accepted
        return
    refusal = done.refusal
    assert refusal.reason == "balance_mismatch"
    assert ":62F:" in refusal.where
    assert "989.5" in refusal.expected or "EUR" in refusal.expected


def test_footing_is_the_profiles_policy(caplog: pytest.LogCaptureFixture) -> None:
    text = statement(DEBIT, closing="C260302EUR1000,")
    assert not taken(text, "mt940").accepted
    with caplog.at_level(logging.WARNING):
        assert taken(text, "mt940", BankProfile("lax", footing="warn")).accepted
    assert "989.50" in caplog.text
    caplog.clear()
    assert taken(text, "mt940", IGNORED).accepted
    assert not caplog.records


def test_a_closing_balance_without_a_currency_is_the_opening_ones() -> None:
    assert taken(statement(DEBIT, closing="C260302989,50"), "mt940").accepted


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (":61:260302D1250.75NTRFX", "malformed_statement_line"),
        (":61:260431D1,NTRFX", "invalid_date"),
        (":61:", "malformed_statement_line"),
        (":16:260302D1,NTRFX", "unexpected_tag"),
        (":32A:260302EUR1,", "unexpected_tag"),
        (":60F:C260301EUR1,", "misplaced_tag"),
        (":25:OTHER", "misplaced_tag"),
        (":28C:6/1", "misplaced_tag"),
        (":62F:C260302EUR1.000,00", "malformed_balance"),
        (":62F:C260231EUR1,", "malformed_balance"),
        ("{1:F01AAAADEFFAXXX0000000000}", "truncated"),
    ],
)
def test_a_wrong_line_refuses_the_file_and_says_where(broken: str, reason: str) -> None:
    refusal = taken(statement(DEBIT, broken), "mt940", IGNORED).refusal
    assert (refusal.reason, refusal.format) == (reason, "mt940")
    assert "line" in refusal.where
    assert refusal.expected
    assert refusal.found


@pytest.mark.parametrize("tag", ["20", "25", "60F"])
def test_a_statement_without_what_every_line_needs_is_refused(tag: str) -> None:
    text = "\n".join(row for row in statement(DEBIT).splitlines() if not row.startswith(f":{tag}:"))
    assert taken(text, "mt940", IGNORED).refusal.reason == "missing_tag"


def test_a_line_after_the_closing_balance_is_refused() -> None:
    text = statement(closing="C260301EUR1000,", end=f"{DEBIT}\n-")
    assert taken(text, "mt940", IGNORED).refusal.reason == "misplaced_tag"


def test_information_after_the_closing_balance_is_the_statements_not_a_lines() -> None:
    text = statement(DEBIT, closing="C260302EUR989,50", end=":64:C260302EUR989,50\n:65:C260303EUR9,\n:86:EREF+X\n-")
    assert taken(text, "mt940").only().references.end_to_end_id == "PAY-1"


def test_pages_join() -> None:
    first = statement(DEBIT, closing="C260302EUR989,50").replace(":62F:", ":62M:")
    second = statement(CREDIT, opening="C260302EUR989,50", closing="C260302EUR990,").replace("5/1", "5/2")
    second = second.replace(":60F:", ":60M:")
    assert len(taken(first + second, "mt940").acknowledgements()) == 2
    gap = second.replace("989,50", "980,50").replace("C260302EUR990,", "C260302EUR981,")
    refusal = taken(first + gap, "mt940").refusal
    assert refusal.reason == "balance_mismatch"
    assert ":60M:" in refusal.where
    assert taken(first + gap, "mt940", IGNORED).accepted


def test_several_statements_share_a_file_with_or_without_ends() -> None:
    one = statement(DEBIT, closing="C260302EUR989,50")
    for file in (
        one + one,
        one.replace("\n-\n", "\n") + one,
        f"ABNANL2A\n940\nABNANL2A\n{one}ABNANL2A\n940\nABNANL2A\n{one}",
    ):
        assert len(taken(file, "mt940").acknowledgements()) == 2


def test_statements_of_banks_that_keep_to_no_grammar_but_their_own() -> None:
    rabobank = (
        ":940:\n:20:940S130101\n:25:NL71RABO0123456789\n:28C:0\n:60F:C130101EUR000000001000,00\n"
        ":61:130101D000000000025,00N102EREF            \nNL70ABNA0987654321\n"
        ":86:/EREF/01-01-2013 12:00 0030000987654321/BENM//NAME/CONTRA ACCOUN\nT HOLDER/REMI//ISDT/2013-07-11\n"
        ":61:130102D000000000010,00N154NONREF          \nP001234567\n:86:KOSTEN\n:86:OPVANG\n"
        ":62F:C130108EUR000000000965,00\n:20:940S130101\n:25:NL71RABO0123456789\n:28C:0\n"
        ":60F:C130108EUR000000000965,00\n:62F:C130108EUR000000000965,00\n"
    )
    first, second = taken(rabobank, "mt940").acknowledgements()
    assert first.references.end_to_end_id == "01-01-2013 12:00 0030000987654321"
    assert second.references.end_to_end_id is None
    polish = statement(
        ":61:2603020302D10000,00FTRFREF 25611247//8327000090031790 ",
        "Transfer ",
        ":86: 020?00Wyplata-(dysp/przel)?20EREF+PAY-?211?22SVWZ+INFO ",
        "INFO?30106",
        opening="C260301PLN40000,00 ",
        closing="C260302PLN30000,00 ",
    )
    ack = taken(polish, "mt940").only()
    assert (ack.references.end_to_end_id, ack.references.bank_ref) == ("PAY-1", "8327000090031790")
    assert ack.bank_transaction_code == "FTRF/020"


def test_header_lines_name_the_bank() -> None:
    one = statement(DEBIT, closing="C260302EUR989,50")
    done = taken(f"ABNANL2A\n940\nABNANL2A\n{one}", "mt940")
    assert done.only().bank == "ABNANL2A"
    assert isinstance(done.last, FileEnd)
    assert done.last.sender == "ABNANL2A"


def test_banks_dress_their_files_in_many_ways() -> None:
    plain = statement(DEBIT, closing="C260302EUR989,50")
    body = plain.removesuffix("-\n")
    dressed = [
        plain.replace("\n", "\r\n"),
        plain.replace("\n", "\r"),
        plain.replace("\n", "\r\r\n"),
        "\ufeff" + plain,
        f"\x01\n{plain.rstrip()}\x03\n",
        f":940:\n{plain}",
        f"0000 01INGBNL2AXXXX00001\n0000 01INGBNL2AXXXX00001\n940 00\n{body}-XXX\n",
        f"\n\n  \n{plain}\n\n\x1a",
        fin("940", body),
        "\x01" + fin("940", body) + "\x03",
        fin("940", body) + "{5:{CHK:0123456789AB}}\n",
        "{1:F21AAAADEFFAXXX0000000000}{4:{177:2603021005}{451:0}}" + fin("940", body),
        fin("940", body).replace("}{", "}\r\n{"),
        fin("940", body).replace("\r\n", "\n"),
        fin("940", body).replace("\r\n-}", "-}"),
        plain.rstrip("-\n"),
    ]
    for text in dressed:
        ack = taken(text, "mt940").only()
        assert (ack.amount, ack.references.end_to_end_id, ack.account) == (Decimal("10.50"), "PAY-1", ACCOUNT), text


@pytest.mark.parametrize("name", ["iso8859-1", "cp1252", "utf-16", "utf-8"])
def test_an_encoding_is_declared_by_the_profile(name: str) -> None:
    text = statement(DEBIT, ":86:?für Müller", closing="C260302EUR989,50")
    done = read(text.encode(name), "mt940", BankProfile("bank", encoding=name))
    assert "Müller" in str(done.records[0].fields["86"])


def test_undeclared_bytes_are_refused_with_the_way_out() -> None:
    refusal = read(statement(DEBIT, ":86:Müller").encode("latin-1"), "mt940").refusal
    assert refusal.reason == "wrong_encoding"
    assert "profile" in refusal.expected
    assert "xfc" in refusal.found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (statement(":61:260302D1,NTRF\0X"), "nul_byte"),
        (statement(":61:260302D1,NTRF\x1bX"), "control_character"),
        (statement(DEBIT, ":86:" + "X" * 9000), "field_too_long"),
        (statement(DEBIT, ":86:", *["Y" * 8000] * 5), "field_too_long"),
        (statement(DEBIT, *[":86:" + "Y" * 8000] * 5), "field_too_long"),
        (statement(DEBIT) + "and then some words\n", "unexpected_text"),
        (statement(DEBIT) + ":61:260302D1,NTRFX\n", "missing_tag"),
        ("{1:F01AAAADEFFAXXX0000000000}{2:O940", "truncated"),
        ("{1:F01AAAADEFFAXXX0000000000}\n:20:X\n", "unexpected_text"),
        ("{1:F01A}{1:F01A}{4:\n:20:X\n-}", "truncated"),
        ("{9:F01A}{4:\n:20:X\n-}", "malformed_header"),
        ("{1:" + "X\n" * 5000, "malformed_header"),
        ("words\n" * 30, "unexpected_text"),
        ("", "empty"),
        ("\n \n", "empty"),
        ("words\n", "empty"),
    ],
)
def test_what_is_no_message_is_refused(text: str, reason: str) -> None:
    assert taken(text, "mt940", IGNORED).refusal.reason == reason


def test_another_message_is_told_apart() -> None:
    assert taken(fin("942", ":20:X"), "mt940").refusal.reason == "wrong_format"
    both = fin("940", statement(closing="C260301EUR1000,").removesuffix("-\n")) + fin("103", ":20:X")
    refusal = taken(both, "mt940").refusal
    assert refusal.reason == "mixed_messages"
    assert "MT103" in refusal.found


def test_a_dash_that_ends_the_message_early_hides_nothing() -> None:
    text = statement(DEBIT, ":86:a text", "-", ":61:2603020302D1,NTRFX", closing="C260302EUR988,50")
    assert taken(text, "mt940").refusal.reason == "missing_tag"


def test_unknown_tags_in_information_are_its_words() -> None:
    done = taken(statement(DEBIT, ":86:at", ":12:30 h", closing="C260302EUR989,50"), "mt940")
    assert done.records[0].fields["86"] == "at\n:12:30 h"


def test_bank_specific_fields_stay_with_their_line() -> None:
    done = taken(statement(DEBIT, ":NS:01Text", "02More", ":86:words", closing="C260302EUR989,50"), "mt940")
    assert done.records[0].fields["NS"] == "01Text\n02More"
    assert done.records[0].fields["86"] == "words"


def test_a_numbered_statement_names_its_file_and_its_day() -> None:
    one = statement(closing="C260301EUR1000,")
    tomorrow = one.replace("260301", "260302")
    names = [taken(text, "mt940").last.message_id for text in (one, one, tomorrow)]
    assert names[0] == names[1] != names[2]
    assert names[0] is not None
    assert ACCOUNT not in names[0]


def test_statements_that_do_not_count_or_come_together_are_named_by_their_bytes() -> None:
    one = statement(closing="C260301EUR1000,")
    assert taken(one.replace("5/1", "0"), "mt940").last.message_id is None
    assert taken(one + one, "mt940").last.message_id is None


# MT942


def test_an_interim_report_is_pending_and_needs_no_balance() -> None:
    assert taken(interim(DEBIT), "mt942").only().bank_status == "PDNG"


@pytest.mark.parametrize(
    ("sums", "accepted"),
    [
        (":90D:1EUR10,50\n:90C:1EUR0,5\n", True),
        (":90D:1EUR10,5\n", True),
        (":90D:2EUR10,50\n", False),
        (":90D:1EUR10,51\n", False),
        (":90C:1EUR10,50\n", False),
        (":90D:1USD10,50\n", False),
        (":90D:x\n", False),
    ],
)
def test_declared_sums_agree(sums: str, accepted: bool) -> None:
    done = taken(interim(DEBIT, CREDIT, sums=sums), "mt942")
    assert done.accepted is accepted
    if not accepted:
        assert done.refusal.reason in {"count_mismatch", "sum_mismatch", "malformed_sum"}
        assert "90" in done.refusal.where


@pytest.mark.parametrize("again", [":34F:EUR0,\n:34F:EUR0,", ":90D:1EUR10,50\n:90D:1EUR10,50", ":13D:2603021200+0100"])
def test_a_field_that_comes_too_often_is_refused(again: str) -> None:
    assert taken(interim(DEBIT, sums=f"{again}\n"), "mt942").refusal.reason == "misplaced_tag"


def test_a_profile_without_controls_ignores_declared_sums() -> None:
    assert taken(interim(DEBIT, sums=":90D:9EUR9,\n"), "mt942", IGNORED).accepted


def test_entries_below_the_floor_may_be_summed_without_being_listed() -> None:
    floor = ":34F:EURD5,\n:34F:EURC5,\n"
    assert taken(interim(DEBIT, floors=floor, sums=":90D:3EUR12,\n"), "mt942").accepted
    assert not taken(interim(DEBIT, floors=floor, sums=":90D:3EUR10,\n"), "mt942").accepted


def test_a_sum_may_speak_of_all_pages() -> None:
    first = interim(DEBIT, number="7/1")
    last = interim(DEBIT, number="7/2", sums=":90D:2EUR21,\n")
    assert taken(first + last, "mt942").accepted
    assert not taken(first + last.replace("7/2", "8/2"), "mt942").accepted


def test_an_interim_report_whose_end_cannot_be_seen_is_refused() -> None:
    assert taken(interim(DEBIT, end=""), "mt942").refusal.reason == "truncated"
    assert taken(interim(DEBIT, sums=":90D:1EUR10,50\n", end=""), "mt942").accepted


def test_an_interim_report_needs_its_floor_limit_which_has_the_currency() -> None:
    assert taken(interim(DEBIT, floors=""), "mt942").refusal.reason == "missing_tag"
    assert taken(interim(DEBIT, floors=":34F:EUR0.00\n"), "mt942").refusal.reason == "malformed_floor_limit"
    assert taken(interim(DEBIT, floors=":34F:EUR0\n"), "mt942").accepted
    assert not taken(interim(DEBIT, floors=":34F:EURD0,\n:34F:USDC0,\n"), "mt942").accepted


@pytest.mark.parametrize(("profile", "accepted"), [(DEFAULT_PROFILE, False), (IGNORED, True)])
def test_a_statement_that_ends_without_a_closing_balance_proves_nothing(profile: BankProfile, accepted: bool) -> None:
    text = statement(DEBIT).replace(":62F:C260301EUR1000,\n", "")
    done = taken(text, "mt940", profile)
    assert done.accepted is accepted
    if not accepted:
        assert done.refusal.reason == "missing_tag"
    assert taken(text.removesuffix("-\n"), "mt940", profile).refusal.reason == "truncated"
