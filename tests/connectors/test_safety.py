"""What no reader of a file may be hurt by: the same attacks and accidents for every format that there is."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import BinaryIO, cast

import pytest

from connectors.contract import FileEnd, Refusal
from connectors.formats import InstalledFormats
from connectors.intake.reading import Request, read_to_end
from connectors.intake.spool import Spool, Spooled
from connectors.registry import connector_of, formats
from tests.connectors.files import read
from tests.fuzz.seeds import Seed, profiles_of, seeds

XML = [name for name in formats() if name.startswith(("pain.", "pacs.", "camt."))]
JSON = [name for name in formats() if name == "gpi" or name.endswith(".json")]
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10) for n in range(1, 10))
    + b"]><Document>&a9;</Document>"
)
LONG = b"A" * 1_200_000
MOST_BYTES = 40_000_000

every_format = pytest.mark.parametrize("format_", formats())
every_xml = pytest.mark.parametrize("format_", XML)


class Counted(Spool):
    """Keeps nothing but the largest record."""

    def __init__(self) -> None:
        self.records = 0
        self.largest = 0

    def append(self, record: Spooled) -> None:
        self.records += 1
        self.largest = max(self.largest, len(record.fields))


def good(format_: str) -> tuple[Seed, str]:
    """A file of the format that is accepted, and the profile that it is read with."""
    for seed in seeds()[format_]:
        for profile in profiles_of(format_):
            if isinstance(read(seed.data, format_, profile).last, FileEnd):
                return seed, profile.name
    raise AssertionError(f"no file of {format_} is accepted")


def verdict(data: bytes, format_: str, profile: str = "default") -> FileEnd | Refusal:
    """As intake judges it."""
    return read_to_end(io.BytesIO(data), Request(format_, profile), InstalledFormats(), Counted())


def inside(data: bytes, format_: str, put: bytes) -> bytes:
    """``put`` into a field: of XML the first, of JSON the first text, else in the middle of the file."""
    if format_ in XML:
        at = data.index(b"</")
    elif format_ in JSON:
        at = data.index(b'": "') + 4
    else:
        at = len(data) // 2
    return data[:at] + put + data[at:]


@every_format
def test_a_nul_byte_is_refused(format_: str) -> None:
    seed, profile = good(format_)
    assert isinstance(verdict(inside(seed.data, format_, b"\0"), format_, profile), Refusal)


@every_format
def test_bytes_that_are_no_text_are_refused(format_: str) -> None:
    seed, profile = good(format_)
    assert isinstance(verdict(inside(seed.data, format_, b"\xc3\x28"), format_, profile), Refusal)


@every_format
def test_an_over_long_field_is_refused(format_: str) -> None:
    seed, profile = good(format_)
    assert isinstance(verdict(inside(seed.data, format_, LONG), format_, profile), Refusal)


@every_format
def test_an_entity_bomb_is_refused_by_every_reader(format_: str) -> None:
    told = verdict(BOMB, format_, good(format_)[1])
    assert isinstance(told, Refusal)
    if format_ in XML:
        assert told.reason == "doctype_forbidden"


@every_xml
def test_a_doctype_before_a_good_message_is_forbidden(format_: str) -> None:
    data = good(format_)[0].data
    at = data.index(b"?>") + 2 if data.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else 0
    told = verdict(data[:at] + b"<!DOCTYPE Document>" + data[at:], format_)
    assert isinstance(told, Refusal)
    assert told.reason == "doctype_forbidden"


@every_xml
def test_three_hundred_levels_are_too_deep(format_: str) -> None:
    data = inside(good(format_)[0].data, format_, b"<a>" * 300 + b"</a>" * 300)
    told = verdict(data, format_)
    assert isinstance(told, Refusal)
    assert told.reason == "nesting_too_deep"


@pytest.mark.parametrize("format_", JSON)
@pytest.mark.parametrize("depth", [300, 100_000])
def test_json_within_json_is_refused_or_an_error_of_its_document(format_: str, depth: int) -> None:
    deep = b'{"source_event_id": ' + b"[" * depth + b"]" * depth + b"}"
    connector = connector_of(format_)
    assert connector is not None
    done = read(deep, format_)
    assert isinstance(done.last, Refusal) or not [item for item in done.mapped if hasattr(item, "amount")]


@every_format
def test_the_first_half_of_a_file_is_refused_or_ends_with_a_message(format_: str) -> None:
    seed, profile = good(format_)
    told = verdict(seed.data[: len(seed.data) // 2], format_, profile)
    if format_.startswith(("pain.", "pacs.", "camt.", "nacha", "bai2", "gpi")):
        assert isinstance(told, Refusal)


class Repeated(io.RawIOBase):
    """A good file's beginning and then the same bytes again and again."""

    def __init__(self, begin: bytes, then: bytes, size_bytes: int) -> None:
        self._begin = begin
        self._left_bytes = size_bytes
        self._then = then * (65_536 // len(then) + 1)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any writable buffer, as RawIOBase wants it
        data = (self._begin or self._then)[: len(view)]
        self._begin = self._begin[len(data) :]
        if self._left_bytes <= 0:
            return 0
        view[: len(data)] = data
        self._left_bytes -= len(data)
        return len(data)


@every_format
@pytest.mark.parametrize(
    ("then", "size_bytes"),
    [(b"A", 48_000_000), (b" ", 48_000_000), (b"\n", 500_000)],
    ids=["letters", "blanks", "line ends"],
)
def test_megabytes_of_nothing_are_read_in_bounded_memory(format_: str, then: bytes, size_bytes: int) -> None:
    seed, profile = good(format_)
    stream = cast("BinaryIO", Repeated(seed.data[: len(seed.data) * 2 // 3], then, size_bytes))
    peak, told = _peak_bytes(lambda: read_to_end(stream, Request(format_, profile), InstalledFormats(), Counted()))
    assert isinstance(told, Refusal | FileEnd)
    assert peak < MOST_BYTES


def _peak_bytes(work: Callable[[], FileEnd | Refusal]) -> tuple[int, FileEnd | Refusal]:
    tracemalloc.start()
    try:
        told = work()
        return tracemalloc.get_traced_memory()[1], told
    finally:
        tracemalloc.stop()
