"""A table of one partition: a dict of frozen values over dirty rows, a cache and the store."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from streams.engine.cache import TwoGenerationCache
from streams.engine.due import LOOKED_AT, DueIndex, entry_of, entry_parts, index_prefix
from streams.engine.errors import INFRASTRUCTURE, BadRecord, InfrastructureError
from streams.engine.store import Row, Store
from streams.engine.topic import Topic

V = TypeVar("V")

#: Counted for a cached row beside its bytes: its key and its place, which are most of a small row.
ROW_OVERHEAD_BYTES: Final = 64

_ABSENT: Any = object()
_FROZEN_BUILTINS = (str, bytes, int, float, bool, tuple, frozenset)

#: (table, key, what was there before): what it takes to undo one write.
Undo = list[tuple["Table[Any]", str, Any]]


@dataclass(frozen=True, eq=False)
class TableDeclaration(Generic[V]):
    """A table as the app declares it: its rows are the values of `changelog`, in the bytes that `encode` makes.

    `due`: how its rows say when they next need the clock, where they do.
    """

    name: str
    changelog: Topic[Any]
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]
    due: DueIndex[V] | None = None

    @property
    def prefix(self) -> bytes:
        """What begins the store key of each of its rows."""
        return self.name.encode() + b"\x00"

    def store_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows, by their own key, as the store keeps them: under the table's prefix, with their due times."""
        prefix = self.prefix
        if self.due is None:
            for key, row in rows:
                yield prefix + key, row
            return
        of_row, entries = self.due.of_row, index_prefix(self.name)
        for key, row in rows:
            yield prefix + key, row
            if row is not None and (due_us := of_row(row)) is not None:
                yield entry_of(entries, due_us, key), b""


@dataclass(frozen=True)
class SealedRows:
    """Encoded dirty rows of one table: for its changelog and for the store; and due-time entries that go or move."""

    declaration: TableDeclaration[Any]
    rows: list[tuple[bytes, bytes | None]]
    values: dict[str, Any]
    entries: dict[bytes, bytes | None] = field(default_factory=dict)

    def store_rows(self) -> Iterator[Row]:
        """What the store is to write: entries first, for a row may set one anew."""
        yield from self.entries.items()
        yield from self.declaration.store_rows(self.rows)


class Table(Generic[V]):
    """Rows of one partition, by string key. Reads see the writes of the open unit; writes are undone with their record.

    Values must be frozen (a frozen dataclass, a tuple, a string ...): a cached one is handed out again as it is.
    """

    def __init__(
        self, declaration: TableDeclaration[V], store: Store, undo: Undo, cache_bytes: int, row_bytes: int
    ) -> None:
        self.declaration = declaration
        self._store = store
        self._prefix = declaration.prefix
        self._encode = declaration.encode
        self._decode = declaration.decode
        self._undo = undo
        #: What a row may take at most, with its key: what its changelog takes.
        self._row_bytes = row_bytes
        self.dirty: dict[str, V | None] = {}
        #: The dirty rows as they are to be written, encoded with the record that wrote them.
        self._encoded: dict[str, tuple[bytes, bytes | None]] = {}
        #: Due-time entries that the open unit found overtaken (None) or puts off (empty).
        self._entries: dict[bytes, bytes | None] = {}
        #: The entries behind the rows that `due` named last.
        self._found: dict[str, list[bytes]] = {}
        self._cache: TwoGenerationCache[V] = TwoGenerationCache(cache_bytes)
        self._frozen_types: set[type] = set(_FROZEN_BUILTINS)
        #: Encoded size of the rows that the open unit has read from the store.
        self.read_bytes = 0

    def get(self, key: str) -> V | None:
        """The row, or None if there is none."""
        row = self.dirty.get(key, _ABSENT)
        if row is not _ABSENT:
            return row
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        return self._load(key)

    def __getitem__(self, key: str) -> V:
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: str, value: V) -> None:
        if type(value) not in self._frozen_types:
            self._require_frozen(value)
        dirty = self.dirty
        self._undo.append((self, key, dirty.get(key, _ABSENT)))
        dirty[key] = value

    def __delitem__(self, key: str) -> None:
        """Delete the row. KeyError if there is none."""
        if self.get(key) is None:
            raise KeyError(key)
        self._undo.append((self, key, self.dirty.get(key, _ABSENT)))
        self.dirty[key] = None

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[tuple[str, V]]:
        """Rows whose key begins with `prefix` and lies behind `after`, in key order, as they are when a scan begins."""
        dirty = (
            sorted(
                (key, row)
                for key, row in self.dirty.items()
                if key.startswith(prefix) and (after is None or key > after)
            )
            if self.dirty
            else []
        )
        shadowed = {key for key, _ in dirty}
        stored = self._scan_store(prefix, after, shadowed)
        written = ((key, row) for key, row in dirty if row is not None)
        return heapq.merge(stored, written, key=_first)

    def due(self, until_us: int, most: int) -> tuple[list[str], bool]:
        """Keys of up to `most` rows that are due at or before `until_us`, by due time; whether there may be more.

        Rows of the open unit count as they are now. The caller changes each of them so that it is due later, or never.
        """
        index = self.declaration.due
        if index is None:
            return [], False
        found: dict[str, int] = {}
        self._found = {}
        for key, value in self.dirty.items():
            due_us = None if value is None else index.of_value(value)
            if due_us is not None and due_us <= until_us:
                found[key] = due_us
        has_more = self._collect_due(index, until_us, most, found)
        keys = sorted(found, key=lambda key: (found[key], key))
        return keys[:most], has_more or len(keys) > most

    def _collect_due(self, index: DueIndex[V], until_us: int, most: int, found: dict[str, int]) -> bool:
        """Add what the store's entries say; entries that time has overtaken are noted, to go with the commit."""
        prefix, looked_at = index_prefix(self.declaration.name), 0
        for entry, _ in self._store.scan(prefix, prefix):
            due_us, key_bytes = entry_parts(prefix, entry)
            if due_us > until_us:
                return False
            if looked_at == LOOKED_AT or len(found) > most:
                return True
            looked_at += 1
            key = key_bytes.decode()
            if entry in self._entries or key in self.dirty:
                continue
            if key in found:
                self._found[key].append(entry)
                continue
            row = self._store.get(self._prefix + key_bytes)
            now_due_us = None if row is None else index.of_row(row)
            if now_due_us is None or now_due_us > until_us:
                self._entries[entry] = None
            else:
                found[key] = now_due_us
                self._found[key] = [entry]
        return False

    def served(self, key: str) -> None:
        """A row that `due` named was seen to: its entries go with the commit, the row has a later one or none."""
        for entry in self._found.pop(key, ()):
            self._entries[entry] = None

    def put_off(self, key: str, later_us: int) -> None:
        """A row that `due` named could not be seen to: it is named again at `later_us`."""
        self.served(key)
        self._entries[entry_of(index_prefix(self.declaration.name), later_us, key.encode())] = b""

    def is_due(self, key: str, until_us: int) -> bool:
        """Whether the row, as it is now, is due at or before `until_us`."""
        index, value = self.declaration.due, self.get(key)
        due_us = None if index is None or value is None else index.of_value(value)
        return due_us is not None and due_us <= until_us

    def snapshot(self) -> Iterator[bytes]:
        """The encoded rows as the store has them at this call; the iterator keeps the store open."""
        return self._store.rows(self._prefix)

    def _scan_store(self, prefix: str, after: str | None, shadowed: set[str]) -> Iterator[tuple[str, V]]:
        begin = self._prefix + prefix.encode()
        # The key directly behind `after` is `after` with a zero byte.
        start = begin if after is None else max(begin, self._prefix + after.encode() + b"\x00")
        skip = len(self._prefix)
        for stored_key, row in self._store.scan(begin, start):
            key = stored_key[skip:].decode()
            if key not in shadowed:
                yield key, self._decoded(key, row)

    def _load(self, key: str) -> V | None:
        row = self._store.get(self._prefix + key.encode())
        if row is None:
            return None
        value = self._decoded(key, row)
        self.read_bytes += len(row)
        self._cache.put(key, value, len(row) + ROW_OVERHEAD_BYTES)
        return value

    def _decoded(self, key: str, row: bytes) -> V:
        try:
            return self._decode(row)
        except Exception as error:
            # We wrote this row: the record at hand is not at fault, and folding without the row would be wrong.
            raise InfrastructureError(
                f"table {self.declaration.name}: row {key!r} cannot be decoded: {error}"
            ) from error

    def _require_frozen(self, value: V) -> None:
        kind = type(value)
        if isinstance(value, _FROZEN_BUILTINS):
            pass
        elif not getattr(getattr(kind, "__dataclass_params__", None), "frozen", False):
            raise InfrastructureError(
                f"table {self.declaration.name}: {kind.__name__} can be changed in place; rows are frozen dataclasses"
            )
        self._frozen_types.add(kind)

    def encoded(self, key: str) -> tuple[bytes, bytes | None]:
        """A dirty row as it is to be written: its key, and its bytes, None if it is deleted.

        BadRecord if it cannot be encoded or is too large.
        """
        value = self.dirty[key]
        try:
            key_bytes = key.encode()
            if value is None:
                return key_bytes, None
            row = self._encode(value)
        except INFRASTRUCTURE:
            raise
        except Exception as error:
            raise BadRecord(
                f"table {self.declaration.name}: row {key!r} cannot be encoded: {error}", "unencodable"
            ) from error
        if len(row) + len(key_bytes) > self._row_bytes:
            raise BadRecord(
                f"table {self.declaration.name}: row {key!r} would take {len(row)} bytes, "
                f"at most {self._row_bytes} fit",
                "oversized",
            )
        return key_bytes, row

    def keep(self, key: str, row: tuple[bytes, bytes | None]) -> None:
        """The record that wrote the row is done: this is what the unit writes of it, unless a later one changes it."""
        self._encoded[key] = row

    def seal(self) -> SealedRows:
        """The unit's rows, which were encoded record by record."""
        if len(self._encoded) != len(self.dirty):
            raise InfrastructureError(
                f"table {self.declaration.name}: rows were written outside of batch.each: nobody would undo them"
            )
        return SealedRows(self.declaration, list(self._encoded.values()), self.dirty, self._entries)

    def committed(self, sealed: SealedRows) -> None:
        """The rows are in the log and in the store: serve them from the cache."""
        cache = self._cache
        for (_, row), (key, value) in zip(sealed.rows, sealed.values.items(), strict=True):
            if row is None or value is None:
                cache.forget(key)
            else:
                cache.put(key, value, len(row) + ROW_OVERHEAD_BYTES)
        self.drop_dirty()

    def drop_dirty(self) -> None:
        """Forget the unit's writes: its transaction did not happen, or its rows are where they belong."""
        self.dirty, self._encoded, self._entries = {}, {}, {}
        self.read_bytes = 0

    @property
    def is_dirty(self) -> bool:
        """Whether the open unit wrote anything that the store is to learn."""
        return bool(self.dirty or self._entries)


def keep_written(undo: Undo) -> None:
    """Encode what the record at hand wrote. BadRecord, and nothing is kept, if a row cannot be written.

    Here and not with the unit: a later record may change or delete the row, and then nobody would see that this one's
    effect could not be written. Which records share a unit must not decide which of them fail.
    """
    if len(undo) == 1:
        table, key, _ = undo[0]
        table.keep(key, table.encoded(key))
        return
    rows = dict.fromkeys((table, key) for table, key, _ in undo)
    encoded = [(table, key, table.encoded(key)) for table, key in rows]
    for table, key, row in encoded:
        table.keep(key, row)


def rollback(undo: Undo) -> None:
    """Undo the writes since the last savepoint, newest first."""
    while undo:
        table, key, before = undo.pop()
        if before is _ABSENT:
            del table.dirty[key]
        else:
            table.dirty[key] = before


def _first(item: tuple[str, Any]) -> str:
    return item[0]
