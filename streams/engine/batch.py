"""A task's records of one unit, and the savepoint around each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from streams.engine.due import DUE_SLICE, RETRY_AFTER_US
from streams.engine.errors import INFRASTRUCTURE, BadRecord, InfrastructureError
from streams.engine.outbox import Outbox
from streams.engine.record import Record
from streams.engine.table import Table, Undo, keep_written, rollback


class Again(Enum):
    """What a handler returns to be called again for the same record in the next unit."""

    AGAIN = "again"


#: "Not done with this record": what was written and sent is committed, the input's offset stays before the record.
AGAIN: Final = Again.AGAIN

#: Called with the record, the tables of the inputs in order, and the outbox. Returns None or AGAIN.
Handler = Callable[..., Again | None]

#: Called for each row that a tick finds due, with its key, the tick's record, the tables and the outbox. It must leave
#: the row so that it is due later than the tick, or never.
DueHandler = Callable[..., None]


def _never() -> bool:
    return False


class Batch:
    """Records of one task (an agent's inputs in one partition), lowest timestamp first, to be folded once by `each`.

    It ends before its records do once it has used up its part of the unit: when `is_over` says so, and when what it
    sends and what it has read from the store come to enough. At least one record is folded.
    """

    def __init__(
        self,
        partition: int,
        records: Sequence[Record],
        tables: Sequence[Table[Any]],
        out: Outbox,
        undo: Undo,
        is_over: Callable[[], bool] = _never,
    ) -> None:
        self.partition = partition
        self.records = records
        self.tables = tables
        self.out = out
        self._undo = undo
        self._is_over = is_over
        #: How many records are done with, from the first on.
        self.done = 0
        #: The record whose handler asked to be called again.
        self.again: Record | None = None
        self.is_folded = False

    def each(self, handler: Handler, due: DueHandler | None = None) -> None:
        """Call `handler(record, *tables, out)` for every record, each within a savepoint.

        A record whose handler raises, or one of whose rows cannot be encoded, leaves nothing behind and goes to the
        dead letters; the next one is taken. Errors of the infrastructure are raised: the record is not at fault. After
        AGAIN the batch ends before the others.
        A tick of proved time goes to no handler: `due(key, tick, *tables, out)` is called for every row that it finds
        due, each within a savepoint of its own.
        """
        if self.is_folded:
            raise InfrastructureError("batch.each was called twice for one batch: its records would be folded twice")
        self.is_folded = True
        tables, out, undo = self.tables, self.out, self._undo
        sent, notes, failures = out.sent, out.notes, out.failures
        done = 0
        for record in self.records:
            undo.clear()
            savepoint = len(sent), len(notes), len(failures)
            try:
                if record.source.ticks is None:
                    out.record_key = record.key
                    outcome = handler(record, *tables, out)
                    if undo:
                        keep_written(undo)
                else:
                    outcome = self._tick(record, record.source.ticks(record.value), due)
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
            if self._is_spent():
                break
        undo.clear()
        self.done = done

    def _is_spent(self) -> bool:
        """Whether the rest has to wait for the next unit."""
        return self._is_over() or self.out.is_filled_by(self._read_bytes)

    @property
    def _read_bytes(self) -> int:
        return sum([table.read_bytes for table in self.tables])

    @property
    def used_bytes(self) -> int:
        """What it has sent, and read from the store."""
        return self.out.size_bytes + self._read_bytes

    def _tick(self, tick: Record, at_us: int, due: DueHandler | None) -> Again | None:
        """See to the rows that are due by now, a slice of them: the other ones in the next unit."""
        if due is None:
            return None
        outcome: Again | None = None
        for table in self.tables:
            keys, has_more = table.due(at_us, DUE_SLICE)
            for place, key in enumerate(keys, 1):
                self._see_to(key, table, tick, at_us, due)
                if self._is_spent():
                    has_more = has_more or place < len(keys)
                    break
            if has_more:
                outcome = AGAIN
        return outcome

    def _see_to(self, key: str, table: Table[Any], tick: Record, at_us: int, due: DueHandler) -> None:
        """One row that is due. If that fails it is a dead letter, and tried again later: time does not stand still."""
        out, undo = self.out, self._undo
        undo.clear()
        savepoint = len(out.sent), len(out.notes), len(out.failures)
        try:
            out.record_key = key
            due(key, tick, *self.tables, out)
            if table.is_due(key, at_us):
                raise BadRecord(f"row {key!r} is due at {at_us} still, although it was seen to", "handler_error")
            keep_written(undo)
        except INFRASTRUCTURE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is about this row: the others are seen to
            rollback(undo)
            out.undo_to(savepoint)
            out.dead_letter(tick, error, key)
            table.put_off(key, at_us + RETRY_AFTER_US)
        else:
            table.served(key)
