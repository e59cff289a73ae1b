"""Rows of the agents' tables: what was written is read, and their due time is found without decoding them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Codec, CodecError
from schemas.records import PrivateRow
from streams.agents import correlate, duplicates
from streams.agents.correlate import Member, Shared
from streams.agents.rows import RowCodec
from streams.domain.correlation import CarriedFact, CarriedType, Registration
from streams.domain.facts import Reference, ReferenceKind
from streams.domain.homes import HomeRow, home_due
from streams.domain.references import ReferenceRow
from streams.domain.shared_names import KeptFact, kept_due
from streams.domain.state import AlertKind
from streams.forms import FORMS, Forms, Writing
from tests.evolution.releases import AFTER_NEXT, NEXT

ROWS = correlate.ROWS
CONTRACT = "payments.references-state.v1"
_US = st.integers(1, 1 << 53)
_FACTS = st.builds(
    CarriedFact,
    st.text(max_size=40),
    _US,
    st.just(CarriedType.BANK_ACK),
    st.binary(max_size=20_000),
    st.just((Reference(ReferenceKind.END_TO_END_ID, "E2E-1"),)),
)
_KNOWN = st.lists(st.builds(Registration, st.text(max_size=9), st.text(max_size=9), _US), min_size=1, max_size=3).map(
    tuple
)
_ALERTS = st.none() | st.sampled_from([AlertKind.ORPHAN, AlertKind.AMBIGUOUS])
_HOMES = st.builds(
    HomeRow,
    st.none() | _FACTS,
    _KNOWN,
    st.none() | st.text(max_size=9),
    st.integers(0, 9),
    st.none() | _US,
    _US,
    _ALERTS,
    st.booleans(),
)
_KEPT = st.builds(KeptFact, _FACTS, st.none() | _US, st.none() | _US, _ALERTS, st.booleans())
_OTHERS = st.sampled_from([ReferenceRow((Registration("r", "P1", 1),), ("home:f",)), Member(1), Shared(1, "f", "c")])


@given(_HOMES | _KEPT | _OTHERS)
def test_a_row_is_read_as_it_was_written_and_says_the_same_due_time_either_way(row: object) -> None:
    data = ROWS.encode(row)
    assert ROWS.decode(data) == row
    due = home_due(row) if isinstance(row, HomeRow) else kept_due(row) if isinstance(row, KeptFact) else None
    assert ROWS.due_of_value(row) == ROWS.due_of_row(data) == due


@given(_HOMES)
def test_a_due_time_is_found_behind_the_framing_of_a_registry_too(row: HomeRow) -> None:
    data = ROWS.encode(row)
    assert ROWS.due_of_row(b"\x00\x00\x00\x00\x07" + data[10:]) == home_due(row)


def test_rows_of_the_release_before_due_times_are_read_and_say_theirs() -> None:
    """A row of version 1 has none in its place; it is decoded."""
    row = HomeRow(None, (Registration("r", "P1", 5),))
    fact = CarriedFact("f", 3, CarriedType.BANK_ACK, b"", (Reference(ReferenceKind.END_TO_END_ID, "x"),))
    placed = HomeRow(fact, row.known, "P1", 1)
    before = RowCodec(CONTRACT, ReferenceRow, HomeRow, Member, KeptFact, Shared)
    for old, due in ((row, None), (placed, 5)):
        data = before.encode(old)
        assert ROWS.decode(data) == old
        assert ROWS.due_of_row(data) == due


@pytest.mark.parametrize(("forms", "number"), [(FORMS, 1), (NEXT, 1), (NEXT, 2), (AFTER_NEXT, 3)])
def test_a_row_names_its_form_and_whether_it_says_when_it_is_due(forms: Forms, number: int) -> None:
    read = Codec(CONTRACT, PrivateRow).decode
    writing = Writing(forms, number)
    plain = duplicates.ROWS.writing(writing).encode(duplicates.Members(()))
    assert read(plain).version == 2 * number - 1
    due = ROWS.writing(writing)
    fact = CarriedFact("f", 3, CarriedType.BANK_ACK, b"", ())
    row = HomeRow(fact, (Registration("r", "P1", 5),), "P1", 1)
    assert read(due.encode(row)).version == 2 * number
    assert due.due_of_row(due.encode(row)) == due.due_of_value(row) == 5


@pytest.mark.parametrize("codec", [duplicates.ROWS, ROWS])
@pytest.mark.parametrize("version", [2 * FORMS.newest.number + 1, 2 * FORMS.newest.number + 2, 0, -3])
def test_a_row_of_a_later_release_is_refused(codec: RowCodec, version: int) -> None:
    data = Codec(CONTRACT, PrivateRow).encode(PrivateRow(version, b"\x00"))
    with pytest.raises(CodecError, match=r"a row of form -?\d+, but paystate .* reads up to form 1"):
        codec.decode(data)
