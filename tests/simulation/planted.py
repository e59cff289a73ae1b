"""Planted bugs: one for each step of the protocol, as data. The simulation must find every one of them.

A bug is a replacement of one method or function of the engine, as somebody could write it in good faith.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from mode import Service

from streams.engine import batch, buffers, consumer, ownership, restore
from streams.engine.buffers import InputBuffer, InputPartition
from streams.engine.consumer import GroupConsumer
from streams.engine.engine import Engine
from streams.engine.errors import BadRecord, InfrastructureError, TransactionAborted
from streams.engine.outbox import Outbox
from streams.engine.ownership import Ownership
from streams.engine.partition import Partition, Task
from streams.engine.restore import Replay, Restorer
from streams.engine.store import Mark
from streams.engine.table import Table
from streams.engine.topology import Cluster
from streams.engine.transaction import Transaction
from streams.engine.work import UnitOfWork

from .group import NOBODY

Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class PlantedBug:
    """`step`: the rule of the protocol that it breaks. `how`: what the changed code does instead."""

    name: str
    step: str
    how: str
    patches: tuple[Patch, ...]
    #: The kinds of faults to draw from, where it takes several rare ones together; all of them otherwise.
    focus: tuple[str, ...] = ()

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The engine with this bug."""
        with ExitStack() as stack:
            for target, attribute, replacement in self.patches:
                stack.enter_context(patch.object(target, attribute, replacement))
            yield


def _nothing(*_arguments: Any, **_named: Any) -> None:
    """Leaves the step out."""


# -- assignment


def _runs_on(self: Ownership, inputs: Sequence[Any], *, lost: bool) -> None:
    del lost
    for topic, number in inputs:
        self.partitions[number].inputs.discard(topic)


_revoked = Ownership.revoked


def _runs_on_with_the_rest(self: Ownership, inputs: Sequence[Any], *, lost: bool) -> None:
    whole = {number for _, number in inputs if self.partitions[number].inputs <= {t for t, n in inputs if n == number}}
    _revoked(self, [key for key in inputs if key[1] in whole], lost=lost)
    _runs_on(self, [key for key in inputs if key[1] not in whole], lost=lost)


def _reads_on_without_seeking(self: GroupConsumer, inputs: Sequence[InputPartition]) -> bool:
    for source in inputs:
        self._reading[source.topic, source.partition] = source
    self._open.resume([TopicPartition(source.topic, source.partition) for source in inputs])
    return True


def _only_logs(_self: GroupConsumer, _error: Any) -> None:
    """As if every error of a consumer would pass."""


# -- collecting


def _by_bare_timestamp(record: Any) -> int:
    return int(record.message.timestamp()[1])


def _forgets_the_pinned(self: Task, most: int) -> list[Any]:
    return buffers.collect(self.buffers, most)


def _adds_what_was_folded(self: InputBuffer, message: Any) -> None:
    position, self.position = self.position, 0
    _add(self, message)
    self.position = position


_add = InputBuffer.add
_seal = Task.seal
_table_seal = Table.seal


def _takes_again_for_done(self: Task, folded: Any) -> Any:
    if folded.again is not None:
        folded.again, folded.done = None, folded.done + 1
    return _seal(self, folded)


# -- folding


def _gives_up_on_odd_rows(self: Task, folded: Any) -> Any:
    try:
        return _seal(self, folded)
    except BadRecord as error:
        raise InfrastructureError(str(error)) from error


def _folds_over_dirty_rows(self: Task, records: Sequence[Any], sending: Any, *, careful: bool) -> Any:
    out = Outbox(sending, self.inputs.stage, self.partition, self._partitions)
    return batch.Batch(self.partition, records, self.tables, out, self._undo, self._row_limits if careful else None)


def _caches_before_the_commit(self: Table[Any], most_bytes: int) -> Any:
    sealed = _table_seal(self, most_bytes)
    for (_, row), (key, value) in zip(sealed.rows, sealed.values.items(), strict=True):
        if row is None or value is None:
            self._cache.forget(key)
        else:
            self._cache.put(key, value, len(row))
    return sealed


# -- the transaction

_commit_unit = UnitOfWork._commit
_commit = Transaction.commit
_insist = Transaction._insist
_drop = UnitOfWork._drop


def _sends_dead_letters_by_themselves(self: UnitOfWork, sealed: Sequence[Any]) -> Any:
    producer: Any = self._transaction._producer
    for folded in sealed:
        sent = folded.batch.out.sent
        for topic, value, key, partition in [send for send in sent if send[0] == "dead"]:
            producer._broker.log((topic, partition)).append(key, value, 0)
        sent[:] = [send for send in sent if send[0] != "dead"]
    return _commit_unit(self, sealed)


def _apart(producer: Any, offsets: Sequence[Any]) -> None:
    """Commit offsets as a consumer does: at once, outside of any transaction."""
    committed = producer._broker.offsets.committed
    committed.update({(tp.topic, tp.partition): (tp.offset, tp.metadata or "") for tp in offsets})
    producer._scheduler.give_way()


def _commits_offsets_before(self: Transaction, results: Any, changelogs: Any, offsets: Any, metadata: Any) -> Any:
    _apart(self._producer, offsets)
    return _commit(self, results, changelogs, offsets, metadata)


def _commits_offsets_after(self: Transaction, results: Any, changelogs: Any, offsets: Any, metadata: Any) -> Any:
    landed = _commit(self, results, changelogs, _Unsent(), metadata)
    self._producer._scheduler.give_way()  # type: ignore[attr-defined]  # the model's
    _apart(self._producer, offsets)
    return landed


class _Unsent(list[Any]):
    """No offsets, although somebody looks whether there are any."""

    def __bool__(self) -> bool:
        return True


def _as_nobody(self: Transaction, results: Any, changelogs: Any, offsets: Any, _metadata: Any) -> Any:
    return _commit(self, results, changelogs, offsets, NOBODY)


def _offsets_that_moved(self: UnitOfWork, sealed: Sequence[Any]) -> list[Any]:
    moved = {buffer: buffer.position_after(count) for folded in sealed for buffer, count in folded.taken}
    changed = {buffer for buffer, position in moved.items() if position != buffer.position}
    offsets = _Unsent()
    for partition in self._ownership.active:
        for source in partition.reading.values():
            if not changed.isdisjoint(source.buffers):
                offset, metadata = source.commit_at(moved)
                offsets.append(TopicPartition(source.topic, source.partition, offset, metadata))
    return offsets


def _takes_silence_for_success(self: Transaction, call: Callable[..., Any], *arguments: Any) -> None:
    if call.__name__ != "commit_transaction":
        _insist(self, call, *arguments)
        return
    try:
        call(*arguments)
    except KafkaException as failure:
        if not failure.args[0].retriable():
            raise


def _goes_on_after_refusal(self: Transaction, error: Any) -> None:
    if error.fatal():
        raise InfrastructureError(error.str())
    self._insist(self._producer.abort_transaction, self._timeout_s)


def _takes_fatal_for_abortable(_self: Transaction, error: Any) -> None:
    raise TransactionAborted(error.str())


def _lets_go_when_aborted(self: UnitOfWork, sealed: Sequence[Any], reason: str) -> None:
    _drop(self, sealed, reason)
    for folded in sealed:
        folded.rows.clear()
        folded.task.committed(folded)


# -- the store

_store = UnitOfWork._store


def _stores_before_the_commit(self: UnitOfWork, sealed: Sequence[Any]) -> Any:
    for folded in sealed:
        for rows in folded.rows:
            partition = self._ownership.partitions[folded.task.partition]
            partition.open_store.write(rows.store_rows(), {}, self._sending.wall_clock_us() // 1000)
    return _commit_unit(self, sealed)


def _marks_before_rows(
    self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], now_ms: int
) -> None:
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


def _marks_too_far(self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], as_of_ms: int) -> None:
    _store(self, sealed, {place: offset + 2 for place, offset in landed.items()}, as_of_ms)


def _as_of_after(self: UnitOfWork, sealed: Sequence[Any], landed: dict[tuple[str, int], int], _as_of_ms: int) -> None:
    _store(self, sealed, landed, self._sending.wall_clock_us() // 1000)


# -- restoring

_committed = Restorer._committed
_goals_of = restore.goals_of
_why_unusable = restore.why_unusable
_run = Replay.run


def _looks_at_the_ends_first(self: Any, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    early = _goals_of(self._cluster, division.tables, partition)
    self._cluster.__dict__.setdefault("early", {})[partition] = early
    return _committed(self, client, division, partition, cancelled)


def _early_goals(cluster: Any, _tables: Any, partition: int) -> Any:
    return cluster.early[partition]


def _stable_ends(self: Cluster, partitions: Any) -> dict[tuple[str, int], int]:
    model: Any = self._admin
    return {place: model._broker.log(place).last_stable for place in partitions}


def _stops_at_any_end(self: Replay, messages: Sequence[Any]) -> int:
    count = _gather(self, messages)
    for message in messages:
        if message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF:
            self._position[message.topic()] = max(message.offset(), self._goals[message.topic()].end)
    return count


_gather = Replay._gather


def _does_not_wait_for_pending(self: Restorer, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    client._committed_only = False
    try:
        return _committed(self, client, division, partition, cancelled)
    finally:
        client._committed_only = True


def _replays_uncommitted(self: Replay, marks: Any, as_of_ms: int) -> int:
    self._consumer._committed_only = False
    return _run(self, marks, as_of_ms)


def _trusting(change: Callable[[Any, Any], Any]) -> Callable[..., str]:
    """A look at the store's marks to which one thing about each topic is told as the store would like it."""

    def why_unusable(goals: Sequence[Any], marks: Any, as_of_ms: int, now_ms: int) -> str:
        liked = [change(goal, marks[goal.topic]) if goal.topic in marks else goal for goal in goals]
        return _why_unusable(liked, marks, as_of_ms, now_ms)

    return why_unusable


def _any_topic(goal: Any, mark: Any) -> Any:
    return replace(goal, facts=replace(goal.facts, topic_id=mark.topic_id))


def _any_end(goal: Any, mark: Any) -> Any:
    return replace(goal, end=max(goal.end, mark.offset))


def _any_begin(goal: Any, _mark: Any) -> Any:
    return replace(goal, begin=0)


def _any_age(goal: Any, _mark: Any) -> Any:
    return replace(goal, facts=replace(goal.facts, delete_retention_ms=10**15))


def _skips_what_is_gone(self: Any, client: Any, division: Any, partition: int, cancelled: Any) -> Any:
    begins = self._cluster.begins((topic, partition) for topic in division.topics)
    with patch.object(self._cluster, "begins", lambda places: dict.fromkeys(places, 0)):
        found, never = _committed(self, client, division, partition, cancelled)
    return {topic: (max(offset, begins[topic, partition]), told) for topic, (offset, told) in found.items()}, never


def _reads_from_where_it_can(*arguments: Any, **named: Any) -> Any:
    return {**_group_config(*arguments, **named), "auto.offset.reset": "earliest"}


_group_config: Any = vars(consumer)["group_config"]

_activate = Partition.activate


def _knows_of_no_first_position(
    self: Partition, store: Any, committed: Any, settings: Any, row_limits: Any, _never: Any
) -> None:
    _activate(self, store, committed, settings, row_limits)


# -- positions


def _fastest(self: InputPartition, moved: Any) -> tuple[int, str]:
    return max(moved.get(buffer, buffer.position) for buffer in self.buffers), ""


def _slowest(self: InputPartition, moved: Any) -> tuple[int, str]:
    return min(moved.get(buffer, buffer.position) for buffer in self.buffers), ""


def _before_the_markers(self: InputBuffer, count: int) -> int:
    return self.records[count - 1].offset + 1 if count else self.position


_position_after = InputBuffer.position_after


def _behind_what_is_left(self: InputBuffer, count: int) -> int:
    return max(_position_after(self, count), self._end)


async def _waits_for_ever(self: Engine) -> None:
    await self.wait_until_stopped()


BUGS: tuple[PlantedBug, ...] = (
    # -- assignment and polling
    PlantedBug(
        "runs-on-when-revoked",
        "1 poll: a revoked partition is dropped with its open work",
        "keeps folding what it has buffered",
        ((Ownership, "revoked", _runs_on),),
    ),
    PlantedBug(
        "runs-on-with-the-rest",
        "1 poll: if only some inputs are revoked, the partition stops",
        "goes on with the inputs that are left",
        ((Ownership, "revoked", _runs_on_with_the_rest),),
    ),
    PlantedBug(
        "no-seek-when-back",
        "1 poll: when all inputs are back, each is sought to what is committed",
        "resumes them where the client stands",
        ((GroupConsumer, "read", _reads_on_without_seeking),),
    ),
    PlantedBug(
        "ignores-lost",
        "1 poll: a lost partition is dropped like a revoked one",
        "does nothing when the group has moved on without it",
        ((GroupConsumer, "_on_lost", _nothing),),
    ),
    PlantedBug(
        "begins-at-the-end",
        "1 poll: an assignment begins at a number, so that no later answer overrides the seek",
        "has the client ask the broker for the end",
        ((consumer, "_begin", lambda *_: -1),),
    ),
    PlantedBug(
        "never-resumes",
        "1 poll: an input paused for its size flows again when it is half empty",
        "leaves it paused",
        ((GroupConsumer, "resume_drained", _nothing),),
    ),
    PlantedBug(
        "consumer-error-passes",
        "1 poll: a fatal error of the consumer ends the process",
        "logs it like any other",
        ((GroupConsumer, "_handle", _only_logs),),
    ),
    # -- collecting
    PlantedBug(
        "bare-timestamps",
        "2 collect: of each input a prefix",
        "sorts by the records' timestamps as they are",
        ((buffers, "_by_order", _by_bare_timestamp),),
    ),
    PlantedBug(
        "forgets-the-pinned",
        "2 collect: a record whose handler asked to be called again comes first",
        "sorts it among the others",
        ((Task, "collect", _forgets_the_pinned),),
    ),
    PlantedBug(
        "again-is-done",
        "3 fold: the offset stays before a record whose handler asked to be called again",
        "counts it as done",
        ((Task, "seal", _takes_again_for_done),),
    ),
    PlantedBug(
        "adds-what-was-folded",
        "2 collect: of an input with several readers, each skips what it has folded",
        "buffers all that comes",
        ((InputBuffer, "add", _adds_what_was_folded),),
    ),
    # -- folding
    PlantedBug(
        "no-rollback",
        "3 fold: a record that raises leaves nothing behind: rows",
        "keeps the rows that it wrote",
        ((batch, "rollback", _nothing),),
    ),
    PlantedBug(
        "no-undo-of-sends",
        "3 fold: a record that raises leaves nothing behind: sends",
        "keeps what it sent",
        ((Outbox, "undo_to", _nothing),),
    ),
    PlantedBug(
        "no-dead-letter",
        "3 fold: a record that raises becomes a dead letter",
        "leaves it at that",
        ((Outbox, "dead_letter", _nothing),),
    ),
    PlantedBug(
        "dead-letter-apart",
        "4 transaction: dead letters are in the same transaction",
        "sends them by themselves before it",
        ((UnitOfWork, "_commit", _sends_dead_letters_by_themselves),),
    ),
    PlantedBug(
        "gives-up-on-odd-rows",
        "3 fold: a row that cannot be encoded is its record's fault, found record by record",
        "ends the process",
        ((Task, "seal", _gives_up_on_odd_rows),),
    ),
    PlantedBug(
        "folds-over-dirty-rows",
        "3 fold: a batch that is folded again begins over clean tables",
        "folds over what the first attempt wrote",
        ((Task, "batch", _folds_over_dirty_rows),),
    ),
    PlantedBug(
        "abort-keeps-dirty-rows",
        "Abort: dirty rows are dropped",
        "keeps them for the next attempt",
        ((Task, "drop_dirty", _nothing),),
    ),
    PlantedBug(
        "abort-lets-go",
        "Abort: records stay in the buffer and are folded again",
        "lets them go",
        ((UnitOfWork, "_drop", _lets_go_when_aborted),),
    ),
    PlantedBug(
        "caches-before-the-commit",
        "5 store: rows are served from the cache after the commit only",
        "caches them when they are encoded",
        ((Table, "seal", _caches_before_the_commit),),
    ),
    # -- the transaction
    PlantedBug(
        "offsets-before",
        "4 transaction: input offsets are in it",
        "commits them before it",
        ((Transaction, "commit", _commits_offsets_before),),
    ),
    PlantedBug(
        "offsets-after",
        "4 transaction: input offsets are in it",
        "commits them after it",
        ((Transaction, "commit", _commits_offsets_after),),
    ),
    PlantedBug(
        "offsets-of-nobody",
        "4 transaction: offsets go with the group's metadata, which fences zombies",
        "sends them without",
        ((Transaction, "commit", _as_nobody),),
    ),
    PlantedBug(
        "offsets-only-if-moved",
        "4 transaction: a task with any output puts an offset of its own in, moved or not",
        "sends the offsets that moved, and none if none did",
        ((UnitOfWork, "_offsets", _offsets_that_moved),),
        ("freeze-at/sealed", "freeze-at/flushed", "expire"),
    ),
    PlantedBug(
        "silence-is-success",
        "4 transaction: a commit without an answer is asked for again",
        "takes it for done",
        ((Transaction, "_insist", _takes_silence_for_success),),
        ("error/commit/passing", "kill"),
    ),
    PlantedBug(
        "refusal-is-success",
        "4 transaction: after an abortable error nothing has happened",
        "aborts, and goes on as if it was committed",
        ((Transaction, "_abort", _goes_on_after_refusal),),
    ),
    PlantedBug(
        "fatal-is-abortable",
        "4 transaction: fatal or fenced: stop without committing, be restarted",
        "folds again and begins another transaction",
        ((Transaction, "_abort", _takes_fatal_for_abortable),),
    ),
    PlantedBug(
        "no-guard",
        "4 transaction: a call that does not return ends the process",
        "waits for it",
        ((Engine, "_guard", Service.task(_waits_for_ever)),),
    ),
    # -- the store
    PlantedBug(
        "store-before-the-commit",
        "5 store: only after the commit",
        "writes the rows before",
        ((UnitOfWork, "_commit", _stores_before_the_commit),),
    ),
    PlantedBug(
        "marks-before-rows",
        "5 store: rows of all tables and the marks in one batch",
        "writes the marks in a batch of their own",
        ((UnitOfWork, "_store", _marks_before_rows),),
    ),
    PlantedBug(
        "mark-too-far",
        "5 store: the mark is the offset behind the unit's last record",
        "marks a record more",
        ((UnitOfWork, "_store", _marks_too_far),),
    ),
    PlantedBug(
        "age-after-the-commit",
        "5 store: a store is as old as what comes before its commit",
        "takes the time when it writes: a worker may have been held up for days in between",
        ((UnitOfWork, "_store", _as_of_after),),
        ("freeze-at/committed", "days", "kill", "compact"),
    ),
    # -- restoring
    PlantedBug(
        "ends-before-committed",
        "Restore a, b: first the committed offsets, then the ends; 4c: records before offsets (each covers the other)",
        "asks for the ends first, and sends the offsets before the records",
        (
            (Restorer, "_committed", _looks_at_the_ends_first),
            (restore, "goals_of", _early_goals),
            (Transaction, "_flush", _nothing),
        ),
        ("freeze-at/offsets-sent", "expire"),
    ),
    PlantedBug(
        "stable-ends",
        "Restore b: the high watermark, not the last stable offset",
        "asks for the last stable offset",
        ((Cluster, "ends", _stable_ends),),
        ("hold-markers/any", "kill", "lose-store", "expire"),
    ),
    PlantedBug(
        "pending-offsets",
        "Restore a: pending offsets are waited for",
        "takes what was committed before them",
        ((Restorer, "_committed", _does_not_wait_for_pending),),
        ("hold-markers/offsets", "kill-at/committed", "kill-at/offsets-sent", "expire"),
    ),
    PlantedBug(
        "stops-at-any-end",
        "Restore c: until the end of partition is at or behind the mark",
        "stops at the first end of partition",
        ((Replay, "_gather", _stops_at_any_end),),
        ("hold-markers/any", "kill", "lose-store", "expire"),
    ),
    PlantedBug(
        "replays-uncommitted",
        "Restore: read_committed everywhere",
        "replays aborted records too",
        ((Replay, "run", _replays_uncommitted),),
    ),
    PlantedBug(
        "any-topic",
        "Restore: another topic id: rebuild",
        "trusts the name",
        ((restore, "why_unusable", _trusting(_any_topic)),),
    ),
    PlantedBug(
        "any-end",
        "Restore: a store ahead of its topic: rebuild",
        "trusts the mark",
        ((restore, "why_unusable", _trusting(_any_end)),),
    ),
    PlantedBug(
        "any-begin",
        "Restore: a store before its topic's begin: rebuild",
        "reads from the mark",
        ((restore, "why_unusable", _trusting(_any_begin)),),
    ),
    PlantedBug(
        "any-age",
        "Restore: older than half of delete.retention.ms: rebuild",
        "trusts a store of any age",
        ((restore, "why_unusable", _trusting(_any_age)),),
    ),
    PlantedBug(
        "leaves-stores-open",
        "Restore: one that ends after its partition was revoked closes its store",
        "leaves it open",
        ((ownership, "_close_unwanted", _nothing),),
    ),
    PlantedBug(
        "starts-anew-over-rows",
        "Restore: no committed offsets but rows: refuse",
        "reads everything again",
        ((Restorer, "_check_new", _nothing),),
    ),
    PlantedBug(
        "skips-what-is-gone",
        "Restore: records deleted unread: refuse",
        "goes on from where the log begins",
        ((Restorer, "_committed", _skips_what_is_gone),),
    ),
    PlantedBug(
        "reads-from-where-it-can",
        "1 poll: a position that retention has deleted is an error",
        "lets the client go on from where the log begins",
        ((consumer, "group_config", _reads_from_where_it_can), (GroupConsumer, "_event", _nothing)),
    ),
    PlantedBug(
        "first-position-later",
        "2 collect: a first position is committed although nothing was read",
        "commits it with the first record",
        ((Partition, "activate", _knows_of_no_first_position),),
        ("lost-input", "kill"),
    ),
    # -- positions
    PlantedBug(
        "fastest-reader",
        "2 collect: of an input with several readers the slowest one's offset is committed",
        "commits the fastest one's",
        ((InputPartition, "commit_at", _fastest),),
    ),
    PlantedBug(
        "no-own-positions",
        "2 collect: of an input with several readers each one's position is kept",
        "keeps the slowest one's only",
        ((InputPartition, "commit_at", _slowest),),
    ),
    PlantedBug(
        "before-the-markers",
        "2 collect: positions pass trailing markers",
        "commits the offset behind the last record",
        ((InputBuffer, "position_after", _before_the_markers),),
    ),
    PlantedBug(
        "behind-what-is-left",
        "2 collect: positions pass markers only when nothing is left before them",
        "commits the end although records are still buffered",
        ((InputBuffer, "position_after", _behind_what_is_left),),
    ),
    PlantedBug(
        "no-idle-commit",
        "2 collect: positions behind markers are committed though there is nothing to fold",
        "waits for a record",
        ((Task, "has_position_to_commit", False),),
    ),
)


#: Steps of which no single planted bug can tell, and why: another step covers for each.
COVERED_TWICE: tuple[tuple[str, str], ...] = (
    (
        "1 poll: the group's metadata is taken when the poll ends, not when the transaction does",
        "a client that has lost its membership joins again only after a poll: until then its metadata is refused",
    ),
    (
        "start: the transactional id is claimed before the group is joined",
        "a predecessor loses its membership before its heir gets the partition, and offsets fence it",
    ),
    (
        "4a results before state records",
        "both become visible with one transaction; the order is a courtesy to readers of both topics",
    ),
    (
        "4c flush before the offsets, and Restore a before b",
        "either is enough for an heir to see the predecessor's last unit; `ends-before-committed` leaves out both",
    ),
    (
        "1 poll: new partitions are paused, inputs of a partition that waits are held",
        "what comes before the seek belongs to no buffer and is dropped, the seek reads it again: it saves work",
    ),
    (
        "Restore: waits for the cancelled restore of the same partition",
        "a store that is still open is waited for too",
    ),
    (
        "5 store: marks at all",
        "without a mark a store is rebuilt from its topics at the next start: slow, not wrong",
    ),
)
