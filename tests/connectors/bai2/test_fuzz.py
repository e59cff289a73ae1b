"""Whatever the bytes of a BAI2 file: no traceback, one verdict, never more money out than is in the file."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Acknowledgement, BankProfile
from streams.domain.facts import Direction
from streams.domain.statuses import Status
from tests.connectors.bai2.given import one, read
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import SAMPLES

FILES = [path.read_bytes() for path in sorted((SAMPLES / "bai2").iterdir())]
PROFILES = [
    BankProfile("default"),
    BankProfile("careless", controls="ignore"),
    BankProfile("latin", encoding="iso8859-1", controls="ignore"),
]
FRAGMENTS = [
    *(b"", b"\n", b"\r\n", b"/", b"/ ", b",", b",,", b",/", b" ", b"-1", b"1e9", b"1.50", b"\0", b"\xff", b"\x1a"),
    *(b"16,", b"88,", b"\n16,495,100,D,99,", b"\n88,EREF: X", b"/ 16,266,100,Z,,,X", b"\n03,1,JPY/", b"\n49,0,2/"),
    *("\u0661".encode(), b"9" * 30, b"V,260230,", b"S,1,2", b"XYZ"),
]
edits = edits_of(FRAGMENTS, 60)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.sampled_from(FILES), profile=st.sampled_from(PROFILES), edits=edits)
def test_a_mutated_sample_is_read_or_refused(data: bytes, profile: BankProfile, edits: list[Edit]) -> None:
    done = read(edited(data, edits), profile)
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    for told in done.mapped:
        if isinstance(told, Acknowledgement) and told.lifecycle is not None:
            assert told.amount
            assert told.direction is (Direction.CREDIT if told.lifecycle is Status.RETURNED else Direction.DEBIT)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.sampled_from(FILES), places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4))
def test_no_more_money_comes_out_than_is_in_the_file(data: bytes, places: list[float]) -> None:
    lines = data.splitlines()
    for place in places:
        del lines[int(place * len(lines))]
    amounts = [line.split(b",")[2].decode() for line in lines if line.startswith(b"16,")]
    left = sum(map(Decimal, amounts), Decimal(0)).scaleb(-2)
    for profile in PROFILES:
        assert read(b"\n".join(lines), profile).money() <= left


@settings(max_examples=100, deadline=None)
@given(cents=st.integers(1, 10**18 - 1), zeros=st.integers(0, 3))
def test_amounts_survive_exactly(cents: int, zeros: int) -> None:
    amount = ("0" * zeros + str(cents))[-18:]
    told = read(one(f"16,495,{amount},Z,B,C,X/", amount=int(amount))).only()
    assert f"{told.amount:f}" == f"{int(amount) // 100}.{int(amount) % 100:02d}"


@settings(max_examples=100, deadline=None)
@given(words=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60))
def test_no_text_moves_the_amount_or_hides_a_transaction(words: str) -> None:
    done = read(one(f"16,495,505000,Z,B,C,{words}"))
    if done.accepted:
        assert done.only().amount == Decimal("5050.00")
