"""Everything the engine can be told. Filled in by the program's settings; the engine reads no environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

MIB = 1024 * 1024


class GroupProtocol(StrEnum):
    """How the group is formed. AUTO tries KIP-848 and falls back to the classic protocol for brokers before 4.0."""

    AUTO = "auto"
    CONSUMER = "consumer"
    CLASSIC = "classic"


@dataclass(frozen=True, kw_only=True)
class BreakerSettings:
    """The worker stops when more than `share` of the last `window_keys` keys that an agent folded had dead letters.

    Keys are counted, and nothing trips before `least_dead_keys` of them, so that a single bad file stops nobody.
    """

    window_keys: int = 1000
    share: float = 0.5
    least_dead_keys: int = 100


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Immutable settings of one worker. Times in milliseconds, sizes in bytes, as the names say.

    `client` is the librdkafka configuration every client shares: bootstrap.servers and security. `transactional_id` is
    stable for an instance: a restarted worker frees its dead transaction at once, and two workers may not share one.
    """

    client: Mapping[str, str | int | float | bool]
    group_id: str
    transactional_id: str
    data_dir: Path
    partitions: int
    group_protocol: GroupProtocol = GroupProtocol.AUTO
    client_id: str = ""
    """What the group's consumer says of itself: whoever describes the group reads it for as long as it is a member."""

    unit_interval_ms: int = 20
    """A unit of work starts at most this often: the floor of latency and the lever on cost an event."""
    unit_max_records: int = 2000
    unit_bytes: int = 32 * MIB
    """What all tasks send, and read from their stores, in one unit; a task takes no more records beyond its part."""
    unit_fold_ms: int = 500
    """So long the folds of one unit take, and one record more for each task."""
    unit_beside_ms: int = 40
    """The same while some partitions are behind and others are not: these wait so long for the next unit."""
    poll_interval_ms: int = 100
    """How long an idle worker waits in one poll: the delay of a stop signal and of a restored partition's start."""
    idle_commit_ms: int = 500
    """How soon positions behind trailing transaction markers are committed when nothing else is."""

    input_buffer_bytes: int = MIB
    """An input partition is paused above this and resumed below half of it."""
    all_buffers_bytes: int = 64 * MIB
    """The same of all input partitions of the worker together: where they are many, each has its share of it."""
    fetch_queue_bytes: int = 8 * MIB
    """Bound of librdkafka's own prefetch queue, for the whole worker."""
    table_cache_bytes: int = 2 * MIB
    """Encoded size of the rows that one table of one partition keeps decoded in memory, where they take several times
    as much (payments 6.4 times: 12 kB a row)."""
    block_cache_bytes: int = 16 * MIB
    """RocksDB's block cache, shared by all partitions of the worker."""
    write_buffer_bytes: int = 4 * MIB

    session_timeout_ms: int = 10_000
    """Classic groups only: in KIP-848 groups the broker decides (`group.consumer.session.timeout.ms`)."""
    max_poll_interval_ms: int = 300_000
    transaction_timeout_ms: int = 10_000
    request_timeout_ms: int = 5_000
    """How long one blocking call to Kafka may take before the engine looks whether it should stop, and calls again."""
    max_aborts_in_a_row: int = 50

    clock_interval_ms: int = 1_000
    """How often proved time moves on at most."""
    clock_allowance_ms: int = 2_000
    """How far proved time stays behind the broker's: for clocks that differ between brokers, and for records on their
    way into the log. Where topics are replicated the brokers' replica.lag.time.max.ms is added."""
    clock_patience_ms: int = 2_000
    """How long proved time waits for a backlog to be read before it follows it record by record."""

    restore_threads: int = 2
    stop_timeout_ms: int = 15_000
    """A worker that was told to stop, or that crashed, is ended hard after this time."""
    stalled_after_ms: int = 12_000
    """A call to Kafka that has not returned for so long never will: the process is ended hard, to be restarted.

    No call is given more than `request_timeout_ms`, and one that came later than `transaction_timeout_ms` could commit
    nothing any more. Never sooner than that: a commit may take so long. After a broker's restart this is most of the
    time that a worker stands still, because librdkafka often does not return then."""
    stuck_after_ms: int = 30_000
    """A partition that holds records but has not moved for this long is reported as stuck: the worker is not ready."""
    late_after_ms: int = 5_000
    """A step of a unit of work that takes longer is late: an agent with its records, a poll, a commit with all that it
    repeats. Its partitions are stuck, and the worker is not ready until the step ends."""
    silent_after_ms: int = 5_000
    """A worker that has committed nothing for this long asks whether Kafka is still there, again and again."""
    alive_within_ms: int = 60_000

    breaker: BreakerSettings = field(default_factory=BreakerSettings)

    def __post_init__(self) -> None:
        problems = [
            f"{name} is {value}, expected a positive number"
            for name, value in vars(self).items()
            if isinstance(value, int) and not isinstance(value, bool) and value <= 0
        ]
        problems += [f"{name} is empty" for name in ("group_id", "transactional_id") if not getattr(self, name)]
        if "bootstrap.servers" not in self.client:
            problems.append("client has no bootstrap.servers")
        if problems:
            raise ValueError("engine settings: " + "; ".join(problems))

    @property
    def store_root(self) -> Path:
        """The folder of this instance's stores: instances never share one, so a zombie cannot hold another's lock."""
        return self.data_dir / self.group_id / self.transactional_id
