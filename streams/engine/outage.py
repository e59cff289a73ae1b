"""Whether Kafka is there, and there for the group's client: with nothing to do, polls bring nothing either way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from streams.engine.lost_client import Silence

_PERIOD_S: Final = 1.0
_QUESTION_S: Final = 0.5


class Outage:
    """Asks once a second whether a broker is there, when it may not be. Runs in the Kafka thread.

    It may not be when a client has lost every broker; and after a silence, for a broker that has stopped keeps its
    connections, and so does a network that swallows everything. A unit that is committed ends a silence.
    """

    def __init__(self, clients: Any, clock: Callable[[], float], silent_after_s: float) -> None:
        #: Real clients say `all_down`; a model of Kafka has no outages of its own.
        self._clients = clients
        self._can_be_lost = hasattr(clients, "all_down")
        self._clock = clock
        self._silent_after_s = silent_after_s
        self._units = 0
        self._heard_s = clock()
        self._since_s: float | None = None
        self._next_s = 0.0
        self._silence = Silence(clock)

    def committed(self, units: int) -> None:
        """So many units are committed by now."""
        if units != self._units:
            self._units, self._heard_s, self._since_s = units, self._clock(), None
            self._silence.ended()

    @property
    def is_suspected(self) -> bool:
        """Whether there is something to ask."""
        return self._can_be_lost and (self._clients.all_down or self._clock() - self._heard_s > self._silent_after_s)

    def look(self, answers: Callable[[float], bool], is_answered: Callable[[float], bool]) -> None:
        """`answers`: whether any broker answers within so many seconds; `is_answered`: whether the group's client is.

        Raises ClientLost when the group's client has had no answer for too long, and others have.
        """
        now = self._clock()
        if now < self._next_s:
            return
        if answers(_QUESTION_S):
            self._since_s, self._clients.all_down, self._heard_s = None, False, self._clock()
            if is_answered(_QUESTION_S):
                self._silence.ended()
            else:
                self._silence.goes_on(answers)
        elif self._since_s is None:
            self._since_s = now
        self._next_s = self._clock() + _PERIOD_S

    def reason(self) -> str:
        """Why the worker cannot do its work; empty if Kafka answers, as far as is known."""
        if self._since_s is None:
            return ""
        away_s = self._clock() - self._since_s
        if self._clients.all_down:
            return f"no broker has answered for {away_s:.0f} s ({self._clients.last_error})"
        # One answer may be late; a second one in a row is missing.
        return f"no broker has answered for {away_s:.0f} s" if away_s >= _PERIOD_S else ""
