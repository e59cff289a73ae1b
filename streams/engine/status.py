"""What a worker knows of itself, as facts a page, a probe or `doctor` can show. Asking costs and blocks nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EngineState(StrEnum):
    """STARTING until the group is joined, RUNNING, STOPPING after a signal, FAILED when the process is about to end."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class InputStatus:
    """One input partition. `lag` counts offsets up to the last stable one, None before the first fetch."""

    topic: str
    partition: int
    position: int
    lag: int | None
    buffered_records: int
    buffered_bytes: int
    paused: bool
    watermark_us: int


@dataclass(frozen=True)
class PartitionStatus:
    """One partition: its phase, what it waits for, and whether it moves."""

    partition: int
    phase: str
    missing_inputs: tuple[str, ...]
    remaining: int
    stuck: bool
    owner_since_ms: int
    inputs: tuple[InputStatus, ...]
    marks: dict[str, int]
    """How far the store is, by changelog topic (offset)."""


@dataclass(frozen=True)
class EngineStatus:
    """A worker. `live`: restarting it would not help. `ready`: it does what it was assigned to do."""

    state: EngineState
    live: bool
    ready: bool
    reason: str
    """Why it is not ready or not live, empty when it is both."""
    group_id: str
    member_id: str
    group_protocol: str
    partitions: tuple[PartitionStatus, ...]
    units: int
    aborted_units: int
    rebalances: int
    last_turn_age_s: float
    last_error: str
