"""Lines to records: the lines before the header, the header, the bookings, the lines behind them. One pass."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput, Refusal
from connectors.csv_statements.controls import Controls
from connectors.csv_statements.layout import Around, Layout, layout_of
from connectors.csv_statements.line import Line, UnreadableLineError
from connectors.csv_statements.text import Lines
from connectors.refused import RefusedError

FORMAT: Final = "csv"
KIND: Final = "booking"
_SEPARATOR_HINT: Final = re.compile(r"sep=(.)", re.IGNORECASE)
_SHOWN: Final = 120
_EMPTY: Final = RefusedError("empty", "the file", "some content", "nothing")


def read(stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """Every booking of a file, in its order, as the profile's layout describes it."""
    try:
        layout = layout_of(profile)
        if layout is None:
            yield _undescribed(stream, profile)
            return
        reading = _Reading(layout, profile, Lines(stream, profile.encoding))
        yield from reading.records()
        yield reading.end()
    except RefusedError as error:
        yield error.refusal(FORMAT, None)
    except LookupError as error:
        yield Refusal("wrong_encoding", "the profile's encoding", "an encoding of text", str(error), FORMAT)


def _undescribed(stream: BinaryIO, profile: BankProfile) -> Refusal:
    if not stream.read(1):
        return Refusal("empty", "the file", "some content", "nothing", FORMAT)
    needed = "options.csv with columns, delimiter, decimal_mark, date_format and a currency"
    expected = f"a bank profile that describes this bank's CSV: {needed} (connectors/csv_statements/MAPPING.md)"
    return Refusal("profile_needed", "--profile", expected, f"the profile {profile.name!r} without options.csv", FORMAT)


@dataclass(slots=True)
class _Reading:
    """Where the reading stands. ``raw``: the lines of the row that is being read, as they are in the file."""

    layout: Layout
    profile: BankProfile
    lines: Lines
    around: dict[str, str] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)
    footer_seen: bool = False
    controls: Controls = field(init=False)

    def __post_init__(self) -> None:
        self.controls = Controls(self.layout, self.profile)

    def records(self) -> Iterator[ProviderRecord]:
        source = iter(self.lines)
        names = self._header(source)
        rows = self._rows(source)
        for first_line, row in rows:
            if self._begins_footer():
                self._footer(rows)
                return
            if any(cell.strip() for cell in row):
                yield self._record(names, row, first_line)

    def end(self) -> FileEnd:
        """The file's end was seen: whatever it declares agrees."""
        if self.lines.number == 0:
            raise _EMPTY
        if self.layout.final_line_end and not self.lines.ended:
            expected = "a line end (options.csv.final_line_end: false, if this bank leaves it out)"
            raise RefusedError("truncated", self._here(), expected, "the end of the file")
        footer = self.layout.footer
        if footer is not None and not self.footer_seen:
            raise RefusedError("truncated", self._here(), f"a footer, which begins as {footer.begins}", "none")
        self._all_found(self.layout.preamble, "missing_line", "before")
        self._all_found(footer or Around(), "truncated", "behind")
        self.controls.check(self.around)
        return FileEnd(
            FORMAT,
            self.around.get("statement"),
            self.layout.bank,
            self.controls.count,
            self.controls.declared_count,
            self.controls.declared_sum,
        )

    def _all_found(self, around: Around, reason: str, place: str) -> None:
        missing = next((name for name, _ in around.finders() if name not in self.around), None)
        if missing is not None:
            raise RefusedError(reason, self._here(), f"a line {place} the bookings that says the {missing}", "none")

    def _here(self) -> str:
        return f"line {self.lines.number}"

    def _header(self, source: Iterator[str]) -> list[str]:
        """The names of the columns. The lines before them are the preamble."""
        preamble = self.layout.preamble
        wanted = {column for column in self.layout.columns.used() if isinstance(column, str)}
        closest: list[str] = []
        seen = 0
        while self.layout.header or seen < preamble.most_lines:
            line = next(source, None)
            if line is None:
                raise self._no_header(wanted, closest)
            if not line.strip() and self.layout.header:
                continue
            if self.lines.number == 1 and self._is_separator_hint(line):
                continue
            cells = [cell.strip() for cell in self._cells(line)]
            if self.layout.header and wanted <= set(cells):
                return self._named(cells)
            closest = max(closest, cells, key=lambda row: (len(wanted & set(row)), len(row)))
            seen += 1
            if seen > preamble.most_lines:
                raise self._no_header(wanted, closest)
            self._find(preamble, line)
        return [str(number) for number in range(1, (self.layout.width or 0) + 1)]

    def _no_header(self, wanted: set[str], closest: Sequence[str]) -> RefusedError:
        if self.lines.number == 0:
            return _EMPTY
        if not self.layout.header:
            expected = f"{self.layout.preamble.most_lines} lines before the bookings"
            return RefusedError("truncated", self._here(), expected, str(self.lines.number))
        lines = self.layout.preamble.most_lines
        expected = f"a header with {', '.join(sorted(wanted))} after at most {lines} other lines"
        found = f"{self.layout.delimiter.join(closest)[:_SHOWN]!r} at best"
        return RefusedError("wrong_header", self._here(), expected, found)

    def _is_separator_hint(self, line: str) -> bool:
        """Excel's ``sep=;``. One that says something else than the profile is not passed over."""
        hint = _SEPARATOR_HINT.fullmatch(line.strip("\r\n"))
        if hint is not None and hint.group(1) != self.layout.delimiter:
            raise RefusedError("wrong_delimiter", "line 1", f"delimiter {self.layout.delimiter!r}", repr(hint.group(1)))
        return hint is not None

    def _cells(self, line: str) -> list[str]:
        """The cells of one line that may be no CSV at all."""
        return next(self._csv([line], strict=False), [])

    def _named(self, cells: list[str]) -> list[str]:
        """The header's names, each once: a used one that comes twice would be two columns."""
        if self.layout.trailing_delimiter and not cells[-1]:
            cells = cells[:-1]
        used = {column for column in self.layout.columns.used() if isinstance(column, str)}
        twice = sorted(name for name in used if cells.count(name) > 1)
        if twice:
            where = self._here()
            expected = "each column once (a column that has no name of its own is given by its number)"
            raise RefusedError("duplicate_header", where, expected, f"{', '.join(twice)} more than once")
        beyond = [column for column in self.layout.columns.used() if isinstance(column, int) and column > len(cells)]
        if beyond:
            raise RefusedError("wrong_header", self._here(), f"{max(beyond)} columns", str(len(cells)))
        names = [name if name and cells.count(name) == 1 else f"{name} #{at}" for at, name in enumerate(cells, 1)]
        if len(set(names)) < len(names):
            raise RefusedError("duplicate_header", self._here(), "each column once", self.layout.delimiter.join(cells))
        return names

    def _rows(self, source: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """Rows with the number of the line that they begin in; a quoted cell may go over several lines."""
        reader = self._csv(self._remembered(source), strict=True)
        while True:
            first_line = self.lines.number + 1
            self.raw.clear()
            try:
                row = next(reader, None)
            except csv.Error as error:
                cut_off = "unexpected end" in str(error)
                reason = "truncated" if cut_off else "malformed_csv"
                expected = f"cells of {self.layout.delimiter!r}, quoted by {self.layout.quote!r}, each closed"
                raise RefusedError(reason, f"line {first_line}", expected, str(error)) from None
            if row is None:
                return
            yield first_line, row

    def _csv(self, lines: Iterable[str], *, strict: bool) -> Iterator[list[str]]:
        mark, quote = self.layout.delimiter, self.layout.quote
        if quote is None:
            return csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE, strict=strict)
        return csv.reader(lines, delimiter=mark, quotechar=quote, strict=strict)

    def _remembered(self, source: Iterator[str]) -> Iterator[str]:
        for line in source:
            self.raw.append(line)
            yield line

    def _begins_footer(self) -> bool:
        footer = self.layout.footer
        return footer is not None and re.search(footer.begins, self._raw_line()) is not None

    def _footer(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        """From its first line to the file's end: no line of it may be a booking."""
        footer = self.layout.footer
        if footer is None:
            return
        self.footer_seen = True
        self._find(footer, self._raw_line())
        known = [footer.begins, *(pattern for _, pattern in footer.finders())]
        for first_line, row in rows:
            line = self._raw_line()
            if any(cell.strip() for cell in row) and not any(re.search(pattern, line) for pattern in known):
                expected = "lines of the footer up to the file's end (a pattern of options.csv.footer for each)"
                raise RefusedError("misplaced_line", f"line {first_line}", expected, repr(line[:_SHOWN]))
            self._find(footer, line)

    def _raw_line(self) -> str:
        return "".join(self.raw).strip("\r\n")

    def _find(self, around: Around, line: str) -> None:
        """What a line outside the bookings says. It says nothing twice, but the same."""
        for name, pattern in around.finders():
            match = re.search(pattern, line.strip("\r\n"))
            if match is None or match.group(1) is None:
                continue
            found = match.group(1).strip()
            if self.around.setdefault(name, found) != found:
                where = self._here()
                raise RefusedError("contradiction", where, f"the {name} {self.around[name]!r}", repr(found))

    def _record(self, names: Sequence[str], row: list[str], first_line: int) -> ProviderRecord:
        where = f"line {first_line}"
        if self.layout.trailing_delimiter and row and not row[-1] and len(row) == len(names) + 1:
            row = row[:-1]
        if len(row) != len(names):
            expected = f"{len(names)} cells, as the header has"
            raise RefusedError("ragged_row", where, expected, f"{len(row)}: {self._raw_line()[:_SHOWN]!r}")
        cells = dict(zip(names, row, strict=True))
        line = Line(self.layout, cells, self.around)
        try:
            moved = line.moved()
        except UnreadableLineError as error:
            raise RefusedError(error.reason, f"{where}, {error.field}", error.expected, error.found) from None
        self.controls.add(moved, line.account, where)
        fields: dict[str, JSON] = {"cells": dict[str, JSON](cells), "around": dict[str, JSON](self.around)}
        return ProviderRecord(KIND, where, fields)
