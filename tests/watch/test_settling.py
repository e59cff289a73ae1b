"""When a file is whole, with clocks that only move when they are told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.watch.listing import Found, Identity
from connectors.watch.settling import Settling
from connectors.watch.writers import Writers

SETTLE_S = 5.0
NOW_NS = 1_800_000_000_000_000_000
A = Path("drop/a.xml")


class Clocks:
    """Both clocks; ``writers`` is what the kernel says."""

    def __init__(self, writers: Writers) -> None:
        self.elapsed_s = 0.0
        self.writers = writers
        self.settling = Settling(
            SETTLE_S, lambda: self.elapsed_s, lambda: NOW_NS + int(self.elapsed_s * 1e9), lambda _: self.writers
        )

    def is_whole(self, found: Found) -> bool:
        return self.settling.settled([found]) == [found]


def file(*, size_bytes: int = 10, modified_ns: int = NOW_NS, changed_ns: int | None = None, inode: int = 7) -> Found:
    """Written just now unless it says otherwise."""
    identity = Identity(1, inode, size_bytes, modified_ns)
    return Found(A, identity, modified_ns if changed_ns is None else changed_ns)


@pytest.mark.parametrize("writers", [Writers.NONE, Writers.UNTOLD])
def test_a_file_that_was_written_just_now_is_whole_after_the_settle_time(writers: Writers) -> None:
    clocks = Clocks(writers)
    assert not clocks.is_whole(file())
    clocks.elapsed_s = 4.9
    assert not clocks.is_whole(file())
    clocks.elapsed_s = 5.0
    assert clocks.is_whole(file())


@pytest.mark.parametrize(
    "later",
    [file(size_bytes=11), file(modified_ns=NOW_NS + 1), file(inode=8)],
    ids=["it grew", "it was written", "another file has its name"],
)
def test_any_change_starts_the_wait_anew(later: Found) -> None:
    clocks = Clocks(Writers.UNTOLD)
    clocks.is_whole(file())
    clocks.elapsed_s = 4.0
    assert not clocks.is_whole(later)
    clocks.elapsed_s = 8.9
    assert not clocks.is_whole(later)
    clocks.elapsed_s = 9.0
    assert clocks.is_whole(later)


def test_a_file_with_a_writer_is_never_whole_however_long_it_rests() -> None:
    clocks = Clocks(Writers.SOME)
    for clocks.elapsed_s in (0.0, 100.0, 10_000.0):
        assert not clocks.is_whole(file(modified_ns=NOW_NS - 10**12))
    clocks.writers = Writers.NONE
    assert clocks.is_whole(file(modified_ns=NOW_NS - 10**12))


def test_what_was_renamed_into_place_is_taken_at_once_where_nobody_can_still_write() -> None:
    placed = file(changed_ns=NOW_NS + 1)
    assert Clocks(Writers.NONE).is_whole(placed)
    assert not Clocks(Writers.UNTOLD).is_whole(placed)


def test_what_nobody_touched_for_long_is_taken_at_once_where_nobody_can_still_write() -> None:
    old = file(modified_ns=NOW_NS - int(SETTLE_S * 1e9))
    assert Clocks(Writers.NONE).is_whole(old)
    assert not Clocks(Writers.UNTOLD).is_whole(old)


def test_a_file_that_went_away_and_came_back_is_new() -> None:
    clocks = Clocks(Writers.UNTOLD)
    clocks.is_whole(file())
    clocks.settling.settled([])
    clocks.elapsed_s = 6.0
    assert not clocks.is_whole(file())


def test_whole_files_keep_the_order_in_which_they_were_found() -> None:
    found = [Found(Path(name), Identity(1, 1, 1, 1), 2) for name in "cab"]
    assert Clocks(Writers.NONE).settling.settled(found) == found
