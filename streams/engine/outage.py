"""Whether Kafka is there at all: a worker that has nothing to do does not notice, its polls just bring nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_PERIOD_S: Final = 1.0
_QUESTION_S: Final = 0.5


class Outage:
    """Asks once a second whether a broker is back, from when a client has lost them all. Runs in the Kafka thread."""

    def __init__(self, clients: Any, clock: Callable[[], float]) -> None:
        #: Real clients say `all_down`; a model of Kafka has no outages of its own.
        self._clients = clients
        self._clock = clock
        self._since_s: float | None = None
        self._next_s = 0.0

    @property
    def is_suspected(self) -> bool:
        """Whether there is something to ask."""
        return bool(getattr(self._clients, "all_down", False))

    def look(self, answers: Callable[[float], bool]) -> None:
        """`answers`: whether any broker answers within so many seconds."""
        now = self._clock()
        if now < self._next_s:
            return
        if answers(_QUESTION_S):
            self._since_s, self._clients.all_down = None, False
        elif self._since_s is None:
            self._since_s = now
        self._next_s = self._clock() + _PERIOD_S

    def reason(self) -> str:
        """Why the worker cannot do its work; empty if Kafka answers, as far as is known."""
        if self._since_s is None:
            return ""
        return f"no broker has answered for {self._clock() - self._since_s:.0f} s ({self._clients.last_error})"
