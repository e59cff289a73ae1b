"""Whether partitions move, judged from what a worker's parts hold. Asking costs and blocks nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.engine.buffers import InputPartition
from streams.engine.partition import Partition, Phase
from streams.engine.settings import EngineSettings
from streams.engine.status import InputStatus, PartitionStatus

EndOffset = Callable[[str, int], int | None]
"""Where an input ends, by topic and partition; None: not known yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a unit of work is waiting for: ``who`` has not done ``what``. ``partitions`` wait for it; none: all do."""

    who: str
    what: str
    partitions: tuple[int, ...]
    since_s: float

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.partitions))
        whose = f"partition{'s' if len(self.partitions) > 1 else ''} {numbers} stuck" if numbers else "every one stuck"
        return f"{whose}: {self.who} has not {self.what}"


class Readiness:
    """Tells partitions that move from those that do not.

    A worker that has little to do, or much, is ready as long as each step of its units ends in time; one that hangs in
    a call or in an agent is not, whatever it waits for.
    """

    def __init__(self, settings: EngineSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock

    def why_late(self, step: Step | None) -> str:
        """What a step waits for that takes longer than it may; empty if there is none."""
        age_s = 0.0 if step is None else self._clock() - step.since_s
        return f"{step} for {age_s:.0f} s" if age_s * 1000 > self._settings.late_after_ms else ""

    def partition(self, partition: Partition, end_offset: EndOffset, step: Step | None) -> PartitionStatus:
        """One partition, while the unit of work is at ``step``."""
        inputs = input_statuses(partition, end_offset)
        still_ms = (self._clock() - partition.moved_s) * 1000
        holds_records = any(status.buffered_records for status in inputs)
        waits = step is not None and (not step.partitions or partition.number in step.partitions)
        return PartitionStatus(
            partition=partition.number,
            phase=partition.phase.value,
            missing_inputs=partition.missing_inputs,
            remaining=partition.remaining,
            stuck=(waits and bool(self.why_late(step))) or (holds_records and still_ms > self._settings.stuck_after_ms),
            owner_since_ms=partition.since_ms,
            inputs=inputs,
            marks={topic: mark.offset for topic, mark in list(partition.marks.items())},
        )


def input_statuses(partition: Partition, end_offset: EndOffset) -> tuple[InputStatus, ...]:
    """How far a partition's inputs are read."""
    return tuple(_input_status(source, end_offset) for source in list(partition.reading.values()))


def _input_status(source: InputPartition, end_offset: EndOffset) -> InputStatus:
    end = end_offset(source.topic, source.partition)
    return InputStatus(
        topic=source.topic,
        partition=source.partition,
        position=source.position,
        lag=None if end is None else max(0, end - source.position),
        buffered_records=max(len(buffer.records) for buffer in source.buffers),
        buffered_bytes=source.size_bytes,
        paused=source.is_paused,
        watermark_us=max(buffer.watermark_us for buffer in source.buffers),
    )


def why_not_ready(partitions: Sequence[PartitionStatus]) -> str:
    """Of the first partition that is not worked on; empty if all are."""
    for status in partitions:
        if status.stuck:
            return f"partition {status.partition} holds records and does not move"
        if status.phase == Phase.RESTORING:
            return f"partition {status.partition} is being restored, {status.remaining} records to go"
        if status.phase == Phase.PARTIAL:
            return f"partition {status.partition} waits for its inputs {', '.join(status.missing_inputs)}"
    return ""
