"""All samples through the four agents, without a broker, in many orders: every payment ends the same.

Every record of every file is mixed with those of all others, and the agents work in between as they like. The real
broker and worker see one such order in test_whole_folder.py.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections import defaultdict
from collections.abc import Hashable, Iterator
from pathlib import Path

import pytest

from connectors.contract import FileEnd
from connectors.formats import InstalledFormats
from connectors.intake.archive import Archived
from connectors.intake.messages import Origin
from connectors.intake.reading import Request, read_to_end
from connectors.intake.spool import Spool
from schemas.records import Raw
from tests.connectors.files import profile_name
from tests.pipeline.compared import STATE, as_if_all_came_at_once, every_file, shuffled
from tests.verify.pipeline import Pipeline

FORMATS = InstalledFormats()


def records_of(path: Path) -> Iterator[Raw]:
    """What ``paystate ingest`` publishes of a file: nothing of one that is refused."""
    content = path.read_bytes()
    file_hash = hashlib.sha256(content).hexdigest()
    with Spool.create() as spool:
        end = read_to_end(io.BytesIO(content), Request(profile=profile_name(path)), FORMATS, spool)
        if isinstance(end, FileEnd):
            sender = end.sender or end.format
            archived = Archived(file_hash, f"memory:{path.name}", len(content))
            origin = Origin(sender, end.message_id or file_hash, profile_name(path), sender, archived, end)
            yield from [origin.raw(*record) for record in spool.read()]


@pytest.fixture(scope="module")
def records() -> list[Raw]:
    return [raw for path in every_file() for raw in records_of(path)]


def payments(records: list[Raw], seed: int | None = None) -> dict[bytes | None, bytes]:
    """How every payment ends. With a seed the agents are called in between at random, else after every record."""
    pipeline, coin = Pipeline(FORMATS), random.Random(seed)
    for raw in records:
        pipeline.take(raw)
        if seed is None or coin.random() < 0.3:
            pipeline.settle()
    pipeline.settle()
    rows = pipeline.log.rows(STATE)
    return {row.key: as_if_all_came_at_once(row.value) for row in rows if row.value is not None}


@pytest.fixture(scope="module")
def in_order(records: list[Raw]) -> dict[bytes | None, bytes]:
    return payments(records)


@pytest.mark.parametrize("seed", range(1, 21))
def test_whatever_the_order_of_the_records_every_payment_ends_the_same(
    seed: int, records: list[Raw], in_order: dict[bytes | None, bytes]
) -> None:
    files: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for raw in records:
        files[raw.source, raw.source_message_id].add(raw.file_hash)

    def kin(raw: Raw) -> Hashable:
        message = (raw.source, raw.source_message_id)
        return message if len(files[message]) > 1 else raw.message_id

    mixed = shuffled(records, kin, seed)
    assert mixed != records
    assert payments(mixed, seed) == in_order
    assert len(in_order) > 10


def test_a_record_less_is_another_end(records: list[Raw], in_order: dict[bytes | None, bytes]) -> None:
    """The comparison sees it when something is missing."""
    releases = [place for place, raw in enumerate(records) if raw.format == "release.json"]
    assert payments(records[: releases[-1]] + records[releases[-1] + 1 :]) != in_order
