"""Which message a file is: by block 2, a bank's header line, or the tags that only one type has."""

from __future__ import annotations

import pytest

from connectors.contract import Connector, Refusal
from connectors.detect import detect
from tests.connectors.swift_mt.given import fin, interim, statement

ADVICE = ":20:B\n:21:P\n:25:A\n:32A:260302EUR1,\n"


def told(text: str | bytes) -> str:
    found = detect(text.encode() if isinstance(text, str) else text)
    assert isinstance(found, Connector), found
    return found.format


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (statement(), "mt940"),
        (interim(), "mt942"),
        ("\ufeff" + statement(), "mt940"),
        ("\x01\r\n" + statement(), "mt940"),
        (":940:\n" + statement(), "mt940"),
        ("ABNANL2A\n940\nABNANL2A\n" + statement(), "mt940"),
        ("Bank's words\n" + statement(), "mt940"),
        (fin("940", ":20:X"), "mt940"),
        (fin("942", ":20:X"), "mt942"),
        (fin("900", ADVICE), "mt900"),
        (fin("910", ADVICE), "mt910"),
        ("900\n" + ADVICE, "mt900"),
        (ADVICE + ":50K:X\n-", "mt910"),
        (fin("199", ":20:X"), "mt199"),
        (fin("999", ":20:X"), "mt199"),
        (":20:X\n:21:Y\n:79:/REJT/\n-", "mt199"),
        (fin("192", ":20:X"), "mtn92"),
        (":20:X\n:21:Y\n:11S:103\n:79:/DUPL/\n-", "mtn92"),
        (fin("296", ":20:X"), "mtn96"),
        (":20:X\n:21:Y\n:76:/CNCL/\n-", "mtn96"),
        (":86:091\n-", "mt940"),
        ("{1:F21AAAADEFFAXXX0000000000}{4:{177:2603021005}{451:0}}" + fin("940", ":20:X"), "mt940"),
    ],
)
def test_a_message_is_told_by_its_content(text: str, format_: str) -> None:
    assert told(text) == format_


def test_text_of_two_bytes_a_character_is_told_too() -> None:
    assert told(statement().encode("utf-16")) == "mt940"


@pytest.mark.parametrize(
    "text",
    [
        ADVICE,
        ":20:X\n",
        "20:X\n",
        "words :61: words",
        '{"a": ":61:"}',
        "<a>\n:61:</a>",
        "a,b\n1,2\n",
        "{2:O940}",
    ],
)
def test_what_could_be_several_things_or_none_is_not_guessed(text: str) -> None:
    refused = detect(text.encode())
    assert isinstance(refused, Refusal)
    assert refused.reason == "unknown_format"


def test_another_message_is_named_in_the_refusal() -> None:
    refused = detect(fin("103", ":20:X\n:23B:CRED").encode())
    assert isinstance(refused, Refusal)
    assert "SWIFT MT103" in refused.found
