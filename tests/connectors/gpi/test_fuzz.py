"""Whatever the bytes: one verdict, no traceback, no money that is not in the file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Acknowledgement, FileEnd
from tests.connectors.edits import Edit, edited, edits_of
from tests.connectors.files import SAMPLES, read
from tests.connectors.gpi.given import answer, event, transaction

PATHS = sorted((SAMPLES / "gpi").iterdir())
FRAGMENTS = [
    *(b"", b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\0", b"\xff", b"\\", b"\\ud800", b"-", b"1e9", b"NaN"),
    *(b"null", b"true", b"9" * 30, b'"transaction_status": ', b'"payment_transaction": ', b"{}", b"[]", b'"RJCT"'),
    *(b'"return": true,', b'"valid": false,', b'"amount": 1.5,', "\u0661".encode()),
]
edits = edits_of(FRAGMENTS, 20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    *("uetr", "payment_event", "transaction_status", "transaction_status_reason", "confirmed_amount", "charge_amount"),
    *("charges_information", "instructed_amount", "cancellation_status", "payment_status", "service_level"),
    *("instruction_identification", "from", "completion_time", "charge_bearer"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), changes=edits)
def test_a_mutated_sample_is_read_or_refused(path: Path, changes: list[Edit]) -> None:
    data = edited(path.read_bytes(), changes)
    done = read(data, "gpi")
    positions = [record.position for record in done.records]
    assert len(positions) == len(set(positions))
    if isinstance(done.last, FileEnd):
        assert done.last.records == len(positions)
    for item in done.mapped:
        if isinstance(item, Acknowledgement) and item.amount is not None:
            assert str(item.amount).encode() in data


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(st.sampled_from(NAMES), anything, max_size=6), inside=st.booleans())
def test_fields_of_any_shape_are_mapped_or_errors_of_their_record(fields: dict[str, object], inside: bool) -> None:
    told = {**event(), **fields}
    done = answer(transaction("ACCC", payment_event=[told]) if inside else transaction("ACCC", **fields))
    assert done.accepted
    assert done.mapped


@settings(max_examples=200, deadline=None)
@given(minors=st.lists(st.integers(0, 10**14), min_size=1, max_size=5), as_numbers=st.booleans())
def test_decimals_survive_exactly(minors: list[int], as_numbers: bool) -> None:
    amounts = [f"{Decimal(minor).scaleb(-2):f}" for minor in minors]
    marks = [f"<{index}>" for index in range(len(amounts))]
    told = [transaction("ACCC", confirmed_amount={"currency": "EUR", "amount": mark}) for mark in marks]
    text = json.dumps(told)
    for mark, amount in zip(marks, amounts, strict=True):
        text = text.replace(f'"{mark}"', amount if as_numbers else f'"{amount}"')
    assert [f"{item.amount:f}" for item in read(text.encode(), "gpi").acknowledgements()] == amounts


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_or_say_nothing(data: bytes) -> None:
    assert read(data, "gpi").money() == 0
