"""Co-partitioned topics as a Faust channel of batches: where Faust's agents meet the engine.

A Faust Stream hands a channel value that is not an Event to the agent as it is: no acks, no generation check, no
sensors. An agent that asks for the next batch says that it is done with the last one; that is all the engine waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faust.channels import Channel

from streams.engine.batch import Batch
from streams.engine.errors import InfrastructureError
from streams.engine.table import TableDeclaration
from streams.engine.topic import Topic


class Inputs(Channel):  # type: ignore[misc]  # Faust is not typed: its classes are Any to mypy
    """The inputs of one agent: partition p of all its topics, with partition p of its tables, is one task."""

    def __init__(
        self,
        app: Any,
        *,
        topics: Sequence[Topic[Any]] = (),
        tables: Sequence[TableDeclaration[Any]] = (),
        apart: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self.topics = tuple(topics)
        self.tables = tuple(tables)
        #: Whether its topics and tables may be partitioned unlike those of the other agents.
        self.apart = apart
        #: The agent that reads this, set when it is declared.
        self.stage = ""
        self._inbox: asyncio.Queue[Batch] = asyncio.Queue()
        self._folding: asyncio.Future[None] | None = None
        #: Whether the agent has the batch being folded: an agent that asks for its first one has folded nothing.
        self._handed_out = False
        self._failure: BaseException | None = None

    def _clone_args(self) -> Mapping[str, Any]:
        # A Stream iterates over a clone; the clone asks its root for batches.
        return {**super()._clone_args(), "topics": self.topics, "tables": self.tables, "apart": self.apart}

    async def __anext__(self) -> Batch:
        root: Inputs = self._root or self
        return await root._next()

    async def _next(self) -> Batch:
        """Called by the agent's stream. Ends it once the agent has failed: Faust would restart the agent for ever."""
        if self._handed_out and self._folding is not None and not self._folding.done():
            self._folding.set_result(None)
        if self._failure is not None:
            raise StopAsyncIteration
        batch = await self._inbox.get()
        self._handed_out = True
        return batch

    async def fold(self, batch: Batch) -> None:
        """Called by the engine: give the agent a batch, return when it asks for the next one.

        Raises what the agent raised. InfrastructureError if the agent asked for more without folding the batch.
        """
        if self._failure is not None:
            raise self._failure
        self._handed_out = False
        self._folding = asyncio.get_running_loop().create_future()
        self._inbox.put_nowait(batch)
        await self._folding
        if not batch.is_folded:
            raise InfrastructureError(f"agent {self.stage} took a batch and did not fold it: call batch.each(handler)")

    def fail(self, error: BaseException) -> None:
        """The agent has failed or ended: the unit at hand fails with `error`, and so does every later one."""
        if self._failure is None:
            self._failure = error
        if self._folding is not None and not self._folding.done():
            self._folding.set_exception(error)
