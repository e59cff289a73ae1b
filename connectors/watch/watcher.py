"""Looks at the drop folder again and again: what is whole goes through the intake, then to where it belongs.

Correct whenever the process dies: a file leaves the folder only after its fate is committed to the ledger. One that was
published but not moved is a duplicate at the next look, and is moved then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException

from connectors.intake.ingest import IngestError, Intake, Outcome
from connectors.intake.ledger import LedgerUnreadableError
from connectors.intake.publish import PublishError
from connectors.intake.reading import Request
from connectors.watch.filing import ChangedError, Filing, Reason
from connectors.watch.listing import Found, files_below
from connectors.watch.patience import Patience
from connectors.watch.reading_rules import ReadingRules
from connectors.watch.settling import Settling
from connectors.watch.stopping import Stop
from schemas.records import FileStatus

_HASH_SHOWN: Final = 16
_LONGEST_AWAY_S: Final = 60.0


class AwayError(Exception):
    """The cluster does not answer; the message says why and what to look at."""


class Door(Protocol):
    """The way into the cluster."""

    def intake(self) -> Intake:
        """An intake of a cluster that answers. Raises AwayError."""

    def reopen(self) -> None:
        """Something went wrong in the intake: the next one is a new one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a file. Without an ``outcome`` it lies where it lay, for the reason in ``problem``."""

    path: Path
    outcome: Outcome | None
    filed: Path | None
    problem: str | None


class Reporter(Protocol):
    """Who is told: one line a file, and when the cluster goes away or comes back."""

    def file(self, told: Told) -> None:
        """A file that was taken, refused or left."""

    def away(self, problem: str, again_in_s: float) -> None:
        """The cluster cannot be reached: all files stay in place."""

    def back(self) -> None:
        """The cluster answers again."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: how many files were dealt with, and those that are still being written."""

    done: int
    unsettled: tuple[Path, ...]


class Watcher:
    """Watches ``root``, whose lock its caller holds. ``reading``: the rules by which each file is read."""

    def __init__(
        self,
        root: Path,
        reading: ReadingRules,
        settling: Settling,
        door: Door,
        reporter: Reporter,
        stop: Stop,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._reading = reading
        self._settling = settling
        self._door = door
        self._reporter = reporter
        self._stop = stop
        self._filing = Filing(root)
        self._patience = Patience(monotonic_s)

    def run(self, interval_s: float) -> None:
        """Look until told to stop. A cluster that is away is asked for again, less often the longer it is."""
        away_s = 0.0
        while not self._stop.requested:
            try:
                self.look()
            except AwayError as error:
                away_s = min(max(away_s * 2, interval_s), _LONGEST_AWAY_S)
                self._reporter.away(str(error), away_s)
            else:
                if away_s:
                    self._reporter.back()
                away_s = 0.0
            self._stop.pause(away_s or interval_s)

    def drain(self, interval_s: float, settle_s: float) -> tuple[Path, ...]:
        """Look until nothing is left to take. Returns the files that were still being written. Raises AwayError.

        Files that only have to settle are waited for, those that failed are not tried again.
        """
        quiet_s = 0.0
        while not self._stop.requested:
            look = self.look()
            quiet_s = 0.0 if look.done else quiet_s
            if not look.unsettled or quiet_s > settle_s:
                return look.unsettled
            self._stop.pause(interval_s)
            quiet_s += interval_s
        return ()

    def look(self) -> Look:
        """Deal with every file that is whole now. Raises AwayError; what is wrong with one file is told, not raised."""
        self._patience.forget_what_is_gone()
        files = self._files()
        whole = self._settling.settled(files)
        unsettled = {found.path for found in files} - {found.path for found in whole}
        return Look(self._take_all(whole), tuple(sorted(unsettled)))

    def _files(self) -> list[Found]:
        try:
            return files_below(self._root, self._patience.allows)
        except OSError as error:
            raise AwayError(f"{self._root} cannot be read: {error.strerror or error}") from error

    def _take_all(self, whole: list[Found]) -> int:
        """How many were dealt with. Where the cluster fails, the look ends: the next one asks first if it is there."""
        if not whole:
            return 0
        with self._stop.breakable():
            intake = self._door.intake()
        done = 0
        for found in whole:
            if self._stop.requested:
                break
            try:
                done += self._take(intake, found)
            except (PublishError, LedgerUnreadableError, KafkaException) as error:
                self._door.reopen()
                self._postpone(found, _said(error))
                break
        return done

    def _take(self, intake: Intake, found: Found) -> bool:
        """Whether it is done with. Raises what Kafka says."""
        request = self._reading.request_for(PurePosixPath(found.path.relative_to(self._root)))
        try:
            with self._stop.breakable():
                outcome = intake.ingest(found.path, request)
            filed = self._file(found, outcome, request)
        except OSError as error:
            if os.path.lexists(found.path):
                self._postpone(found, error.strerror or str(error))
            else:
                self._reporter.file(Told(found.path, None, None, "somebody took it away before it was read"))
            return False
        except (IngestError, ChangedError) as error:
            self._postpone(found, str(error))
            return False
        self._reporter.file(Told(found.path, outcome, filed, None))
        return True

    def _file(self, found: Found, outcome: Outcome, request: Request) -> Path:
        if outcome.status is FileStatus.REFUSED:
            return self._filing.reject(found, reason_of(outcome, request))
        return self._filing.archive(found, outcome.entry.file_hash)

    def _postpone(self, found: Found, problem: str) -> None:
        delay_s = self._patience.postpone(found.path)
        told = f"{problem}; it stays in place, next attempt in {delay_s:.0f} s"
        self._reporter.file(Told(found.path, None, None, told))


def _said(error: Exception) -> str:
    """Of a Kafka error its own words."""
    cause = error.args[0] if error.args else None
    return cause.str() if isinstance(cause, KafkaError) else str(error)


def reason_of(outcome: Outcome, request: Request) -> Reason:
    """What lies beside a refused file."""
    entry, refusal = outcome.entry, outcome.refusal
    return Reason(
        name=entry.name,
        file_hash=entry.file_hash,
        size_bytes=entry.size_bytes,
        reason=entry.reason or "",
        where=refusal.where if refusal else None,
        expected=refusal.expected if refusal else None,
        found=refusal.found if refusal else None,
        detail=entry.detail or "",
        format=entry.format,
        profile=request.profile,
        message_id=entry.message_id,
        when=datetime.fromtimestamp(entry.received_at / 1_000_000, UTC).isoformat(timespec="milliseconds"),
        advice="nothing of it was published: ask the sender for a corrected file, or, if the reading was at fault: "
        f"paystate files retry {entry.file_hash[:_HASH_SHOWN]} --profile NAME",
    )
