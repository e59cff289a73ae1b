"""Tells a cluster what the simulated company and its banks say: bodies through the submitter, files through the intake.

Messages go out in the order of the plan, window by window: the bodies of a window in transactions, its files beside
them, several at once, because a file costs a transaction and a producer of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

from connectors.intake.archive import Archive
from connectors.intake.ingest import Intake
from connectors.intake.reading import Formats, Request
from connectors.intake.submit import Event, Submitter
from schemas.records import FileStatus
from streams.simulator.said import Body, File, Said
from streams.simulator.simulation import Simulation

_FILES_AT_ONCE: Final = 6
_WINDOW: Final = 2_000
#: At a rate, a window is what is due in this time.
_WINDOW_S: Final = 0.1

Progress = Callable[["Published"], None]
"""Told after every window what has been published so far."""


class RefusedFileError(RuntimeError):
    """The intake refused a file of the simulator's: one of the two is wrong."""


@dataclass(slots=True)
class Published:
    """``bodies`` and ``files`` said; ``files_again``: bytes that were taken before; ``records``: on payments.raw.v1."""

    bodies: int = 0
    files: int = 0
    files_again: int = 0
    records: int = 0


@dataclass(slots=True)
class Pace:
    """Keeps to ``rate`` records a second on average; 0: no limit. The clock and the waiting are the caller's."""

    rate: float
    now_s: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    _began_s: float | None = field(default=None)

    @property
    def window(self) -> int:
        """How many messages to say before looking at the clock again."""
        return max(1, round(self.rate * _WINDOW_S)) if self.rate > 0 else _WINDOW

    def keep(self, records: int) -> None:
        """Wait until ``records`` are due, counted from the first call."""
        if self._began_s is None:
            self._began_s = self.now_s()
        if self.rate > 0:
            early_s = self._began_s + records / self.rate - self.now_s()
            if early_s > 0:
                self.wait(early_s)


class Voice:
    """An open connection to a cluster to say things through. ``clock`` gives microseconds UTC, for the ledger."""

    def __init__(
        self,
        client: Mapping[str, Any],
        archive_url: str,
        formats: Formats,
        generation: int = 1,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._submitter = Submitter(client, "simulator", generation)
        self._intakes = [
            Intake(client, Archive(archive_url), formats, generation, clock) for _ in range(_FILES_AT_ONCE)
        ]
        self._free: SimpleQueue[Intake] = SimpleQueue()
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self._submitter)
            for intake in self._intakes:
                self._free.put(opening.enter_context(intake))
            self._folder = Path(opening.enter_context(TemporaryDirectory(prefix="paystate-simulate-")))
            self._pool = opening.enter_context(ThreadPoolExecutor(_FILES_AT_ONCE, "file"))
            self._opened = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.__exit__(kind, error, at)

    def say(
        self,
        said: Sequence[Said],
        pace: Pace,
        progress: Progress = lambda _: None,
        before: Published | None = None,
    ) -> Published:
        """Publish all, in order of their windows; counts go on from ``before``.

        Raises RefusedFileError, PublishError, IngestError, OSError.
        """
        so_far = before or Published()
        for window in _windows(said, pace.window):
            pace.keep(so_far.records)
            self._say_window(window, so_far)
            progress(so_far)
        return so_far

    def _say_window(self, window: Sequence[Said], so_far: Published) -> None:
        files = [self._pool.submit(self._ingest, same) for same in _by_content(window)]
        submitted = self._submitter.submit(_event(item) for item in window if isinstance(item, Body))
        so_far.bodies += submitted
        so_far.records += submitted
        for published in (count for future in files for count in future.result()):
            so_far.files += 1
            so_far.files_again += published is None
            so_far.records += published or 0

    def _ingest(self, same: Sequence[File]) -> list[int | None]:
        """Files of the same bytes, one after the other: two at once would only fence each other."""
        return [self._ingest_one(file) for file in same]

    def _ingest_one(self, file: File) -> int | None:
        """The records published; None if these bytes were taken before."""
        path = self._folder / file.name
        path.write_bytes(file.content)
        intake = self._free.get()
        try:
            outcome = intake.ingest(path, Request(source=file.bank, bank=file.bank))
        finally:
            self._free.put(intake)
            path.unlink()
        if outcome.status is FileStatus.REFUSED:
            raise RefusedFileError(f"{file.name}: {outcome.entry.reason}: {outcome.entry.detail}")
        return None if outcome.status is FileStatus.DUPLICATE else outcome.published


def tell(
    voice: Voice, company: Simulation, pace: Pace, patience_s: float, progress: Progress = lambda _: None
) -> Published:
    """All that the company says; what is held back ``patience_s`` after what waits for it has been published.

    Raises what ``Voice.say`` raises.
    """
    on_time = len(company.said) - company.held_back
    all_wait_since_s: float | None = None

    def look(so_far: Published) -> None:
        nonlocal all_wait_since_s
        if all_wait_since_s is None and so_far.bodies + so_far.files >= company.awaited:
            all_wait_since_s = pace.now_s()
        progress(so_far)

    so_far = voice.say(company.said[:on_time], pace, look)
    if company.held_back and all_wait_since_s is not None:
        pace.wait(max(0.0, all_wait_since_s + patience_s - pace.now_s()))
    return voice.say(company.said[on_time:], pace, progress, so_far)


def _windows(said: Sequence[Said], size: int) -> Iterator[Sequence[Said]]:
    return (said[start : start + size] for start in range(0, len(said), size))


def _by_content(window: Sequence[Said]) -> Iterable[Sequence[File]]:
    """The files of a window, those of the same bytes together."""
    found: dict[bytes, list[File]] = {}
    for item in window:
        if isinstance(item, File):
            found.setdefault(item.content, []).append(item)
    return found.values()


def _event(body: Body) -> Event:
    return Event(
        source=body.source,
        source_message_id=body.source_message_id,
        format=body.format,
        kind=body.format,
        payload=body.payload,
        authentication="simulator",
        sender=body.sender,
    )
