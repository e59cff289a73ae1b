"""How many payments are open, by status: rolled up a partition, moved by every fold, counted anew with every ownership.

A fold takes a payment's old standing out and puts its new one in. A worker that takes a partition over does not know
its standings, so it counts the rows of the store once, in a thread beside the work, from a snapshot taken before its
first unit; what was folded meanwhile is added when the count ends. Until then the partition is not exported.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from threading import Event, Lock, Thread
from typing import Final, TypeAlias

from schemas.codec import SINGLE_OBJECT, schema_fingerprint
from schemas.compiled import compile_codec
from schemas.contract_files import load_schema
from schemas.shapes import shape_of
from streams.accumulators import Route, Routes, Values
from streams.domain.state import Awaiting, Milestone, RaisedFlag, SettlementEvidence, State
from streams.domain.statuses import Status
from streams.domain.view import View

log = logging.getLogger(__name__)

_STATUSES: Final = {status: status.value for status in Status}
_HOUR_US: Final = 3_600_000_000
_HOUR_S: Final = 3_600
_CHUNK: Final = 500
#: Between two chunks: the count must not take the interpreter from the work.
_BREATH_S: Final = 0.005

Standing: TypeAlias = tuple[Route, str, int]
"""Bank, rail and region; status; and the hour (since 1970) of the payment's first milestone."""

#: Counted beside the standings: a payment that waits for the clock, open or closed.
_WAITS: Final = None


@dataclass(slots=True)
class StateHead:
    """The first fields of payments.state.v1: all that a standing needs, at half of the price of the whole."""

    internal: bytes
    correlation_id: str
    version: int
    status: Status
    closed: bool
    settlement_evidence: SettlementEvidence | None
    awaiting: Awaiting | None
    flags: tuple[RaisedFlag, ...]
    milestones: tuple[Milestone, ...]
    company_code: str | None
    source_system: str | None
    region: str | None
    bank: str | None
    rail: str | None


class Standings:
    """Standings with closed labels. None: the payment is closed, or there is none."""

    def __init__(self, routes: Routes, decode: Callable[[bytes], State]) -> None:
        self._routes = routes
        self._decode = decode
        schema = load_schema("payments.state.v1")
        fields = schema["fields"][: len(StateHead.__dataclass_fields__)]
        self._read = compile_codec(shape_of({**schema, "fields": fields}, StateHead)).decode
        self._own = SINGLE_OBJECT + schema_fingerprint(schema)

    def of_view(self, view: View) -> Standing | None:
        """The standing of a payment as the fold sees it."""
        if view.closed:
            return None
        milestones = view.milestones
        hour = milestones[0].at // _HOUR_US if milestones else 0
        route = self._routes(view.bank, view.parts.releases.description.rail, view.region)
        return (route, _STATUSES[view.status], hour)

    def of_row(self, data: bytes) -> Standing | None:
        """The standing of a payment as the store has it. What an earlier release wrote is read by its own schema."""
        head: StateHead | State
        if data.startswith(self._own):
            head, _ = self._read(data, data.decode("latin-1"), len(self._own))
        else:
            head = self._decode(data)
        if head.closed:
            return None
        hour = head.milestones[0].at // _HOUR_US if head.milestones else 0
        return (self._routes(head.bank, head.rail, head.region), _STATUSES[head.status], hour)


class OpenPayments:
    """The roll-ups of the partitions that this worker owns. Thread-safe."""

    def __init__(
        self, of_row: Callable[[bytes], Standing | None], due_in: Callable[[bytes], int | None], lock: Lock
    ) -> None:
        self._of_row = of_row
        self._due_in = due_in
        self._lock = lock
        self._counts: dict[int, Counter[Standing | None]] = {}
        self._complete: set[int] = set()
        self._censuses: dict[int, Census] = {}

    def take(self, partition: int, rows: Iterator[bytes]) -> None:
        """The partition is this worker's from now on; ``rows`` is a snapshot of its payments, taken before any fold."""
        self.give_up(partition)
        with self._lock:
            self._counts[partition] = Counter()
        self._censuses[partition] = Census(partition, rows, self._standings_of, self._counted)
        self._censuses[partition].start()

    def give_up(self, partition: int) -> None:
        """The partition is no longer this worker's. When this returns, its snapshot is released."""
        census = self._censuses.pop(partition, None)
        if census is not None:
            census.end()
        with self._lock:
            self._complete.discard(partition)
            self._counts.pop(partition, None)

    def moved(self, partition: int, before: Standing | None, after: Standing | None) -> None:
        """A fold moved a payment. The caller holds the lock."""
        counts = self._counts.get(partition)
        if counts is None or before == after:
            return
        if before is not None:
            _add(counts, before, -1)
        if after is not None:
            _add(counts, after, 1)

    def waits(self, partition: int, more: int) -> None:
        """A fold made a payment wait for the clock (1), or no more (-1). The caller holds the lock."""
        counts = self._counts.get(partition)
        if counts is not None:
            _add(counts, _WAITS, more)

    def _standings_of(self, row: bytes) -> Iterator[Standing | None]:
        standing = self._of_row(row)
        if standing is not None:
            yield standing
        if self._due_in(row) is not None:
            yield _WAITS

    def _counted(self, partition: int, found: Counter[Standing | None]) -> None:
        with self._lock:
            counts = self._counts[partition]
            counts.update(found)
            self._counts[partition] = Counter({standing: count for standing, count in counts.items() if count})
            self._complete.add(partition)

    def open(self) -> list[tuple[Values, float]]:
        """Label values of payments_open, and how many. The caller holds the lock."""
        totals: Counter[Values] = Counter()
        for partition in self._complete:
            for standing, count in self._counts[partition].items():
                if standing is not _WAITS:
                    totals[_values(partition, standing)] += max(0, count)
        return [(values, float(total)) for values, total in totals.items()]

    def oldest(self) -> list[tuple[Values, float]]:
        """Label values of payments_oldest_open_timestamp_seconds, and the hour. The caller holds the lock."""
        hours: dict[Values, int] = {}
        for partition in self._complete:
            for standing in self._counts[partition]:
                if standing is _WAITS:
                    continue
                values, hour = _values(partition, standing), standing[2]
                hours[values] = min(hour, hours.get(values, hour))
        return [(values, float(hour * _HOUR_S)) for values, hour in hours.items()]

    def waiting(self) -> list[tuple[Values, float]]:
        """Partitions, and how many of their payments wait for the clock. The caller holds the lock."""
        return [((str(row),), float(max(0, self._counts[row][_WAITS]))) for row in sorted(self._complete)]


def _add(counts: Counter[Standing | None], standing: Standing | None, count: int) -> None:
    counts[standing] += count
    if not counts[standing]:
        del counts[standing]


def _values(partition: int, standing: Standing) -> Values:
    (bank, rail, region), status, _hour = standing
    return (str(partition), region, bank, rail, status)


class Census(Thread):
    """Counts one partition's rows, in chunks with breaths between them; ends early when told to."""

    def __init__(
        self,
        partition: int,
        rows: Iterator[bytes],
        of_row: Callable[[bytes], Iterable[Standing | None]],
        counted: Callable[[int, Counter[Standing | None]], None],
    ) -> None:
        super().__init__(name=f"census-{partition}", daemon=True)
        self._partition = partition
        self._rows: Iterator[bytes] = rows
        self._of_row = of_row
        self._counted = counted
        self._told_to_end = Event()

    def run(self) -> None:
        """Count, hand over, release the snapshot."""
        try:
            found = self._count()
        except Exception:
            log.exception("partition %d: its open payments could not be counted and are not exported", self._partition)
        else:
            if not self._told_to_end.is_set():
                self._counted(self._partition, found)
        finally:
            self._rows = iter(())  # an iterator that lives pins its snapshot, and keeps the store's lock

    def _count(self) -> Counter[Standing | None]:
        found: Counter[Standing | None] = Counter()
        while not self._told_to_end.wait(_BREATH_S):
            chunk = list(islice(self._rows, _CHUNK))
            found.update(chain.from_iterable(map(self._of_row, chunk)))
            if len(chunk) < _CHUNK:
                break
        return found

    def end(self) -> None:
        """Stop counting; returns when the snapshot is released."""
        self._told_to_end.set()
        self.join()
