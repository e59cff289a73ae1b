"""Reads files of canonical JSON (one object, an array, or one object a line) and checks each document strictly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, Final

import msgspec

from connectors.contract import (
    JSON,
    BankProfile,
    Connector,
    FileEnd,
    Mapped,
    MappingError,
    ProviderRecord,
    ReaderOutput,
    Refusal,
)
from connectors.documents import (
    AcknowledgementDocument,
    ApprovalDocument,
    CanonicalDocument,
    CommandDocument,
    ReconciliationDocument,
    ReleaseDocument,
)

#: A canonical document is small; a larger one is no document but a file of another kind.
MAX_DOCUMENT_BYTES: Final = 1_000_000
MAX_ARRAY_BYTES: Final = 16_000_000
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"

FORMATS: Final[dict[str, type[CanonicalDocument]]] = {
    "approval.json": ApprovalDocument,
    "release.json": ReleaseDocument,
    "acknowledgement.json": AcknowledgementDocument,
    "reconciliation.json": ReconciliationDocument,
    "command.json": CommandDocument,
}
#: The field that only documents of this kind have: what a file of unknown kind is told apart by.
_TELLTALE: Final = {
    "approval.json": "decision",
    "release.json": "stage",
    "acknowledgement.json": "status",
    "reconciliation.json": "kind",
    "command.json": "action",
}


def _read(name: str, stream: BinaryIO, profile: BankProfile) -> Iterator[ReaderOutput]:
    del profile  # canonical means that no bank does it differently
    count = 0
    try:
        for position, document in _documents(stream):
            count += 1
            yield ProviderRecord(name, position, document)
    except _UnreadableError as error:
        yield Refusal(error.reason, error.where, error.expected, error.found, name)
        return
    if count == 0:
        yield Refusal("empty", "the file", "at least one document", "none", name)
        return
    yield FileEnd(name, None, None, count)


class _UnreadableError(Exception):
    def __init__(self, reason: str, where: str, expected: str, found: str) -> None:
        super().__init__(reason)
        self.reason, self.where, self.expected, self.found = reason, where, expected, found


def _documents(stream: BinaryIO) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    """Documents with their positions; an array or a single object is read whole, lines one at a time."""
    first = _next_line(stream)
    if first is None:
        return
    text = first.removeprefix(_BOM).strip(_BLANK)
    if text.startswith(b"{") and _is_whole(text):
        yield "line 1", _object(text, "line 1")
        number = 1
        while (line := _next_line(stream)) is not None:
            number += 1
            if line.strip(_BLANK):
                yield f"line {number}", _object(line.strip(_BLANK), f"line {number}")
        return
    whole = _parsed(first.removeprefix(_BOM) + _rest(stream), "the file")
    items = whole if isinstance(whole, list) else [whole]
    for index, item in enumerate(items, 1):
        yield f"document {index}", _require_object(item, f"document {index}")


def _rest(stream: BinaryIO) -> bytes:
    """What follows the first line of a file that is one array or one object."""
    rest = stream.read(MAX_ARRAY_BYTES + 1)
    if len(rest) > MAX_ARRAY_BYTES:
        limit = f"at most {MAX_ARRAY_BYTES} bytes: write one document a line"
        raise _UnreadableError("oversized", "the file", limit, "more")
    return rest


def _next_line(stream: BinaryIO) -> bytes | None:
    """The next line that is not blank at the start of the file; None at its end."""
    line = stream.readline(MAX_DOCUMENT_BYTES + 1)
    if len(line) > MAX_DOCUMENT_BYTES and not line.endswith(b"\n"):
        raise _UnreadableError("oversized", "one line", f"at most {MAX_DOCUMENT_BYTES} bytes", "more")
    return line or None


def _is_whole(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def _object(text: bytes, where: str) -> Mapping[str, JSON]:
    return _require_object(_parsed(text, where), where)


def _parsed(text: bytes, where: str) -> Any:
    """JSON that can be written again exactly: no fractions as numbers, no name twice, no half characters."""
    try:
        parsed = json.loads(
            text.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float, object_pairs_hook=_once
        )
        msgspec.json.encode(parsed)
    except _FloatError as error:
        expected = 'amounts as decimal text, such as "10.50"'
        raise _UnreadableError("float_amount", where, expected, f"the number {error}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise _UnreadableError("malformed_json", where, "JSON in UTF-8", str(error)[:200]) from error
    return parsed


class _FloatError(Exception):
    """A number with a fraction or exponent: a reader somewhere would round it."""


def _no_float(number: str) -> Any:
    raise _FloatError(number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return found


def _require_object(item: Any, where: str) -> Mapping[str, JSON]:
    if not isinstance(item, dict):
        raise _UnreadableError("malformed_json", where, "a JSON object", type(item).__name__)
    return item


def _map(kind: type[CanonicalDocument], record: ProviderRecord, profile: BankProfile) -> Iterable[Mapped]:
    del profile
    try:
        yield msgspec.convert(record.fields, kind)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        expected = f"a {kind.__name__}"
        if "matching regex" in text:  # only amounts have one
            expected, text = 'an amount as plain digits, such as "10.50"', "a text that is not a decimal number"
        yield MappingError(record.position, path.rstrip("`").lstrip(".") or "the document", expected, text)


def _sniff(name: str, head: bytes) -> bool:
    text = head.removeprefix(_BOM).lstrip().lstrip(b"[").lstrip()
    return text.startswith(b"{") and b'"source_event_id"' in text and f'"{_TELLTALE[name]}"'.encode() in text


CONNECTORS: Final[tuple[Connector, ...]] = tuple(
    Connector(name, partial(_sniff, name), partial(_read, name), partial(_map, kind)) for name, kind in FORMATS.items()
)
