"""Fault points: one name for each step at which a process can die, so that a test can kill it exactly there.

The engine calls `reached(point)` once a step, never once a record. Without a hook this is a call of an empty function.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class FaultPoint(StrEnum):
    """Steps in the order in which a worker meets them. What each leaves behind is what recovery must cope with."""

    PRODUCER_READY = "producer-ready"
    JOINED = "joined"
    ASSIGNED = "assigned"
    RESTORE_COMMITTED = "restore-committed"
    RESTORE_MARKED = "restore-marked"
    RESTORE_OPENED = "restore-opened"
    RESTORE_REPLAYED = "restore-replayed"
    RESTORED = "restored"
    ACTIVATED = "activated"
    POLLED = "polled"
    COLLECTED = "collected"
    FOLDED = "folded"
    SEALED = "sealed"
    BEGUN = "begun"
    PRODUCED_SOME = "produced-some"
    PRODUCED = "produced"
    FLUSHED = "flushed"
    OFFSETS_SENT = "offsets-sent"
    COMMITTED = "committed"
    STORED_SOME = "stored-some"
    STORED = "stored"
    DONE = "done"
    ABORTED = "aborted"
    REVOKED = "revoked"
    LOST = "lost"
    STOPPING = "stopping"
    LEFT = "left"


Hooks = Callable[[FaultPoint], None]


def no_hooks(_point: FaultPoint) -> None:
    """Nothing happens at any fault point."""


def everybody() -> None:
    """Who is asked before a worker takes a partition over, and has nothing against it."""
