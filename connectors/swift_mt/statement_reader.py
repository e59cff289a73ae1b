"""MT940 and MT942: one record for each statement line, and the proof that none is missing or misread.

Nothing is believed before a statement's end, when it must prove itself (``proof.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from connectors.contract import JSON, BankProfile, FileEnd, ProviderRecord, ReaderOutput
from connectors.refused import RefusedError
from connectors.swift_mt.balances import balance, declared_sum, floor_limit
from connectors.swift_mt.lines import lines_of
from connectors.swift_mt.page import Page, Pending
from connectors.swift_mt.proof import Proof
from connectors.swift_mt.second_reading import BATCH_LINES, Checked, confirm
from connectors.swift_mt.statement_line import statement_line
from connectors.swift_mt.tokens import LONGEST_FIELD, Begin, End, Field, tokens
from streams.domain.reference_kinds import usable_name

_OPENING: Final = frozenset({"60", "60F", "60M"})
_CLOSING: Final = frozenset({"62", "62F", "62M"})
_SUMS: Final = frozenset({"90", "90C", "90D"})
_ACCOUNTS: Final = frozenset({"25", "25P"})
_NUMBERS: Final = frozenset({"28", "28C"})
_MOMENTS: Final = frozenset({"13", "13D"})
_AFTER_CLOSING: Final = frozenset({"64", "65", "86", "NS"}) | _SUMS
_ENTRY: Final = "entry"
_MOST_FLOORS: Final = 2
"""One for debits, one for credits."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells MT940 and MT942 apart."""

    format: str
    type: str
    interim: bool
    tags: frozenset[str]


_COMMON: Final = frozenset({"20", "21", "61", "86", "NS", "34F"}) | _ACCOUNTS | _NUMBERS | _MOMENTS | _SUMS
STATEMENT: Final = Kind("mt940", "940", False, _COMMON | _OPENING | _CLOSING | {"64", "65"})
INTERIM: Final = Kind("mt942", "942", True, _COMMON)


def read(kind: Kind, stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    """The reader of ``kind`` (see connectors/contract.py)."""
    reading = _Reading(kind, profile)
    try:
        for token in tokens(lines_of(stream, profile.encoding), kind.tags):
            if isinstance(token, Field):
                reading.field(token)
            elif isinstance(token, Begin):
                reading.begin(token)
            else:
                reading.end(token)
            yield from reading.ready()
        yield reading.verdict()
    except RefusedError as refused:
        yield refused.refusal(kind.format, reading.message_id)


class _Reading:
    """One pass over one file."""

    def __init__(self, kind: Kind, profile: BankProfile) -> None:
        self._kind = kind
        self._page: Page | None = None
        self._proof = Proof(profile)
        self._ready: list[ProviderRecord] = []
        self._records = 0
        self._statements = 0
        self._sender: str | None = None
        self.message_id: str | None = None

    def ready(self) -> list[ProviderRecord]:
        """The records that are complete and confirmed by now."""
        ready, self._ready = self._ready, []
        return ready

    def begin(self, token: Begin) -> None:
        """A message begins: it must be of this kind."""
        found = token.header.type
        if found is not None and found != self._kind.type:
            where = f"line {token.line}"
            reason = "mixed_messages" if self._statements else "wrong_format"
            raise RefusedError(reason, where, f"an MT{self._kind.type}", f"an MT{found}")
        self._page = Page(token.header, token.line)
        self._sender = self._sender or token.header.sender
        self._statements += 1

    def field(self, token: Field) -> None:
        """A field of the message."""
        page, tag, where = self._open(), token.tag, f"line {token.line}, :{token.tag}:"
        if tag not in self._kind.tags:
            raise RefusedError("unexpected_tag", where, f"fields of an MT{self._kind.type}", repr(token.text[:40]))
        if page.closing is not None and tag not in _AFTER_CLOSING:
            raise RefusedError("misplaced_tag", where, "only balances and information after the closing balance", tag)
        if tag == "61":
            self._statement_line(page, token, where)
        elif tag in ("86", "NS"):
            _information(page, token)
        else:
            self._flush(page)
            self._header_field(page, tag, token.text.strip(), where)

    def _header_field(self, page: Page, tag: str, text: str, where: str) -> None:
        if tag in _OPENING:
            _once(page.opening is not None or page.tally.counts, where)
            page.opening = balance(text, where)
            page.said["opening"] = tag
        elif tag in _CLOSING:
            page.closing, page.closing_tag = balance(text, where), tag
            self._require(page, where)
        elif tag == "34F":
            _once(len(page.floors) >= _MOST_FLOORS, where)
            page.floors.append(floor_limit(text, where, page.currency))
        elif tag in _SUMS:
            _once(any(declared.tag == tag for declared in page.sums), where)
            page.sums.append(declared_sum(tag, text, where))
        elif tag in _ACCOUNTS:
            _once("25" in page.said, where)
            page.said["25"] = text.partition("\n")[0].strip()
        elif tag in _NUMBERS:
            _once("28C" in page.said, where)
            page.said["28C"] = text
        elif tag not in ("64", "65"):
            _once(tag in page.said, where)
            page.said[tag] = text

    def _statement_line(self, page: Page, token: Field, where: str) -> None:
        self._require(page, where)
        self._flush(page)
        if page.sums:
            raise RefusedError("misplaced_tag", where, "statement lines before their sums", "61 after 90")
        line = statement_line(token.text, where, interim=self._kind.interim)
        page.tally.add(line)
        page.pending = Pending(line, token.line)

    def _require(self, page: Page, where: str) -> None:
        """What every entry needs: a reference, an account, a currency."""
        missing = [tag for tag in ("20", "25") if tag not in page.said]
        if self._kind.interim and not page.floors:
            missing.append("34F")
        if not self._kind.interim and page.opening is None:
            missing.append("60F")
        if missing or page.currency is None:
            names = ", ".join(f":{tag}:" for tag in missing) or "a currency in the opening balance"
            raise RefusedError("missing_tag", where, f"{names} before it", "none")

    def _flush(self, page: Page) -> None:
        """The pending line is complete."""
        pending = page.pending
        if pending is None:
            return
        page.pending = None
        page.kept.append(self._record(page, pending))
        page.unconfirmed.append(Checked(pending.line, f"line {pending.number}, :61:"))
        if len(page.kept) >= BATCH_LINES:
            self._confirm(page)

    def _confirm(self, page: Page) -> None:
        if page.unconfirmed:
            confirm(page.unconfirmed, page.currency or "")
            self._ready += page.kept
            self._records += len(page.kept)
            page.kept, page.unconfirmed = [], []

    def _record(self, page: Page, pending: Pending) -> ProviderRecord:
        fields: dict[str, JSON] = {
            "20": page.said.get("20"),
            "25": page.said.get("25"),
            "28C": page.said.get("28C"),
            "statement": page.name,
            "currency": page.currency,
            "sender": page.header.sender,
            "61": pending.line.fields(),
            **pending.words,
        }
        return ProviderRecord(_ENTRY, f"line {pending.number}", fields)

    def end(self, token: End) -> None:
        """The message has ended: does it prove itself?"""
        page, where = self._open(), f"line {token.line}"
        self._flush(page)
        self._require(page, where)
        self._confirm(page)
        if page.closing is None:
            self._without_closing(page, token, where)
        self._proof.of(page)
        self.message_id = self._name(page)
        self._page = None

    def _without_closing(self, page: Page, token: End, where: str) -> None:
        """Was the end seen at all? An MT942 has no balance: its sums, or an end that is said, show it."""
        if not self._kind.interim and not token.said:
            raise RefusedError("truncated", where, ":62F: or :62M:, the closing balance", "the end of the message")
        if self._kind.interim and token.at_end and not page.sums:
            expected = ":90D:, :90C: or - at the end of the message"
            raise RefusedError("truncated", where, expected, "the end of the file")

    def _name(self, page: Page) -> str | None:
        """The file's message id: a single numbered statement has one. Several, or statements that count from 0, are
        named by their bytes: a name that comes again tomorrow would make tomorrow's file a forgery of today's."""
        number = usable_name(page.sequence[1], 1)
        return page.name if self._statements == 1 and number is not None else None

    def verdict(self) -> FileEnd:
        """The last word on a good file."""
        if not self._statements:
            raise RefusedError("empty", "the file", f"an MT{self._kind.type}", "no message")
        return FileEnd(self._kind.format, self.message_id, self._sender, self._records)

    def _open(self) -> Page:
        if self._page is None:
            raise RefusedError("unexpected_text", "the file", "a message", "a field outside of one")
        return self._page


def _information(page: Page, token: Field) -> None:
    """Field 86 or NS: of the line before it, else of the whole statement, of which nothing is kept."""
    pending = page.pending
    if pending is None:
        return
    known = pending.words.get(token.tag)
    told = token.text if known is None else f"{known}\n{token.text}"
    if len(told) > LONGEST_FIELD:
        where, limit = f"line {token.line}, :{token.tag}:", f"at most {LONGEST_FIELD} characters for one line"
        raise RefusedError("field_too_long", where, limit, f"{len(told)}")
    pending.words[token.tag] = told


def _once(again: object, where: str) -> None:
    if again:
        raise RefusedError("misplaced_tag", where, "the field once, before the statement lines", "it again")
