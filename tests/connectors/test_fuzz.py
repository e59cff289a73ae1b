"""Whatever the bytes: no traceback, one verdict, never more money out than is in the file."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import FileEnd, Refusal
from connectors.formats import InstalledFormats
from connectors.registry import formats
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import FOLDERS, read, samples

SMALL = [path for path in samples() if path.stat().st_size < 8_000]
AMOUNT = re.compile(r'Ccy="[A-Z]+"\s*>\s*([0-9]+(?:\.[0-9]*)?)\s*<')
FRAGMENTS = [
    b"",
    b"<",
    b">",
    b"&",
    b"&amp;",
    b"\0",
    b"\xff",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"<a>",
    b"</a>",
    b"<!DOCTYPE a>",
    b"-",
    b"9" * 30,
    b"1e9",
    b"<TxDtls>",
    b"<Ntry/>",
    b"<TxInfAndSts/>",
    b"NaN",
    "\u0661".encode(),
]

edits = edits_of(FRAGMENTS, 40)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(SMALL), edits=edits)
def test_a_mutated_sample_is_read_or_refused(path: Path, edits: list[Edit]) -> None:
    data = edited(path.read_bytes(), edits)
    done = read(data, FOLDERS[path.parent.name])
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(positions)
    for record, text in ((record, str(record.fields)) for record in done.records):
        assert record.kind
        assert len(text) < 1_000_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(SMALL), places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5))
def test_no_more_money_comes_out_than_is_in_the_file(path: Path, places: list[float]) -> None:
    lines = path.read_bytes().replace(b"><", b">\n<").split(b"\n")
    for place in places:
        del lines[int(place * len(lines))]
    data = b"\n".join(lines)
    assert read(data, FOLDERS[path.parent.name]).money() <= sum(map(Decimal, AMOUNT.findall(data.decode())))


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300), name=st.sampled_from(["auto", *formats()]))
def test_any_bytes_are_told_or_refused(data: bytes, name: str) -> None:
    connector = InstalledFormats().connector(name, data)
    if isinstance(connector, Refusal):
        assert connector.reason in {"empty", "unknown_format"}
    else:
        read(data, connector.format)


@pytest.mark.parametrize("format_", formats())
def test_a_reader_given_nothing_refuses(format_: str) -> None:
    assert read(b"", format_).refusal.reason == "empty"
