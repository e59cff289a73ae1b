"""NACHA: one record for each entry with its addenda, and the proof that none is missing or misread.

Nothing is believed before the file control: entries, addenda, sums and hashes of each batch and of the file must be
what the controls (records 8 and 9) say. What a bank's controls do not prove is policy of its profile.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import BinaryIO, Final

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.nacha import layout
from connectors.nacha.controls import BatchControl, FileControl, Totals, batch_control, file_control
from connectors.nacha.layout import BatchHeader, Entry, FileHeader
from connectors.nacha.records import records_of
from connectors.refused import RefusedError
from streams.domain.construction import quick

FORMAT: Final = "nacha"
FORWARD: Final = "entry"
RETURN: Final = "return"
CHANGE: Final = "change"
_KINDS: Final = {"99": RETURN, "98": CHANGE}
KEPT_ADDENDA: Final = 40
"""An IAT entry has twelve at most. A CTX entry has up to 9,999 lines of remittance: what exceeds this is counted."""
_SHOWN: Final = 60

_record: Final = quick(ProviderRecord)
_log: Final = logging.getLogger(__name__)


def read(stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """The reader of NACHA files (see connectors/contract.py)."""
    reading = _Reading(profile)
    try:
        for number, text in records_of(stream, profile.encoding):
            yield from reading.take(number, text)
        yield reading.verdict()
    except RefusedError as refused:
        yield refused.refusal(FORMAT, reading.message_id)


class _Batch:
    """One batch as far as it was read. ``header`` is the record as it stands."""

    __slots__ = ("entry_class", "entry_line", "header", "is_adv", "is_iat", "totals")

    def __init__(self, header: str) -> None:
        self.header = header.rstrip()
        self.entry_class = header[BatchHeader.entry_class]
        self.is_adv = self.entry_class == layout.ADV
        self.is_iat = is_iat(header)
        self.entry_line = layout.ADV_ENTRY_LINE if self.is_adv else layout.ENTRY_LINE
        self.totals = Totals()


class _Entry:
    """One entry whose addenda may still come."""

    __slots__ = ("addenda", "count", "follow", "kind", "number", "text")

    def __init__(self, number: int, text: str, follow: str) -> None:
        self.number, self.text, self.follow = number, text, follow
        self.kind = FORWARD
        self.addenda: list[JSON] = []
        self.count = 0


def is_iat(header: str) -> bool:
    """Whether the entries of a batch are laid out as international ones; corrections of those name it beside COR."""
    return (
        header[BatchHeader.entry_class] == layout.IAT or header[BatchHeader.indicator].rstrip() == layout.IAT_CORRECTION
    )


class _Reading:
    """One pass over one file."""

    def __init__(self, profile: BankProfile) -> None:
        self._profile = profile
        self._headless = bool(profile.options) and (profile.options or {}).get("file_header") == "optional"
        self._file: str | None = None
        self._batch: _Batch | None = None
        self._entry: _Entry | None = None
        self._totals = Totals()
        self._batches = 0
        self._is_adv = False
        self._records = 0
        self._ended = False
        self.message_id: str | None = None

    def take(self, number: int, text: str) -> Iterator[ProviderRecord]:
        """One more record of the file; gives the entry that it ends."""
        kind = text[0]
        if self._ended:
            self._after_the_end(number, text)
        elif kind == layout.ADDENDA:
            self._addenda(number, text)
        else:
            if self._entry is not None:
                yield self._flushed(self._entry)
            if kind == layout.ENTRY:
                self._begin_entry(number, text)
            elif kind == layout.BATCH_HEADER:
                self._begin_batch(number, text)
            elif kind == layout.BATCH_CONTROL:
                self._end_batch(number, text)
            elif kind == layout.FILE_CONTROL:
                self._end_file(number, text)
            elif kind == layout.FILE_HEADER:
                self._begin_file(number, text)
            else:
                raise _malformed("unknown_record", number, "a record of type 1, 5, 6, 7, 8 or 9", text)

    def _begin_file(self, number: int, text: str) -> None:
        if number != 1:
            raise _malformed(
                "several_files", number, "one file header, as the first record: give files one by one", text
            )
        if text[FileHeader.sizes] != layout.SIZES:
            raise _malformed("malformed_record", number, f"a file header with {layout.SIZES} at 35-40", text)
        self._file = text.rstrip()
        self.message_id = _message_id(text)

    def _begin_batch(self, number: int, text: str) -> None:
        if self._file is None and not self._headless:
            expected = "a file header (type 1) first; a bank profile may allow files without (`file_header: optional`)"
            raise _malformed("missing_header", number, expected, text)
        if self._batch is not None:
            raise _malformed("misplaced_record", number, "a batch control (type 8) before the next batch", text)
        if layout.BATCH_HEADER_LINE.fullmatch(text) is None:
            expected = "a batch header: service class 200, 220, 225 or 280, entry class, bank and batch number"
            raise _malformed("malformed_record", number, expected, text)
        self._batch = _Batch(text)
        if self._batches and self._is_adv is not self._batch.is_adv:
            raise _malformed("mixed_batches", number, "accounting advices (ADV) in a file of their own", text)
        self._is_adv = self._batch.is_adv
        self._batches += 1

    def _begin_entry(self, number: int, text: str) -> None:
        batch = self._batch
        if batch is None:
            raise _malformed("misplaced_record", number, "a batch header (type 5) before its entries", text)
        match = batch.entry_line.fullmatch(text)
        if match is None:
            expected = "an entry: transaction code, bank, amount, addenda indicator and trace number in digits"
            raise _malformed("malformed_record", number, expected, text)
        code, bank, amount, follow = match.groups()
        meant = layout.TRANSACTION_CODES.get(code)
        if meant is None:
            raise _malformed("malformed_record", number, "a transaction code that says credit or debit", text)
        batch.totals.add_entry(bank, int(amount), meant.direction)
        self._entry = _Entry(number, text.rstrip(), follow)

    def _addenda(self, number: int, text: str) -> None:
        entry, batch = self._entry, self._batch
        if entry is None or batch is None:
            raise _malformed("misplaced_record", number, "an entry (type 6) before its addenda", text)
        match = layout.ADDENDA_LINE.fullmatch(text)
        if match is None:
            raise _malformed("malformed_record", number, "addenda with their type in digits", text)
        batch.totals.count += 1
        entry.count += 1
        kind = _KINDS.get(match.group(1))
        if kind is not None:
            if entry.kind != FORWARD:
                raise _malformed("misplaced_record", number, "one addenda of type 98 or 99 for each entry", text)
            entry.kind = kind
        if kind is not None or entry.count <= KEPT_ADDENDA:
            entry.addenda.append(text.rstrip())

    def _flushed(self, entry: _Entry) -> ProviderRecord:
        """The entry is complete."""
        batch = self._batch
        self._entry = None
        if batch is None:
            raise _malformed("misplaced_record", entry.number, "a batch around its entries", entry.text)
        if entry.count or entry.follow == "1" or batch.is_iat:
            self._addenda_agree(batch, entry)
        self._records += 1
        fields: dict[str, JSON] = {
            "1": self._file,
            "5": batch.header,
            "6": entry.text,
            "7": entry.addenda,
            "addenda_count": entry.count,
        }
        return _record(entry.kind, f"record {entry.number}", fields)

    def _addenda_agree(self, batch: _Batch, entry: _Entry) -> None:
        """The entry says whether addenda follow; CTX and IAT say how many. Returns repeat what the original said."""
        where = f"record {entry.number}"
        if bool(entry.count) != (entry.follow == "1"):
            expected = "addenda (type 7)" if entry.follow == "1" else "no addenda, as its indicator (79) says"
            self._doubt(RefusedError("count_mismatch", where, expected, f"{entry.count} addenda"))
        if entry.kind != FORWARD:
            return
        if batch.is_iat:
            # some count the optional addenda too, some only the seven that must be there
            declared, agrees = entry.text[Entry.iat_addenda_declared].strip(), entry.count.__ge__
        elif batch.entry_class in layout.CORPORATE:
            declared, agrees = entry.text[Entry.addenda_declared].strip(), entry.count.__eq__
        else:
            return
        if declared and not (declared.isdecimal() and agrees(int(declared))):
            found = f"{entry.count} addenda"
            self._doubt(RefusedError("count_mismatch", where, f"{declared!r} addenda, as the entry says", found))

    def _end_batch(self, number: int, text: str) -> None:
        batch = self._batch
        if batch is None:
            raise _malformed("misplaced_record", number, "a batch header (type 5) before a batch control", text)
        control: BatchControl | None = batch_control(text, is_adv=batch.is_adv)
        if control is None:
            raise _malformed("malformed_record", number, "a batch control with counts, sums and hash in digits", text)
        for error in control.disagreements(f"record {number}", batch.header, batch.totals):
            self._doubt(error)
        self._totals.merge(batch.totals)
        self._batch = None

    def _end_file(self, number: int, text: str) -> None:
        if self._batch is not None:
            raise _malformed("misplaced_record", number, "a batch control (type 8) before the file control", text)
        if text == layout.FILL:
            raise _malformed("misplaced_record", number, "a file control (type 9) before the fill", text)
        if self._file is None and not self._headless:
            raise _malformed("missing_header", number, "a file header (type 1) as the first record", text)
        control: FileControl | None = file_control(text, is_adv=self._is_adv)
        if control is None:
            raise _malformed("malformed_record", number, "a file control with counts, sums and hash in digits", text)
        blocks = None if self._file is None else -(-number // layout.BLOCK_RECORDS)
        for error in control.disagreements(f"record {number}", self._batches, blocks, self._totals):
            self._doubt(error)
        self._ended = True

    def _after_the_end(self, number: int, text: str) -> None:
        if text.rstrip().strip("9"):
            raise _malformed("text_after_end", number, "nothing but nines after the file control", text)

    def _doubt(self, error: RefusedError) -> None:
        """A control does not agree: what that means is the bank profile's policy."""
        policy = self._profile.controls
        if policy == "warn":
            _log.warning(
                "%s: expected %s, found %s (profile %s)", error.where, error.expected, error.found, self._profile.name
            )
        elif policy != "ignore":
            raise error

    def verdict(self) -> FileEnd:
        """The last word on a good file."""
        if self._file is None and not self._batches:
            raise RefusedError("empty", "the file", "a NACHA file", "no record")
        if not self._ended and (self._batch is not None or not self._headless):
            expected = "a batch control (type 8)" if self._batch is not None else "a file control (type 9)"
            raise RefusedError("truncated", "end of file", expected, "the end of the file")
        return FileEnd(FORMAT, self.message_id, self._sender(), self._records)

    def _sender(self) -> str | None:
        return None if self._file is None else self._file[FileHeader.origin].strip() or None


def _message_id(header: str) -> str | None:
    """What tells a file from others of its sender. Without a time of its own it is named by its bytes: a name that
    comes again on the same day would make the second file a forgery of the first."""
    parts = [header[part].strip() for part in (FileHeader.origin, FileHeader.destination, FileHeader.date)]
    time, modifier = header[FileHeader.time].strip(), header[FileHeader.modifier].strip()
    return "/".join((*parts, time, modifier)) if all(parts) and time.strip("0") and modifier else None


def _malformed(reason: str, number: int, expected: str, text: str) -> RefusedError:
    return RefusedError(reason, f"record {number}", expected, repr(text.rstrip()[:_SHOWN]))
