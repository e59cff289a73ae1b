"""Whatever the bytes of a NACHA file: no traceback, one verdict, never more money out than is in the file."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Acknowledgement, BankProfile
from streams.domain.statuses import Status
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import SAMPLES
from tests.connectors.nacha.given import TRACE, batch, entry, one, read, returned

FILES = [path.read_bytes() for path in sorted((SAMPLES / "nacha").iterdir())]
PROFILES = [
    BankProfile("default"),
    BankProfile("careless", controls="ignore", options={"file_header": "optional"}),
    BankProfile("latin", encoding="iso8859-1", controls="ignore"),
]
FRAGMENTS = [
    *(
        b"",
        b"\n",
        b"\r\n",
        b" ",
        b"9" * 94,
        b"799R03",
        b"798C01",
        b"621",
        b"626",
        b"-1",
        b"1e9",
        b"\0",
        b"\xff",
        b"\x1a",
    ),
    *("\u0661\u0662".encode(), "ä".encode(), b"6", b"5200", b"8200", b"94" * 300),
]
edits = edits_of(FRAGMENTS, 100)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.sampled_from(FILES), profile=st.sampled_from(PROFILES), edits=edits)
def test_a_mutated_sample_is_read_or_refused(data: bytes, profile: BankProfile, edits: list[Edit]) -> None:
    done = read(edited(data, edits), profile)
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    for told in done.mapped:
        if isinstance(told, Acknowledgement) and told.lifecycle is Status.RETURNED:
            assert told.amount
            assert told.references.trace_number is None or told.references.trace_number.encode() in data


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.sampled_from(FILES), places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4))
def test_no_more_money_comes_out_than_is_in_the_file(data: bytes, places: list[float]) -> None:
    lines = data.splitlines()
    for place in places:
        del lines[int(place * len(lines))]
    left = sum((Decimal(line[29:39].decode()) for line in lines if line[:1] == b"6"), Decimal(0)).scaleb(-2)
    for profile in PROFILES:
        assert read(b"\n".join(lines), profile).money() <= left


@settings(max_examples=100, deadline=None)
@given(cents=st.integers(1, 10**10 - 1), trace=st.integers(1, 10**15 - 1))
def test_amounts_and_trace_numbers_survive_exactly(cents: int, trace: int) -> None:
    told = read(one(entry("21", cents), returned(trace=f"{trace:015d}"))).only()
    assert told.amount == Decimal(cents) / 100
    assert f"{told.amount:f}" == f"{cents // 100}.{cents % 100:02d}"
    assert told.references.trace_number == f"{trace:015d}"


@settings(max_examples=100, deadline=None)
@given(name=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=22))
def test_a_name_of_any_alphabet_never_moves_the_fields_behind_it(name: str) -> None:
    done = read(one(entry(name=name.ljust(22)), returned(trace=TRACE), batch_header=batch()))
    if done.accepted:
        assert done.only().references.bank_ref == "021000029461242"
        assert done.only().amount == Decimal("45.65")
