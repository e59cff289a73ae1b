"""What two runs over the same files must agree on, and the orders in which the files may come.

``received_at`` is the broker's time of arrival, so everything derived from it (``since`` of a flag, ``as_of``) differs
by right between two runs; so does when, how often and on which record's account our own duplicates agent spoke (a
verdict's ``occurred_at``, ``number``, ``trace_id``), while its conclusion must not. The envelope (version, last
transition, updated_at) tells how the payment came to be what it is. All of these are set to nothing in the facts, the
payment is derived from them again by the domain, and the record of it is compared byte by byte.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from schemas.codec import codec
from streams.agents.payment_rows import internal_of, kept_of, packed
from streams.demo.company import documents
from streams.domain.facts import Verdict
from streams.domain.kept import Kept
from streams.domain.payment import Context, Envelope, as_state, payment_of
from streams.domain.policy import Policy
from streams.domain.state import State
from tests.connectors.files import all_samples, refused_samples

T = TypeVar("T")

STATE = "payments.state.v1"
SEED = 20_261_126


def every_file() -> list[Path]:
    """What a company approved and released, and every sample that there is, those that nobody can read among them."""
    return [*documents(), *all_samples(), *refused_samples()]


def shuffled(items: Sequence[T], kin: Callable[[T], Hashable], seed: int = SEED) -> list[T]:
    """In random order, but items of one ``kin`` in theirs.

    One rule depends on order by design: of files that bear the same message id of the same sender but other bytes the
    one that came first counts, the others are kept for a person. So such files are kin.
    """
    mixed = random.Random(seed).sample(list(items), len(items))
    slots: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(mixed):
        slots[kin(item)].append(place)
    free = {name: iter(places) for name, places in slots.items()}
    for item in items:
        mixed[next(free[kin(item)])] = item
    return mixed


def as_if_all_came_at_once(data: bytes) -> bytes:
    """The record of a payment without what may differ between two runs, when the clock came among it."""
    state = codec(STATE, State).decode(data)
    overflowed, kept, _marks = kept_of(state.internal)
    envelope = Envelope(version=0, seq=0, last_transition_id=None, updated_at=0, generation=1)
    payment = payment_of(state.correlation_id, map(_at_zero, kept), envelope, Context(policy=Policy()), overflowed)
    return codec(STATE, State).encode(as_state(payment, internal_of(payment)))


def _at_zero(row: Kept) -> Kept:
    fact = replace(row.fact, received_at=0)
    if isinstance(fact, Verdict):
        fact = replace(fact, occurred_at=0, number=0, trace_id="")
    return Kept(row.event_id, fact, packed(fact), tuple(replace(rival, received_at=0) for rival in row.rivals))
