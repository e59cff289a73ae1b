"""One partition's log: records, transaction markers that take offsets, what readers may see, compaction, retention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter

_offset = attrgetter("offset")


class Fate(Enum):
    """What the transaction coordinator has decided; the logs learn of it later, each with its marker."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False)
class Txn:
    """One transaction of one producer epoch."""

    transactional_id: str
    epoch: int
    fate: Fate = Fate.OPEN


@dataclass(eq=False, slots=True)
class Entry:
    """A record, or a transaction's marker."""

    offset: int
    key: bytes | None
    value: bytes | None
    ms: int
    txn: Txn | None = None
    is_marker: bool = False
    #: Since when a cleaner has seen nothing newer of its key (wall clock): a tombstone goes some time after.
    clean_since_ms: int | None = None

    @property
    def counts(self) -> bool:
        """Whether a reader of committed records will see it, now or once its marker is written."""
        return not self.is_marker and (self.txn is None or self.txn.fate is Fate.COMMITTED)


class OffsetGone(Exception):  # noqa: N818 - it names what happened
    """The position lies before the log's begin, or behind its end."""


@dataclass(eq=False)
class Log:
    """Offsets are never given twice. `history` keeps what compaction and retention take away, for the oracle."""

    begin: int = 0
    end: int = 0
    entries: list[Entry] = field(default_factory=list)
    history: list[Entry] = field(default_factory=list)
    #: First offset of each transaction that has no marker here yet.
    undecided: dict[Txn, int] = field(default_factory=dict)

    @property
    def last_stable(self) -> int:
        """Where readers of committed records must stop."""
        return min(self.undecided.values(), default=self.end)

    def append(self, key: bytes | None, value: bytes | None, ms: int, txn: Txn | None = None) -> int:
        """Append a record; its offset."""
        if txn is not None:
            self.undecided.setdefault(txn, self.end)
        self._add(Entry(self.end, key, value, ms, txn))
        return self.end - 1

    def mark(self, txn: Txn, ms: int) -> None:
        """Write the marker of a decided transaction."""
        assert txn.fate is not Fate.OPEN
        self.undecided.pop(txn, None)
        self._add(Entry(self.end, None, None, ms, txn, is_marker=True))

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.history.append(entry)
        self.end += 1

    def read(self, position: int, most: int, *, committed: bool) -> tuple[list[Entry], int]:
        """Up to `most` records from `position` on, and the position behind them and behind markers that follow."""
        if not self.begin <= position <= self.end:
            raise OffsetGone(f"{position} is not within {self.begin} and {self.end}")
        limit = self.last_stable if committed else self.end
        entries, found = self.entries, list[Entry]()
        at = bisect_left(entries, position, key=_offset)
        while at < len(entries) and entries[at].offset < limit and len(found) < most:
            entry = entries[at]
            at, position = at + 1, entry.offset + 1
            if not entry.is_marker and (not committed or entry.counts):
                found.append(entry)
        if at == len(entries) or entries[at].offset >= limit:
            position = max(position, limit)
        return found, position

    def rows(self, before: int | None = None) -> dict[bytes, bytes]:
        """What all committed records ever written (below `before`) add up to: the last value of each key."""
        return _folded(entry for entry in self.history if before is None or entry.offset < before)

    def compacted_rows(self) -> dict[bytes, bytes]:
        """The same from what is still in the log."""
        return _folded(self.entries)

    def compact(self, now_ms: int, tombstones_kept_ms: int) -> None:
        """As the cleaner does: below the last stable offset only the latest committed record of a key stays.

        A tombstone stays for so long after the first cleaning that met it, and then goes too; so do markers.
        """
        limit = self.last_stable
        latest = {entry.key: entry.offset for entry in self.entries if entry.offset < limit and entry.counts}
        kept = []
        for entry in self.entries:
            if entry.offset < limit:
                if not entry.is_marker and (not entry.counts or entry.offset < latest[entry.key]):
                    continue
                if entry.is_marker or entry.value is None:
                    if entry.clean_since_ms is None:
                        entry.clean_since_ms = now_ms
                    elif now_ms - entry.clean_since_ms > tombstones_kept_ms:
                        continue
            kept.append(entry)
        self.entries = kept

    def truncate(self, begin: int) -> None:
        """As retention or a request to delete records does: the log begins at `begin`."""
        if begin > self.begin:
            self.begin = min(begin, self.last_stable)
            self.entries = [entry for entry in self.entries if entry.offset >= self.begin]


def _folded(entries: Iterable[Entry]) -> dict[bytes, bytes]:
    rows: dict[bytes, bytes] = {}
    for entry in entries:
        if entry.counts and entry.key is not None:
            if entry.value is None:
                rows.pop(entry.key, None)
            else:
                rows[entry.key] = entry.value
    return rows
