"""A task's records of one unit, and the savepoint around each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from streams.engine.errors import INFRASTRUCTURE, InfrastructureError
from streams.engine.outbox import Outbox
from streams.engine.record import Record
from streams.engine.table import Table, Undo, rollback


class Again(Enum):
    """What a handler returns to be called again for the same record in the next unit."""

    AGAIN = "again"


#: "Not done with this record": what was written and sent is committed, the input's offset stays before the record.
AGAIN: Final = Again.AGAIN

#: Called with the record, the tables of the inputs in order, and the outbox. Returns None or AGAIN.
Handler = Callable[..., Again | None]


class Batch:
    """Records of one task (an agent's inputs in one partition), lowest timestamp first, to be folded once by `each`."""

    def __init__(
        self,
        partition: int,
        records: Sequence[Record],
        tables: Sequence[Table[Any]],
        out: Outbox,
        undo: Undo,
        row_limits: Sequence[int] | None = None,
    ) -> None:
        self.partition = partition
        self.records = records
        self.tables = tables
        self.out = out
        self._undo = undo
        self._row_limits = row_limits
        #: How many records are done with, from the first on.
        self.done = 0
        #: The record whose handler asked to be called again.
        self.again: Record | None = None
        self.is_folded = False

    def each(self, handler: Handler) -> None:
        """Call `handler(record, *tables, out)` for every record, each within a savepoint.

        A record whose handler raises leaves nothing behind and goes to the dead letters; the next one is taken. Errors
        of the infrastructure are raised: the record is not at fault. After AGAIN the batch ends before the others.
        """
        if self.is_folded:
            raise InfrastructureError("batch.each was called twice for one batch: its records would be folded twice")
        self.is_folded = True
        tables, out, undo, row_limits = self.tables, self.out, self._undo, self._row_limits
        sent, notes, failures = out.sent, out.notes, out.failures
        done = 0
        for record in self.records:
            undo.clear()
            savepoint = len(sent), len(notes), len(failures)
            try:
                out.record_key = record.key
                outcome = handler(record, *tables, out)
                if row_limits is not None:
                    self._check_rows(row_limits)
            except INFRASTRUCTURE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is about its record: dead letter
                rollback(undo)
                out.undo_to(savepoint)
                out.dead_letter(record, error)
                outcome = None
            if outcome is not None:
                if outcome is not AGAIN:
                    raise InfrastructureError(f"a handler returns None or AGAIN, {handler!r} returned {outcome!r}")
                self.again = record
                break
            done += 1
        undo.clear()
        self.done = done

    def _check_rows(self, row_limits: Sequence[int]) -> None:
        """Encode what this record wrote, so that a row that cannot be encoded is its own record's fault."""
        by_dirty = {id(table.dirty): (table, limit) for table, limit in zip(self.tables, row_limits, strict=True)}
        for dirty, key, _ in self._undo:
            table, limit = by_dirty[id(dirty)]
            table.encode_row(key, limit)
