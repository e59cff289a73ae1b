"""Planted bugs: one for each step of the protocol, as data. The simulation must find every one of them.

A bug is a replacement of one method or function of the engine, as somebody could write it in good faith.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from mode import Service

from streams import offsets
from streams.engine import batch, buffers, consumer, ownership, partition, restore
from streams.engine.buffers import InputBuffer, InputPartition
from streams.engine.consumer import GroupConsumer
from streams.engine.engine import Engine
from streams.engine.outbox import Outbox
from streams.engine.ownership import Ownership
from streams.engine.partition import Partition, Task
from streams.engine.restore import Replay, Restorer
from streams.engine.table import Table
from streams.engine.topology import Cluster
from streams.engine.transaction import Transaction
from streams.engine.work import UnitOfWork

from . import mutations

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


BUGS: tuple[PlantedBug, ...] = (
    # -- assignment and polling
    PlantedBug(
        "runs-on-when-revoked",
        "1 poll: a revoked partition is dropped with its open work",
        "keeps folding what it has buffered",
        ((Ownership, "revoked", mutations.runs_on),),
    ),
    PlantedBug(
        "runs-on-with-the-rest",
        "1 poll: if only some inputs are revoked, the partition stops",
        "goes on with the inputs that are left",
        ((Ownership, "revoked", mutations.runs_on_with_the_rest),),
    ),
    PlantedBug(
        "no-seek-when-back",
        "1 poll: when all inputs are back, each is sought to what is committed",
        "resumes them where the client stands",
        ((GroupConsumer, "read", mutations.reads_on_without_seeking),),
    ),
    PlantedBug(
        "ignores-lost",
        "1 poll: a lost partition is dropped like a revoked one",
        "does nothing when the group has moved on without it",
        ((GroupConsumer, "_on_lost", mutations.nothing),),
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
        ((GroupConsumer, "resume_drained", mutations.nothing),),
    ),
    PlantedBug(
        "consumer-error-passes",
        "1 poll: a fatal error of the consumer ends the process",
        "logs it like any other",
        ((GroupConsumer, "_handle", mutations.only_logs),),
    ),
    # -- collecting
    PlantedBug(
        "bare-timestamps",
        "2 collect: of each input a prefix",
        "sorts by the records' timestamps as they are",
        ((buffers, "_by_order", mutations.by_bare_timestamp),),
    ),
    PlantedBug(
        "forgets-the-pinned",
        "2 collect: a record whose handler asked to be called again comes first",
        "sorts it among the others",
        ((Task, "collect", mutations.forgets_the_pinned),),
    ),
    PlantedBug(
        "forgets-the-pinned-at-a-takeover",
        "2 collect: it comes first for the next worker too: the pin is committed with the offset",
        "knows of it in memory only",
        ((partition, "standing_of", mutations.without_pins),),
    ),
    PlantedBug(
        "does-not-wait-for-the-pinned",
        "2 collect: until it is read again after a takeover, the other inputs wait",
        "folds what is there",
        ((Task, "collect", mutations.does_not_wait_for_the_pinned),),
    ),
    PlantedBug(
        "commits-no-new-pin",
        "4 transaction: an input that is pinned anew is committed although it has not moved",
        "commits the inputs that have moved",
        ((InputBuffer, "standing", property(mutations.claims_what_has_moved)),),
    ),
    PlantedBug(
        "again-is-done",
        "3 fold: the offset stays before a record whose handler asked to be called again",
        "counts it as done",
        ((Task, "seal", mutations.takes_again_for_done),),
    ),
    PlantedBug(
        "cut-off-is-done",
        "3 fold: what a batch leaves, as its part of the unit was enough for no more, is folded in the next one",
        "counts it as done",
        ((Task, "seal", mutations.takes_what_was_cut_off_for_done),),
    ),
    PlantedBug(
        "adds-what-was-folded",
        "2 collect: of an input with several readers, each skips what it has folded",
        "buffers all that comes",
        ((InputBuffer, "add", mutations.adds_what_was_folded),),
    ),
    # -- folding
    PlantedBug(
        "no-rollback",
        "3 fold: a record that raises leaves nothing behind: rows",
        "keeps the rows that it wrote",
        ((batch, "rollback", mutations.nothing),),
    ),
    PlantedBug(
        "no-undo-of-sends",
        "3 fold: a record that raises leaves nothing behind: sends",
        "keeps what it sent",
        ((Outbox, "undo_to", mutations.nothing),),
    ),
    PlantedBug(
        "no-dead-letter",
        "3 fold: a record that raises becomes a dead letter",
        "leaves it at that",
        ((Outbox, "dead_letter", mutations.nothing),),
    ),
    PlantedBug(
        "dead-letter-apart",
        "4 transaction: dead letters are in the same transaction",
        "sends them by themselves before it",
        ((UnitOfWork, "_commit", mutations.sends_dead_letters_by_themselves),),
    ),
    PlantedBug(
        "gives-up-on-odd-rows",
        "3 fold: a row that cannot be encoded is its record's fault",
        "ends the process",
        ((batch, "keep_written", mutations.gives_up_on_odd_rows),),
    ),
    PlantedBug(
        "encodes-with-the-unit",
        "3 fold: a row that cannot be encoded is its record's fault, whatever comes after it in the unit",
        "encodes the rows as the unit leaves them, and record by record only if one of those cannot be",
        ((UnitOfWork, "_fold", mutations.encodes_with_the_unit),),
    ),
    PlantedBug(
        "abort-keeps-dirty-rows",
        "Abort: dirty rows are dropped",
        "keeps them for the next attempt",
        ((Task, "drop_dirty", mutations.nothing),),
    ),
    PlantedBug(
        "abort-lets-go",
        "Abort: records stay in the buffer and are folded again",
        "lets them go",
        ((UnitOfWork, "_drop", mutations.lets_go_when_aborted),),
    ),
    PlantedBug(
        "caches-before-the-commit",
        "5 store: rows are served from the cache after the commit only",
        "caches them when they are encoded",
        ((Table, "seal", mutations.caches_before_the_commit),),
    ),
    # -- the transaction
    PlantedBug(
        "offsets-before",
        "4 transaction: input offsets are in it",
        "commits them before it",
        ((Transaction, "commit", mutations.commits_offsets_before),),
    ),
    PlantedBug(
        "offsets-after",
        "4 transaction: input offsets are in it",
        "commits them after it",
        ((Transaction, "commit", mutations.commits_offsets_after),),
    ),
    PlantedBug(
        "offsets-of-nobody",
        "4 transaction: offsets go with the group's metadata, which fences zombies",
        "sends them without",
        ((Transaction, "commit", mutations.as_nobody),),
    ),
    PlantedBug(
        "offsets-only-if-moved",
        "4 transaction: a task with any output puts an offset of its own in, moved or not",
        "sends the offsets that moved, and none if none did",
        ((UnitOfWork, "_offsets", mutations.offsets_that_moved),),
        ("freeze-at/sealed", "freeze-at/flushed", "expire"),
    ),
    PlantedBug(
        "silence-is-success",
        "4 transaction: a commit without an answer is asked for again",
        "takes it for done",
        ((Transaction, "_insist", mutations.takes_silence_for_success),),
        ("error/commit/passing", "kill"),
    ),
    PlantedBug(
        "refusal-is-success",
        "4 transaction: after an abortable error nothing has happened",
        "aborts, and goes on as if it was committed",
        ((Transaction, "_abort", mutations.goes_on_after_refusal),),
    ),
    PlantedBug(
        "fatal-is-abortable",
        "4 transaction: fatal or fenced: stop without committing, be restarted",
        "folds again and begins another transaction",
        ((Transaction, "_abort", mutations.takes_fatal_for_abortable),),
    ),
    PlantedBug(
        "no-guard",
        "4 transaction: a call that does not return ends the process",
        "waits for it",
        ((Engine, "_guard", Service.task(mutations.waits_for_ever)),),
    ),
    # -- the store
    PlantedBug(
        "store-before-the-commit",
        "5 store: only after the commit",
        "writes the rows before",
        ((UnitOfWork, "_commit", mutations.stores_before_the_commit),),
    ),
    PlantedBug(
        "marks-before-rows",
        "5 store: rows of all tables and the marks in one batch",
        "writes the marks in a batch of their own",
        ((UnitOfWork, "_store", mutations.marks_before_rows),),
    ),
    PlantedBug(
        "mark-too-far",
        "5 store: the mark is the offset behind the unit's last record",
        "marks a record more",
        ((UnitOfWork, "_store", mutations.marks_too_far),),
    ),
    PlantedBug(
        "age-after-the-commit",
        "5 store: a store is as old as what comes before its commit",
        "takes the time when it writes: a worker may have been held up for days in between",
        ((UnitOfWork, "_store", mutations.as_of_after),),
        ("freeze-at/committed", "days", "kill", "compact"),
    ),
    # -- restoring
    PlantedBug(
        "ends-before-committed",
        "Restore a, b: first the committed offsets, then the ends; 4c: records before offsets (each covers the other)",
        "asks for the ends first, and sends the offsets before the records",
        (
            (Restorer, "_committed", mutations.looks_at_the_ends_first),
            (restore, "goals_of", mutations.early_goals),
            (Transaction, "_flush", mutations.nothing),
        ),
        ("freeze-at/offsets-sent", "expire"),
    ),
    PlantedBug(
        "silence-is-an-offset",
        "Restore a, b: an end that no leader has said is asked for again (ADR 37)",
        "takes the offset that the client gives for a silent leader",
        ((offsets, "OFFSET_INVALID", None),),
        ("error", "move", "lose-store"),
    ),
    PlantedBug(
        "stable-ends",
        "Restore b: the high watermark, not the last stable offset",
        "asks for the last stable offset",
        ((Cluster, "ends", mutations.stable_ends),),
        ("hold-markers/any", "kill", "lose-store", "expire"),
    ),
    PlantedBug(
        "pending-offsets",
        "Restore a: pending offsets are waited for",
        "takes what was committed before them",
        ((Restorer, "_committed", mutations.does_not_wait_for_pending),),
        ("hold-markers/offsets", "kill-at/committed", "kill-at/offsets-sent", "expire"),
    ),
    PlantedBug(
        "stops-at-any-end",
        "Restore c: until the end of partition is at or behind the mark",
        "stops at the first end of partition",
        ((Replay, "_gather", mutations.stops_at_any_end),),
        ("hold-markers/any", "kill", "lose-store", "expire"),
    ),
    PlantedBug(
        "replays-uncommitted",
        "Restore: read_committed everywhere",
        "replays aborted records too",
        ((Replay, "run", mutations.replays_uncommitted),),
    ),
    PlantedBug(
        "any-topic",
        "Restore: another topic id: rebuild",
        "trusts the name",
        ((restore, "why_unusable", mutations.trusting(mutations.any_topic)),),
    ),
    PlantedBug(
        "any-end",
        "Restore: a store ahead of its topic: rebuild",
        "trusts the mark",
        ((restore, "why_unusable", mutations.trusting(mutations.any_end)),),
    ),
    PlantedBug(
        "any-begin",
        "Restore: a store before its topic's begin: rebuild",
        "reads from the mark",
        ((restore, "why_unusable", mutations.trusting(mutations.any_begin)),),
    ),
    PlantedBug(
        "any-age",
        "Restore: older than half of delete.retention.ms: rebuild",
        "trusts a store of any age",
        ((restore, "why_unusable", mutations.trusting(mutations.any_age)),),
    ),
    PlantedBug(
        "leaves-stores-open",
        "Restore: one that ends after its partition was revoked closes its store",
        "leaves it open",
        ((ownership, "_close_unwanted", mutations.nothing),),
    ),
    PlantedBug(
        "starts-anew-over-rows",
        "Restore: no committed offsets but rows: refuse",
        "reads everything again",
        ((Restorer, "_check_new", mutations.nothing),),
    ),
    PlantedBug(
        "skips-what-is-gone",
        "Restore: records deleted unread: refuse",
        "goes on from where the log begins",
        ((Restorer, "_committed", mutations.skips_what_is_gone),),
    ),
    PlantedBug(
        "reads-from-where-it-can",
        "1 poll: a position that retention has deleted is an error",
        "lets the client go on from where the log begins",
        ((consumer, "group_config", mutations.reads_from_where_it_can), (GroupConsumer, "_event", mutations.nothing)),
    ),
    PlantedBug(
        "first-position-later",
        "2 collect: a first position is committed although nothing was read",
        "commits it with the first record",
        ((Partition, "activate", mutations.knows_of_no_first_position),),
        ("lost-input", "kill"),
    ),
    PlantedBug(
        "first-positions-apart",
        "2 collect: the first positions of a partition's inputs are committed together",
        "commits those of the agents that have something to fold",
        ((Task, "is_new", False),),
    ),
    # -- positions
    PlantedBug(
        "fastest-reader",
        "2 collect: of an input with several readers the slowest one's offset is committed",
        "commits the fastest one's",
        ((InputPartition, "commit_at", mutations.fastest),),
    ),
    PlantedBug(
        "no-own-positions",
        "2 collect: of an input with several readers each one's position is kept",
        "keeps the slowest one's only",
        ((InputPartition, "commit_at", mutations.slowest),),
    ),
    PlantedBug(
        "before-the-markers",
        "2 collect: positions pass trailing markers",
        "commits the offset behind the last record",
        ((InputBuffer, "position_after", mutations.before_the_markers),),
    ),
    PlantedBug(
        "behind-what-is-left",
        "2 collect: positions pass markers only when nothing is left before them",
        "commits the end although records are still buffered",
        ((InputBuffer, "position_after", mutations.behind_what_is_left),),
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
