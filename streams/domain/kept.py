"""The facts that a payment keeps: one a event id, in canonical order, whatever came how often in which order.

Copies of one event are merged by rules that do not depend on order:
- another payload hash is a conflict: the smallest hash is kept, the others leave a trace;
- of one hash the highest ``delivery`` is kept (a withdrawal is a delivery), and the smallest ``received_at`` of all.

Beyond the cap the facts received first are kept, so that the kept set, too, does not depend on order; so are the
traces of one event. What that cannot cover: traces and delivery numbers of a fact that was put out for an earlier one
go with it, and a trace that was put out is a dead letter only if it was never the fact that counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from streams.domain.facts import Approval, BankAck, Happened, PaymentFact, Verdict

RIVALS_KEPT: Final = 16
"""Traces kept of what else was said under one event id: the first two say since when it is in dispute."""

Pack = Callable[[PaymentFact], bytes]
"""How the row codec writes one fact; the bytes are opaque here and live as long as the fact does."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What is left of a fact that said something else under the same event id."""

    payload_hash: str
    received_at: int
    delivery: int
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """One event: the fact that counts, the same as bytes, and its rivals by payload hash."""

    event_id: str
    fact: PaymentFact
    packed: bytes
    rivals: tuple[Rival, ...] = ()

    @property
    def live(self) -> bool:
        """Not withdrawn from this payment again."""
        return not _withdrawn(self.fact)

    def knows(self, fact: PaymentFact) -> bool:
        """Whether the fact's content counts, or has left its trace."""
        told = fact.payload_hash
        return told == self.fact.payload_hash or any(rival.payload_hash == told for rival in self.rivals)

    @property
    def conflict_since(self) -> int | None:
        """When it was known that two payloads claim this event; None: they do not."""
        if not self.rivals:
            return None
        times = [rival.received_at for rival in self.rivals if not rival.withdrawn]
        if self.live:
            times.append(self.fact.received_at)
        return sorted(times)[1] if len(times) > 1 else None


def delivery_of(fact: Happened) -> int:
    """The number that its home gave it: correlate's, or the pair's for a verdict. Other facts have none."""
    if isinstance(fact, Verdict):
        return fact.number
    return fact.delivery if isinstance(fact, (Approval, BankAck)) else 0


def _withdrawn(fact: PaymentFact) -> bool:
    return isinstance(fact, (Approval, BankAck)) and fact.withdrawn


by_event_id: Final = attrgetter("event_id")


def place_of(kept: tuple[Kept, ...], event_id: str) -> tuple[int, Kept | None]:
    """Where the event is, or would be, in canonical order."""
    place = bisect_left(kept, event_id, key=by_event_id)
    found = kept[place] if place < len(kept) else None
    return place, found if found is not None and found.event_id == event_id else None


def merged(kept: Kept, fact: PaymentFact, pack: Pack) -> Kept:
    """The same event once more. Returns ``kept`` itself if nothing is new."""
    mine = kept.fact
    if fact.payload_hash == mine.payload_hash:
        winner = _same_payload(mine, fact)
        return kept if winner is mine else replace(kept, fact=winner, packed=pack(winner))
    if fact.payload_hash > mine.payload_hash:
        rivals = _with_rival(kept.rivals, _rival(fact))
        return kept if rivals == kept.rivals else replace(kept, rivals=rivals)
    return Kept(kept.event_id, fact, pack(fact), _with_rival(kept.rivals, _rival(mine)))


def _same_payload(mine: PaymentFact, other: PaymentFact) -> PaymentFact:
    """The last word of its home; of one word the smallest trace (and text) decides; the smallest received_at of all."""
    if other == mine:
        return mine
    word, other_word = _word_of(mine), _word_of(other)
    takes_over = _copy_order(other) < _copy_order(mine) if word == other_word else other_word > word
    winner = other if takes_over else mine
    received_at = min(mine.received_at, other.received_at)
    return winner if winner.received_at == received_at else replace(winner, received_at=received_at)


def _word_of(fact: PaymentFact) -> tuple[int, bool]:
    """What correlate said last about it. A home numbers every word, so the second member only makes ties harmless."""
    return (delivery_of(fact), _withdrawn(fact))


def _copy_order(fact: PaymentFact) -> tuple[str, str]:
    return (fact.trace_id, repr(replace(fact, received_at=0)))


def _rival(fact: PaymentFact) -> Rival:
    return Rival(fact.payload_hash, fact.received_at, delivery_of(fact), _withdrawn(fact))


def _with_rival(rivals: tuple[Rival, ...], new: Rival) -> tuple[Rival, ...]:
    found = {rival.payload_hash: rival for rival in rivals}
    old = found.get(new.payload_hash)
    if old is not None:
        last = max(old, new, key=lambda rival: (rival.delivery, rival.withdrawn))
        new = replace(last, received_at=min(old.received_at, new.received_at))
    found[new.payload_hash] = new
    names = sorted(found)
    if len(names) > RIVALS_KEPT:
        names = sorted(sorted(names, key=lambda name: (found[name].received_at, name))[:RIVALS_KEPT])
    return tuple(found[name] for name in names)
