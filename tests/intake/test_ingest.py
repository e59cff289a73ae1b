"""A file is published whole and once, or not at all, whatever dies and whoever else tries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.intake import publish
from connectors.intake.ingest import IngestError, Intake, Outcome
from connectors.intake.publish import Message, Publisher
from connectors.intake.reading import Request
from schemas.records import FileStatus, Raw
from streams.domain.state import AlertKind, AlertState
from tests.intake.conftest import Log, lines

pytestmark = pytest.mark.kafka

RAW, FILES, ALERTS = "payments.raw.v1", "payments.files.v1", "payments.alerts.v1"
OpenIntake = Callable[[], Intake]


class PowerCutError(Exception):
    """The process ends here."""


@pytest.fixture
def drop(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "statement.txt"
        path.write_bytes(content)
        return path

    return write


def cut_power_in_transaction(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The ``number``-th transaction dies after its messages were sent and before its commit."""
    whole = Publisher.transaction
    begun = iter(range(1, 1_000))

    def transaction(self: Publisher, messages: list[Message]) -> None:
        if next(begun) < number:
            whole(self, messages)
            return
        self._producer.begin_transaction()
        for message in messages:
            self._produce(message)
        self._producer.flush()
        raise PowerCutError

    monkeypatch.setattr(Publisher, "transaction", transaction)


def expected_positions(count: int) -> list[str]:
    return [f"line {number + 2}" for number in range(count)]


def published(log: Log, message_id: str, source: str = "TESTBANK") -> list[Raw]:
    return log.records(RAW, f"{source}/{message_id}")


def test_a_good_file_is_published_with_its_ledger_entry(
    open_intake: OpenIntake, drop: Callable[[bytes], Path], log: Log, message_id: str
) -> None:
    with open_intake() as intake:
        outcome = intake.ingest(drop(lines(3, message_id)), Request())
    records = published(log, message_id)
    assert [record.position for record in records] == expected_positions(3)
    assert {record.file_hash for record in records} == {outcome.entry.file_hash}
    assert [record.records_in_file for record in records] == [3, 3, 3]
    assert records[0].payload == b'{"text":"record 0 of %s"}' % message_id.encode()
    assert len({record.message_id for record in records}) == 3
    assert log.records(FILES, outcome.entry.file_hash) == [outcome.entry]
    assert (outcome.status, outcome.published, outcome.entry.committed_records) == (FileStatus.ACCEPTED, 3, 3)


def test_the_same_bytes_again_are_a_duplicate_and_publish_nothing(
    open_intake: OpenIntake, drop: Callable[[bytes], Path], log: Log, message_id: str
) -> None:
    with open_intake() as intake:
        first = intake.ingest(drop(lines(2, message_id)), Request())
        again = intake.ingest(drop(lines(2, message_id)), Request(source="elsewhere"))
    with open_intake() as other:
        later = other.ingest(drop(lines(2, message_id)), Request())
    assert [again.status, later.status] == [FileStatus.DUPLICATE] * 2
    assert again.entry == later.entry == first.entry
    assert len(published(log, message_id)) == 2
    assert published(log, message_id, "elsewhere") == []
    assert len(log.records(FILES, first.entry.file_hash)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda mid: lines(3, mid, declared=4), "count_mismatch"),
        (lambda mid: lines(3, mid)[:-6], "truncated"),
        (lambda mid: b"\x00\x01" + mid.encode(), "unknown_format"),
        (lambda mid: b"LINES %b\n%b\nEND 1\n" % (mid.encode(), b"x" * 1_000_000), "record_too_large"),
    ],
)
def test_a_refused_file_publishes_only_its_ledger_entry_and_an_alert(
    content: Callable[[str], bytes],
    reason: str,
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
) -> None:
    with open_intake() as intake:
        outcome = intake.ingest(drop(content(message_id)), Request())
        again = intake.ingest(drop(content(message_id)), Request())
    file_hash = outcome.entry.file_hash
    assert (outcome.status, outcome.entry.reason, again.status) == (FileStatus.REFUSED, reason, FileStatus.REFUSED)
    assert published(log, message_id) == []
    assert log.records(FILES, file_hash) == [outcome.entry]
    [alert] = log.records(ALERTS, f"file:{file_hash}")
    assert (alert.kind, alert.state) == (AlertKind.FILE_REFUSED, AlertState.OPEN)
    assert reason in alert.detail
    assert outcome.entry.detail is not None
    assert outcome.entry.detail in alert.detail


def test_a_refused_file_that_is_taken_after_a_fix_ends_its_alert(
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_intake() as intake:
        with monkeypatch.context() as broken:
            broken.setattr("connectors.intake.reading.MAX_FIELDS_BYTES", 5)
            refused = intake.ingest(drop(lines(2, message_id)), Request())
        taken = intake.retry(refused.entry.file_hash, Request())
    assert (refused.status, taken.status) == (FileStatus.REFUSED, FileStatus.ACCEPTED)
    assert len(published(log, message_id)) == 2
    alerts = log.records(ALERTS, f"file:{refused.entry.file_hash}")
    assert [alert.state for alert in alerts] == [AlertState.OPEN, AlertState.WITHDRAWN]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert taken.entry.name == "statement.txt"


@pytest.mark.parametrize("dies_in", [1, 2, 3])
def test_a_crash_in_any_transaction_resumes_and_nothing_is_published_twice(
    dies_in: int,
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "RECORDS_PER_TRANSACTION", 10)
    path = drop(lines(25, message_id))
    with monkeypatch.context() as dying:
        cut_power_in_transaction(dying, dies_in)
        with pytest.raises(PowerCutError), open_intake() as intake:
            intake.ingest(path, Request(source="first"))
    with open_intake() as intake:
        outcome = intake.ingest(path, Request(source="first" if dies_in == 1 else "another"))
    assert (outcome.status, outcome.published) == (FileStatus.ACCEPTED, 25 - 10 * (dies_in - 1))
    assert [record.position for record in published(log, message_id, "first")] == expected_positions(25)
    assert published(log, message_id, "another") == []
    ledger = log.records(FILES, outcome.entry.file_hash)
    assert [entry.committed_records for entry in ledger] == [10, 20, 25]
    assert [entry.status for entry in ledger] == [FileStatus.PUBLISHING] * 2 + [FileStatus.ACCEPTED]


def test_a_file_of_12000_records_goes_out_in_several_transactions_and_a_crash_between_them_repeats_none(
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = drop(lines(12_000, message_id))
    with monkeypatch.context() as dying:
        cut_power_in_transaction(dying, 2)
        with pytest.raises(PowerCutError), open_intake() as intake:
            intake.ingest(path, Request())
    with open_intake() as intake:
        outcome = intake.ingest(path, Request())
    assert (outcome.status, outcome.published) == (FileStatus.ACCEPTED, 7_000)
    assert [record.position for record in published(log, message_id)] == expected_positions(12_000)
    ledger = log.records(FILES, outcome.entry.file_hash)
    assert [(entry.status, entry.committed_records) for entry in ledger] == [
        (FileStatus.PUBLISHING, 5_000),
        (FileStatus.PUBLISHING, 10_000),
        (FileStatus.ACCEPTED, 12_000),
    ]


def test_a_file_that_was_begun_cannot_be_refused_half_way(
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "RECORDS_PER_TRANSACTION", 10)
    path = drop(lines(25, message_id))
    with monkeypatch.context() as dying:
        cut_power_in_transaction(dying, 2)
        with pytest.raises(PowerCutError), open_intake() as intake:
            intake.ingest(path, Request())
    monkeypatch.setattr("connectors.intake.reading.MAX_FIELDS_BYTES", 5)
    with open_intake() as intake, pytest.raises(IngestError, match="10 of 25 records are published"):
        intake.ingest(path, Request())


def test_two_ingesters_of_one_file_at_once_publish_it_once(
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "RECORDS_PER_TRANSACTION", 5)
    path = drop(lines(100, message_id))
    together = threading.Barrier(4)
    outcomes: list[Outcome] = []

    def ingest() -> None:
        with open_intake() as intake:
            together.wait()
            outcomes.append(intake.ingest(path, Request()))

    threads = [threading.Thread(target=ingest) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.status for outcome in outcomes) == [FileStatus.ACCEPTED] + [FileStatus.DUPLICATE] * 3
    assert [record.position for record in published(log, message_id)] == expected_positions(100)


def test_an_ingester_that_was_fenced_between_transactions_leaves_the_rest_to_the_other(
    open_intake: OpenIntake,
    drop: Callable[[bytes], Path],
    log: Log,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "RECORDS_PER_TRANSACTION", 10)
    path = drop(lines(25, message_id))
    whole = Publisher.transaction
    others: list[Outcome] = []

    def transaction(self: Publisher, messages: list[Message]) -> None:
        whole(self, messages)
        if not others:
            monkeypatch.setattr(Publisher, "transaction", whole)
            with open_intake() as other:
                others.append(other.ingest(path, Request()))

    monkeypatch.setattr(Publisher, "transaction", transaction)
    with open_intake() as intake:
        outcome = intake.ingest(path, Request())
    assert (others[0].status, others[0].published) == (FileStatus.ACCEPTED, 15)
    assert outcome.status is FileStatus.DUPLICATE
    assert [record.position for record in published(log, message_id)] == expected_positions(25)
