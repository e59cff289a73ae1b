"""Lines to messages and their fields: ``{4:`` to ``-}``, or a message without blocks from its first tag to ``-``.

Nothing between messages is passed over silently but what is known to stand there: blocks, banks' header lines, ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from connectors.refused import RefusedError
from connectors.swift_mt.header import Header, header_of, header_of_lines
from connectors.swift_mt.lines import Line

LONGEST_FIELD: Final = 32_768
_LONGEST_HEADER: Final = 4_096
_MOST_LINES_BEFORE: Final = 20
_TAG: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
_TYPE_TAG: Final = re.compile(r":[1-9][0-9]{2}:")
_END_LINE: Final = re.compile(r"-(?:XXX)?\}?")
_END_OF_BLOCK: Final = "-}"
_TEXT_BLOCK: Final = "4"
#: Between two messages: an end said twice, a separator, a bank's line of capitals and digits (``940 00``).
_BETWEEN: Final = re.compile(r"[-}$\s]*|[A-Z0-9 ]{2,40}")
_FREE_TEXT: Final = frozenset({"86", "NS"})
"""Fields in which a line that looks like an unknown tag is text."""
FIRST_TAG: Final = "20"


@dataclass(frozen=True, slots=True)
class Begin:
    """A message begins."""

    header: Header
    line: int


@dataclass(frozen=True, slots=True)
class Field:
    """One field; lines are joined by a line feed. ``line`` is where its tag stands."""

    tag: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class End:
    """A message has ended; ``said`` False: only because the next one begins or the file ends."""

    said: bool
    line: int
    at_end: bool = False


Piece: TypeAlias = "Begin | Field | End"


def tokens(lines: Iterable[Line], known: frozenset[str]) -> Iterator[Piece]:
    """All messages. ``known``: tags that end a free text. Raises RefusedError."""
    tokenizer = _Tokenizer(known)
    for line in lines:
        yield from tokenizer.line(line)
    yield from tokenizer.at_end()


@dataclass(slots=True)
class _Open:
    """The field that grows."""

    tag: str
    line: int
    pieces: list[str]
    length: int


@dataclass(slots=True)
class _Tokenizer:
    known: frozenset[str]
    inside: bool = False
    in_block: bool = False
    number: int = 0
    messages: int = 0
    header_text: str = ""
    blocks: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    open: _Open | None = None

    def line(self, line: Line) -> Iterator[Piece]:
        """What one more line brings."""
        self.number = line.number
        if self.header_text or not self.inside:
            yield from self._outside(line.text)
        elif self.in_block:
            yield from self._in_block(line.text)
        else:
            yield from self._plain(line.text)

    def at_end(self) -> Iterator[Piece]:
        """The file has ended."""
        where = f"line {self.number}"
        if self.header_text.strip() or self.blocks.keys() & {"1", "2", "3"}:
            raise RefusedError("truncated", where, "the text block {4:", f"the end of the file: {self._header_shown()}")
        if self.in_block:
            raise RefusedError("truncated", where, "-} at the end of the message", "the end of the file")
        if self.inside:
            yield from self._close(said=False, at_end=True)

    def _header_shown(self) -> str:
        return repr(self.header_text or "".join(f"{{{name}:{text}}}" for name, text in self.blocks.items()))

    def _outside(self, text: str) -> Iterator[Piece]:
        if self.header_text or text.lstrip().startswith("{"):
            yield from self._blocks(text)
        elif _TAG.match(text) and not self.blocks:
            header = header_of_lines(self.before)
            self.before = []
            yield self._begin(header, in_block=False)
            yield from self._plain(text)
        else:
            self._between(text)

    def _between(self, text: str) -> None:
        """A line that belongs to no message: banks put some before the first and, the same kind, between."""
        told = self.messages > 0
        harmless = _BETWEEN.fullmatch(text) if told else not text.startswith(":")
        if not (harmless or _TYPE_TAG.fullmatch(text.strip())) or len(self.before) >= _MOST_LINES_BEFORE or self.blocks:
            expected = "the next message (:20: or {1:) or the end" if told else "a message (:20: or {1:)"
            raise RefusedError("unexpected_text", f"line {self.number}", expected, repr(text))
        self.before.append(text)

    def _blocks(self, text: str) -> Iterator[Piece]:
        """Take whole blocks off the header; the text block's beginning begins the message."""
        self.header_text += text.strip() if not self.header_text else text
        while self.header_text:
            rest = self.header_text
            if _opens_text(rest):
                self.header_text = ""
                header = header_of(self.blocks)
                self.blocks, self.before = {}, []
                yield self._begin(header, in_block=True)
                inner = rest[len("{4:") :]
                if inner.strip():
                    yield from self._in_block(inner)
                return
            end = _balanced(rest)
            if end is None:
                if len(rest) > _LONGEST_HEADER:
                    raise RefusedError("malformed_header", f"line {self.number}", "blocks {n:...}", repr(rest[:40]))
                return
            self._keep(rest[1 : end - 1])
            self.header_text = rest[end:].lstrip(" $\x01\x03")
            if self.header_text and not self.header_text.startswith("{"):
                stray, self.header_text = self.header_text, ""
                yield from self._outside(stray)

    def _keep(self, block: str) -> None:
        """Blocks 5 and S end the message before; a text block of blocks is a network's acknowledgement."""
        name, colon, content = block.partition(":")
        if not colon or name not in {"1", "2", "3", "4", "5", "S"}:
            raise RefusedError("malformed_header", f"line {self.number}", "blocks {1:} to {5:}", repr(block[:40]))
        if name == _TEXT_BLOCK:
            self.blocks = {}
        elif name in {"1", "2", "3"}:
            if name in self.blocks:
                raise RefusedError("truncated", f"line {self.number}", "the text block {4:", f"a second block {name}")
            self.blocks[name] = content

    def _begin(self, header: Header, *, in_block: bool) -> Begin:
        self.inside, self.in_block = True, in_block
        self.messages += 1
        return Begin(header, self.number)

    def _close(self, *, said: bool, at_end: bool = False) -> Iterator[Piece]:
        yield from self._flush()
        self.inside = self.in_block = False
        yield End(said, self.number, at_end)

    def _flush(self) -> Iterator[Field]:
        if self.open is not None:
            yield Field(self.open.tag, "\n".join(self.open.pieces), self.open.line)
            self.open = None

    def _in_block(self, text: str) -> Iterator[Piece]:
        if text.startswith("{1:"):
            raise RefusedError("truncated", f"line {self.number}", "-} at the end of the message", repr(text[:40]))
        content, end, rest = text.partition(_END_OF_BLOCK)
        if not end and _END_LINE.fullmatch(text.strip()):
            yield from self._close(said=True)
            return
        if content.strip():
            yield from self._text(content)
        if end:
            yield from self._close(said=True)
            if rest.strip():
                yield from self._outside(rest.strip())

    def _plain(self, text: str) -> Iterator[Piece]:
        match = _TAG.match(text)
        if _END_LINE.fullmatch(text.strip()):
            yield from self._close(said=True)
        elif text.startswith("{1:"):
            yield from self._close(said=False)
            yield from self._outside(text)
        elif match is not None and match.group(1) == FIRST_TAG and self.open is not None:
            yield from self._close(said=False)
            yield self._begin(Header(), in_block=False)
            yield from self._text(text)
        else:
            yield from self._text(text)

    def _text(self, text: str) -> Iterator[Field]:
        """A line of a field, or the first line of the next one."""
        match = _TAG.match(text)
        if match is not None and not self._is_words(match.group(1)):
            yield from self._flush()
            self.open = _Open(match.group(1), self.number, [match.group(2)], len(text))
            return
        if self.open is None:
            raise RefusedError("unexpected_text", f"line {self.number}", "a field (:20:)", repr(text))
        self.open.pieces.append(text)
        self.open.length += len(text)
        if self.open.length > LONGEST_FIELD:
            where, limit = f"field {self.open.tag} of line {self.open.line}", f"at most {LONGEST_FIELD} characters"
            raise RefusedError("field_too_long", where, limit, f"{self.open.length} or more")

    def _is_words(self, tag: str) -> bool:
        return self.open is not None and self.open.tag in _FREE_TEXT and tag not in self.known


def _opens_text(rest: str) -> bool:
    """``{4:`` and then text, not blocks."""
    return rest.startswith("{4:") and not rest.startswith("{4:{")


def _balanced(text: str) -> int | None:
    """Where the block at the beginning ends; None if it does not yet."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index + 1
    return None
