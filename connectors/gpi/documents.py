"""JSON as an API gives it, read exactly: whole documents or one a line, numbers kept as the text that they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from connectors.refused import RefusedError

#: A page of the tracker is some hundred kilobytes; beyond this a file is written as one document a line.
MAX_DOCUMENT_BYTES: Final = 16_000_000
_BOM: Final = b"\xef\xbb\xbf"


class Document(NamedTuple):
    """One JSON value; ``where`` is its place in the file: ``line 3``, or ``document 2`` of an array."""

    where: str
    value: Any


def documents_of(stream: BinaryIO) -> Iterator[Document]:
    """Every document of a file that is one of them, an array, or one a line. Raises RefusedError.

    Numbers arrive as text: whoever made the file may have written amounts as numbers, and no float is exact.
    """
    first = _line(stream, 1).removeprefix(_BOM)
    if not first.strip():
        first += _rest(stream, len(first))
        if not first.strip():
            raise RefusedError("empty", "the file", "some content", "nothing")
        yield from _of_whole(first)
    elif _is_whole_object(first):
        yield Document("line 1", parsed(first, "line 1"))
        yield from _lines_after_first(stream)
    else:
        yield from _of_whole(first + _rest(stream, len(first)))


def _of_whole(data: bytes) -> Iterator[Document]:
    value = parsed(data, "the file")
    items = value if isinstance(value, list) else [value]
    for index, item in enumerate(items, 1):
        yield Document(f"document {index}", item)


def _lines_after_first(stream: BinaryIO) -> Iterator[Document]:
    number = 2
    while line := _line(stream, number):
        if line.strip():
            yield Document(f"line {number}", parsed(line, f"line {number}"))
        number += 1


def _line(stream: BinaryIO, number: int) -> bytes:
    """The next line, empty at the end of the file."""
    line = stream.readline(MAX_DOCUMENT_BYTES + 1)
    if len(line) > MAX_DOCUMENT_BYTES:
        raise _oversized(f"line {number}")
    return line


def _rest(stream: BinaryIO, already: int) -> bytes:
    rest = stream.read(MAX_DOCUMENT_BYTES + 1 - already)
    if already + len(rest) > MAX_DOCUMENT_BYTES:
        raise _oversized("the file")
    return rest


def _oversized(where: str) -> RefusedError:
    limit = f"at most {MAX_DOCUMENT_BYTES} bytes (a longer file is written as one document a line)"
    return RefusedError("oversized", where, limit, "more")


def _is_whole_object(line: bytes) -> bool:
    """Whether the first line is a document by itself: only then does each line hold one."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        parsed(line, "line 1")
    except RefusedError as error:
        return error.reason not in ("truncated", "malformed_json")
    return True


def parsed(data: bytes, where: str) -> Any:
    """The JSON value that ``data`` is. Raises RefusedError: not UTF-8, not JSON, cut off, a name given twice."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = repr(data[error.start : error.start + 16])
        raise RefusedError("wrong_encoding", f"{where}, byte {error.start}", "JSON in UTF-8", found) from None
    try:
        value = _decode(text)
        msgspec.json.encode(value)  # half of a surrogate pair cannot be written again
    except json.JSONDecodeError as error:
        raise _malformed(error, where) from None
    except RecursionError:
        raise RefusedError("nesting_too_deep", where, "a few levels of objects", "more than can be read") from None
    except ValueError as error:
        raise RefusedError("malformed_json", where, "JSON that can be written again exactly", str(error)) from None
    return value


def _malformed(error: json.JSONDecodeError, where: str) -> RefusedError:
    at = f"{where}, line {error.lineno}, column {error.colno}"
    cut_off = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    if cut_off:
        return RefusedError("truncated", at, "the end of the JSON document", error.msg)
    return RefusedError("malformed_json", at, "JSON", error.msg)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return found


_decode: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_no_number, object_pairs_hook=_once
).decode
