"""What a client needs of the process that it lives in."""

from __future__ import annotations

from typing import Protocol

from .broker import Broker
from .strands import Scheduler


class Surroundings(Protocol):
    """What a client needs of the process it lives in."""

    name: str
    is_dead: bool
    scheduler: Scheduler
    broker: Broker

    def enter(self, call: str) -> str:
        """Give way before a call; the flavour of the error that it shall meet, empty for none."""

    def note(self, what: str) -> None:
        """A line of the trace."""

    def now_ms(self) -> int: ...
    def new_member_id(self) -> str: ...
    def excuse(self, error: str) -> None:
        """An error of this name may end the process."""

    def used_after_end(self, call: str) -> None:
        """The engine went on with a producer that is at its end."""
