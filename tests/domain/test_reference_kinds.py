"""Names that are worth something, and those that name nothing."""

from __future__ import annotations

import pytest

from streams.domain.facts import Reference, ReferenceKind
from streams.domain.reference_kinds import SHARING, is_shared, names_to_look_up, usable_name


@pytest.mark.parametrize(("value", "name"), [("  E2E-1 ", "E2E-1"), ("0001234", "0001234"), ("Ünï-1", "Ünï-1")])
def test_a_name_loses_its_padding_only(value: str, name: str) -> None:
    assert usable_name(value, 4) == name


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "   ",
        "NOTPROVIDED",
        "notprovided",
        "NONREF",
        "UNKNOWN",
        "0000000",
        "-----",
        "abc",
        "CUT-OFF+",
        "a\x1fbcd",
    ],
)
def test_what_names_nothing_is_none(value: str | None) -> None:
    assert usable_name(value, 4) is None


def test_every_kind_of_reference_says_whether_it_is_shared() -> None:
    assert SHARING.keys() == set(ReferenceKind) - {ReferenceKind.UNKNOWN}
    assert {kind for kind in ReferenceKind if is_shared(kind)} == {
        ReferenceKind.INVOICE,
        ReferenceKind.PAYMENT_INFO_ID,
        ReferenceKind.MESSAGE_ID,
        ReferenceKind.FILE_ID,
        ReferenceKind.RUN_ID,
    }


def test_a_transaction_never_names_a_group_and_a_group_names_one() -> None:
    group, batch = Reference(ReferenceKind.MESSAGE_ID, "m"), Reference(ReferenceKind.PAYMENT_INFO_ID, "b")
    own = Reference(ReferenceKind.END_TO_END_ID, "e")
    assert names_to_look_up((group, own, batch)) == (own,)
    assert names_to_look_up((group, batch)) == (batch,)
    assert names_to_look_up(()) == ()
