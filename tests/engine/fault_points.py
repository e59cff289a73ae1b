"""The engine's fault points by when a worker passes them: where, and how, it can be killed."""

from __future__ import annotations

from typing import Final

from streams.engine import FaultPoint

UNIT: Final = (
    FaultPoint.POLLED,
    FaultPoint.COLLECTED,
    FaultPoint.FOLDED,
    FaultPoint.SEALED,
    FaultPoint.BEGUN,
    FaultPoint.PRODUCED_SOME,
    FaultPoint.PRODUCED,
    FaultPoint.FLUSHED,
    FaultPoint.OFFSETS_SENT,
    FaultPoint.COMMITTED,
    FaultPoint.STORED_SOME,
    FaultPoint.STORED,
    FaultPoint.DONE,
)
"""Passed by every worker that has something to do."""
START: Final = (
    FaultPoint.PRODUCER_READY,
    FaultPoint.JOINED,
    FaultPoint.ASSIGNED,
    FaultPoint.RESTORE_COMMITTED,
    FaultPoint.RESTORE_MARKED,
    FaultPoint.RESTORE_OPENED,
    FaultPoint.RESTORE_REPLAYED,
    FaultPoint.RESTORED,
    FaultPoint.ACTIVATED,
)
"""Passed by a worker that comes back: it is killed twice."""
STOP: Final = (FaultPoint.STOPPING, FaultPoint.LEFT)
"""Passed by a worker that is told to stop."""
LOSS: Final = {FaultPoint.LOST: FaultPoint.POLLED, FaultPoint.ABORTED: FaultPoint.FLUSHED}
"""Passed by a worker that comes back from beyond its session: where it is to be stopped for that."""
HANDOVER: Final = (FaultPoint.REVOKED,)
"""Passed when another worker joins."""

EVERY: Final = (*UNIT, *START, *STOP, *LOSS, *HANDOVER)
