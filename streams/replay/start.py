"""Declares a new generation and makes what its workers need: offsets from which to read, topics to write to.

The order lets a killed start be repeated: the declaration first, since everything else follows from it; then the
group's offsets; the topics last, so that no worker can run before it would begin at the right place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.apply import apply
from schemas.contracts import contracts
from schemas.names import derived, topic_name
from schemas.records import Generation, GenerationAction, Generations
from schemas.registry import registry_of
from streams.agents.payment_rows import kept_of
from streams.app import group_of
from streams.domain.facts import Verdict
from streams.generations import Decision, GenerationError, GenerationsTopic, known
from streams.replay.latest import latest_states
from streams.replay.points import Point, SharedTopics
from streams.settings import Settings

_TIMEOUT_S: Final = 30.0
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a new generation is to be. ``number`` None: the next free one; ``partial``: open payments may be cut."""

    begin: Point
    number: int | None = None
    partitions: int | None = None
    partial: bool = False


class Starter:
    """Starts replays on one cluster. ``settings`` mean the live generation."""

    def __init__(self, client: Mapping[str, Any], settings: Settings) -> None:
        self._client = dict(client)
        self._settings = settings
        self._admin = AdminClient({**client, "log_level": 3})
        self._generations = GenerationsTopic(client, registry_of(settings.registry_url))

    def start(self, asked: Asked, decision: Decision) -> Generation:
        """The generation, declared and ready for workers; one that was declared before is finished as it was.

        Raises GenerationError (open payments would be cut, or the number is taken), PointError, ReadError,
        RefusedError, KafkaException.
        """
        found = known(self._generations.read(), asked.number) if asked.number is not None else None
        declared = found or self._declare(asked, decision)
        self.prepare(declared)
        return declared

    def _declare(self, asked: Asked, decision: Decision) -> Generation:
        shared = SharedTopics(self._client)
        until, marks = shared.marks(asked.begin)
        cut = cut_payments(self._client, self._settings, shared.cut_before(marks))
        if cut and not asked.partial:
            first = ", ".join(cut[:_SHOWN]) + (" …" if len(cut) > _SHOWN else "")
            raise GenerationError(
                f"a replay from {asked.begin.text} would cut {len(cut)} open payments, whose facts begin earlier: "
                f"{first}. Begin earlier, or look at a part with --partial, to which nobody can be switched"
            )
        declared: list[Generation] = []

        def changed(before: Generations) -> Generations:
            number = asked.number or _next(before)
            self._require_free(number, before)
            partitions = asked.partitions or self._settings.partitions
            declared[:] = [Generation(number, partitions, asked.begin.text, bool(cut), until, marks, decision.at)]
            step = decision.step(GenerationAction.START, number)
            return replace(before, generations=(*before.generations, *declared), history=(*before.history, step))

        self._generations.change(changed)
        return declared[0]

    def _require_free(self, number: int, before: Generations) -> None:
        if number < 2 or any(step.generation == number for step in before.history):
            raise GenerationError(f"generation {number} is or was in use: expected {_next(before)} or more")
        topics = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        taken = [name for name in derived_topics(number) if name in topics]
        if taken:
            raise GenerationError(f"generation {number} is not declared, but its topic {taken[0]} exists: take another")

    def prepare(self, declared: Generation) -> None:
        """Offsets and topics of a declared generation; what is there already stays."""
        group = group_of(self._settings.model_copy(update={"generation": declared.generation}))
        self._place(group, declared)
        replication = self._settings.kafka.replication_factor
        apply(self._admin, declared.partitions, declared.generation, replication)

    def _place(self, group: str, declared: Generation) -> None:
        """Let the group begin at the marks, unless it has begun."""
        places = [TopicPartition(mark.topic, mark.partition, mark.begin) for mark in declared.marks]
        consumer = Consumer({**self._client, "group.id": group, "enable.auto.commit": False, "log_level": 3})
        try:
            asked = [TopicPartition(tp.topic, tp.partition) for tp in places]
            if any(tp.offset >= 0 for tp in consumer.committed(asked, timeout=_TIMEOUT_S)):
                return
            for tp in consumer.commit(offsets=places, asynchronous=False) or ():
                if tp.error is not None:
                    raise GenerationError(f"group {group} cannot begin at {tp.topic}[{tp.partition}]: {tp.error.str()}")
        finally:
            consumer.close()


def _next(before: Generations) -> int:
    """A number is used once: topics of an earlier one may be remembered by consumers."""
    used = [step.generation for step in before.history] + [row.generation for row in before.generations]
    return max(1, before.current, *used) + 1


def derived_topics(generation: int) -> list[str]:
    """The Kafka topics that only this generation has."""
    return [topic_name(row.name, generation) for row in contracts() if derived(row.name, generation)]


def cut_payments(client: Mapping[str, Any], settings: Settings, before: int | None) -> list[str]:
    """Open payments with a fact that was received before that time (microseconds); None: there are none."""
    if before is None:
        return []
    cut = []
    for state in latest_states(client, settings):
        if state.closed:
            continue
        kept = kept_of(state.internal)[1]
        if any(row.fact.received_at < before for row in kept if not isinstance(row.fact, Verdict)):
            cut.append(state.correlation_id)
    return sorted(cut)
