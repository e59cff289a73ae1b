"""One partition's rows on disk: RocksDB without a write-ahead log, right because it says how far it is.

Rows of all tables share one column family. Every write is one batch: rows, and for each changelog the offset they
correspond to. A kill loses the newest batches whole, never half of one, and the marks say from where to replay.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rocksdict import (
    BlockBasedOptions,
    Cache,
    IngestExternalFileOptions,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    SstFileWriter,
    WriteBatch,
    WriteOptions,
)

from streams.engine.errors import StoreBusy, StoreError
from streams.engine.settings import MIB, EngineSettings
from streams.store_manifest import why_unreadable

MARK_PREFIX = b"\x00mark\x00"
AS_OF_KEY = b"\x00as-of-ms"
CONDEMNED = "condemned"
_LOADING = "loading.sst"
#: What RocksDB says when somebody holds a store: another process, this one. (A "block" may also be corrupt.)
_LOCKED = ("While lock file", "lock hold by current process")

Row = tuple[bytes, bytes | None]
"""Store key and encoded row; None deletes."""


@dataclass(frozen=True)
class Mark:
    """The store holds everything of this changelog below `offset`. `topic_id` tells a topic from its namesake."""

    topic_id: str
    offset: int

    def encode(self) -> bytes:
        """As the store keeps it."""
        return f"{self.topic_id}:{self.offset}".encode()

    @classmethod
    def decode(cls, data: bytes) -> Mark:
        """What `encode` made. ValueError if it did not."""
        topic_id, _, offset = data.decode().rpartition(":")
        return cls(topic_id, int(offset))


class Stores:
    """Opens the stores of one worker. They share one block cache, so memory does not grow with partitions."""

    def __init__(self, settings: EngineSettings) -> None:
        self._root = settings.store_root
        self._write_buffer_bytes = settings.write_buffer_bytes
        self._block_cache = Cache(settings.block_cache_bytes)

    def path(self, partition: int) -> Path:
        """The folder of a partition's store."""
        return self._root / str(partition)

    def open(self, partition: int, *, fresh: bool = False) -> Store:
        """Open a partition's store, made anew if `fresh`, if it was condemned, or if RocksDB finds it corrupt.

        Raises StoreBusy while another process holds it, StoreError if it cannot be opened at all.
        """
        path = self.path(partition)
        if fresh or (path / CONDEMNED).exists():
            _remove(path)
        path.mkdir(parents=True, exist_ok=True)
        try:
            return Store(path, self._options())
        except StoreBusy:
            raise
        except StoreError:
            if fresh:
                raise
            return self.open(partition, fresh=True)

    def _options(self) -> Options:
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._block_cache)
        blocks.set_bloom_filter(10, False)
        blocks.set_cache_index_and_filter_blocks(True)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_size(self._write_buffer_bytes)
        options.set_max_write_buffer_number(2)
        options.set_max_open_files(64)
        options.set_keep_log_file_num(2)
        options.set_max_background_jobs(2)
        options.set_max_log_file_size(MIB)
        options.set_paranoid_checks(True)
        return options


class Store:
    """Rows and marks of one partition. Every failure is a StoreError: it is never a record's fault."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path = path
        self._options = options
        if why := why_unreadable(path):
            raise StoreError(f"store {path} cannot be opened: {why}")
        try:
            self._db = Rdict(str(path), options)
        except Exception as error:
            if any(words in str(error) for words in _LOCKED):
                raise StoreBusy(f"store {path} is open in another process: {error}") from error
            raise StoreError(f"store {path} cannot be opened: {error}") from error
        self._no_wal = WriteOptions()
        self._no_wal.disable_wal = True  # type: ignore[method-assign, assignment]  # a property, not the method its stub says

    def get(self, key: bytes) -> bytes | None:
        """The encoded row, or None."""
        try:
            row: bytes | None = self._db.get(key)
        except Exception as error:
            raise self._failed("read", error) from error
        return row

    def scan(self, prefix: bytes, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key begins with `prefix`, from key `start` on, in key order, as they are now."""
        cursor, bounds = self._cursor(prefix, start)
        while self._found(cursor, bounds):
            yield cursor.key(), cursor.value()
            cursor.next()

    def rows(self, prefix: bytes) -> Iterator[bytes]:
        """Rows whose key begins with `prefix`, as they are at this call; the iterator keeps the store open."""
        return self._values(*self._cursor(prefix, prefix))

    def _values(self, cursor: RdictIter, bounds: ReadOptions) -> Iterator[bytes]:
        while self._found(cursor, bounds):
            yield cursor.value()
            cursor.next()

    def _cursor(self, prefix: bytes, start: bytes) -> tuple[RdictIter, ReadOptions]:
        """RocksDB reads the bound where the options hold it: freed with them, a cursor runs on into other tables."""
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(_after_prefix(prefix))
        try:
            cursor = self._db.iter(bounds)
            cursor.seek(start)
        except Exception as error:
            raise self._failed("scan", error) from error
        return cursor, bounds

    def _found(self, cursor: RdictIter, _bounds: ReadOptions) -> bool:
        """Whether the cursor stands at a row. A damaged block looks like the end of all rows until it is asked why.

        The library's own items() and values() do not ask.
        """
        if cursor.valid():
            return True
        try:
            cursor.status()
        except Exception as error:
            raise self._failed("scan", error) from error
        return False

    def write(self, rows: Iterable[Row], marks: Mapping[str, Mark], as_of_ms: int) -> None:
        """Write rows and the marks they correspond to in one batch, and when the store was known to be current."""
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, row in rows:
            if row is None:
                delete(key)
            else:
                put(key, row)
        for changelog, mark in marks.items():
            put(MARK_PREFIX + changelog.encode(), mark.encode())
        put(AS_OF_KEY, str(as_of_ms).encode())
        try:
            self._db.write(batch, self._no_wal)
        except Exception as error:
            raise self._failed("write", error) from error

    def load(self, rows: Mapping[bytes, bytes | None], marks: Mapping[str, Mark], as_of_ms: int) -> None:
        """As `write`, for many rows: a sorted file that RocksDB takes over as it is, several times as cheap a row.

        The marks are in the file too, so that a kill leaves all of it or nothing.
        """
        entries = {**rows, **{MARK_PREFIX + name.encode(): mark.encode() for name, mark in marks.items()}}
        entries[AS_OF_KEY] = str(as_of_ms).encode()
        path = str(self.path / _LOADING)
        try:
            # What is in memory only is older: on disk first, or a kill would leave a hole below the new marks.
            self._db.flush()
            file = SstFileWriter(self._options)
            file.open(path)
            for key in sorted(entries):
                row = entries[key]
                if row is None:
                    del file[key]
                else:
                    file[key] = row
            file.finish()
            moved = IngestExternalFileOptions()
            moved.set_move_files(True)
            self._db.ingest_external_file([path], moved)
        except Exception as error:
            raise self._failed("load", error) from error

    def marks(self) -> dict[str, Mark]:
        """How far the store is, by changelog. Raises StoreError if a mark makes no sense."""
        found = {}
        for key, value in self.scan(MARK_PREFIX, MARK_PREFIX):
            try:
                found[key[len(MARK_PREFIX) :].decode()] = Mark.decode(value)
            except ValueError as error:
                raise self._failed("read the marks", error) from error
        return found

    def as_of_ms(self) -> int | None:
        """When the store was last known to be current (wall clock, milliseconds), None for a new one."""
        data = self.get(AS_OF_KEY)
        try:
            return None if data is None else int(data)
        except ValueError as error:
            raise self._failed("read its age", error) from error

    def condemn(self, reason: str) -> None:
        """Have the store made anew when it is next opened."""
        (self.path / CONDEMNED).write_text(f"{time.time():.0f} {reason}\n")

    def flush(self) -> None:
        """Write what is in memory to disk, so that a kill from here on loses nothing of it."""
        try:
            self._db.flush()
        except Exception as error:
            raise self._failed("flush", error) from error

    def close(self) -> None:
        """Flush and release the lock."""
        try:
            self._db.close()
        except Exception as error:
            raise self._failed("close", error) from error

    def _failed(self, what: str, error: Exception) -> StoreError:
        if "Corruption" in str(error):
            with suppress(OSError):  # where even that cannot be written, it is found again at the next start
                self.condemn(str(error))
            return StoreError(f"store {self.path}: {what}: {error}. It is rebuilt from its topics at the next start.")
        return StoreError(f"store {self.path}: {what}: {error}")


def _remove(path: Path) -> None:
    """Remove a store at one stroke: what stayed behind of it would be taken for the new one's."""
    gone = path.with_name(f"{path.name}.removed")
    shutil.rmtree(gone, ignore_errors=True)
    try:
        path.rename(gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"store {path} cannot be removed: {error}. Remove the folder by hand") from error
    shutil.rmtree(gone, ignore_errors=True)


def _after_prefix(prefix: bytes) -> bytes:
    """The first key after all keys with this prefix. Prefixes begin with a table's name, so they are never all 0xFF."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))
