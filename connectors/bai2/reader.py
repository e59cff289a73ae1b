"""BAI2: one record for each transaction (16), and the proof that none is missing or misread.

Nothing is believed before the file trailer: records, accounts, groups and sums must be what the trailers 49, 98 and 99
say. What a bank's trailers do not prove is policy of its profile.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from connectors.bai2.fields import Detail, Summaries, minor_units
from connectors.bai2.physical import (
    ACCOUNT,
    ACCOUNT_TRAILER,
    CONTINUATION,
    DETAIL,
    FILE_HEADER,
    FILE_TRAILER,
    GROUP_HEADER,
    GROUP_TRAILER,
    WRAPPED,
    Physical,
    physical_records,
)
from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.refused import RefusedError
from connectors.swift_mt.lines import lines_of
from streams.domain.construction import quick

FORMAT: Final = "bai2"
TRANSACTION: Final = "transaction"
_VERSION: Final = "2"
_DELETES: Final = "2"
_START: Final = "the beginning"
#: Which records may follow which; 88 may follow all of them.
_FOLLOW: Final = {
    _START: (FILE_HEADER,),
    FILE_HEADER: (GROUP_HEADER, FILE_TRAILER),
    GROUP_HEADER: (ACCOUNT, GROUP_TRAILER),
    ACCOUNT: (DETAIL, ACCOUNT_TRAILER),
    DETAIL: (DETAIL, ACCOUNT_TRAILER),
    ACCOUNT_TRAILER: (ACCOUNT, GROUP_TRAILER),
    GROUP_TRAILER: (GROUP_HEADER, FILE_TRAILER),
    FILE_TRAILER: (),
}
_FILE_FIELDS: Final = ("sender", "receiver", "date", "time", "id", "record_length", "block_size", "version")
_GROUP_FIELDS: Final = ("receiver", "originator", "status", "as_of_date", "as_of_time", "currency", "modifier")
_ACCOUNT_FIELDS: Final = ("number", "currency")
_COUNT: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MOST_FIELDS: Final = 64

_record: Final = quick(ProviderRecord)
_log: Final = logging.getLogger(__name__)


def read(stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """The reader of BAI2 files (see connectors/contract.py)."""
    reading = _Reading(profile)
    try:
        for record in physical_records(lines_of(stream, profile.encoding)):
            if record.code == CONTINUATION or record.code == WRAPPED:
                reading.go_on(record)
            else:
                done = reading.begin(record)
                if done is not None:
                    yield done
        yield reading.verdict()
    except RefusedError as refused:
        yield refused.refusal(FORMAT, reading.message_id)


@dataclass(slots=True)
class _Plain:
    """A header or trailer: fields, and nothing else. ``number``: counted through the file."""

    first: Physical
    number: int
    fields: list[str] = field(default_factory=list)

    def add(self, record: Physical) -> None:
        """The record itself, or one that continues it."""
        self.fields += [text.strip() for text in record.body.split(",")]
        if len(self.fields) > _MOST_FIELDS:
            expected = f"a record {self.first.code} of a few fields"
            raise RefusedError("malformed_record", self.first.where, expected, f"{len(self.fields)} or more")

    def named(self, names: tuple[str, ...]) -> dict[str, JSON]:
        """The fields by name; those that were left out at the end are empty."""
        if any(self.fields[len(names) :]):
            expected = f"{len(names)} fields: {', '.join(names)}"
            raise RefusedError("malformed_record", self.first.where, expected, repr(",".join(self.fields)[:60]))
        return dict(zip(names, self.fields + [""] * len(names), strict=False))


@dataclass(slots=True)
class _Level:
    """A file, group or account as far as it was read: where it began, and what its trailer must say."""

    first_record: int
    total: int = 0
    parts: int = 0


class _Reading:
    """One pass over one file."""

    def __init__(self, profile: BankProfile) -> None:
        self._profile = profile
        self._last = _START
        self._pending: _Plain | Summaries | Detail | None = None
        self._count = 0
        self._file = self._group = self._account = _Level(0)
        self._said: dict[str, dict[str, JSON]] = {}
        self._records = 0
        self.message_id: str | None = None

    def begin(self, record: Physical) -> ProviderRecord | None:
        """A record begins, and the one before has ended; gives that if it was a transaction."""
        done = self._end_pending()
        if record.code not in _FOLLOW[self._last]:
            raise self._misplaced(record)
        self._last = record.code
        self._count += 1
        if record.code == DETAIL:
            detail = Detail(record)
            detail.add(record)
            self._pending = detail
        elif record.code == ACCOUNT:
            self._begin_account(record)
        else:
            plain = _Plain(record, self._count)
            plain.add(record)
            self._pending = plain
        return done

    def go_on(self, record: Physical) -> None:
        """A continuation record, or a text that was wrapped without one."""
        pending = self._pending
        if record.code == WRAPPED:
            if isinstance(pending, Detail):
                pending.wrap(record)
            return
        self._count += 1
        if pending is None:
            raise RefusedError("misplaced_record", record.where, "record 01 first", "88")
        if isinstance(pending, Summaries):
            pending.add(record.body.split(","))
        else:
            pending.add(record)

    def _begin_account(self, record: Physical) -> None:
        number, _, rest = record.body.partition(",")
        currency, _, summaries = rest.partition(",")
        if not number.strip():
            raise RefusedError("malformed_record", record.where, "the account number in record 03", "none")
        self._said["account"] = dict(zip(_ACCOUNT_FIELDS, (number.strip(), currency.strip()), strict=True))
        self._account = _Level(self._count)
        self._group.parts += 1
        pending = Summaries(record)
        if summaries:
            pending.add(summaries.split(","))
        self._pending = pending

    def _end_pending(self) -> ProviderRecord | None:
        pending, self._pending = self._pending, None
        if isinstance(pending, Detail):
            return self._transaction(pending)
        if isinstance(pending, Summaries):
            pending.end()
            self._account.total += pending.total
        elif pending is not None:
            self._plain(pending)
        return None

    def _transaction(self, detail: Detail) -> ProviderRecord:
        detail.end()
        self._account.total += detail.amount
        self._records += 1
        fields: dict[str, JSON] = {
            "file": self._said["file"],
            "group": self._said["group"],
            "account": self._said["account"],
            "detail": detail.fields(),
            "text": detail.text,
        }
        return _record(TRANSACTION, detail.first.where, fields)

    def _plain(self, record: _Plain) -> None:
        """A header or trailer is complete."""
        match record.first.code:
            case "01":
                self._begin_file(record)
            case "02":
                self._begin_group(record)
            case "49":
                self._trailer(record, "account", self._account, (), self._group)
            case "98":
                self._trailer(record, "group", self._group, ("accounts",), self._file)
            case _:
                self._trailer(record, "file", self._file, ("groups",), None)

    def _begin_file(self, record: _Plain) -> None:
        said = record.named(_FILE_FIELDS)
        if said["version"] != _VERSION:
            expected = "version 2 of the format in field 9 of record 01"
            raise RefusedError("unsupported_version", record.first.where, expected, repr(said["version"]))
        self._said["file"] = said
        self._file = _Level(1)
        self.message_id = _message_id(said)

    def _begin_group(self, record: _Plain) -> None:
        said = record.named(_GROUP_FIELDS)
        if said["status"] == _DELETES:
            expected = (
                "groups that update, correct or test (status 1, 3, 4): nothing that was reported is taken back here"
            )
            raise RefusedError("unsupported_deletion", record.first.where, expected, "status 2, deletion")
        self._said["group"] = said
        self._group = _Level(record.number)
        self._file.parts += 1

    def _trailer(self, record: _Plain, what: str, level: _Level, parts: tuple[str, ...], around: _Level | None) -> None:
        """49, 98 or 99 is complete: do its sum and counts agree with what it closes?"""
        where = record.first.where
        names = ("total", *parts, "records")
        said = record.named(names)
        for name in names:
            if said[name] == "" or (name != "total" and _COUNT.fullmatch(str(said[name])) is None):
                expected = f"record {record.first.code}: {', '.join(names)}, in digits"
                raise RefusedError("malformed_record", where, expected, repr(",".join(record.fields)[:60]))
        total = minor_units(str(said["total"]), record.first)
        if total != level.total:
            self._doubt("sum_mismatch", where, f"{total}, as the trailer says of the {what}", f"{level.total}")
        found = {"records": self._count - level.first_record + 1, **dict.fromkeys(parts, level.parts)}
        for name, count in found.items():
            if int(str(said[name])) != count:
                expected = f"{said[name]} {name}, as the trailer says of the {what}"
                self._doubt("count_mismatch", where, expected, f"{count}")
        if around is not None:
            around.total += total

    def _doubt(self, reason: str, where: str, expected: str, found: str) -> None:
        """A trailer does not agree: what that means is the bank profile's policy."""
        if self._profile.controls == "warn":
            _log.warning("%s: expected %s, found %s (profile %s)", where, expected, found, self._profile.name)
        elif self._profile.controls != "ignore":
            raise RefusedError(reason, where, expected, found)

    def _misplaced(self, record: Physical) -> RefusedError:
        allowed = _FOLLOW[self._last]
        if not allowed:
            reason = "several_files" if record.code == FILE_HEADER else "text_after_end"
            return RefusedError(reason, record.where, "nothing after record 99: give files one by one", record.code)
        expected = f"record {' or '.join(allowed)} after {self._last}"
        return RefusedError("misplaced_record", record.where, expected, f"record {record.code}")

    def verdict(self) -> FileEnd:
        """The last word on a good file."""
        if self._last == _START:
            raise RefusedError("empty", "the file", "a BAI2 file", "no record")
        if self._last != FILE_TRAILER:
            raise RefusedError(
                "truncated", "end of file", "record 99, the file trailer", f"record {self._last} as the last"
            )
        self._end_pending()
        sender = self._said["file"]["sender"]
        return FileEnd(FORMAT, self.message_id, str(sender) or None, self._records)


def _message_id(said: dict[str, JSON]) -> str | None:
    """What tells a file from others of its sender; a file that does not say all of it is named by its bytes."""
    parts = [str(said[name]) for name in ("sender", "receiver", "date", "time", "id")]
    return "/".join(parts) if all(parts) else None
