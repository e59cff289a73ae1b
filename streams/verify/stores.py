"""What workers keep on disk against the changelogs that it is a copy of, each store up to where it says that it is.

A store is opened for reading only: a worker may hold it. What a worker has not yet written to disk is not seen, and
neither is its mark, so the comparison is right, only older.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from rocksdict import AccessType, Options, Rdict

from streams.verify.read import Row
from streams.verify.report import Report

_MARK: Final = b"\x00mark\x00"
_ATTEMPTS: Final = 3


class StoreUnreadableError(Exception):
    """The store could not be opened or read, not even for reading only."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The store holds everything of a changelog below ``offset``."""

    topic_id: str
    offset: int


class Store(Protocol):
    """One partition's rows of one worker."""

    name: str
    partition: int

    def mark(self, changelog: str) -> Mark | None:
        """How far it is in a changelog; None: it does not know it."""

    def rows(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """The rows of one table: record key, record value."""


class RocksStore:
    """A store on disk, read whole when it is opened: what compaction removes later is not missed."""

    def __init__(self, path: Path) -> None:
        self.name = f"{path.parent.name}/{path.name}"
        self.partition = int(path.name)
        self._rows = dict(_read(path))

    def mark(self, changelog: str) -> Mark | None:
        """How far it is."""
        value = self._rows.get(_MARK + changelog.encode())
        if value is None:
            return None
        topic_id, _, offset = value.decode().rpartition(":")
        return Mark(topic_id, int(offset))

    def rows(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """The rows of one table."""
        prefix = table.encode() + b"\x00"
        return ((key[len(prefix) :], row) for key, row in self._rows.items() if key.startswith(prefix))


def _read(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """All rows and marks as of one moment. A worker may compact files away while they are opened: tried again."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            store = Rdict(str(path), Options(raw_mode=True), access_type=AccessType.read_only())
            try:
                found: list[tuple[bytes, bytes]] = list(store.items())  # type: ignore[arg-type]  # raw mode: all bytes
            finally:
                store.close()
        except Exception as error:  # rocksdict raises Exception itself
            if attempt == _ATTEMPTS:
                raise StoreUnreadableError(f"{path}: {error}") from error
        else:
            return iter(found)
    raise AssertionError("unreachable")


def open_stores(group_folder: Path, report: Report) -> list[Store]:
    """The stores below ``<folder>/<transactional id>/<partition>``; one that cannot be read is a fault."""
    found: list[Store] = []
    for path in sorted(group_folder.glob("*/*/CURRENT")):
        folder = path.parent
        if not folder.name.isdigit():
            continue
        try:
            found.append(RocksStore(folder))
        except StoreUnreadableError as error:
            report.blame("store_mismatch", folder.name, "a store that can be read", str(error))
    report.stores = len(found)
    return found


@dataclass(slots=True)
class _Due:
    """A store that waits for the reading to reach its mark; then for keys whose older records were compacted away."""

    store: Store
    mark: Mark
    compared: bool = False
    unproved: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class Changelog:
    """Reads one changelog once; on the way every store is compared at its mark. ``latest``: what stands in the end."""

    topic: str
    topic_id: str
    table: str
    report: Report
    latest: dict[bytes, bytes] = field(default_factory=dict)
    _due: dict[int, list[_Due]] = field(default_factory=lambda: defaultdict(list))
    _alive: dict[int, dict[bytes, bool]] = field(default_factory=lambda: defaultdict(dict))

    def expect(self, stores: Iterable[Store]) -> None:
        """Stores to compare; one of another topic (made anew since) or of other tables is named in the notes."""
        for store in stores:
            mark = store.mark(self.topic)
            if mark is None or mark.topic_id != self.topic_id:
                why = "it does not know the topic" if mark is None else "the topic is another one now"
                self.report.notes.append(f"store {store.name} not compared with {self.topic}: {why}")
            else:
                self._due[store.partition].append(_Due(store, mark))
        for rows in self._due.values():
            rows.sort(key=lambda due: due.mark.offset)

    def read(self, rows: Iterable[Row]) -> None:
        """All records, each partition in its order."""
        for row in rows:
            if row.key is None:
                continue
            for due in self._due.get(row.partition, ()):
                if due.compared:
                    due.unproved.discard(row.key)
                elif row.offset >= due.mark.offset:
                    self._compare(due)
                    due.unproved.discard(row.key)
            self._alive[row.partition][row.key] = row.value is not None
            if row.value is None:
                self.latest.pop(row.key, None)
            else:
                self.latest[row.key] = row.value
        for due in (due for dues in self._due.values() for due in dues):
            if not due.compared:
                self._compare(due)
            for key in due.unproved:
                self._blame(due.store, key, "no row: the topic has none", "a row")

    def _compare(self, due: _Due) -> None:
        """The store against what the changelog says below its mark."""
        due.compared = True
        alive = self._alive[due.store.partition]
        missing = {key for key, there in alive.items() if there}
        for key, row in due.store.rows(self.table):
            self.report.store_rows += 1
            missing.discard(key)
            if key not in alive:
                due.unproved.add(key)  # a later record of the key tells that this one was compacted away
            elif self.latest.get(key) != row:
                self._blame(due.store, key, "the row as published", "another one")
        for key in missing:
            self._blame(due.store, key, "the row as published", "no row")

    def _blame(self, store: Store, key: bytes, expected: str, found: str) -> None:
        subject = f"store {store.name}, table {self.table}, key {key.decode(errors='replace')}"
        self.report.blame("store_mismatch", subject, expected, found)
