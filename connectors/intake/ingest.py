"""Take files in: archive, read to the end, check, then publish all records and the ledger entry, or refuse.

The order of the steps is what makes it exactly once:
1. the original goes to the archive and is read back from there: what was judged is what is kept;
2. the producer of this file's hash is opened: that fences any other ingester of the same bytes and ends the
   transaction that it left open;
3. only then the ledger is read to its end: it says how much of the file is published already, and how it was read;
4. the reader goes to the end into a spool; nothing is published before the controls agree;
5. the rest goes out in order, every transaction with the ledger's new position in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from connectors.contract import FileEnd, Refusal
from connectors.intake.archive import Archive, Archived
from connectors.intake.ledger import Ledger
from connectors.intake.messages import Encoder, Origin
from connectors.intake.publish import FencedError, Message, Publisher, batch_of
from connectors.intake.reading import Formats, Progress, Request, no_progress, read_to_end
from connectors.intake.spool import Spool
from schemas.records import FileEntry, FileStatus
from streams.domain.state import AlertState

_TAKEOVER_TIMEOUT_S: Final = 90.0
_FINAL: Final = frozenset({FileStatus.ACCEPTED, FileStatus.REFUSED})


class IngestError(Exception):
    """The file was neither taken nor refused: try again; what is published already will not be published twice."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: its ledger entry, whether *this* call accepted or refused it or found it done before.

    ``published`` counts the raw records that this call published. ``refusal``: what this call refused it for.
    """

    status: FileStatus
    entry: FileEntry
    published: int
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class _Offer:
    """One file that is to be taken, in the archive already."""

    name: str
    archived: Archived
    request: Request

    @property
    def file_hash(self) -> str:
        return self.archived.file_hash


class Intake:
    """One process that takes files in. ``clock`` gives microseconds UTC: it only labels, nothing is decided by it."""

    def __init__(
        self,
        client_config: Mapping[str, Any],
        archive: Archive,
        formats: Formats,
        generation: int,
        clock: Callable[[], int],
    ) -> None:
        self._client_config = client_config
        self._archive = archive
        self._formats = formats
        self._encoder = Encoder(generation)
        self._clock = clock
        self.ledger = Ledger(client_config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ledger.__exit__(kind, error, at)

    def ingest(self, path: Path, request: Request, progress: Progress = no_progress) -> Outcome:
        """Take one file. Raises OSError, IngestError, PublishError, LedgerUnreadableError; never for what is in it."""
        with path.open("rb") as stream:
            archived = self._archive.store(stream)
        return self._take(_Offer(path.name, archived, request), progress)

    def retry(self, file_hash: str, request: Request) -> Outcome:
        """Take a file of the archive again, after a fix or with another profile. Raises NotArchivedError too."""
        archived = self._archive.find(file_hash)
        known = self.ledger.entry(file_hash)
        return self._take(_Offer(file_hash if known is None else known.name, archived, request), no_progress)

    def _take(self, offer: _Offer, progress: Progress) -> Outcome:
        known = self.ledger.glance(offer.file_hash)
        if known is not None and known.status is FileStatus.ACCEPTED:
            return Outcome(FileStatus.DUPLICATE, known, 0)
        try:
            with Publisher(self._client_config, offer.file_hash) as publisher:
                return self._take_alone(publisher, offer, progress)
        except FencedError:
            return self._taken_over(offer)

    def _take_alone(self, publisher: Publisher, offer: _Offer, progress: Progress) -> Outcome:
        """With the file's transactional id in hand: whoever takes it from us fences us, so the ledger stays true."""
        known = self.ledger.entry(offer.file_hash)
        if known is not None and known.status is FileStatus.ACCEPTED:
            return Outcome(FileStatus.DUPLICATE, known, 0)
        offer = replace(offer, request=_as_begun(known, offer.request))
        with Spool.create() as spool:
            with self._archive.open(offer.file_hash) as stream:
                end = read_to_end(stream, offer.request, self._formats, spool, progress)
            if isinstance(end, Refusal):
                return replace(self._refuse(publisher, self._refused(offer, end), known), refusal=end)
            origin = _origin(offer, end)
            return self._publish(publisher, self._accepted(offer.name, origin), origin, spool, known)

    def _publish(
        self, publisher: Publisher, whole: FileEntry, origin: Origin, spool: Spool, known: FileEntry | None
    ) -> Outcome:
        done = begun = _position(known, whole)
        records = (self._encoder.raw(origin.raw(*record)) for record in spool.read(skip=done))
        while True:
            part = batch_of(records)
            done += len(part)
            if done == whole.records:
                publisher.transaction([*part, self._encoder.entry(whole), *self._withdrawals(known)])
                return Outcome(FileStatus.ACCEPTED, whole, done - begun)
            so_far = replace(whole, status=FileStatus.PUBLISHING, committed_records=done)
            publisher.transaction([*part, self._encoder.entry(so_far)])

    def _withdrawals(self, known: FileEntry | None) -> Iterator[Message]:
        """The alert of an earlier refusal ends with the acceptance."""
        if known is not None and known.status is FileStatus.REFUSED:
            yield self._encoder.refusal(known, AlertState.WITHDRAWN, self._clock())

    def _refuse(self, publisher: Publisher, entry: FileEntry, known: FileEntry | None) -> Outcome:
        if known is not None and known.status is FileStatus.PUBLISHING:
            raise IngestError(
                f"{entry.name}: {known.committed_records} of {known.records} records are published, but now the file "
                f"is refused ({entry.reason}: {entry.detail}): finish it with the version and profile that began it"
            )
        if known is None:
            alert = self._encoder.refusal(entry, AlertState.OPEN, entry.received_at)
            publisher.transaction([self._encoder.entry(entry), alert])
        elif replace(known, received_at=0) != replace(entry, received_at=0):
            publisher.transaction([self._encoder.entry(entry)])  # refused before: the alert is up already
        return Outcome(FileStatus.REFUSED, entry, 0)

    def _taken_over(self, offer: _Offer) -> Outcome:
        """Another ingester of the same bytes goes on: its outcome is the file's outcome."""
        deadline = time.monotonic() + _TAKEOVER_TIMEOUT_S
        while time.monotonic() < deadline:
            entry = self.ledger.entry(offer.file_hash)
            if entry is not None and entry.status in _FINAL:
                status = FileStatus.DUPLICATE if entry.status is FileStatus.ACCEPTED else FileStatus.REFUSED
                return Outcome(status, entry, 0)
            self.ledger.wait()
        raise IngestError(
            f"{offer.name}: another ingester took the file over, unfinished after {_TAKEOVER_TIMEOUT_S:.0f} s: "
            "ingest it again to finish it"
        )

    def _accepted(self, name: str, origin: Origin) -> FileEntry:
        end, archived = origin.end, origin.archived
        return FileEntry(
            file_hash=archived.file_hash,
            source=origin.source,
            sender=origin.sender,
            format=end.format,
            message_id=end.message_id,
            name=name,
            archive_url=archived.url,
            size_bytes=archived.size_bytes,
            status=FileStatus.ACCEPTED,
            reason=None,
            detail=None,
            records=end.records,
            committed_records=end.records,
            declared_count=end.declared_count,
            declared_sum=None if end.declared_sum is None else f"{end.declared_sum:f}",
            profile=origin.profile,
            received_at=self._clock(),
        )

    def _refused(self, offer: _Offer, refusal: Refusal) -> FileEntry:
        archived, request = offer.archived, offer.request
        return FileEntry(
            file_hash=archived.file_hash,
            source=request.source,
            sender=request.bank,
            format=refusal.format,
            message_id=refusal.message_id,
            name=offer.name,
            archive_url=archived.url,
            size_bytes=archived.size_bytes,
            status=FileStatus.REFUSED,
            reason=refusal.reason,
            detail=refusal.detail,
            records=0,
            committed_records=0,
            declared_count=None,
            declared_sum=None,
            profile=request.profile,
            received_at=self._clock(),
        )


def _as_begun(known: FileEntry | None, request: Request) -> Request:
    """A file that is half published is finished as it was begun, or its rest would get other keys and ids."""
    if known is None or known.status is not FileStatus.PUBLISHING:
        return request
    return Request(known.format or request.format, known.profile, known.source, known.sender)


def _position(known: FileEntry | None, whole: FileEntry) -> int:
    """How many of the file's records are published. Raises IngestError if it is not the same reading any more."""
    if known is None or known.status is not FileStatus.PUBLISHING:
        return 0
    if known.records != whole.records:
        raise IngestError(
            f"{whole.name}: publication began with {known.records} records, now the file reads as {whole.records}: "
            "finish it with the version that began it"
        )
    return known.committed_records


def _origin(offer: _Offer, end: FileEnd) -> Origin:
    """Names default to what the file says; a file without a message id is named by its bytes."""
    archived, request = offer.archived, offer.request
    sender = request.bank or end.sender
    return Origin(
        source=request.source or sender or end.format,
        source_message_id=end.message_id or archived.file_hash,
        profile=request.profile,
        sender=sender or request.source or end.format,
        archived=archived,
        end=end,
    )
