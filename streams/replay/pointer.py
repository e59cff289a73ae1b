"""A worker's view of the pointer: whether its own generation is the one that counts, now and after every switch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaException
from mode import Service

from schemas.codec import CodecError
from schemas.records import Generations
from streams.generations import GenerationsTopic

log = logging.getLogger(__name__)

_PERIOD_S: Final = 5.0
_PAUSE_S: Final = 1.0


def await_generations(topic: GenerationsTopic) -> Generations:
    """What is in force, once Kafka answers: a worker waits for it however long it takes. Raises CodecError."""
    while True:
        try:
            return topic.read()
        except KafkaException as error:
            log.warning("waiting for Kafka: %s", error.args[0].str())
            time.sleep(_PAUSE_S)


class Pointer(Service):  # type: ignore[misc]  # mode is not typed: its classes are Any to mypy
    """Tells, while the worker runs, whether its generation counts; first when it starts, then at every change."""

    def __init__(self, topic: GenerationsTopic, generation: int, tell: Callable[[bool], None], **options: Any) -> None:
        super().__init__(**options)
        self._topic = topic
        self._generation = generation
        self._tell = tell
        self._seen = -1

    @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                await asyncio.to_thread(self.look)
            except (KafkaException, CodecError) as error:
                log.info("the generation in force cannot be read, it stays as it was: %s", error)
            await self.sleep(_PERIOD_S)

    def look(self) -> None:
        """Read the record if it is another than last time, and tell. Raises KafkaException, CodecError."""
        end = self._topic.end()
        if end != self._seen:
            current = self._topic.read().current
            if self._seen >= 0:
                log.info("generation %d counts now, this worker's is %d", current, self._generation)
            self._tell(current == self._generation)
            self._seen = end
