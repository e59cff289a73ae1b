"""The company speaks to a real broker: everything once, in order, at the pace that was asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from connectors.contract import Connector, Refusal
from connectors.formats import InstalledFormats
from connectors.intake.ledger import Ledger
from schemas.apply import apply
from schemas.codec import codec
from schemas.records import FileStatus, Raw
from streams.simulator.publish import Pace, Published, RefusedFileError, Voice, tell
from streams.simulator.said import Body, File
from streams.simulator.simulation import Simulation, simulate
from streams.verify.read import KafkaLog
from tests.conftest import Kafka
from tests.generation import PARTITIONS

RAW = "payments.raw.v1"
NO_LIMIT = Pace(0)


@pytest.fixture(scope="module")
def client(kafka: Kafka) -> dict[str, str]:
    settings = {"bootstrap.servers": kafka.bootstrap_servers}
    apply(AdminClient(settings), PARTITIONS)
    return settings


@pytest.fixture
def company() -> Simulation:
    """A company of its own for each test: its seed is in every name. Its first file is told twice."""
    company = simulate(uuid.uuid4().int % 10**8, 150)
    first = next(item for item in company.said if isinstance(item, File))
    return replace(company, said=(*company.said, replace(first, name=f"once-more-{first.name}")))


@pytest.fixture
def voice(client: dict[str, str], tmp_path: Path) -> Iterator[Voice]:
    with Voice(client, str(tmp_path / "archive"), InstalledFormats()) as voice:
        yield voice


def _raws(client: dict[str, str], company: Simulation) -> list[Raw]:
    mark = f"-{company.payments[0].names.correlation_id.split('-')[1]}-"
    decode = codec(RAW, Raw).decode
    with KafkaLog(client, 1, [RAW]) as log:
        raws = [decode(row.value or b"") for row in log.rows(RAW)]
    return [raw for raw in raws if mark in raw.source_message_id]


@pytest.mark.kafka
def test_every_body_and_every_record_of_every_file_is_published(
    client: dict[str, str], voice: Voice, company: Simulation
) -> None:
    published = voice.say(company.said, NO_LIMIT)
    raws = _raws(client, company)
    bodies = [item for item in company.said if isinstance(item, Body)]
    files = [item for item in company.said if isinstance(item, File)]
    assert published.bodies == len(bodies) == sum(raw.file_hash is None for raw in raws)
    assert published.records == len(raws) > published.bodies
    assert published.files == len(files)
    assert published.files_again == len(files) - len({file.content for file in files}) > 0
    assert len({raw.file_hash for raw in raws if raw.file_hash}) == published.files - published.files_again
    assert {raw.payload for raw in raws if raw.file_hash is None} == {body.payload for body in bodies}


@pytest.mark.kafka
def test_bodies_are_in_the_order_of_the_plan_within_their_partition(
    client: dict[str, str], voice: Voice, company: Simulation
) -> None:
    voice.say(company.said, NO_LIMIT)
    told = [item.payload for item in company.said if isinstance(item, Body)]
    ours = set(told)
    decode = codec(RAW, Raw).decode
    with KafkaLog(client, 1, [RAW]) as log:
        rows = [(row.partition, decode(row.value or b"")) for row in log.rows(RAW)]
    for partition in range(4):
        found = [raw.payload for at, raw in rows if at == partition and raw.payload in ours]
        places = iter(told)
        assert found
        assert all(payload in places for payload in found)  # a subsequence: each is found behind the one before


@pytest.mark.kafka
def test_a_company_that_speaks_again_adds_no_record_of_a_file(
    client: dict[str, str], voice: Voice, company: Simulation
) -> None:
    first = voice.say(company.said, NO_LIMIT)
    again = voice.say(company.said, NO_LIMIT)
    assert again.files_again == first.files
    assert again.records == again.bodies
    with Ledger(client) as ledger:
        hashes = {raw.file_hash for raw in _raws(client, company) if raw.file_hash}
        assert {ledger.entry(name).status for name in hashes} == {FileStatus.ACCEPTED}  # type: ignore[union-attr]  # all there


@pytest.mark.kafka
def test_progress_is_told_and_only_grows(voice: Voice, company: Simulation) -> None:
    seen: list[int] = []

    def look(so_far: Published) -> None:
        seen.append(so_far.records)

    published = voice.say(company.said, Pace(10_000, lambda: 0.0, lambda _: None), look)
    assert seen == sorted(seen)
    assert seen[-1] == published.records


class _NoFormats(InstalledFormats):
    """An installation that knows no format."""

    def connector(self, format_: str, head: bytes) -> Connector | Refusal:
        return Refusal("unknown_format", "first bytes", "nothing", f"{len(head)} bytes for {format_}")


@pytest.mark.kafka
def test_a_file_that_the_intake_refuses_stops_the_company_with_the_reason(
    client: dict[str, str], tmp_path: Path, company: Simulation
) -> None:
    file = next(item for item in company.said if isinstance(item, File))
    with (
        Voice(client, str(tmp_path / "archive"), _NoFormats()) as voice,
        pytest.raises(RefusedFileError, match=f"{file.name}.*unknown_format"),
    ):
        voice.say([replace(file, at_s=0.0)], NO_LIMIT)


@pytest.mark.kafka
def test_late_words_are_said_last_and_not_before_others_have_waited_for_them(voice: Voice) -> None:
    company = simulate(uuid.uuid4().int % 10**8, 600)
    assert company.held_back > 0
    clock, seen = _Clock(), []

    def look(so_far: Published) -> None:
        seen.append((so_far.bodies + so_far.files, clock.now_s))
        clock.now_s += 1

    published = tell(voice, company, Pace(0, lambda: clock.now_s, clock.wait), 60.0, look)
    assert published.bodies + published.files == len(company.said)
    all_wait_since_s = next(at_s for count, at_s in seen if count >= company.awaited)
    late_from_s = next(at_s for count, at_s in seen if count > len(company.said) - company.held_back)
    assert late_from_s == all_wait_since_s + 60.0


class _Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waited_s: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)
        self.now_s += seconds


def test_a_pace_waits_until_what_was_said_is_due() -> None:
    clock = _Clock()
    pace = Pace(50, lambda: clock.now_s, clock.wait)
    pace.keep(0)
    pace.keep(100)
    pace.keep(150)
    assert clock.waited_s == [2.0, 1.0]


def test_a_pace_that_fell_behind_does_not_wait() -> None:
    clock = _Clock()
    pace = Pace(50, lambda: clock.now_s, clock.wait)
    pace.keep(0)
    clock.now_s += 60
    pace.keep(100)
    assert clock.waited_s == []


def test_without_a_rate_nobody_waits_and_windows_are_large() -> None:
    clock = _Clock()
    pace = Pace(0, lambda: clock.now_s, clock.wait)
    pace.keep(0)
    pace.keep(10**9)
    assert clock.waited_s == []
    assert pace.window > 500


def test_a_window_at_a_rate_is_a_tenth_of_a_second() -> None:
    assert Pace(500).window == 50
    assert Pace(1).window == 1
