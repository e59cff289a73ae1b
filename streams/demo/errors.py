"""What can keep the demo from running, with a message for a person."""

from __future__ import annotations


class DemoError(RuntimeError):
    """The demo cannot run or go on; the message says what to do."""
