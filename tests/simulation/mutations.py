"""What somebody could write in the engine in good faith, and would be wrong: the code of the planted bugs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.engine import batch, buffers, consumer, restore, table
from streams.engine.buffers import InputBuffer, InputPartition, Standing, standing_of
from streams.engine.consumer import GroupConsumer
from streams.engine.engine import Engine
from streams.engine.errors import BadRecord, InfrastructureError, TransactionAborted
from streams.engine.ownership import Ownership
from streams.engine.partition import Partition, Task
from streams.engine.restore import Replay, Restorer
from streams.engine.store import Mark
from streams.engine.table import Table
from streams.engine.topology import Cluster
from streams.engine.transaction import Transaction
from streams.engine.work import UnitOfWork

from .group import NOBODY


def nothing(*_arguments: Any, **_named: Any) -> None:
    """Leaves the step out."""


# -- assignment


def runs_on(self: Ownership, inputs: Sequence[Any], *, lost: bool) -> None:
    del lost
    for topic, number in inputs:
        self.partitions[number].inputs.discard(topic)


revoked = Ownership.revoked


def runs_on_with_the_rest(self: Ownership, inputs: Sequence[Any], *, lost: bool) -> None:
    whole = {number for _, number in inputs if self.partitions[number].inputs <= {t for t, n in inputs if n == number}}
    revoked(self, [key for key in inputs if key[1] in whole], lost=lost)
    runs_on(self, [key for key in inputs if key[1] not in whole], lost=lost)


def reads_on_without_seeking(self: GroupConsumer, inputs: Sequence[InputPartition]) -> bool:
    for source in inputs:
        self._reading[source.topic, source.partition] = source
    self._open.resume([TopicPartition(source.topic, source.partition) for source in inputs])
    return True


def only_logs(_self: GroupConsumer, _error: Any) -> None:
    """As if every error of a consumer would pass."""


# -- collecting


def by_bare_timestamp(record: Any) -> int:
    return int(record.message.timestamp()[1])


def forgets_the_pinned(self: Task, most: int) -> list[Any]:
    return buffers.collect(self.buffers, most)


def does_not_wait_for_the_pinned(self: Task, most: int) -> list[Any]:
    first = next((buffer.records[0] for buffer in self.buffers if buffer.is_pinned and buffer.records), None)
    return buffers.collect(self.buffers, most, first)


def without_pins(reader: str, offset: int, metadata: str | None) -> Standing:
    return standing_of(reader, offset, metadata)._replace(is_pinned=False)


def claims_what_has_moved(self: InputBuffer) -> Standing:
    """Equal to a standing at the same position, pinned or not."""
    return AnyPin(self.position, self.is_pinned)


class AnyPin(Standing):
    """A standing that is compared by its position."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Standing) and self.position == other.position

    def __hash__(self) -> int:
        return hash(self.position)

    def __ne__(self, other: object) -> bool:
        return not self == other


def adds_what_was_folded(self: InputBuffer, message: Any) -> None:
    position, self.position = self.position, 0
    add(self, message)
    self.position = position


add = InputBuffer.add
seal = Task.seal
table_seal = Table.seal
keep_written = table.keep_written


def takes_again_for_done(self: Task, folded: Any) -> Any:
    if folded.again is not None:
        folded.again, folded.done = None, folded.done + 1
    return seal(self, folded)


def takes_what_was_cut_off_for_done(self: Task, folded: Any) -> Any:
    if folded.again is None:
        folded.done = len(folded.records)
    return seal(self, folded)


# -- folding


def gives_up_on_odd_rows(undo: Any) -> None:
    try:
        keep_written(undo)
    except BadRecord as error:
        raise InfrastructureError(str(error)) from error


async def encodes_with_the_unit(self: UnitOfWork, task: Task, records: Sequence[Any], part: Any) -> Any:
    with patch.object(batch, "keep_written", nothing):
        folded = self._batch(task, records, part)
        if records:
            await task.inputs.fold(folded)
    try:
        for table in task.tables:
            for key in table.dirty:
                table.keep(key, table.encoded(key))
    except BadRecord:
        task.drop_dirty()
        folded = self._batch(task, records, part)
        await task.inputs.fold(folded)
    return task.seal(folded)


def caches_before_the_commit(self: Table[Any]) -> Any:
    sealed = table_seal(self)
    for (_, row), (key, value) in zip(sealed.rows, sealed.values.items(), strict=True):
        if row is None or value is None:
            self._cache.forget(key)
        else:
            self._cache.put(key, value, len(row))
    return sealed


# -- the transaction

commit_unit = UnitOfWork._commit
commit = Transaction.commit
insist = Transaction._insist
drop = UnitOfWork._drop


def sends_dead_letters_by_themselves(self: UnitOfWork, sealed: Sequence[Any]) -> Any:
    producer: Any = self._transaction._producer
    for folded in sealed:
        sent = folded.batch.out.sent
        for topic, value, key, partition in [send for send in sent if send[0] == "dead"]:
            producer._broker.log((topic, partition)).append(key, value, 0)
        sent[:] = [send for send in sent if send[0] != "dead"]
    return commit_unit(self, sealed)


def apart(producer: Any, offsets: Sequence[Any]) -> None:
    """Commit offsets as a consumer does: at once, outside of any transaction."""
    committed = producer._broker.offsets.committed
    committed.update({(tp.topic, tp.partition): (tp.offset, tp.metadata or "") for tp in offsets})
    producer._scheduler.give_way()


def commits_offsets_before(self: Transaction, results: Any, changelogs: Any, offsets: Any, metadata: Any) -> Any:
    apart(self._producer, offsets)
    return commit(self, results, changelogs, offsets, metadata)


def commits_offsets_after(self: Transaction, results: Any, changelogs: Any, offsets: Any, metadata: Any) -> Any:
    landed = commit(self, results, changelogs, Unsent(), metadata)
    self._producer._scheduler.give_way()  # type: ignore[attr-defined]  # the model's
    apart(self._producer, offsets)
    return landed


class Unsent(list[Any]):
    """No offsets, although somebody looks whether there are any."""

    def __bool__(self) -> bool:
        return True


def as_nobody(self: Transaction, results: Any, changelogs: Any, offsets: Any, _metadata: Any) -> Any:
    return commit(self, results, changelogs, offsets, NOBODY)


def offsets_that_moved(self: UnitOfWork, sealed: Sequence[Any]) -> list[Any]:
    moved = {
        buffer: Standing(buffer.position_after(count), buffer is folded.pinned)
        for folded in sealed
        for buffer, count in folded.taken
    }
    changed = {buffer for buffer, at in moved.items() if at.position != buffer.position or not buffer.is_committed}
    offsets = Unsent()
    for partition in self._ownership.active:
        for source in partition.reading.values():
            if not changed.isdisjoint(source.buffers):
                offset, metadata = source.commit_at(moved)
                offsets.append(TopicPartition(source.topic, source.partition, offset, metadata))
    return offsets


def takes_silence_for_success(self: Transaction, call: Callable[..., Any], *arguments: Any) -> None:
    if call.__name__ != "commit_transaction":
        insist(self, call, *arguments)
        return
    try:
        call(*arguments)
    except KafkaException as failure:
        if not failure.args[0].retriable():
            raise


def goes_on_after_refusal(self: Transaction, error: Any) -> None:
    if error.fatal():
        raise InfrastructureError(error.str())
    self._insist(self._producer.abort_transaction, self._timeout_s)


def takes_fatal_for_abortable(_self: Transaction, error: Any) -> None:
    raise TransactionAborted(error.str())


def lets_go_when_aborted(self: UnitOfWork, sealed: Sequence[Any], reason: str) -> None:
    drop(self, sealed, reason)
    for folded in sealed:
        folded.rows.clear()
        folded.task.committed(folded)


# -- the store

store = UnitOfWork._store


def stores_before_the_commit(self: UnitOfWork, sealed: Sequence[Any]) -> Any:
    for folded in sealed:
        for rows in folded.rows:
            partition = self._ownership.partitions[folded.task.partition]
            partition.open_store.write(rows.store_rows(), {}, self._sending.wall_clock_us() // 1000)
    return commit_unit(self, sealed)


def marks_before_rows(self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], now_ms: int) -> None:
    for folded in sealed:
        partition = self._ownership.partitions[folded.task.partition]
        for rows in folded.rows:
            topic = rows.declaration.changelog.kafka_name
            mark = Mark(partition.marks[topic].topic_id, landed[topic, folded.task.partition] + 1)
            partition.open_store.write((), {topic: mark}, now_ms)
            partition.marks[topic] = mark
    for folded in sealed:
        for rows in folded.rows:
            self._ownership.partitions[folded.task.partition].open_store.write(rows.store_rows(), {}, now_ms)


def marks_too_far(self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], as_of_ms: int) -> None:
    store(self, sealed, {place: offset + 2 for place, offset in landed.items()}, as_of_ms)


def as_of_after(self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], _as_of_ms: int) -> None:
    store(self, sealed, landed, self._sending.wall_clock_us() // 1000)


# -- restoring

committed = Restorer._committed
goals_of = restore.goals_of
why_unusable = restore.why_unusable
run = Replay.run


def looks_at_the_ends_first(self: Any, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    early = goals_of(self._cluster, division.tables, partition)
    self._cluster.__dict__.setdefault("early", {})[partition] = early
    return committed(self, client, division, partition, cancelled)


def early_goals(cluster: Any, _tables: Any, partition: int) -> Any:
    return cluster.early[partition]


def stable_ends(self: Cluster, partitions: Any) -> dict[tuple[str, int], int]:
    model: Any = self._admin
    return {place: model._broker.log(place).last_stable for place in partitions}


def stops_at_any_end(self: Replay, messages: Sequence[Any]) -> int:
    count = gather(self, messages)
    for message in messages:
        if message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF:
            self._position[message.topic()] = max(message.offset(), self._goals[message.topic()].end)
    return count


gather = Replay._gather


def does_not_wait_for_pending(self: Restorer, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    client._committed_only = False
    try:
        return committed(self, client, division, partition, cancelled)
    finally:
        client._committed_only = True


def replays_uncommitted(self: Replay, marks: Any, as_of_ms: int) -> int:
    self._consumer._committed_only = False
    return run(self, marks, as_of_ms)


def trusting(change: Callable[[Any, Any], Any]) -> Callable[..., str]:
    """A look at the store's marks to which one thing about each topic is told as the store would like it."""

    def as_liked(goals: Sequence[Any], marks: Any, as_of_ms: int, now_ms: int) -> str:
        liked = [change(goal, marks[goal.topic]) if goal.topic in marks else goal for goal in goals]
        return why_unusable(liked, marks, as_of_ms, now_ms)

    return as_liked


def any_topic(goal: Any, mark: Any) -> Any:
    return replace(goal, facts=replace(goal.facts, topic_id=mark.topic_id))


def any_end(goal: Any, mark: Any) -> Any:
    return replace(goal, end=max(goal.end, mark.offset))


def any_begin(goal: Any, _mark: Any) -> Any:
    return replace(goal, begin=0)


def any_age(goal: Any, _mark: Any) -> Any:
    return replace(goal, facts=replace(goal.facts, delete_retention_ms=10**15))


def skips_what_is_gone(self: Any, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    begins = self._cluster.begins((topic, partition) for topic in division.topics)
    with patch.object(self._cluster, "begins", lambda places: dict.fromkeys(places, 0)):
        found, never = committed(self, client, division, partition, cancelled)
    return {topic: (max(offset, begins[topic, partition]), told) for topic, (offset, told) in found.items()}, never


def reads_from_where_it_can(*arguments: Any, **named: Any) -> Any:
    return {**group_config(*arguments, **named), "auto.offset.reset": "earliest"}


group_config: Any = vars(consumer)["group_config"]

activate = Partition.activate


def knows_of_no_first_position(
    self: Partition, store: Any, committed: Any, settings: Any, row_limits: Any, _never: Any
) -> None:
    activate(self, store, committed, settings, row_limits)


# -- positions


def fastest(self: InputPartition, moved: Any) -> tuple[int, str]:
    return max(moved.get(buffer, buffer.standing).position for buffer in self.buffers), ""


def slowest(self: InputPartition, moved: Any) -> tuple[int, str]:
    return min(moved.get(buffer, buffer.standing).position for buffer in self.buffers), ""


def before_the_markers(self: InputBuffer, count: int) -> int:
    return self.records[count - 1].offset + 1 if count else self.position


position_after = InputBuffer.position_after


def behind_what_is_left(self: InputBuffer, count: int) -> int:
    return max(position_after(self, count), self._end)


async def waits_for_ever(self: Engine) -> None:
    await self.wait_until_stopped()
