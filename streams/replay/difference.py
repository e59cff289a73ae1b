"""How two accounts of one payment differ, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas.plain import to_plain
from streams.agents.payment_rows import kept_of
from streams.domain.facts import Verdict
from streams.domain.state import State

_NAMED_BY: Final = ("name", "kind", "stage", "key", "event_id")
_MOST_TEXT: Final = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what the live generation says, and what the other one says; None: nothing."""

    field: str
    live: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Differs:
    """A payment whose accounts differ, with the facts that only one of them has. None: the payment is not there."""

    correlation_id: str
    live_status: str | None
    new_status: str | None
    fields: tuple[Difference, ...]
    facts_only_live: tuple[str, ...] = ()
    facts_only_new: tuple[str, ...] = ()


def core(state: State) -> State:
    """A payment without its envelope, which tells how it came to be what it is, and without its packed facts.

    Those are compared one by one (``facts_of``): their bytes name the release that wrote them.
    """
    return replace(
        state, internal=b"", version=0, last_transition_id=None, last_transition_seq=0, updated_at=0, generation=0
    )


def facts_of(state: State) -> frozenset[str]:
    """Each fact by type, source and event id, with a mark of its content. Our own verdicts are not among them.

    How often the duplicates agent spoke depends on the order in which it heard of two payments; what it concluded is
    in the flags and alerts.
    """
    kept = kept_of(state.internal)[1]
    facts = (row.fact for row in kept if not isinstance(row.fact, Verdict))
    return frozenset(
        f"{type(fact).__name__} {fact.source} {fact.event_id} {fact.payload_hash} {fact.received_at}" for fact in facts
    )


def differing(correlation_id: str, live: State | None, new: State | None) -> Differs:
    """What to say of a payment that differs."""
    ours = {} if live is None else to_plain(core(live))
    theirs = {} if new is None else to_plain(core(new))
    here = frozenset[str]() if live is None else facts_of(live)
    there = frozenset[str]() if new is None else facts_of(new)
    return Differs(
        correlation_id,
        live.status.value if live else None,
        new.status.value if new else None,
        tuple(differences(ours, theirs)) if live and new else (),
        tuple(sorted(here - there)),
        tuple(sorted(there - here)),
    )


def differences(live: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """Leaf by leaf; rows of a list meet by their name where they have one, else by their place."""
    if isinstance(live, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*live, *new]):
            yield from differences(live.get(name), new.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(live, list) and isinstance(new, list):
        ours, theirs = _by_name(live), _by_name(new)
        for name in dict.fromkeys([*ours, *theirs]):
            yield from differences(ours.get(name), theirs.get(name), f"{path}[{name}]")
    elif live != new:
        yield Difference(path, live, new)


def _by_name(rows: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, row in enumerate(rows):
        names = [str(row[name]) for name in _NAMED_BY if isinstance(row, Mapping) and row.get(name) is not None]
        name = names[0] if names and names[0] not in found else str(place)
        found[name] = row
    return found


def text_of(value: Any) -> str:
    """A value in one line."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
