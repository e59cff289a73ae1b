"""Bytes and values that do not fit end as CodecError and nothing else, quickly and without a big allocation."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import CodecError
from schemas.kinds import KINDS
from schemas.records import ClockTick, VendorRecord
from schemas.varints import long_text
from streams.domain.facts import Level, Precision
from streams.domain.money import Money
from tests.schemas.values import CODECS, LONG, example_value, values

HEADER_BYTES = 10
MIB = 1 << 20
CONTRACTS = st.sampled_from(sorted(KINDS))
VENDOR = VendorRecord("V-100", "Müller GmbH", ("Muller",), None, (), (), one_time=False)


def decoded_or_refused(contract: str, data: bytes) -> Any:
    """The value, or None for a refusal that says which topic; any other exception fails the test."""
    try:
        return CODECS[contract].decode(data)
    except CodecError as error:
        assert str(error).startswith(contract)  # noqa: PT017 -- either outcome is right, but not a nameless one
        return None


@st.composite
def encoded(draw: st.DrawFn) -> tuple[str, bytes]:
    """A contract and the bytes of one of its values."""
    contract = draw(CONTRACTS)
    return contract, CODECS[contract].encode(draw(values(contract)))


@settings(max_examples=150, deadline=None)
@given(contract=CONTRACTS, data=st.binary(max_size=200))
def test_random_bytes_behind_the_right_header_are_refused_or_read(contract: str, data: bytes) -> None:
    header = CODECS[contract].encode(example_value(contract))[:HEADER_BYTES]
    value = decoded_or_refused(contract, header + data)
    if value is not None:
        assert CODECS[contract].decode(CODECS[contract].encode(value)) == value


@settings(max_examples=150, deadline=None)
@given(contract=CONTRACTS, data=st.binary(max_size=60))
def test_random_bytes_are_refused(contract: str, data: bytes) -> None:
    assert decoded_or_refused(contract, data) is None


@settings(max_examples=150, deadline=None)
@given(given_=encoded(), at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_gives_a_value_of_the_contract(
    given_: tuple[str, bytes], at: int, bit: int
) -> None:
    contract, data = given_
    at %= len(data)
    value = decoded_or_refused(contract, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
    if value is not None:
        assert CODECS[contract].decode(CODECS[contract].encode(value)) == value


@settings(max_examples=60, deadline=None)
@given(given_=encoded())
def test_every_truncation_and_every_byte_too_many_is_refused(given_: tuple[str, bytes]) -> None:
    contract, data = given_
    for end in range(max(0, len(data) - 300), len(data)):
        assert decoded_or_refused(contract, data[:end]) is None
    for extra in (b"\x00", b"\x01", data):
        with pytest.raises(CodecError, match=f"expected {len(data)} bytes, found {len(data) + len(extra)}"):
            CODECS[contract].decode(data + extra)


HUGE = [1 << 20, 1 << 31, 1 << 60, LONG - 1]


@pytest.mark.parametrize("claimed", HUGE)
@pytest.mark.parametrize("behind", [b"", b"\x00" * 64, b"\x02a" * 500], ids=["nothing", "zeros", "items"])
def test_a_claimed_length_or_count_costs_nothing(claimed: int, behind: bytes) -> None:
    claim = long_text(claimed).encode("latin-1")
    sized_block = long_text(-claimed).encode("latin-1") + b"\x02"
    header = CODECS["payments.vendors.v1"].encode(VENDOR)[:HEADER_BYTES]
    tracemalloc.start()
    try:
        for record in (claim + behind, b"\x02v\x02n" + claim + behind, b"\x02v\x02n" + sized_block + behind):
            with pytest.raises(CodecError):
                CODECS["payments.vendors.v1"].decode(header + record)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB


@pytest.mark.parametrize("contract", sorted(KINDS))
def test_a_record_of_one_repeated_byte_takes_memory_in_proportion_to_its_size(contract: str) -> None:
    header = CODECS[contract].encode(example_value(contract))[:HEADER_BYTES]
    size = MIB // 8
    for byte in range(0, 256, 3):
        tracemalloc.start()
        try:
            decoded_or_refused(contract, header + bytes([byte]) * size)
            assert tracemalloc.get_traced_memory()[1] < 200 * size
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (b"\x02v", "12 bytes are no VendorRecord: they end too early: truncated"),
        (b"\x02v\x01n", "a negative length"),
        (b"\x02v\x02n\x00\x04", "union branch 4 at byte 15: expected 0 \\(null\\) or 2"),
        (b"\x02v\x02n\x00\x00\x00\x00\x07", "byte 7 where a symbol, a boolean or a branch is expected"),
        (b"\x02v\x02n\x00\x00\x00\x00\x01\x01", "expected 19 bytes, found 20: followed by others"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_bytes(record: bytes, complaint: str) -> None:
    header = CODECS["payments.vendors.v1"].encode(VENDOR)[:HEADER_BYTES]
    with pytest.raises(CodecError, match=rf"^payments\.vendors\.v1: .*{complaint}"):
        CODECS["payments.vendors.v1"].decode(header + record)


def test_an_endless_number_is_refused() -> None:
    clock = CODECS["payments.clock.v1"]
    header = clock.encode(ClockTick(0, ""))[:HEADER_BYTES]
    with pytest.raises(CodecError, match="more than 10 bytes"):
        clock.decode(header + b"\xff" * 11 + b"\x00")
    with pytest.raises(CodecError, match="more than 64 bits"):
        clock.decode(header + b"\xff" * 9 + b"\x7f\x00")


def test_a_text_that_is_no_utf_8_is_refused() -> None:
    clock = CODECS["payments.clock.v1"]
    header = clock.encode(ClockTick(0, ""))[:HEADER_BYTES]
    for text in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"):
        with pytest.raises(CodecError, match="utf-8"):
            clock.decode(header + b"\x00" + bytes([len(text) << 1]) + text)


TICK = ClockTick(1, "worker-1")
RECONCILED = CODECS["payments.reconciliations.v1"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"minor": LONG}, "minor"),
        ({"minor": -LONG - 1}, "minor"),
        ({"minor": 1.0}, "minor"),
        ({"minor": 12345.5}, "minor"),
        ({"minor": float("nan")}, "minor"),
        ({"minor": "1"}, "minor"),
        ({"minor": None}, "minor"),
        ({"currency": None}, "currency"),
        ({"currency": b"EUR"}, "currency"),
        ({"currency": "\ud800"}, "surrogates"),
        ({"exponent": []}, "exponent"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_with_the_fields_name(changed: dict[str, Any], complaint: str) -> None:
    invoice = example_value("payments.invoices.v1")
    value = replace(invoice, gross=replace(Money(1, "EUR", 2), **changed))
    with pytest.raises(CodecError, match=rf"payments\.invoices\.v1: .*{complaint}"):
        CODECS["payments.invoices.v1"].encode(value)


@pytest.mark.parametrize(
    "changed",
    [
        {"event_id": None},
        {"event_id": 7},
        {"kind": None},
        {"kind": "matched"},
        {"kind": Precision.TIME},
        {"kind": Level.GROUP},
        {"kind": []},
        {"entry_ref": 5},
        {"entry_ref": "\udfff"},
        {"amount": "10.00 EUR"},
        {"amount": TICK},
        {"sequence": 1 << 200},
        {"sequence": -(1 << 200)},
    ],
    ids=repr,
)
def test_a_fact_that_does_not_fit_is_refused(changed: dict[str, Any]) -> None:
    fact = example_value("payments.reconciliations.v1")
    assert RECONCILED.decode(RECONCILED.encode(fact)) == fact
    with pytest.raises(CodecError, match=r"^payments\.reconciliations\.v1: "):
        RECONCILED.encode(replace(fact, **changed))


@pytest.mark.parametrize(
    "aliases", [["Muller"], None, "Muller", {"Muller": 1}, ("Muller", None), (b"Muller",)], ids=repr
)
def test_an_array_is_a_tuple_of_the_right_items(aliases: Any) -> None:
    with pytest.raises(CodecError, match=r"^payments\.vendors\.v1: "):
        CODECS["payments.vendors.v1"].encode(replace(VENDOR, aliases=aliases))


@pytest.mark.parametrize("flag", [None, 2, -1, "yes", []], ids=repr)
def test_a_boolean_is_true_or_false(flag: Any) -> None:
    with pytest.raises(CodecError, match=r"^payments\.vendors\.v1: "):
        CODECS["payments.vendors.v1"].encode(replace(VENDOR, one_time=flag))


@pytest.mark.parametrize("value", [None, TICK, {}, "text", 5, object()], ids=repr)
def test_a_value_of_another_topic_is_refused(value: Any) -> None:
    with pytest.raises(CodecError, match=r"^payments\.vendors\.v1: "):
        CODECS["payments.vendors.v1"].encode(value)


def test_a_refused_value_leaves_the_codec_as_it_was() -> None:
    before = RECONCILED.encode(example_value("payments.reconciliations.v1"))
    with pytest.raises(CodecError):
        RECONCILED.encode(replace(example_value("payments.reconciliations.v1"), kind="matched"))
    assert RECONCILED.encode(example_value("payments.reconciliations.v1")) == before
