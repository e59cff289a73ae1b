"""What stands before the message: is there a DOCTYPE, which message is it, what does its business header say?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Final

from lxml import etree

from connectors.contract import JSON
from connectors.iso20022.elements import content, name_of
from connectors.iso20022.refusals import RefusedError

MESSAGES: Final = {
    "CstmrCdtTrfInitn": "pain.001",
    "CstmrPmtStsRpt": "pain.002",
    "FIToFIPmtStsRpt": "pacs.002",
    "PmtRtr": "pacs.004",
    "RsltnOfInvstgtn": "camt.029",
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
    "FIToFIPmtCxlReq": "camt.056",
}
"""The element that makes a message what it is. Not its namespace (banks have their own, or none), not Document."""

_PIECE_BYTES: Final = 4_096
_LONGEST_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BLANK: Final = b" \t\r\n"
_NAMES_SHOWN: Final = 6


@dataclass(slots=True)
class Prologue:
    """``message`` is the name of the message element (None: not found); ``names`` the elements before it."""

    message: str | None = None
    doctype: bool = False
    header: JSON = None
    names: list[str] = field(default_factory=list)
    error: etree.XMLSyntaxError | None = None

    @property
    def done(self) -> bool:
        """Nothing more to learn."""
        return self.message is not None or self.error is not None


def parser(tags: list[str] | None, encoding: str | None) -> etree.XMLPullParser:
    """The one way in which we parse: no DTD, no network, no entities, libxml2's own limits on."""
    return etree.XMLPullParser(
        events=("start", "end"),
        tag=tags,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def without_mark(head: bytes) -> bytes:
    """Without a UTF-8 byte order mark and blank lines, which some senders put before the XML declaration."""
    return head.removeprefix(_BOM).lstrip(_BLANK)


def is_utf16(head: bytes) -> bool:
    """UTF-16 with its byte order mark: the one encoding in which NUL bytes are text."""
    return head.startswith(_UTF_16)


class Search:
    """Reads an XML document up to its message element. Fed piece by piece."""

    def __init__(self, encoding: str | None = None) -> None:
        self.found = Prologue()
        self._parser = parser(None, encoding)

    def feed(self, data: bytes) -> Prologue:
        """Look at the next bytes."""
        found = self.found
        try:
            for begin in range(0, len(data), _PIECE_BYTES):
                self._parser.feed(data[begin : begin + _PIECE_BYTES])
                self._look()
                if found.done:
                    break
        except etree.XMLSyntaxError as error:
            found.error = found.error or error
            self._look()  # what came before the error: entities that are too large have a DOCTYPE
        return found

    def _look(self) -> None:
        found = self.found
        for event, element in self._parser.read_events():
            if not isinstance(element, etree._Element) or not isinstance(element.tag, str):
                continue
            name = name_of(element)
            if event == "start":
                if not found.names:
                    found.doctype = element.getroottree().docinfo.internalDTD is not None
                if len(found.names) < _NAMES_SHOWN:
                    found.names.append(name)
                if name in MESSAGES:
                    found.message = name
                    return
            elif name == "AppHdr":
                found.header = content(element)


@lru_cache(4)
def prologue_of(head: bytes) -> Prologue:
    """What the first bytes of a file tell."""
    text = without_mark(head)
    if not text.startswith((b"<", *_UTF_16)):
        return Prologue()
    try:
        return Search().feed(text)
    except RefusedError:
        return Prologue()


def described(head: bytes) -> str | None:
    """For a file that is nobody's: what this XML is, if it is XML."""
    names = prologue_of(head).names
    return f"XML of {'/'.join(names)}" if names else None


class Opened:
    """A file whose prologue was read: ``chunks`` gives all of its bytes, those already read first."""

    def __init__(self, stream: BinaryIO, message: str, encoding: str | None, chunk_bytes: int) -> None:
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._begun: list[bytes] = []
        self._nul_is_text = encoding is not None and "16" in encoding
        self.prologue = self._search(message, Search(encoding))

    def _search(self, message: str, search: Search) -> Prologue:
        found, length = search.found, 0
        while not found.done and (chunk := self._stream.read(self._chunk_bytes)):
            if not self._begun:
                self._nul_is_text |= is_utf16(chunk)
                chunk = without_mark(chunk)
            self._begun.append(chunk)
            length += len(chunk)
            search.feed(chunk)
            if found.doctype:
                raise RefusedError("doctype_forbidden", "before the root element", "no DOCTYPE", "a DOCTYPE")
            if length > _LONGEST_BYTES and not found.done:
                raise no_message(found.names, message)
        if not any(self._begun):
            raise RefusedError("empty", "the file", f"a {MESSAGES[message]}", "nothing")
        if found.message not in (None, message):
            raise RefusedError("wrong_format", found.message, f"a {MESSAGES[message]}", f"a {MESSAGES[found.message]}")
        return found

    def chunks(self) -> Iterator[bytes]:
        """All bytes of the document. Raises RefusedError at a NUL byte."""
        offset = 0
        for chunk in self._all():
            if not self._nul_is_text and (at := chunk.find(0)) >= 0:
                raise RefusedError("nul_byte", f"byte {offset + at}", "text", "a NUL byte")
            offset += len(chunk)
            yield chunk

    def _all(self) -> Iterator[bytes]:
        yield from self._begun
        self._begun.clear()
        while chunk := self._stream.read(self._chunk_bytes):
            yield chunk


def no_message(names: list[str], message: str) -> RefusedError:
    """The document has other elements than the one looked for."""
    where = "/".join(names) or "the file"
    return RefusedError("unknown_format", where, f"the element {message} ({MESSAGES[message]})", "none")
