"""Bad input through the whole pipeline: a clear error, the record kept as it was, its neighbours untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer

from connectors.intake.reading import Request
from schemas.codec import codec
from schemas.records import DeadLetter, FileEntry, FileStatus, Raw
from streams.domain.state import Alert, AlertKind, State
from streams.domain.statuses import Status
from streams.verify.report import Report
from tests.connectors.files import SAMPLES
from tests.pipeline.installation import Installation, installed

pytestmark = pytest.mark.kafka

RAW = "payments.raw.v1"
ENCODE = codec(RAW, Raw).encode
BOMB = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Document><CstmrPmtStsRpt>&b;'


def release(number: str, **changes: Any) -> Raw:
    """The submission of payment ``number``, as the ERP tells it."""
    document = {
        "source": "sap",
        "source_event_id": number,
        "occurred_at": "2026-01-05T12:00:00+01:00",
        "correlation_id": number,
        "stage": "submitted",
        "amount": {"value": "10.00", "currency": "EUR"},
        **changes,
    }
    payload = json.dumps(document).encode()
    return Raw(
        message_id=number,
        source="sap",
        source_message_id=number,
        format="release.json",
        kind="release.json",
        profile="default",
        sender="sap",
        file_hash=None,
        position=None,
        records_in_file=None,
        payload=payload,
        authentication="none",
        occurred_at=None,
        trace_id="t",
        correlation_id=None,
    )


@dataclass(frozen=True)
class Case:
    """One record that cannot be taken: why, and what a person must read about it."""

    name: str
    key: bytes | None
    value: bytes
    reason_class: str
    says: tuple[str, ...]


CASES = (
    Case("null key", None, ENCODE(release("BAD-1")), "null_key", ("expected a key, found none",)),
    Case(
        "unknown schema id",
        b"sap/BAD-2",
        b"\xc3\x01\x00\x11\x22\x33\x44\x55\x66\x77" + ENCODE(release("BAD-2"))[10:],
        "undecodable",
        ("unknown schema fingerprint 0011223344556677", "upgrade paystate or ask the producer"),
    ),
    Case("registry id without registry", b"sap/BAD-3", b"\x00\x00\x00\x00\x07rest", "undecodable", ("schema id 7",)),
    Case("truncated value", b"sap/BAD-4", ENCODE(release("BAD-4"))[:-9], "undecodable", (RAW,)),
    Case(
        "unknown currency",
        b"sap/BAD-5",
        ENCODE(release("BAD-5", amount={"value": "10.00", "currency": "XQQ"})),
        "unmappable",
        ("amount", "unknown currency 'XQQ'", "'BAD-5'"),
    ),
    Case(
        "naive timestamp",
        b"sap/BAD-6",
        ENCODE(release("BAD-6", occurred_at="2026-01-05T12:00:00")),
        "unmappable",
        ("occurred_at", "no offset from UTC", "send it again with its offset"),
    ),
    Case(
        "oversized result",
        b"sap/BAD-7",
        ENCODE(release("BAD-7", invoices=[{"number": f"INV-{number:09d}"} for number in range(30_000)])),
        "oversized",
        ("does not fit",),
    ),
)
GOOD = [f"GOOD-{number}" for number in range(len(CASES) + 1)]


@dataclass(frozen=True)
class Seen:
    """What is there when everything has been taken."""

    letters: dict[bytes, DeadLetter]
    states: dict[str, State]
    files: dict[str, FileEntry]
    alerts: list[Alert]
    report: Report


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Good and bad records in turn in one partition, bad files beside them, and a worker."""
    with installed(tmp_path_factory.mktemp("bad-input")) as installation:
        _publish(installation)
        _ingest_bad_files(installation)
        with installation.worker():
            installation.rest()
        yield Seen(
            letters={
                letter.value or b"": letter for letter in installation.values("payments.dead-letters.v1", DeadLetter)
            },
            states={state.correlation_id: state for state in installation.values("payments.state.v1", State)},
            files={entry.name: entry for entry in installation.values("payments.files.v1", FileEntry)},
            alerts=installation.values("payments.alerts.v1", Alert),
            report=installation.verified(),
        )


def _publish(installation: Installation) -> None:
    producer = Producer({**installation.client, "message.max.bytes": 4_000_000})
    producer.produce(RAW, ENCODE(release(GOOD[0])), b"sap/" + GOOD[0].encode(), partition=0)
    for case, good in zip(CASES, GOOD[1:], strict=True):
        producer.produce(RAW, case.value, case.key, partition=0)
        producer.produce(RAW, ENCODE(release(good)), b"sap/" + good.encode(), partition=0)
    assert producer.flush(60) == 0


def _ingest_bad_files(installation: Installation) -> None:
    whole = (SAMPLES / "pain002/nordea_v03_txn_reject.xml").read_bytes()
    folder = installation.folder / "offered"
    folder.mkdir()
    for name, content in (("truncated.xml", whole[:-300]), ("foreign.pdf", b"%PDF-1.7\n%\xe2\xe3"), ("bomb.xml", BOMB)):
        (folder / name).write_bytes(content)
    with installation.intake() as intake:
        for path in sorted(folder.iterdir()):
            assert intake.ingest(path, Request()).status is FileStatus.REFUSED


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_record_that_cannot_be_taken_is_kept_as_it_was_and_says_why(seen: Seen, case: Case) -> None:
    letter = seen.letters[case.value]
    assert (letter.key, letter.reason_class, letter.stage) == (case.key, case.reason_class, "normalise")
    assert (letter.source_topic, letter.source_partition) == (RAW, 0)
    for words in case.says:
        assert words in letter.message


def test_its_neighbours_in_the_partition_are_untouched(seen: Seen) -> None:
    assert {name: state.status for name, state in seen.states.items()} == dict.fromkeys(GOOD, Status.SUBMITTED)


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("truncated.xml", "truncated", "expected"),
        ("foreign.pdf", "unknown_format", "%PDF-1.7"),
        ("bomb.xml", "doctype_forbidden", "DOCTYPE"),
    ],
)
def test_a_file_that_cannot_be_trusted_publishes_its_refusal_and_nothing_else(
    seen: Seen, name: str, reason: str, words: str
) -> None:
    entry = seen.files[name]
    assert (entry.status, entry.reason, entry.committed_records) == (FileStatus.REFUSED, reason, 0)
    assert words in (entry.detail or "")
    assert [alert.kind for alert in seen.alerts if alert.correlation_id == f"file:{entry.file_hash}"] == [
        AlertKind.FILE_REFUSED
    ]


def test_an_independent_reading_accounts_for_every_record(seen: Seen) -> None:
    assert seen.report.ok, seen.report.findings
    assert (seen.report.inputs, seen.report.dead_letters) == (len(CASES) + len(GOOD), len(CASES))
