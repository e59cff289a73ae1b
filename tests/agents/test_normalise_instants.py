"""Times as sources write them: exact with an offset, a date without one, an error for a person where it matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.instants import Instant, InstantError, NaiveInstantError, bank_instant_of, instant_of, is_date
from streams.domain.facts import Precision

NOON = 1_795_521_600_000_000
MIDNIGHT = 1_795_478_400_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:00Z", Instant(NOON, Precision.TIME)),
        ("2026-11-24T13:00:00+01:00", Instant(NOON, Precision.TIME)),
        ("2026-11-24T06:30:00.000001-05:30", Instant(NOON + 1, Precision.TIME)),
        ("2026-11-24", Instant(MIDNIGHT, Precision.DATE)),
    ],
)
def test_a_time_with_its_offset_is_exact_and_a_date_is_a_date(text: str, expected: Instant) -> None:
    assert instant_of(text) == expected
    assert bank_instant_of(text) == expected


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00", "2026-11-24 12:00"])
def test_a_naive_time_is_refused_by_itself_and_only_a_date_from_a_bank(text: str) -> None:
    with pytest.raises(NaiveInstantError, match="no offset from UTC"):
        instant_of(text)
    assert bank_instant_of(text) == Instant(NOON, Precision.DATE)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "24.11.2026", "2026-11-24T25:00:00Z", "\x00"])
def test_what_is_no_time_is_said_so(text: str) -> None:
    with pytest.raises(InstantError, match="no ISO 8601 time"):
        instant_of(text)
    with pytest.raises(InstantError, match="no ISO 8601 time"):
        bank_instant_of(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    try:
        moment = instant_of(text)
    except InstantError as error:
        said = str(error)
    else:
        said = f"{moment.at}"
    assert said


@given(st.dates())
def test_a_real_day_is_a_day(day: object) -> None:
    assert is_date(str(day))


@pytest.mark.parametrize("text", ["2026-02-30", "20261124", "2026-W48-2", "2026-11-24T00:00", ""])
def test_another_form_is_no_day(text: str) -> None:
    assert not is_date(text)
