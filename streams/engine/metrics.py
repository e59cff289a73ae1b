"""What the engine reports about itself. The program gives an implementation; without one nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol


class Metrics(Protocol):
    """Called from the engine's own threads: an implementation must be quick and thread-safe.

    Durations are seconds, sizes counts. Counters move only after the commit, so they count what the state accepted.
    """

    def unit_committed(self, duration_s: float, commit_s: float, records: int) -> None:
        """A unit of work was committed; `commit_s` is the transaction's share of `duration_s`."""

    def unit_aborted(self, reason: str) -> None:
        """A transaction was aborted; its records are folded again."""

    def agent_folded(self, agent: str, duration_s: float, records: int) -> None:
        """An agent folded a batch."""

    def noted(self, agent: str, items: Sequence[object]) -> None:
        """What handlers noted with `out.note`, committed."""

    def dead_letter(self, topic: str, reason_class: str) -> None:
        """A record of the topic became a dead letter, committed."""

    def rebalanced(self, assigned: int, revoked: int, lost: int) -> None:
        """Input partitions changed hands."""

    def released(self, topic: str, partition: int) -> None:
        """An input partition is no longer this worker's."""

    def owns(self, partition: int, generation: int | None) -> None:
        """This worker owns the partition since `generation` (larger is newer); None: no more."""

    def holds(self, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        """This worker took over the partition: `rows(table)` is a snapshot of a table before any fold of its own.

        It may be read beside the work; when `owns(partition, None)` returns it is let go, for it keeps the store open.
        """

    def recovery(self, partition: int, table: str, remaining: int) -> None:
        """Records of a table's changelog still to be replayed."""

    def recovered(self, partition: int, duration_s: float, records: int) -> None:
        """A partition's store is current."""

    def progress(self, topic: str, partition: int, lag: int, watermark_us: int) -> None:
        """Records behind the end of an input, and the log-append time of the last one that was committed."""

    def proved(self, at_us: int) -> None:
        """This worker keeps proved time, which is now `at_us` (microseconds since 1970 UTC)."""


class NoMetrics:
    """Records nothing."""

    def unit_committed(self, duration_s: float, commit_s: float, records: int) -> None:
        """See Metrics."""

    def unit_aborted(self, reason: str) -> None:
        """See Metrics."""

    def agent_folded(self, agent: str, duration_s: float, records: int) -> None:
        """See Metrics."""

    def noted(self, agent: str, items: Sequence[object]) -> None:
        """See Metrics."""

    def dead_letter(self, topic: str, reason_class: str) -> None:
        """See Metrics."""

    def rebalanced(self, assigned: int, revoked: int, lost: int) -> None:
        """See Metrics."""

    def released(self, topic: str, partition: int) -> None:
        """See Metrics."""

    def owns(self, partition: int, generation: int | None) -> None:
        """See Metrics."""

    def holds(self, partition: int, rows: Callable[[str], Iterator[bytes]]) -> None:
        """See Metrics."""

    def recovery(self, partition: int, table: str, remaining: int) -> None:
        """See Metrics."""

    def recovered(self, partition: int, duration_s: float, records: int) -> None:
        """See Metrics."""

    def progress(self, topic: str, partition: int, lag: int, watermark_us: int) -> None:
        """See Metrics."""

    def proved(self, at_us: int) -> None:
        """See Metrics."""
