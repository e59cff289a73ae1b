"""What files of the tracker's answers may look like, and which are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.contract import FileEnd
from connectors.gpi.connector import CONNECTORS
from tests.connectors.files import SAMPLES, read
from tests.connectors.gpi.given import UETR, answer, transaction, usd

[GPI] = CONNECTORS


def test_a_single_transaction_is_one_record() -> None:
    assert answer(transaction()).only().position == "line 1"
    assert read(json.dumps(transaction(), indent=1).encode(), "gpi").only().position == "document 1"


@pytest.mark.parametrize(
    ("value", "positions"),
    [
        ([transaction(), transaction()], ["document 1", "document 2"]),
        ({"payment_transaction_details_response": transaction()}, ["line 1"]),
        ({"payment_transaction": [transaction()], "next": "abc"}, ["line 1/payment_transaction[1]"]),
        (
            {"changed_payment_transactions_response": {"payment_transaction": [transaction(), transaction("ACCC")]}},
            ["line 1/payment_transaction[1]", "line 1/payment_transaction[2]"],
        ),
        ([{"payment_transaction": []}], []),
    ],
)
def test_envelopes_and_pages_are_opened(value: Any, positions: list[str]) -> None:
    assert [item.position for item in answer(value).acknowledgements()] == positions


def test_one_document_a_line() -> None:
    lines = [json.dumps(transaction(status)) for status in ("RCVD", "ACSP", "ACCC")]
    done = read(("\ufeff" + lines[0] + "\n\n" + lines[1] + "\r\n" + lines[2]).encode(), "gpi")
    assert [(item.position, item.bank_status) for item in done.acknowledgements()] == [
        ("line 1", "RCVD"),
        ("line 3", "ACSP"),
        ("line 4", "ACCC"),
    ]
    assert isinstance(done.last, FileEnd)
    assert done.last.records == 3


@pytest.mark.parametrize("number", ["0.1", "2488.00", "1000.", "7", "123456789012345.67", "0.10000000000000001"])
def test_amounts_survive_exactly_as_text_or_as_json_numbers(number: str) -> None:
    for written in {f'"{number}"', number} - {"1000."}:
        body = f'{{"uetr": "{UETR}", "transaction_status": "ACCC", "confirmed_amount": '
        only = read(f'{body}{{"currency": "USD", "amount": {written}}}}}}}'[:-1].encode(), "gpi").only()
        assert only.amount is not None
        assert f"{only.amount:f}" == number.rstrip(".")


@pytest.mark.parametrize(
    ("data", "reason", "found"),
    [
        (b"", "empty", "nothing"),
        (b"\xef\xbb\xbf \n ", "empty", "nothing"),
        (b'{"uetr": "\xff"}', "wrong_encoding", "xff"),
        (b'{"transaction_status": "ACSP"', "truncated", ""),
        (b'{"transaction_status": "AC', "truncated", "Unterminated"),
        (b'{"transaction_status" "ACSP"}', "malformed_json", ""),
        (b'{"transaction_status": "ACSP", "transaction_status": "RJCT"}', "malformed_json", "comes twice"),
        (b'{"transaction_status": NaN}', "malformed_json", "NaN"),
        (b'{"transaction_status": "\\ud800"}', "malformed_json", ""),
        (b'{"transaction_status": "AC\0SP"}', "malformed_json", "control character"),
        (b'{"transaction_status": ' + b"[" * 100_000, "nesting_too_deep", ""),
        (b'{"severity": "Fatal", "code": "404"}', "not_a_transaction", "code, severity"),
        (b"[1]", "not_a_transaction", "text or number"),
        (b"[null]", "not_a_transaction", "nothing"),
        (b'{"transaction_status": "ACSP", "uetr": "u"}\n{"transaction_status', "truncated", ""),
        (b'{"transaction_status": "ACSP", "uetr": "u"}\n[]', "not_a_transaction", "an array"),
    ],
)
def test_a_file_that_is_no_answer_is_refused(data: bytes, reason: str, found: str) -> None:
    refusal = read(data, "gpi").refusal
    assert refusal.reason == reason
    assert found in refusal.found
    assert refusal.where
    assert refusal.expected
    assert refusal.format == "gpi"


def test_a_later_line_that_is_refused_takes_the_whole_file_with_it() -> None:
    lines = json.dumps(transaction("ACCC", confirmed_amount=usd("5"))).encode() + b"\n"
    done = read(lines * 3 + b"{", "gpi")
    assert done.refusal.where.startswith("line 4")
    assert done.money() == 0


def test_more_than_the_largest_document_is_refused_before_it_is_parsed() -> None:
    for filler in (b" ", b" \n"):
        data = b"[" + filler * 16_000_000 + b"]"
        assert read(data[:16_000_001], "gpi").refusal.reason == "oversized"


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b'\xef\xbb\xbf [{"uetr": "u", "transaction_status": "ACSP"', True),
        (b'{"transaction_status": "ACSP", "tracker_informing_party": "AAAADEFF"}', True),
        (b'{"transaction_status": "SUCCESS", "api_version": "1.0"}', False),
        (b'{"uetr": "u", "status": "ACSP", "source_event_id": "transaction_status"}', False),
        (b'"uetr" "transaction_status"', False),
    ],
)
def test_an_answer_is_told_by_its_names(head: bytes, ours: bool) -> None:
    assert GPI.sniff(head) is ours


@pytest.mark.parametrize("name", ["tracker_acsp_then_accc.json", "tracker_rjct.json"])
def test_a_sample_cut_at_any_byte_says_the_same_or_nothing(name: str) -> None:
    data = (SAMPLES / "gpi" / name).read_bytes()
    whole = read(data, "gpi")
    for length in range(len(data)):
        cut = read(data[:length], "gpi")
        assert not cut.accepted or cut.mapped == whole.mapped
