"""What a worker holds for one partition: its inputs' buffers, its store, its tables, and one task an agent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from streams.engine.batch import Batch
from streams.engine.buffers import InputBuffer, InputPartition, collect, count_by_input, standing_of
from streams.engine.division import Division
from streams.engine.errors import InfrastructureError
from streams.engine.inputs import Inputs
from streams.engine.outbox import Outbox, Sending
from streams.engine.record import Record
from streams.engine.settings import EngineSettings
from streams.engine.store import Mark, Store
from streams.engine.table import SealedRows, Table, Undo

#: Room that the log needs around a record's key and value: batch and record headers.
FRAMING_BYTES = 512


class Phase(StrEnum):
    """PARTIAL: not all its inputs are assigned here, nothing runs. RESTORING: its store catches up. ACTIVE: it runs."""

    PARTIAL = "partial"
    RESTORING = "restoring"
    ACTIVE = "active"


@dataclass
class Sealed:
    """A folded batch, encoded and checked: all that the transaction and the store need of it."""

    task: Task
    batch: Batch
    rows: list[SealedRows]
    #: Records done with, by input buffer.
    taken: list[tuple[InputBuffer, int]]
    #: The input whose next record comes first in the next unit: its handler asked to be called again.
    pinned: InputBuffer | None


class Task:
    """One agent's work in one partition."""

    def __init__(
        self,
        inputs: Inputs,
        partition: int,
        division: Division,
        buffers: Sequence[InputBuffer],
        store: Store,
        settings: EngineSettings,
        row_limits: Mapping[str, int],
    ) -> None:
        self.inputs = inputs
        self.partition = partition
        #: The worker's number of the partition that it belongs to.
        self.owner = division.first + partition
        self.buffers = buffers
        self._partitions = division.partitions
        self._undo: Undo = []
        self.tables = tuple(
            Table(table, store, self._undo, settings.table_cache_bytes, row_limits[table.name])
            for table in inputs.tables
        )
        #: Whether the last batch had more records than its part of the unit was enough for.
        self.was_cut_short = False

    def collect(self, most: int) -> list[Record]:
        """The records of the next batch. None while the pinned one, after a restart, is on its way: it comes first."""
        pinned = self._pinned
        if pinned is None:
            return collect(self.buffers, most)
        return collect(self.buffers, most, pinned.records[0]) if pinned.records else []

    @property
    def _pinned(self) -> InputBuffer | None:
        return next((buffer for buffer in self.buffers if buffer.is_pinned), None)

    @property
    def goes_on(self) -> bool:
        """Whether it is in the middle of a record, and has it: the next unit need not wait for others."""
        return any(buffer.is_pinned and buffer.records for buffer in self.buffers)

    def batch(self, records: Sequence[Record], sending: Sending, is_over: Callable[[], bool], most_bytes: int) -> Batch:
        """A batch until `is_over` or `most_bytes`, over clean tables: the last unit's writes are done, or dropped."""
        out = Outbox(sending, self.inputs.stage, self.partition, self._partitions, most_bytes)
        return Batch(self.partition, records, self.tables, out, self._undo, is_over)

    def seal(self, batch: Batch) -> Sealed:
        """What the batch wrote and what it took."""
        rows = [table.seal() for table in self.tables if table.is_dirty]
        counts = count_by_input(batch.records[: batch.done])
        taken = [(buffer, counts[buffer.index]) for buffer in self.buffers]
        if not batch.records:
            return Sealed(self, batch, rows, taken, self._pinned)
        return Sealed(self, batch, rows, taken, None if batch.again is None else self.buffers[batch.again.input_index])

    def committed(self, sealed: Sealed) -> None:
        """The transaction happened and the store has it: keep the rows in the cache, let the records go."""
        tables = {table.declaration.name: table for table in self.tables}
        for rows in sealed.rows:
            tables[rows.declaration.name].committed(rows)
        for buffer, count in sealed.taken:
            buffer.advance(count, buffer.position_after(count))
            buffer.is_pinned = buffer is sealed.pinned
        self.was_cut_short = sealed.batch.done < len(sealed.batch.records)

    def drop_dirty(self) -> None:
        """Forget what the open unit wrote."""
        self._undo.clear()
        for table in self.tables:
            table.drop_dirty()

    @property
    def holds_records(self) -> bool:
        """Whether there is anything to fold."""
        return any(buffer.records for buffer in self.buffers)

    @property
    def is_new(self) -> bool:
        """Whether the group has no offset yet of an input: it is committed though there is nothing to fold."""
        return not all(buffer.is_committed for buffer in self.buffers)

    @property
    def has_position_to_commit(self) -> bool:
        """Whether a position is to be committed though there is nothing to fold: behind markers."""
        return any(not buffer.records and buffer.position_after(0) > buffer.position for buffer in self.buffers)


@dataclass
class Partition:
    """One partition of a division. `inputs` are the assigned input topics (Kafka names); it runs only with all of them.

    `number` is the worker's own: through all divisions.
    """

    number: int
    division: Division
    phase: Phase = Phase.PARTIAL
    inputs: set[str] = field(default_factory=set)
    store: Store | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    reading: dict[str, InputPartition] = field(default_factory=dict)
    """Its input partitions while ACTIVE, by Kafka topic."""
    since_ms: int = 0
    """Wall clock of when this worker got the partition: its owner's generation."""
    remaining: int = 0
    """Changelog records still to be replayed while RESTORING."""
    moved_s: float = 0.0
    """Monotonic clock of when it last committed something or had nothing to do."""

    def activate(
        self,
        store: Store,
        committed: Mapping[str, tuple[int, str]],
        settings: EngineSettings,
        row_limits: Mapping[str, int],
        never_committed: Collection[str] = (),
    ) -> None:
        """Its store is current: make buffers at the group's committed offsets (and metadata), and tasks over them."""
        self.store = store
        self.marks = store.marks()
        readers: dict[str, dict[str, InputBuffer]] = {}
        for inputs in self.division.inputs:
            buffers = []
            for place, topic in enumerate(inputs.topics):
                position, is_pinned = standing_of(inputs.stage, *committed[topic.kafka_name])
                buffers.append(InputBuffer(topic, place, self.index, position))
                buffers[-1].is_pinned = is_pinned
                buffers[-1].is_committed = topic.kafka_name not in never_committed
                readers.setdefault(topic.kafka_name, {})[inputs.stage] = buffers[-1]
            self.tasks.append(Task(inputs, self.index, self.division, buffers, store, settings, row_limits))
        self.reading = {topic: InputPartition(topic, self.index, by_stage) for topic, by_stage in readers.items()}
        self.phase = Phase.ACTIVE

    @property
    def index(self) -> int:
        """The partition of its topics."""
        return self.number - self.division.first

    @property
    def missing_inputs(self) -> tuple[str, ...]:
        """What it needs to run and has not been assigned."""
        return tuple(sorted(self.division.topics - self.inputs))

    @property
    def open_store(self) -> Store:
        """The store, of a partition that is ACTIVE."""
        if self.store is None:
            raise InfrastructureError(f"partition {self.number} is {self.phase}: it has no store")
        return self.store

    @property
    def holds_records(self) -> bool:
        """Whether there is anything to fold."""
        return any(task.holds_records for task in self.tasks)

    def snapshot(self, table: str) -> Iterator[bytes]:
        """The encoded rows of a table as they are at this call, none if it is another division's. It is ACTIVE."""
        found = [known for task in self.tasks for known in task.tables if known.declaration.name == table]
        return found[0].snapshot() if found else iter(())

    def close(self) -> None:
        """Drop tasks and buffers, whose open work was never visible, and close the store."""
        self.tasks.clear()
        self.reading.clear()
        store, self.store = self.store, None
        self.phase = Phase.PARTIAL
        if store is not None:
            store.close()
