"""A file's records wait on disk, whatever its size, and come back as they were."""

from __future__ import annotations

import tracemalloc

import pytest

from connectors.contract import ProviderRecord
from connectors.intake.spool import Spool, Spooled, spooled


def record(number: int, text: str = "") -> Spooled:
    return spooled(ProviderRecord("entry", f"entry {number}", {"number": number, "text": text}))


def test_records_come_back_in_order_and_from_where_they_are_asked_for() -> None:
    with Spool.create() as spool:
        for number in range(5):
            spool.append(record(number, "ä\x00\n"))
        assert list(spool.read()) == [(number, record(number, "ä\x00\n")) for number in range(5)]
        assert list(spool.read(skip=3)) == [(3, record(3, "ä\x00\n")), (4, record(4, "ä\x00\n"))]
        assert list(spool.read(skip=5)) == []


def test_a_large_file_is_on_disk_and_not_in_memory() -> None:
    """64 MB of records are written and read with 4 MiB of memory."""
    with Spool.create() as spool:
        tracemalloc.start()
        try:
            for number in range(1_000):
                spool.append(record(number, "x" * 65_536))
            assert sum(len(item.fields) for _, item in spool.read()) > 64 * 1_000_000
            assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
        finally:
            tracemalloc.stop()


def test_a_spool_that_was_left_is_gone() -> None:
    with Spool.create() as spool:
        spool.append(record(1))
    with pytest.raises(ValueError, match="closed"):
        list(spool.read())
