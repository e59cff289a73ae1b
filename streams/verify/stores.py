"""What workers keep on disk against the changelogs that it is a copy of, each store up to where it says that it is.

A store is opened for reading only: a worker may hold it. What a worker has not yet written to disk is not seen, and
neither is its mark, so the comparison is right, only older.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final, Protocol

from rocksdict import AccessType, Options, Rdict

from streams.store_manifest import why_unreadable
from streams.verify.due import DUE_OF
from streams.verify.read import Row
from streams.verify.report import Report

_MARK: Final = b"\x00mark\x00"
_DUE: Final = b"\x00due\x00"
_DUE_BYTES: Final = 8
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
        """The rows of one table: record key, digest of the record's value."""

    def is_indexed(self, table: str, key: bytes, due: int) -> bool:
        """Whether the clock finds the row when it comes to ``due``."""


class RocksStore:
    """A store on disk, read whole when it is opened: what compaction removes later is not missed.

    Of each row its digest is kept, so that the stores of a large company fit into memory beside its log.
    """

    def __init__(self, path: Path, partitions: int | None = None) -> None:
        self.name = f"{path.parent.name}/{path.name}"
        number = int(path.name)
        # Where shared topics have partitions of their own, a worker numbers those behind the generation's.
        self.partition = number - partitions if partitions is not None and number >= partitions else number
        self._marks, self._tables, self._index = _read(path)

    def mark(self, changelog: str) -> Mark | None:
        """How far it is."""
        return self._marks.get(changelog)

    def rows(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """The rows of one table."""
        return iter(self._tables.get(table, ()))

    def is_indexed(self, table: str, key: bytes, due: int) -> bool:
        """Whether there is an entry; others, that time has overtaken, do no harm."""
        return (table, key, due) in self._index


_Tables = dict[str, list[tuple[bytes, bytes]]]
_Index = set[tuple[str, bytes, int]]


def _read(path: Path) -> tuple[dict[str, Mark], _Tables, _Index]:
    """All marks and rows as of one moment. A worker may compact files away while they are opened: tried again."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            if damage := why_unreadable(path):
                raise StoreUnreadableError(damage)
            store = Rdict(str(path), Options(raw_mode=True), access_type=AccessType.read_only())
            try:
                return _sorted_out(_items(store))
            finally:
                store.close()
        except Exception as error:  # rocksdict raises Exception itself
            if attempt == _ATTEMPTS:
                raise StoreUnreadableError(f"{path}: {error}") from error
    raise AssertionError("unreachable")


def _items(store: Rdict) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value. The library's own items() end at a damaged block as if there were no more."""
    cursor = store.iter()
    cursor.seek_to_first()
    while cursor.valid():
        yield cursor.key(), cursor.value()
        cursor.next()
    cursor.status()


def _sorted_out(items: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, Mark], _Tables, _Index]:
    """A row's key is its table's name, a zero byte and the record's key; any other begins with a zero byte: a mark's,
    and that of an entry of the due-time index: table, time, record's key.
    """
    marks: dict[str, Mark] = {}
    index: _Index = set()
    tables: _Tables = defaultdict(list)
    for key, value in items:
        table, _, rest = key.partition(b"\x00")
        if table:
            tables[table.decode()].append((rest, digest_of(value)))
        elif key.startswith(_MARK):
            topic_id, _, offset = value.decode().rpartition(":")
            marks[key[len(_MARK) :].decode()] = Mark(topic_id, int(offset))
        elif key.startswith(_DUE):
            name, _, entry = key[len(_DUE) :].partition(b"\x00")
            index.add((name.decode(), entry[_DUE_BYTES:], int.from_bytes(entry[:_DUE_BYTES])))
    return marks, tables, index


def digest_of(value: bytes) -> bytes:
    """What two rows have in common only if they are equal."""
    return blake2b(value, digest_size=16).digest()


def open_stores(group_folder: Path, report: Report, partitions: int | None = None) -> list[Store]:
    """The stores below ``<folder>/<transactional id>/<number>``; one that cannot be read is a fault.

    ``partitions``: of the generation's own topics; None: all topics have the same.
    """
    found: list[Store] = []
    for path in sorted(group_folder.glob("*/*/CURRENT")):
        folder = path.parent
        if not folder.name.isdigit():
            continue
        try:
            found.append(RocksStore(folder, partitions))
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

    def partition_of(self, key: bytes) -> int | None:
        """Where the key's records are; None: there are none."""
        return next((partition for partition, keys in self._alive.items() if key in keys), None)

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
            elif not alive[key] or digest_of(self.latest[key]) != row:
                self._blame(due.store, key, "the row as published", "another one")
            else:
                self._check_index(due.store, key)
        for key in missing:
            self._blame(due.store, key, "the row as published", "no row")

    def _check_index(self, store: Store, key: bytes) -> None:
        """A row that the clock does not find is never due."""
        due_of = DUE_OF.get(self.table)
        due = None if due_of is None else due_of(self.latest[key])
        if due is not None and not store.is_indexed(self.table, key, due):
            self._blame(store, key, f"an entry of the due-time index at {due}", "none")

    def _blame(self, store: Store, key: bytes, expected: str, found: str) -> None:
        subject = f"store {store.name}, table {self.table}, key {key.decode(errors='replace')}"
        self.report.blame("store_mismatch", subject, expected, found)
