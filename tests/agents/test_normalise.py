"""From raw records to facts on their way: identity, names, refusals, and what makes a redelivery none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.canonical import CONNECTORS
from connectors.contract import DEFAULT_PROFILE, BankProfile, Connector, Refusal
from schemas.records import Raw
from streams.agents.accounts import Accounts
from streams.agents.arrivals import UnmappableError
from streams.agents.normalise import ROWS, Normaliser, normalise
from streams.domain.correlation import MessageType
from streams.domain.facts import (
    Approval,
    ApprovalScope,
    BankAck,
    Command,
    Direction,
    Precision,
    Reconciliation,
    Reference,
    ReferenceKind,
    Release,
)
from streams.domain.money import Money
from streams.domain.state import AlertKind
from streams.domain.statuses import Status
from streams.engine import BadRecord
from streams.topics import topics_of
from tests.agents.desk import Rows, Sent, arrived, fold

TOPICS = topics_of(1)
RECEIVED = 1_767_600_000_000_000
NOON = "2026-01-05T12:00:00+01:00"


class CanonicalFormats:
    """Canonical JSON alone, and the default profile."""

    def connector_named(self, format_: str) -> Connector | None:
        return next((connector for connector in CONNECTORS if connector.format == format_), None)

    def profile(self, name: str) -> BankProfile | Refusal:
        if name == "default":
            return DEFAULT_PROFILE
        return Refusal("unknown_profile", "profile", "default", name)


NORMALISER = Normaliser(CanonicalFormats(), Accounts(b"k" * 32), 3)


def raw(format_: str, document: Any, **changes: Any) -> Raw:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = document.get("source", "sap") if isinstance(document, dict) else "sap"
    given: dict[str, Any] = {
        "message_id": "m1",
        "source": source,
        "source_message_id": "M-1",
        "format": format_,
        "kind": format_,
        "profile": "default",
        "sender": source,
        "file_hash": None,
        "position": None,
        "records_in_file": None,
        "payload": payload,
        "authentication": "none",
        "occurred_at": None,
        "trace_id": "t1",
        "correlation_id": None,
    }
    return Raw(**{**given, **changes})


def release(**changes: Any) -> dict[str, Any]:
    return {
        "source": "sap",
        "source_event_id": "R-1",
        "occurred_at": NOON,
        "correlation_id": "PAY-1",
        "stage": "submitted",
        "amount": {"value": "120.50", "currency": "EUR"},
        "references": {"end_to_end_id": "E2E-1", "uetr": "6D5C3D0E-1111-4222-A333-444455556666", "message_id": "MSG-1"},
        "payee": {"vendor_id": "V1", "name": "Acme", "account": "DE89 3704 0044 0532 0130 00"},
        "invoices": [{"number": "INV-7"}],
        **changes,
    }


def approval(**changes: Any) -> dict[str, Any]:
    return {
        "source": "coupa",
        "source_event_id": "A-1",
        "occurred_at": NOON,
        "scope": "invoice",
        "actor": "a.lindqvist",
        "decision": "approved",
        "vendor_id": "V1",
        "invoices": [{"number": "INV-7"}],
        **changes,
    }


def acknowledgement(**changes: Any) -> dict[str, Any]:
    return {
        "source": "NORDBANK",
        "source_event_id": "K-1",
        "occurred_at": NOON,
        "bank": "NORDBANK",
        "status": "ACCP",
        "references": {"end_to_end_id": "E2E-1", "bank_ref": "NB-77"},
        **changes,
    }


def fact_of(record: Raw, received_at: int = RECEIVED) -> Any:
    (told,) = NORMALISER.facts_of(record, received_at)
    return told


def error_of(record: Raw) -> str:
    told = fact_of(record)
    assert isinstance(told, UnmappableError)
    return str(told)


def test_a_release_keeps_its_amount_exactly_and_no_account_number() -> None:
    fact = fact_of(raw("release.json", release()))
    assert isinstance(fact, Release)
    assert fact.amount == Money(12_050, "EUR", 2)
    assert fact.received_at == RECEIVED
    assert fact.precision is Precision.TIME
    assert fact.payee is not None
    assert fact.payee.account_last4 == "3000"
    assert "370400440532013000" not in repr(fact).replace(" ", "")


def test_a_release_goes_by_each_of_its_names_in_one_case() -> None:
    fact = fact_of(raw("release.json", release()))
    assert fact.references == (
        Reference(ReferenceKind.UETR, "6d5c3d0e-1111-4222-a333-444455556666"),
        Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),
        Reference(ReferenceKind.INVOICE, "V1/INV-7"),
        Reference(ReferenceKind.MESSAGE_ID, "MSG-1"),
    )


def test_a_payment_without_correlation_id_is_named_by_its_document() -> None:
    first = fact_of(raw("release.json", release(correlation_id=None, references={"document_number": "4711"})))
    again = fact_of(
        raw(
            "release.json",
            release(correlation_id=None, source_event_id="R-2", references={"document_number": " 4711 "}),
        )
    )
    other = fact_of(
        raw("release.json", release(correlation_id=None, company_code="2000", references={"document_number": "4711"}))
    )
    assert first.correlation_id == again.correlation_id != other.correlation_id


def test_a_release_that_names_no_payment_is_refused_with_advice() -> None:
    text = error_of(raw("release.json", release(correlation_id=None, references={})))
    assert "correlation_id" in text
    assert "document_number" in text


def test_an_invoice_approval_finds_the_key_of_its_release() -> None:
    release_fact = fact_of(raw("release.json", release()))
    fact = fact_of(raw("approval.json", approval()))
    assert isinstance(fact, Approval)
    assert fact.correlation_id == ""
    assert fact.references == (Reference(ReferenceKind.INVOICE, "V1/INV-7"),)
    assert fact.references[0] in release_fact.references
    assert fact.scope_key == release_fact.invoices[0].key


@pytest.mark.parametrize(("scope", "kind"), [("run", ReferenceKind.RUN_ID), ("bank", ReferenceKind.MESSAGE_ID)])
def test_a_decision_about_a_group_is_looked_up_by_the_group(scope: str, kind: ReferenceKind) -> None:
    fact = fact_of(raw("approval.json", approval(scope=scope, scope_key="RUN-9", invoices=[])))
    assert fact.references == (Reference(kind, "RUN-9"),)


def test_an_approval_of_a_payment_must_name_it() -> None:
    assert "correlation_id" in error_of(raw("approval.json", approval(scope="payment", scope_key="PAY-1")))
    fact = fact_of(raw("approval.json", approval(scope="payment", correlation_id="PAY-1")))
    assert (fact.scope, fact.scope_key) == (ApprovalScope.PAYMENT, "PAY-1")


def test_an_acknowledgement_is_looked_up_by_our_names_not_by_the_banks() -> None:
    fact = fact_of(raw("acknowledgement.json", acknowledgement()))
    assert isinstance(fact, BankAck)
    assert fact.milestone is Status.BANK_ACCEPTED
    assert fact.references == (Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),)
    assert fact.bank_ref == "NB-77"


@pytest.mark.parametrize("name", ["NOTPROVIDED", "  ", "0000", "X", "E2E-12345+"])
def test_a_name_that_names_nothing_is_left_out(name: str) -> None:
    fact = fact_of(raw("acknowledgement.json", acknowledgement(references={"end_to_end_id": name})))
    assert fact.references == ()


def test_money_that_came_in_is_looked_up_by_nobodys_names() -> None:
    booked = {"booked": True, "status": "BOOK", "amount": {"value": "9.00", "currency": "EUR"}}
    credit = fact_of(raw("acknowledgement.json", acknowledgement(direction="credit", **booked)))
    assert credit.references == ()
    assert credit.milestone is None
    returned = fact_of(raw("acknowledgement.json", acknowledgement(direction="credit", returned=True, **booked)))
    assert returned.milestone is Status.RETURNED
    assert returned.references
    debit = fact_of(raw("acknowledgement.json", acknowledgement(direction="debit", **booked)))
    assert (debit.milestone, debit.direction) == (Status.SETTLED, Direction.DEBIT)


def test_the_same_event_told_again_is_the_same_event_whatever_brings_it() -> None:
    body = fact_of(raw("release.json", release()))
    in_a_file = fact_of(
        raw("release.json", release(), file_hash="f" * 64, position="line 3", source="drop", source_message_id="F"),
        RECEIVED + 5,
    )
    assert in_a_file.event_id == body.event_id
    assert in_a_file.payload_hash == body.payload_hash


def test_another_content_under_the_same_id_is_told_by_its_hash() -> None:
    body = fact_of(raw("release.json", release()))
    other = fact_of(raw("release.json", release(amount={"value": "120.51", "currency": "EUR"})))
    assert other.event_id == body.event_id
    assert other.payload_hash != body.payload_hash


def test_nobody_speaks_for_another_source() -> None:
    text = error_of(raw("release.json", release(source="sap"), source="coupa"))
    assert "'coupa'" in text
    assert "'sap'" in text


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (release(occurred_at="2026-01-05T12:00:00"), "offset"),
        (release(occurred_at="yesterday"), "ISO 8601"),
        (release(amount={"value": "1.00", "currency": "XQQ"}), "unknown currency 'XQQ'"),
        (release(amount={"value": "1.005", "currency": "EUR"}), "finer than the minor unit"),
        (release(amount={"value": "1,00", "currency": "EUR"}), "not a decimal"),
        (release(amount={"value": "NaN", "currency": "EUR"}), "not a decimal"),
        (release(requested_execution_date="2026-02-30"), "a day as"),
        (release(surprise=1), "surprise"),
        (release(stage="sent"), "stage"),
        (b"\xff\xfe{", "JSON"),
        (b"[1]", "a JSON object"),
        (b"{" * 100_000, "JSON"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(document: Any, expected: str) -> None:
    assert expected in error_of(raw("release.json", document))


def test_an_amount_written_as_a_number_is_refused_never_rounded() -> None:
    document = json.dumps(release()).replace('"120.50"', "120.50").encode()
    assert "amounts are decimal text" in error_of(raw("release.json", document))


def test_a_format_or_profile_that_is_not_installed_is_named() -> None:
    assert "mt940" in error_of(raw("mt940", release()))
    assert "acme" in error_of(raw("release.json", release(), profile="acme"))


def reason_class(error: Exception) -> str:
    assert isinstance(error, BadRecord)
    return error.reason_class


def handled(records: list[Raw]) -> Sent:
    out, seen = Sent(), Rows(ROWS)
    handle = normalise(TOPICS, NORMALISER, 1)
    for offset, record in enumerate(records):
        key = f"{record.source}/{record.source_message_id}"
        fold(handle, arrived(TOPICS.raw, key, record, RECEIVED, offset), seen, out)
    return out


def test_a_release_makes_its_payment_known_in_its_own_transaction() -> None:
    out = handled([raw("release.json", release())])
    assert [fact.correlation_id for fact in out.to(TOPICS.releases)] == ["PAY-1"]
    registers = out.to(TOPICS.references)
    assert {message.type for message in registers} == {MessageType.REGISTER}
    assert {(row.payment, row.since) for message in registers for row in message.registrations} == {("PAY-1", RECEIVED)}


def test_a_fact_that_knows_its_payment_goes_there_directly_others_are_looked_up() -> None:
    out = handled(
        [
            raw("acknowledgement.json", acknowledgement(correlation_id="PAY-1")),
            raw("acknowledgement.json", acknowledgement(source_event_id="K-2")),
            raw("approval.json", approval()),
        ]
    )
    assert [ack.correlation_id for ack in out.to(TOPICS.bank_acks)] == ["PAY-1"]
    lookups = out.to(TOPICS.references)
    assert [(message.type, message.key) for message in lookups] == [
        (MessageType.LOOKUP, "END_TO_END_ID:E2E-1"),
        (MessageType.LOOKUP, "INVOICE:V1/INV-7"),
    ]


def test_reconciliations_and_commands_go_to_their_topics() -> None:
    out = handled(
        [
            raw(
                "reconciliation.json",
                {
                    "source": "recon",
                    "source_event_id": "M-1",
                    "occurred_at": NOON,
                    "correlation_id": "PAY-1",
                    "kind": "matched",
                },
            ),
            raw(
                "command.json",
                {
                    "source": "portal",
                    "source_event_id": "C-1",
                    "occurred_at": NOON,
                    "correlation_id": "PAY-1",
                    "action": "hold",
                    "hold": "manual",
                    "actor": "ann",
                    "reason": "asked by treasury",
                },
            ),
        ]
    )
    assert isinstance(out.to(TOPICS.reconciliations)[0], Reconciliation)
    assert isinstance(out.to(TOPICS.commands)[0], Command)


def test_evidence_that_names_no_payment_raises_one_alert_at_once() -> None:
    out = handled([raw("acknowledgement.json", acknowledgement(references={}))] * 2)
    (alert,) = out.to(TOPICS.alerts)
    assert alert.kind is AlertKind.ORPHAN
    assert not out.to(TOPICS.references)


def test_a_booked_entry_is_kept_as_one_whatever_it_is_about() -> None:
    booked = acknowledgement(
        booked=True,
        status="BOOK",
        direction="credit",
        account="DE89370400440532013000",
        amount={"value": "9", "currency": "EUR"},
    )
    out = handled([raw("acknowledgement.json", booked)])
    (entry,) = out.to(TOPICS.statement_entries)
    assert (entry.amount, entry.direction) == (Money(900, "EUR", 2), Direction.CREDIT)


def test_a_record_that_cannot_be_mapped_leaves_its_neighbours_alone_and_one_alert_a_message() -> None:
    bad = raw("release.json", release(amount={"value": "1", "currency": "XQQ"}), source_message_id="F-1")
    out = handled([bad, raw("release.json", release()), replace(bad, position="line 2")])
    assert [reason_class(error) for _, error in out.dead] == ["unmappable", "unmappable"]
    assert [fact.correlation_id for fact in out.to(TOPICS.releases)] == ["PAY-1"]
    assert [alert.kind for alert in out.to(TOPICS.alerts)] == [AlertKind.MAPPING_FAILURE]


def test_the_same_message_id_in_other_bytes_is_quarantined_and_alerted_once() -> None:
    def record(file_hash: str, position: str) -> Raw:
        return raw("release.json", release(source_event_id=position), file_hash=file_hash * 64, position=position)

    first = [record("a", "line 1"), record("a", "line 2")]
    out = handled([*first, record("b", "line 1"), record("b", "line 2")])
    assert len(out.to(TOPICS.releases)) == 2
    assert [reason_class(error) for _, error in out.dead] == ["conflict", "conflict"]
    assert [alert.kind for alert in out.to(TOPICS.alerts)] == [AlertKind.CONFLICT]
