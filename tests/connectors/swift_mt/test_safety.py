"""Whatever was cut off, changed or added: no traceback, one verdict, never more money out than the file had."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import DEFAULT_PROFILE, BankProfile, FileEnd, ProviderRecord
from connectors.registry import connector_of
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import TEXT_FOLDERS, Read, all_samples, name_of, read
from tests.connectors.swift_mt.given import IGNORED, fin, interim, statement

SAMPLES = [path for path in all_samples() if TEXT_FOLDERS.get(path.parent.name, "").startswith("mt")]
FORMATS = ["mt940", "mt942", "mt900", "mt910", "mt199", "mtn92", "mtn96"]
MADE = {
    "blocks": ("mt940", fin("940", statement(":61:260302D10,50NTRFX", closing="C260302EUR989,50").removesuffix("-\n"))),
    "pages": (
        "mt940",
        statement(":61:260302D10,50NTRFX", ":86:/EREF/PAY-1/", closing="C260302EUR989,50").replace(":62F:", ":62M:")
        + statement(":61:260302C1,NTRFY", opening="C260302EUR989,50", closing="C260303EUR990,50"),
    ),
    "interim": ("mt942", interim(":61:260302D10,50NTRFX", sums=":90D:1EUR10,50\n:90C:0EUR0,\n")),
    "answer": ("mtn96", fin("196", ":20:A\n:21:B\n:76:/CNCL/\n")),
    "credit": ("mt910", fin("910", ":20:A\n:21:B\n:25:C\n:32A:260302EUR1,5\n:50K:X\n")),
}
CASES = [(name_of(path), TEXT_FOLDERS[path.parent.name], path.read_bytes()) for path in SAMPLES] + [
    (name, format_, text.encode()) for name, (format_, text) in MADE.items()
]
every_case = pytest.mark.parametrize(("format_", "data"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])


def _said(done: Read) -> list[object]:
    return list(done.mapped) if isinstance(done.last, FileEnd) else []


@every_case
@pytest.mark.parametrize("profile", [DEFAULT_PROFILE, IGNORED], ids=["strict", "lax"])
def test_a_file_cut_anywhere_says_the_beginning_of_what_it_said(
    format_: str, data: bytes, profile: BankProfile
) -> None:
    whole, most = read(data, format_, profile), read(data, format_, IGNORED).money()
    step = max(1, len(data) // 1_500)
    for length in [*range(0, len(data), step), *range(max(0, len(data) - 60), len(data))]:
        cut = read(data[:length], format_, profile)
        assert cut.money() <= most, f"cut after {length} bytes"
        if whole.accepted and cut.accepted:
            said = _said(cut)
            assert said == _said(whole)[: len(said)], f"cut after {length} bytes"


SINGLE = [case for case in CASES if case[2].count(b":20:") == 1 and read(case[2], case[1]).accepted]


@pytest.mark.parametrize(("format_", "data"), [case[1:] for case in SINGLE], ids=[case[0] for case in SINGLE])
def test_a_message_cut_before_its_end_says_nothing(format_: str, data: bytes) -> None:
    end = max(data.rfind(b":62F:"), data.rfind(b":90D:"), data.rfind(b"-}"))
    assert end > 0
    for length in range(end):
        assert not read(data[:length], format_).accepted, f"cut after {length} bytes"


FRAGMENTS = [
    *(b"", b"\n", b"\r", b":", b"-", b"-}", b"{", b"}", b"{1:", b"{4:", b"\0", b"\x01", b"\xff", b"\xef\xbb\xbf", b"."),
    *(b",", b"9" * 20, b":61:", b":86:", b":62F:", b":20:", b":NS:", b"\n-\n", b":61:260302D1,NTRFX\n", b"//", b"?20"),
    *(b"EREF+", b"/EREF/", b"/REJT/", b"//ACCC", b"RD", "\u0661".encode(), b"0230", b"\n:60M:C260101EUR0,\n"),
]
edits = edits_of(FRAGMENTS, 30)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=st.sampled_from(CASES), changes=edits, format_=st.sampled_from([None, *FORMATS]), lax=st.booleans())
def test_a_mutated_file_is_read_or_refused(
    case: tuple[str, str, bytes], changes: list[Edit], format_: str | None, lax: bool
) -> None:
    done = read(edited(case[2], changes), format_ or case[1], IGNORED if lax else DEFAULT_PROFILE)
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(positions)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=st.sampled_from([case for case in CASES if case[1] == "mt940"]),
    places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
)
def test_a_strict_statement_without_some_of_its_lines_loses_no_booking_silently(
    case: tuple[str, str, bytes], places: list[float]
) -> None:
    """Lines taken out: what is still accepted has a balance that proves all bookings left in it."""
    lines = case[2].split(b"\n")
    for place in places[: len(lines)]:
        del lines[int(place * len(lines))]
    done = read(b"\n".join(lines), case[1])
    if done.accepted:
        assert len(done.mapped) == sum(line.startswith(b":61:") for line in lines)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), format_=st.sampled_from(FORMATS))
def test_any_bytes_end_in_one_verdict(data: bytes, format_: str) -> None:
    read(data, format_)


@settings(max_examples=200, deadline=None)
@given(
    minor=st.integers(0, 10**14 - 1),
    mark=st.sampled_from(["C", "D", "RC", "RD"]),
    funds=st.sampled_from(["", "R", "D", "C"]),
)
def test_an_amount_comes_out_as_it_went_in(minor: int, mark: str, funds: str) -> None:
    amount = Decimal(minor).scaleb(-2)
    text = f"{amount:f}".replace(".", ",")
    signed = amount if mark in ("C", "RD") else -amount
    closing = f"{'C' if signed >= 0 else 'D'}260302EUR{abs(signed):f}".replace(".", ",")
    data = statement(f":61:260302{mark}{funds}{text}NTRFX", opening="C260301EUR0,", closing=closing).encode()
    assert read(data, "mt940").only().amount == amount


class _Endless(io.RawIOBase):
    """A statement of many lines that is never in memory as a whole."""

    def __init__(self, entries: int) -> None:
        self._parts = self._made(entries)
        self._rest = b""

    @staticmethod
    def _made(entries: int) -> Iterator[bytes]:
        yield b":20:S\n:25:A\n:28C:1/1\n:60F:C260301EUR0,\n"
        for number in range(entries):
            yield (
                f":61:2603020302C1,NTRFREF{number}//B{number}\n:86:166?00X?20EREF+PAY-{number}?21SVWZ+".encode()
                + b"W" * 900
                + b"\n"
            )
        yield f":62F:C260302EUR{entries},\n-\n".encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        assert isinstance(buffer, memoryview | bytearray)
        while len(self._rest) < len(buffer):
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def test_memory_does_not_grow_with_the_file() -> None:
    connector = connector_of("mt940")
    assert connector is not None

    def peak(entries: int) -> int:
        tracemalloc.start()
        last: object = None
        count = 0
        for last in connector.read(io.BufferedReader(_Endless(entries)), DEFAULT_PROFILE):
            count += isinstance(last, ProviderRecord)
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(last, FileEnd)
        assert count == entries
        return reached

    peak(200)
    assert peak(4_000) < peak(500) + (1 << 20)


def test_a_path_that_stands_in_a_file_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.sta"
    secret.write_text(statement(":61:260302D1,NTRFX", closing="C260302EUR999,"), encoding="utf-8")
    assert not read(str(secret).encode(), "mt940").accepted
