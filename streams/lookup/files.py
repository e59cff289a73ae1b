"""Files in the ledger: by hash, or by the beginning of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.records import FileEntry
from streams.engine import Topic
from streams.lookup.log import CommittedLog

HASH_SHOWN: Final = 12
"""As much of a hash as tells files apart in practice."""
_NAMED: Final = 5


class NoSuchFileError(RuntimeError):
    """The ledger has no file of that hash, or more than one whose hash begins so."""


def entry_of(entries: Iterable[FileEntry], begin: str) -> FileEntry:
    """The one file whose hash begins so. Raises NoSuchFileError."""
    fitting = [entry for entry in entries if entry.file_hash.startswith(begin.lower())]
    if len(fitting) != 1:
        found = ", ".join(f"{entry.file_hash[:HASH_SHOWN]} ({entry.name})" for entry in fitting[:_NAMED]) or "none"
        raise NoSuchFileError(
            f"expected one file whose hash begins with {begin!r}, found {found}: `paystate files list` shows all"
        )
    return fitting[0]


def files_of(log: CommittedLog, files: Topic[FileEntry], hashes: Iterable[str]) -> dict[str, FileEntry]:
    """The ledger's entries of these files, by hash."""
    wanted = {file_hash.encode() for file_hash in hashes}
    found: dict[str, FileEntry] = {}
    if not wanted:
        return found
    for record in log.read(log.places(files.kafka_name)):
        if record.key in wanted and record.value is not None:
            entry = files.decode(record.value)
            found[entry.file_hash] = entry
    return found
