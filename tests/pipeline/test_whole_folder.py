"""All samples through a real broker and worker: again, and in another order, and the state of every payment stands.

Two claims of different strength, each as strong as it can honestly be.

*Again.* On one broker every file is taken a second time, in a random order. Nothing may be published, so the records of
payments.state.v1 are the same bytes at the same offsets, envelope included.

*In another order.* Another installation takes the same files in a random order. Times of arrival, and how a payment
came to be what it is, differ there by right: compared.py says what is set aside, and why. All facts and every public
field of every payment are compared byte by byte.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from connectors.intake.reading import Request
from schemas.codec import codec
from schemas.records import DeadLetter, FileEntry, FileStatus
from streams.agents.payment_rows import kept_of
from streams.demo.company import company
from streams.domain.state import State
from streams.settings import PolicySettings
from streams.simulator.truth import differences
from tests.connectors.files import all_samples, profile_name, refused_samples
from tests.pipeline.compared import SEED, STATE, as_if_all_came_at_once, every_file, shuffled
from tests.pipeline.installation import Installation, installed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

RAW, FILES = "payments.raw.v1", "payments.files.v1"
TRANSITIONS, ALERTS, DEAD_LETTERS = "payments.transitions.v1", "payments.alerts.v1", "payments.dead-letters.v1"
EXPECTED = Path(__file__).parent.parent / "connectors" / "expected"

#: The files are years old: their banks had answered before we heard of the submissions, or never will.
OF_THE_PAST = PolicySettings(acknowledgement_within_s=0)


def take_in(installation: Installation, files: Iterable[Path]) -> list[FileStatus]:
    """Each file as its bank's profile reads it, in this order; returns when the worker has taken everything."""
    with installation.intake() as intake:
        found = [intake.ingest(path, Request(profile=profile_name(path))).status for path in files]
    installation.rest()
    return found


def newest(installation: Installation) -> dict[bytes, bytes]:
    """The newest record of every payment."""
    rows = installation.rows(STATE)
    return {row.key: row.value for row in rows if row.key is not None and row.value is not None}


def refused(ledger: Iterable[FileEntry]) -> dict[str, str | None]:
    return {entry.name: entry.reason for entry in ledger if entry.status is FileStatus.REFUSED}


def kept_for_a_person(installation: Installation) -> list[tuple[bytes | None, str, str]]:
    letters = installation.values(DEAD_LETTERS, DeadLetter)
    return sorted((letter.key, letter.reason_class, letter.message) for letter in letters)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Every file once, in the order of its folder; the worker goes on."""
    with installed(tmp_path_factory.mktemp("first"), OF_THE_PAST) as installation, installation.worker():
        take_in(installation, every_file())
        yield installation


@pytest.fixture(scope="module")
def second(first: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that knows nothing of the first and gets the same files in another order."""
    with installed(tmp_path_factory.mktemp("second"), OF_THE_PAST) as installation, installation.worker():
        ledger = first.values(FILES, FileEntry)
        kin = {
            entry.name: (entry.source, entry.message_id) if entry.message_id else entry.file_hash for entry in ledger
        }
        take_in(installation, shuffled(every_file(), lambda path: kin[path.name]))
        yield installation


def test_every_file_is_taken_or_refused_as_is_written_beside_it(first: Installation) -> None:
    expected = {}
    for path in (*all_samples(), *refused_samples()):
        said = json.loads((EXPECTED / path.parent.name / f"{path.name}.json").read_text(encoding="utf-8"))
        if said["outcome"] == "rejected_file":
            expected[path.name] = said["reason"]
    assert refused(first.values(FILES, FileEntry)) == expected
    assert expected


def test_an_independent_reading_finds_only_zeros(first: Installation) -> None:
    report = first.verified()
    assert (report.findings, report.lag, report.ok) == ([], 0, True)
    assert report.inputs == len(first.rows(RAW)) > len(every_file())


def test_the_whole_folder_again_in_any_order_changes_no_byte(first: Installation) -> None:
    before = {contract: first.rows(contract) for contract in (STATE, RAW, FILES, TRANSITIONS, ALERTS)}
    files = random.Random(SEED).sample(every_file(), len(every_file()))
    found = take_in(first, files)
    assert set(found) == {FileStatus.DUPLICATE, FileStatus.REFUSED}
    assert found.count(FileStatus.REFUSED) == len(refused(first.values(FILES, FileEntry)))
    assert {contract: first.rows(contract) for contract in before} == before
    assert before[STATE]


def test_in_another_order_every_payment_is_the_same_to_the_byte(first: Installation, second: Installation) -> None:
    ours, theirs = newest(first), newest(second)
    assert ours.keys() == theirs.keys() >= {name.encode() for name in company().truth.payments}
    differing = {
        key: (codec(STATE, State).decode(once), codec(STATE, State).decode(other))
        for key in ours
        if (once := as_if_all_came_at_once(ours[key])) != (other := as_if_all_came_at_once(theirs[key]))
    }
    assert differing == {}


def test_what_is_compared_holds_every_fact_of_the_payment(first: Installation) -> None:
    """The comparison of the other test is blind to times of arrival, and to nothing else."""
    for data in newest(first).values():
        before, after = (codec(STATE, State).decode(row) for row in (data, as_if_all_came_at_once(data)))
        kept, compared = kept_of(before.internal)[1], kept_of(after.internal)[1]
        assert [row.event_id for row in compared] == [row.event_id for row in kept]
        assert [row.fact.payload_hash for row in compared] == [row.fact.payload_hash for row in kept]
        assert (after.status, after.settled, after.references) == (before.status, before.settled, before.references)


def test_in_another_order_the_same_records_are_refused_or_kept_for_a_person(
    first: Installation, second: Installation
) -> None:
    assert kept_for_a_person(first) == kept_for_a_person(second) != []
    assert refused(first.values(FILES, FileEntry)) == refused(second.values(FILES, FileEntry))
    assert second.verified().findings == []


def test_the_company_of_the_samples_stands_as_is_written_by_hand(first: Installation) -> None:
    states = {state.correlation_id: state for state in map(codec(STATE, State).decode, newest(first).values())}
    known = {name: states[name] for name in company().truth.payments}
    assert differences(company().truth, known) == []
