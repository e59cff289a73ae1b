"""RocksDB's contract as the engine's Store gives it, in memory: batches are whole, the newest are lost by a kill."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from streams.engine.errors import StoreBusy, StoreError
from streams.engine.store import AS_OF_KEY, MARK_PREFIX, Mark, Row

Writes = list[tuple[bytes, bytes | None]]


@dataclass(eq=False)
class Disk:
    """One partition's folder: what is durable, what a kill may take, and who holds the lock."""

    durable: dict[bytes, bytes] = field(default_factory=dict)
    unflushed: list[Writes] = field(default_factory=list)
    holder: object = None
    is_condemned: bool = False
    #: Older copies, for a roll-back to a backup.
    copies: list[dict[bytes, bytes]] = field(default_factory=list)

    def flush(self, batches: int | None = None) -> None:
        """Make the first (default: all) batches durable, in order."""
        count = len(self.unflushed) if batches is None else batches
        if count:
            self.copies.append(dict(self.durable))
            del self.copies[:-4]
        for batch in self.unflushed[:count]:
            for key, value in batch:
                if value is None:
                    self.durable.pop(key, None)
                else:
                    self.durable[key] = value
        del self.unflushed[:count]

    def crash(self, random: Random) -> None:
        """The process was killed: memory goes, the lock is free."""
        self.flush(random.randint(0, len(self.unflushed)))
        self.unflushed.clear()
        self.holder = None


class ModelStores:
    """A worker's stores. `fails` says whether a call shall fail as a full or broken disk does."""

    def __init__(
        self, disks: dict[int, Disk], process: object, is_dead: Callable[[], bool], fails: Callable[[str], bool]
    ) -> None:
        self._disks = disks
        self._process = process
        self._is_dead = is_dead
        self._fails = fails

    def open(self, partition: int, *, fresh: bool = False) -> ModelStore:
        """As Stores.open."""
        disk = self._disks.setdefault(partition, Disk())
        if disk.holder is not None:
            raise StoreBusy(f"store {partition} is open in another process")
        if fresh or disk.is_condemned:
            self._disks[partition] = disk = Disk(copies=disk.copies)
        disk.holder = self._process
        return ModelStore(disk, self._is_dead, self._fails)


class ModelStore:
    """As Store."""

    def __init__(self, disk: Disk, is_dead: Callable[[], bool], fails: Callable[[str], bool]) -> None:
        self._disk = disk
        self._is_dead = is_dead
        self._fails = fails
        self._rows = dict(disk.durable)
        self._is_closed = False

    def get(self, key: bytes) -> bytes | None:
        self._check("read")
        return self._rows.get(key)

    def scan(self, prefix: bytes, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._check("scan")
        keys = sorted(self._rows)
        # As of now: whoever writes meanwhile does not change what this scan gives.
        found = [(key, self._rows[key]) for key in keys[bisect.bisect_left(keys, start) :] if key.startswith(prefix)]
        yield from found

    def rows(self, prefix: bytes) -> Iterator[bytes]:
        return iter([row for _, row in self.scan(prefix, prefix)])

    def write(self, rows: Iterable[Row], marks: Mapping[str, Mark], as_of_ms: int) -> None:
        self._check("write")
        batch: Writes = list(rows)
        batch += [(MARK_PREFIX + changelog.encode(), mark.encode()) for changelog, mark in marks.items()]
        batch.append((AS_OF_KEY, str(as_of_ms).encode()))
        if self._is_dead():
            return
        for key, value in batch:
            if value is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = value
        self._disk.unflushed.append(batch)

    def load(self, rows: Mapping[bytes, bytes | None], marks: Mapping[str, Mark], as_of_ms: int) -> None:
        self.write(rows.items(), marks, as_of_ms)
        self.flush()

    def marks(self) -> dict[str, Mark]:
        return {
            key[len(MARK_PREFIX) :].decode(): Mark.decode(value) for key, value in self.scan(MARK_PREFIX, MARK_PREFIX)
        }

    def as_of_ms(self) -> int | None:
        data = self.get(AS_OF_KEY)
        return None if data is None else int(data)

    def condemn(self, reason: str) -> None:
        del reason
        self._disk.is_condemned = True

    def flush(self) -> None:
        self._check("flush")
        if not self._is_dead():
            self._disk.flush()

    def close(self) -> None:
        if self._is_closed or self._is_dead():
            return
        self._is_closed = True
        self._disk.flush()
        self._disk.holder = None

    def _check(self, what: str) -> None:
        if self._is_closed:
            raise StoreError(f"store: {what}: DB is closed")
        if self._fails(what):
            raise StoreError(f"store: {what}: IO error: No space left on device")
