"""What people decided, for one generation: copied from the topic that all of them share, before it is folded.

A replay may write nothing to what the live generation reads, and its own topics may have more partitions than those
that are shared. So a later generation folds a copy, which also has the commands that its own normalise mapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.engine import Outbox, Record, Table
from streams.topics import Topics

Handler = Callable[[Record, "Table[Any]", Outbox], None]


def copying(topics: Topics, handler: Handler) -> Handler:
    """``handler`` for raw records; a command goes on as it is."""

    def handle(record: Record, seen: Table[Any], out: Outbox) -> None:
        if record.topic == topics.commands.name:
            out.send(topics.commands, record.key, record.value)
        else:
            handler(record, seen, out)

    return handle
