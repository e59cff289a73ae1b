"""Whether Kafka is there at all: a worker that has nothing to do does not notice, its polls just bring nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

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

    def committed(self, units: int) -> None:
        """So many units are committed by now."""
        if units != self._units:
            self._units, self._heard_s, self._since_s = units, self._clock(), None

    @property
    def is_suspected(self) -> bool:
        """Whether there is something to ask."""
        return self._can_be_lost and (self._clients.all_down or self._clock() - self._heard_s > self._silent_after_s)

    def look(self, answers: Callable[[float], bool]) -> bool:
        """`answers`: whether any broker answers within so many seconds. True if that was asked now, and one does."""
        now = self._clock()
        if now < self._next_s:
            return False
        is_there = answers(_QUESTION_S)
        if is_there:
            self._since_s, self._clients.all_down, self._heard_s = None, False, self._clock()
        elif self._since_s is None:
            self._since_s = now
        self._next_s = self._clock() + _PERIOD_S
        return is_there

    def reason(self) -> str:
        """Why the worker cannot do its work; empty if Kafka answers, as far as is known."""
        if self._since_s is None:
            return ""
        away_s = self._clock() - self._since_s
        if self._clients.all_down:
            return f"no broker has answered for {away_s:.0f} s ({self._clients.last_error})"
        # One answer may be late; a second one in a row is missing.
        return f"no broker has answered for {away_s:.0f} s" if away_s >= _PERIOD_S else ""
