"""The original files, unchanged, named by the SHA-256 of their bytes.

Any fsspec URL: a local folder by default, ``s3://bucket/prefix`` and the like where their driver is installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final, cast

import fsspec

_CHUNK_BYTES: Final = 1 << 20
_ABANDONED_AFTER: Final = timedelta(days=1)
"""A copy that nobody has written to for so long is left from a process that was killed."""


@dataclass(frozen=True, slots=True)
class Archived:
    """One file of the archive: its name (64 hex digits), where it is and how long."""

    file_hash: str
    url: str
    size_bytes: int


class NotArchivedError(Exception):
    """The archive holds no file of that hash."""


class Archive:
    """Content-addressed: the same bytes are stored once, and what is stored never changes."""

    def __init__(self, url: str) -> None:
        self._files, self._root = cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
        self._root = self._root.rstrip("/")
        self._incoming = f"{self._root}/incoming"
        self._sweep_due_s = 0.0

    def store(self, stream: BinaryIO) -> Archived:
        """Copy ``stream`` to its end; the hash is taken of the bytes that are written, not of a second reading.

        The copy gets its name only when it is whole and on disk, so a crash leaves no half file under a hash. Copies
        that a killed process has left are removed by the first call, and again once a day.
        """
        incoming = f"{self._incoming}/{uuid.uuid4().hex}"
        self._files.makedirs(self._incoming, exist_ok=True)
        self._sweep()
        try:
            archived = self._copied(stream, incoming)
            self._keep(incoming, archived)
        except BaseException:  # whoever breaks off, a signal too, leaves no half copy behind
            with contextlib.suppress(OSError):
                self._files.rm(incoming)
            raise
        return archived

    def find(self, file_hash: str) -> Archived:
        """The archived file of that hash. Raises NotArchivedError."""
        path = self._path(file_hash)
        if not self._files.exists(path):
            raise NotArchivedError(f"no file {file_hash} in the archive {self._files.unstrip_protocol(self._root)}")
        return self._named(file_hash, int(self._files.size(path)))

    def open(self, file_hash: str) -> BinaryIO:
        """The bytes of an archived file; the caller closes it. Raises NotArchivedError."""
        self.find(file_hash)
        return cast("BinaryIO", self._files.open(self._path(file_hash), "rb"))

    def _sweep(self) -> None:
        """Remove abandoned copies; what cannot be looked at or removed stays, and hinders nobody."""
        if time.monotonic() < self._sweep_due_s:
            return
        self._sweep_due_s = time.monotonic() + _ABANDONED_AFTER.total_seconds()
        copies: list[str] = []
        with contextlib.suppress(OSError):  # an object store knows no empty folder
            copies = self._files.ls(self._incoming, detail=False, refresh=True)
        for path in copies:
            with contextlib.suppress(OSError, NotImplementedError):  # another process was first; a driver without times
                if self._last_written(path) < datetime.now(UTC) - _ABANDONED_AFTER:
                    self._files.rm(path)

    def _last_written(self, path: str) -> datetime:
        at = cast("datetime", self._files.modified(path))
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def _copied(self, stream: BinaryIO, incoming: str) -> Archived:
        digest, size = hashlib.sha256(), 0
        with self._files.open(incoming, "wb") as copy:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                copy.write(chunk)
            _to_disk(copy)
        return self._named(digest.hexdigest(), size)

    def _keep(self, incoming: str, archived: Archived) -> None:
        path = self._path(archived.file_hash)
        if self._files.exists(path) and int(self._files.size(path)) == archived.size_bytes:
            self._files.rm(incoming)
            return
        self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self._files.mv(incoming, path)

    def _named(self, file_hash: str, size_bytes: int) -> Archived:
        return Archived(file_hash, str(self._files.unstrip_protocol(self._path(file_hash))), size_bytes)

    def _path(self, file_hash: str) -> str:
        return f"{self._root}/{file_hash[:2]}/{file_hash}"


def _to_disk(copy: Any) -> None:
    copy.flush()
    try:
        os.fsync(copy.fileno())
    except (AttributeError, OSError):
        return  # an object store: it acknowledges a whole object or none
