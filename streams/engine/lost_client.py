"""A client that has lost Kafka while Kafka answers others: it does not find back, so its process has to end.

librdkafka forgets its brokers when one that has just started names none (its issue 5301, open in 2.16.0). Calls of a
transaction then time out for ever, and the group's consumer polls nothing and is a member no more, without an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from streams.engine.errors import ClientLost

#: Kafka has ended a transaction that was left open by then, and its coordinators have loaded after a restart.
LOST_AFTER_S: Final = 15.0
_QUESTION_S: Final = 0.5
#: No more counts from one question to the next: a process that was asleep meanwhile has asked nobody.
_MOST_BETWEEN_S: Final = 6.0


class Silence:
    """How long one client has had no answer while Kafka answered others. Used by the Kafka thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked_s: float | None = None
        self._silent_s = 0.0

    def ended(self) -> None:
        """The client has been answered."""
        self._asked_s, self._silent_s = None, 0.0

    def goes_on(self, kafka_answers: Callable[[float], bool]) -> None:
        """The client has not been answered. `kafka_answers` (within so many seconds): whether another client is.

        Raises ClientLost when that has gone on for too long.
        """
        if not kafka_answers(_QUESTION_S):
            self.ended()
        elif self._asked_s is not None:
            self._silent_s += min(self._clock() - self._asked_s, _MOST_BETWEEN_S)
        self._asked_s = self._clock()
        if self._silent_s > LOST_AFTER_S:
            raise ClientLost(
                f"a Kafka client of this worker has had no answer for {LOST_AFTER_S:.0f} s while another has: "
                "it has lost the brokers and does not find back"
            )
