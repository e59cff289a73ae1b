"""Canonical JSON: read strictly, refused clearly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.canonical.connector import FORMATS, MAX_DOCUMENT_BYTES
from connectors.contract import FileEnd, MappingError
from connectors.documents import ApprovalDocument, ReleaseDocument
from connectors.registry import connectors
from tests.connectors.files import Read, format_of, read

APPROVAL: dict[str, Any] = {
    "source": "ERP",
    "source_event_id": "A-1",
    "occurred_at": "2026-11-24T09:00:00+01:00",
    "scope": "payment",
    "actor": "mia",
    "decision": "approved",
    "correlation_id": "PAY-1",
    "amount": {"value": "10.50", "currency": "USD"},
}
RELEASE: dict[str, Any] = {
    "source": "ERP",
    "source_event_id": "R-1",
    "occurred_at": "2026-11-24T09:00:00+01:00",
    "stage": "released",
}
ACKNOWLEDGEMENT: dict[str, Any] = {
    "source": "BANK",
    "source_event_id": "B-1",
    "occurred_at": "2026-11-24T09:00:00Z",
    "bank": "BANKX",
    "status": "ACSC",
}
RECONCILIATION: dict[str, Any] = {
    "source": "ERP",
    "source_event_id": "C-1",
    "occurred_at": "2026-11-24T09:00:00Z",
    "correlation_id": "PAY-1",
    "kind": "matched",
}
COMMAND: dict[str, Any] = {
    "source": "UI",
    "source_event_id": "D-1",
    "occurred_at": "2026-11-24T09:00:00Z",
    "correlation_id": "PAY-1",
    "action": "hold",
    "actor": "mia",
    "reason": "asked",
}
ONE_OF_EACH = {
    "approval.json": APPROVAL,
    "release.json": RELEASE,
    "acknowledgement.json": ACKNOWLEDGEMENT,
    "reconciliation.json": RECONCILIATION,
    "command.json": COMMAND,
}


def of(data: bytes, format_: str = "approval.json") -> Read:
    return read(data, format_)


def with_(**changed: object) -> bytes:
    return json.dumps({**APPROVAL, **changed}).encode()


@pytest.mark.parametrize("format_", ONE_OF_EACH)
def test_each_kind_is_told_from_its_content_and_read(format_: str) -> None:
    data = json.dumps(ONE_OF_EACH[format_]).encode()
    assert [connector.format for connector in connectors() if connector.sniff(data)] == [format_]
    assert format_of(data) == format_
    [document] = of(data, format_).mapped
    assert isinstance(document, FORMATS[format_])


@pytest.mark.parametrize(
    ("data", "positions"),
    [
        (json.dumps(APPROVAL).encode(), ["line 1"]),
        (json.dumps(APPROVAL, indent=2).encode(), ["document 1"]),
        (json.dumps([APPROVAL, APPROVAL]).encode(), ["document 1", "document 2"]),
        (b"\n".join([json.dumps(APPROVAL).encode()] * 2), ["line 1", "line 2"]),
        (
            b"\xef\xbb\xbf" + json.dumps(APPROVAL).encode() + b"\r\n\r\n" + json.dumps(APPROVAL).encode(),
            ["line 1", "line 3"],
        ),
    ],
    ids=["one", "one over lines", "array", "one a line", "byte order mark and blank lines"],
)
def test_one_object_an_array_or_one_object_a_line(data: bytes, positions: list[str]) -> None:
    done = of(data)
    assert [record.position for record in done.records] == positions
    assert isinstance(done.last, FileEnd)
    assert done.last.records == len(positions)
    assert all(isinstance(item, ApprovalDocument) for item in done.mapped)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"approver": "mia"}, "the document"),
        ({"decision": "perhaps"}, "decision"),
        ({"scope": None}, "scope"),
        ({"step": "1"}, "step"),
        ({"step": True}, "step"),
        ({"amount": {"value": 10, "currency": "USD"}}, "amount.value"),
        ({"amount": {"value": "10"}}, "amount"),
        ({"amount": "10 USD"}, "amount"),
        ({"invoices": [{"number": "1"}, {"no": "2"}]}, "invoices[1]"),
    ],
)
def test_a_document_that_is_not_exactly_right_is_an_error_with_its_path(changed: dict[str, Any], field: str) -> None:
    [error] = of(with_(**changed)).mapped
    assert isinstance(error, MappingError)
    assert error.field == field
    assert error.expected == "a ApprovalDocument"
    assert error.found


@pytest.mark.parametrize(
    "value", ["", "ten", "1,00", "1e3", "1E-2", "NaN", "Infinity", "1_000", "\u0661", " 1", "+1", ".5", "1.", "9" * 16]
)
def test_an_amount_that_is_not_plain_digits_is_no_amount(value: str) -> None:
    [error] = of(with_(amount={"value": value, "currency": "USD"})).mapped
    assert isinstance(error, MappingError)
    assert (error.field, error.expected) == ("amount.value", 'an amount as plain digits, such as "10.50"')


def test_a_missing_field_is_named() -> None:
    [error] = of(json.dumps({key: value for key, value in APPROVAL.items() if key != "actor"}).encode()).mapped
    assert isinstance(error, MappingError)
    assert "actor" in error.found


def test_one_wrong_document_leaves_its_neighbours_alone() -> None:
    lines = b"\n".join([json.dumps(APPROVAL).encode(), with_(decision="perhaps"), json.dumps(APPROVAL).encode()])
    first, error, last = of(lines).mapped
    assert isinstance(error, MappingError)
    assert error.position == "line 2"
    assert isinstance(first, ApprovalDocument)
    assert isinstance(last, ApprovalDocument)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"[]", "empty"),
        (b"{", "malformed_json"),
        (b"[1, 2]", "malformed_json"),
        (b'"text"', "malformed_json"),
        (json.dumps(APPROVAL).encode()[:-1], "malformed_json"),
        (json.dumps(APPROVAL).encode() + b"\nrubbish", "malformed_json"),
        (json.dumps(APPROVAL).encode().replace(b"mia", b"m\xefa"), "malformed_json"),
        (json.dumps(APPROVAL).encode().replace(b"mia", b"m\0a"), "malformed_json"),
        (json.dumps(APPROVAL).encode().replace(b"mia", b"\\ud800"), "malformed_json"),
        (json.dumps(APPROVAL).encode().replace(b'"scope"', b'"actor": "eve", "scope"'), "malformed_json"),
        (json.dumps(APPROVAL).encode().replace(b'"10.50"', b"10.50"), "float_amount"),
        (json.dumps(APPROVAL).encode().replace(b'"10.50"', b"1e3"), "float_amount"),
        (json.dumps(APPROVAL).encode().replace(b'"10.50"', b"NaN"), "float_amount"),
        (json.dumps(APPROVAL).encode().replace(b'"10.50"', b"1" * 5_000), "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a":' * 100_000, "malformed_json"),
        (b'{"a": "' + b"x" * (MAX_DOCUMENT_BYTES + 1) + b'"}', "oversized"),
    ],
)
def test_what_is_no_json_that_can_be_written_again_exactly_is_refused(data: bytes, reason: str) -> None:
    refusal = of(data).refusal
    assert refusal.reason == reason
    assert refusal.where
    assert refusal.expected
    assert refusal.found


def test_a_name_that_comes_twice_is_told() -> None:
    data = json.dumps(APPROVAL).encode().replace(b'"scope"', b'"actor": "eve", "scope"')
    assert "'actor' comes twice" in of(data).refusal.found


def test_a_release_may_say_only_what_it_knows() -> None:
    [release] = of(json.dumps(RELEASE).encode(), "release.json").mapped
    assert isinstance(release, ReleaseDocument)
    assert release.amount is None
    assert release.invoices == ()
