"""Everything that is said about the planned payments, in the order in which it reaches us.

Disturbances do not change how a payment ends: some things are said twice, some before their time, some long after.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from streams.simulator.bodies import STATUS_CODES, callback, ours
from streams.simulator.company import Channel
from streams.simulator.file_desk import FileDesk
from streams.simulator.plan import PlannedPayment
from streams.simulator.said import Body, File, Said
from streams.simulator.stories import Step

_BODIES_REPEATED: Final = 0.03
_FILES_REPEATED: Final = 0.05
_EARLY: Final = 0.05
_LATE: Final = 0.05
_EARLY_BY_S: Final = 7_200.0
_LATE_BY_S: Final = 20_000.0


def messages(payments: Iterable[PlannedPayment], seed: int) -> list[Said]:
    """Everything that is said, in the order in which it is published."""
    chance = random.Random(f"paystate messages {seed}")  # noqa: S311 -- a simulation, not a secret
    desk = FileDesk(seed)
    said: list[Said] = []
    for payment in payments:
        for body in _bodies(payment, desk):
            said.extend((body,) if payment.story.prompt else _disturbed(body, chance))
    for file in desk.files():
        said.extend(_sent(file, chance))
    said.sort(key=_at_s)
    return said


def _at_s(item: Said) -> float:
    return item.at_s


def _disturbed(body: Body, chance: random.Random) -> Iterator[Body]:
    """The body when it is published: usually on time, sometimes early, late or twice."""
    draw, at_s = chance.random(), body.at_s
    if draw < _EARLY:
        at_s -= chance.uniform(0.0, _EARLY_BY_S)
    elif draw < _EARLY + _LATE:
        at_s += chance.uniform(0.0, _LATE_BY_S)
    yield replace(body, at_s=at_s)
    if chance.random() < _BODIES_REPEATED:
        yield replace(body, at_s=at_s + chance.uniform(1.0, _LATE_BY_S))


def _sent(file: File, chance: random.Random) -> Iterator[File]:
    """The file, and sometimes the same bytes again under another name."""
    yield file
    if chance.random() < _FILES_REPEATED:
        yield replace(file, at_s=file.at_s + chance.uniform(1.0, _LATE_BY_S), name=f"again-{file.name}")


def _bodies(payment: PlannedPayment, desk: FileDesk) -> Iterator[Body]:
    """Our side's bodies and a callback bank's; what a bank says in files is left at the desk."""
    reports = 0
    for step, at_s in zip(payment.story.steps, payment.steps_s, strict=True):
        body = ours(payment, step, at_s)
        if body is None and payment.bank.channel is Channel.CALLBACK:
            body = callback(payment, step, at_s)
        if body is not None:
            yield replace(body, held_back=step in payment.story.held_back)
        else:
            desk.take(payment, step, at_s, reports)
            reports += step in STATUS_CODES and step is not Step.RECEIVED
