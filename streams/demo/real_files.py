"""Act one: the real sample files with their approvals and releases, taken in while a worker is killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from connectors.formats import InstalledFormats
from connectors.intake.archive import Archive
from connectors.intake.ingest import Intake, Outcome
from connectors.intake.reading import Request
from schemas.records import FileStatus
from streams.demo.company import documents, samples
from streams.demo.errors import DemoError
from streams.demo.world import World


@dataclass(frozen=True, slots=True)
class Taken:
    """One file and what became of it."""

    path: Path
    outcome: Outcome

    @property
    def name(self) -> str:
        """Folder and name, as the samples' manifest has it."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it was taken."""
        return self.outcome.status is FileStatus.REFUSED


def take_in(world: World, in_the_middle: Callable[[], None]) -> list[Taken]:
    """The company's documents, then the files of each kind in their order, the kinds at once.

    ``in_the_middle`` is called while the banks' files come in. Raises IngestError, PublishError, OSError.
    """
    taken = _in_order(world, documents())
    with ThreadPoolExecutor(len(samples()), "files") as pool:
        arriving = [pool.submit(_in_order, world, files) for files in samples().values()]
        in_the_middle()
        for files in arriving:
            taken += files.result()
    return taken


def _in_order(world: World, files: Sequence[Path]) -> list[Taken]:
    settings = world.settings
    client = {**world.cluster.client, "log_level": 3}
    formats = InstalledFormats(settings.profiles_dir)
    archive = Archive(settings.archive)
    with Intake(client, archive, formats, settings.generation, lambda: time.time_ns() // 1_000) as intake:
        return [Taken(path, intake.ingest(path, Request())) for path in files]


def require_refused(taken: Iterable[Taken], expected: frozenset[str]) -> None:
    """Exactly these must have been refused. Raises DemoError."""
    found = {file.name for file in taken if file.is_refused}
    if found != expected:
        wanted, refused = (", ".join(sorted(names)) or "none" for names in (expected, found))
        raise DemoError(f"refused files: expected {wanted}, found {refused}")
