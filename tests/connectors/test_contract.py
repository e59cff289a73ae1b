"""What connectors/contract.py promises of every connector, shown on every sample."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import Acknowledgement, FileEnd, Instruction
from connectors.registry import connector_of, connectors, formats
from tests.connectors.files import ALL_FOLDERS, all_samples, format_of, name_of, profile_of, read, samples

every_sample = pytest.mark.parametrize("path", all_samples(), ids=name_of)
every_document = pytest.mark.parametrize("path", samples(), ids=name_of)


def _format(path: Path) -> str:
    return ALL_FOLDERS[path.parent.name]


def test_formats_have_one_connector_each() -> None:
    names = [connector.format for connector in connectors()]
    assert len(names) == len(set(names))
    assert set(names) == set(formats())


@every_sample
def test_a_file_is_told_from_its_content_by_exactly_one_connector(path: Path) -> None:
    data = path.read_bytes()
    assert [connector.format for connector in connectors() if connector.sniff(data[:65536])] == [_format(path)]
    assert format_of(data) == _format(path)


@every_sample
def test_positions_are_unique_in_a_file(path: Path) -> None:
    positions = [record.position for record in read(path.read_bytes(), _format(path), profile_of(path)).records]
    assert len(positions) == len(set(positions))


@every_sample
def test_the_end_counts_the_records(path: Path) -> None:
    done = read(path.read_bytes(), _format(path), profile_of(path))
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(done.records)
        assert done.last.format == _format(path)


@every_sample
def test_fields_are_json_without_floats(path: Path) -> None:
    def check(value: object) -> None:
        assert value is None or type(value) in (str, int, bool, list, dict), value
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(inner)

    for record in read(path.read_bytes(), _format(path), profile_of(path)).records:
        check(record.fields)


@every_sample
def test_amounts_are_exact_decimals_with_a_currency(path: Path) -> None:
    for item in read(path.read_bytes(), _format(path), profile_of(path)).mapped:
        assert isinstance(item, Acknowledgement | Instruction)
        assert item.amount is None or isinstance(item.amount, Decimal)
        assert (item.amount is None) == (item.currency is None)


@every_sample
def test_reading_twice_gives_the_same(path: Path) -> None:
    data = path.read_bytes()
    assert read(data, _format(path), profile_of(path)) == read(data, _format(path), profile_of(path))


@every_sample
def test_a_stream_that_gives_few_bytes_at_a_time_reads_the_same(path: Path) -> None:
    class Slow(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            assert isinstance(buffer, memoryview | bytearray)
            data = self._data.read(min(len(buffer), 7))
            buffer[: len(data)] = data
            return len(data)

    connector = connector_of(_format(path))
    assert connector is not None
    slow = io.BufferedReader(Slow(path.read_bytes()), 7)
    profile = profile_of(path)
    assert list(connector.read(slow, profile)) == list(connector.read(io.BytesIO(path.read_bytes()), profile))


def _cuts(length: int) -> list[int]:
    """Every byte of a small file; of a large one some everywhere and every one of its end."""
    if length < 1_200:
        return list(range(length))
    return [*range(0, length - 60, max(1, length // 97)), *range(length - 60, length)]


@every_document
def test_a_file_cut_anywhere_is_refused_or_says_the_same(path: Path) -> None:
    data = path.read_bytes()
    whole = read(data, _format(path))
    for length in _cuts(len(data)):
        cut = read(data[:length], _format(path))
        if isinstance(cut.last, FileEnd):
            assert cut.mapped == whole.mapped, f"cut after {length} bytes"
        assert cut.money() <= whole.money()


@every_document
def test_a_refusal_says_where_what_was_expected_and_what_was_found(path: Path) -> None:
    data = path.read_bytes()
    refusal = read(data[: data.rindex(b"</") + 5], _format(path)).refusal
    assert refusal.reason == "truncated" or refusal == read(data, _format(path)).last
    assert refusal.where
    assert refusal.expected
    assert refusal.found
    assert refusal.format == _format(path)
