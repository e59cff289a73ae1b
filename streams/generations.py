"""Which generation counts, and what is known of the others: the newest record of payments.generations.v1.

One record says everything and is changed as a whole. Whoever changes it holds its transactional id, so that of two
people who decide at once the second one decides on what the first has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from schemas.codec import Codec, SchemaIds
from schemas.names import topic_name
from schemas.records import Generation, GenerationAction, Generations, GenerationStep
from streams.lookup.log import CommittedLog, ReadError
from streams.settings import Settings

CONTRACT: Final = "payments.generations.v1"
KEY: Final = "generations"
FIRST: Final = Generations(current=1, previous=None, generations=(), history=())
"""What holds while nobody has decided anything."""
_HISTORY: Final = 200
_TIMEOUT_S: Final = 30.0
_TRANSACTIONAL_ID: Final = "paystate-generations"


class GenerationError(RuntimeError):
    """A decision about generations that cannot be taken; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, why and when (microseconds UTC)."""

    actor: str
    reason: str
    at: int

    def step(self, action: GenerationAction, generation: int) -> GenerationStep:
        """As the history has it."""
        return GenerationStep(action, generation, self.actor, self.reason, self.at)


class GenerationsTopic:
    """Reads and changes the record. Cheap to make; reading asks the broker each time."""

    def __init__(self, client: Mapping[str, Any], ids: SchemaIds | None = None) -> None:
        self._client = dict(client)
        self._log = CommittedLog(client)
        self._codec = Codec(CONTRACT, Generations, ids)
        self._topic = topic_name(CONTRACT)

    def read(self) -> Generations:
        """As they are now; the first one alone where the topic is not there. Raises KafkaException, CodecError."""
        try:
            places = self._log.places(self._topic)
        except ReadError:
            return FIRST
        found = FIRST
        for record in self._log.read(places, settled=True):
            if record.key == KEY.encode() and record.value is not None:
                found = self._codec.decode(record.value)
        return found

    def end(self) -> int:
        """Changes whenever the record does; 0 where there is none. Raises KafkaException."""
        try:
            return sum(self._log.ends(self._log.places(self._topic)).values())
        except ReadError:
            return 0

    def change(self, changed: Callable[[Generations], Generations]) -> Generations:
        """Replace the record by what ``changed`` makes of it; what that raises leaves everything as it was.

        Raises GenerationError when somebody else decides at this moment, or the topic is not there.
        """
        self._require_topic()
        producer = Producer({**self._client, "transactional.id": _TRANSACTIONAL_ID, "log_level": 2})
        try:
            producer.init_transactions(_TIMEOUT_S)  # fences whoever else is at it, and ends what that left open
            after = changed(self.read())
            after = replace(after, history=after.history[-_HISTORY:])
            producer.begin_transaction()
            producer.produce(self._topic, self._codec.encode(after), KEY.encode(), 0)
            producer.commit_transaction(_TIMEOUT_S)
        except KafkaException as error:
            raise GenerationError(
                f"{self._topic}: nothing was decided: {error.args[0].str()}. Look with `paystate replay status`; if "
                "nobody else is deciding, try again"
            ) from error
        return after

    def _require_topic(self) -> None:
        try:
            self._log.places(self._topic)
        except ReadError as error:
            raise GenerationError(str(error)) from error


def known(generations: Generations, number: int) -> Generation | None:
    """The declaration of a generation; None: nobody declared it, as nobody declares the first."""
    return next((row for row in generations.generations if row.generation == number), None)


def following(settings: Settings, generations: Generations) -> Settings:
    """Settings that mean the generation in force, where they name none; its partitions go with it."""
    number = settings.generation if "generation" in settings.model_fields_set else generations.current
    declared = known(generations, number)
    partitions = settings.partitions if declared is None else declared.partitions
    if (number, partitions) == (settings.generation, settings.partitions):
        return settings
    return settings.model_copy(update={"generation": number, "partitions": partitions})
