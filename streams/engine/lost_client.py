"""A client that has lost Kafka while Kafka answers others: it does not find back, so its process has to end.

librdkafka forgets its brokers when one that has just started names none (its issue 5301, open in 2.16.0). Calls of a
transaction then time out for ever, and the group's consumer polls nothing and is a member no more, without an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaException

from streams.engine.errors import InfrastructureError

log = logging.getLogger(__name__)

#: Kafka's coordinators have loaded by then after a restart, and librdkafka has looked for brokers anew several times.
LOST_AFTER_S: Final = 30.0
_LOOK_EVERY_S: Final = 5.0
_QUESTION_S: Final = 0.5


class Repetitions:
    """How long calls have been repeated while Kafka answered others. Used by the Kafka thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def ended(self) -> None:
        """A unit of work has ended: its calls came through."""
        self._since_s = None

    def again(self, kafka_answers: Callable[[float], bool]) -> None:
        """Before a repetition. `kafka_answers` (within so many seconds): whether another client is heard.

        Raises InfrastructureError when it has been for too long.
        """
        if self._since_s is None or not kafka_answers(_QUESTION_S):
            self._since_s = self._clock()
        elif self._clock() - self._since_s > LOST_AFTER_S:
            raise _lost("a call has been repeated")


class Membership:
    """Whether the group has this worker, which a member is not told: by its first assignment, or by asking.

    After an outage it is doubted until a unit is committed or the group says so. Used by the Kafka thread.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_s = 0.0
        self._units = 0
        self._doubted_s: float | None = None
        self._has_joined = False

    @property
    def is_known(self) -> bool:
        """Whether the group has this worker, as far as can be told."""
        return not self.reason()

    def reason(self) -> str:
        """Why that is not known; empty if it is."""
        if not self._has_joined:
            return "the group has not given this worker an assignment yet"
        if self._doubted_s is not None:
            return "Kafka was away, and the group has not said yet that it still has this worker"
        return ""

    def joined(self) -> None:
        """The group has assigned something, or nothing."""
        self._has_joined = True

    def committed(self, units: int) -> None:
        """So many units are committed by now: of members only."""
        if units != self._units:
            self._units, self._doubted_s = units, None

    def doubt(self) -> None:
        """The clients had lost Kafka, and it is back."""
        if self._has_joined and self._doubted_s is None:
            self._doubted_s = self._clock()
            self._next_s = self._doubted_s + _LOOK_EVERY_S

    def look(self, has_member: Callable[[], bool]) -> None:
        """Ask, from time to time. Raises InfrastructureError when the group has done without this worker too long."""
        if self._clock() < self._next_s:
            return
        try:
            is_member = has_member()
        except KafkaException as failure:
            log.info("cannot tell whether the group has this worker: %s", failure.args[0].str())
            if self._doubted_s is not None:
                self._doubted_s = self._clock()
        else:
            if is_member:
                self._has_joined, self._doubted_s = True, None
            elif self._doubted_s is not None and self._clock() - self._doubted_s > LOST_AFTER_S:
                raise _lost("the group has been without this worker")
        self._next_s = self._clock() + (1.0 if self._doubted_s is None else _LOOK_EVERY_S)


def _lost(what: str) -> InfrastructureError:
    return InfrastructureError(
        f"{what} for {LOST_AFTER_S:.0f} s while Kafka answered others: this client has lost it and does not find back"
    )
