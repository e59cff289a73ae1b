"""Damage done to a file at random places: the strategy that draws it, and its effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import strategies as st

Edit: TypeAlias = "tuple[float, int, bytes]"
"""A place as a share of the length, how many bytes go, and what comes instead."""


def edits_of(fragments: Sequence[bytes], most_bytes: int) -> st.SearchStrategy[list[Edit]]:
    """One to four edits; each takes at most so many bytes away and puts one of the fragments there."""
    places = st.floats(0, 1, exclude_max=True)
    edits = st.tuples(places, st.integers(0, most_bytes), st.sampled_from(fragments))
    return st.lists(edits, min_size=1, max_size=4)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    """The bytes with all edits made, one after the other."""
    for share, length, fragment in edits:
        at = int(share * len(data))
        data = data[:at] + fragment + data[at + length :]
    return data
