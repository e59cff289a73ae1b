"""Consumers are switched to another generation, or back; one that nobody follows is dropped."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.records import GenerationAction, Generations
from schemas.registry import registry_of
from streams.app import group_of
from streams.generations import Decision, GenerationError, GenerationsTopic, known
from streams.quiet import NotQuietError
from streams.replay.progress import Follower
from streams.replay.start import derived_topics
from streams.settings import Settings

_TIMEOUT_S: Final = 30.0


class Decider:
    """Decides about generations of one cluster."""

    def __init__(self, client: Mapping[str, Any], settings: Settings) -> None:
        self._client = dict(client)
        self._settings = settings
        self._admin = AdminClient({**client, "log_level": 3})
        self._generations = GenerationsTopic(client, registry_of(settings.registry_url))

    def switch(self, number: int, decision: Decision, within_s: float) -> Generations:
        """Point consumers at that generation, once it has taken all that is there.

        Raises GenerationError: it is partial, unknown, in force already, or behind after ``within_s``.
        """

        def changed(before: Generations) -> Generations:
            declared = known(before, number)
            if number == before.current:
                raise GenerationError(f"generation {number} is in force already")
            if declared is None and (number != 1 or _is_dropped(before, number)):
                raise GenerationError(f"there is no generation {number}: see `paystate replay status`")
            if declared is not None and declared.partial:
                raise GenerationError(
                    f"generation {number} begins at {declared.begins} and lacks facts of open payments: it can be "
                    "compared, not followed; replay from an earlier point"
                )
            return self._pointed(before, number, before.current, decision, GenerationAction.SWITCH, within_s)

        return self._generations.change(changed)

    def rollback(self, decision: Decision, within_s: float) -> Generations:
        """Point consumers back at the generation before, once that has taken all that is there.

        Raises GenerationError: there is none, or it is behind after ``within_s``.
        """

        def changed(before: Generations) -> Generations:
            if before.previous is None:
                raise GenerationError("there is no generation to go back to: nobody was switched, or it was dropped")
            return self._pointed(before, before.previous, None, decision, GenerationAction.ROLLBACK, within_s)

        return self._generations.change(changed)

    def _pointed(
        self,
        before: Generations,
        number: int,
        previous: int | None,
        decision: Decision,
        action: GenerationAction,
        within_s: float,
    ) -> Generations:
        with Follower(self._client, self._of(number)) as follower:
            try:
                follower.await_taken(within_s)
            except NotQuietError as error:
                raise GenerationError(
                    f"generation {number} does not keep up: {error}. Start workers of it with "
                    f"PAYSTATE_GENERATION={number}, or give it longer with --within"
                ) from error
        history = (*before.history, decision.step(action, number))
        return replace(before, current=number, previous=previous, history=history)

    def drop(self, number: int, decision: Decision) -> Generations:
        """Delete topics, group and stores of a generation that nobody follows. A killed drop is repeated.

        Raises GenerationError: it is in force, unknown, or its workers run.
        """
        group = group_of(self._of(number))
        topics = [name for name in derived_topics(number) if name in self._admin.list_topics(timeout=_TIMEOUT_S).topics]

        def changed(before: Generations) -> Generations:
            if number == before.current:
                raise GenerationError(f"generation {number} is in force: consumers would lose what they read")
            if not topics and known(before, number) is None:
                raise GenerationError(f"there is no generation {number}: see `paystate replay status`")
            members = self._admin.describe_consumer_groups([group])[group].result(_TIMEOUT_S).members
            if members:
                raise GenerationError(f"{len(members)} workers of generation {number} run: stop them first")
            return replace(
                before,
                previous=None if before.previous == number else before.previous,
                generations=tuple(row for row in before.generations if row.generation != number),
                history=(*before.history, decision.step(GenerationAction.DROP, number)),
            )

        # Decided first: from then on nobody can be switched to what is being deleted.
        after = self._generations.change(changed)
        if topics:
            _done(self._admin.delete_topics(topics, operation_timeout=_TIMEOUT_S), KafkaError.UNKNOWN_TOPIC_OR_PART)
        _done(self._admin.delete_consumer_groups([group]), KafkaError.GROUP_ID_NOT_FOUND)
        shutil.rmtree(self._settings.store_dir / group, ignore_errors=True)
        return after

    def _of(self, number: int) -> Settings:
        return self._settings.model_copy(update={"generation": number})


def _is_dropped(generations: Generations, number: int) -> bool:
    last = [step.action for step in generations.history if step.generation == number][-1:]
    return last == [GenerationAction.DROP]


def _done(answers: Mapping[str, Any], gone: int) -> None:
    """Await all; what is gone already is as it should be."""
    for answer in answers.values():
        try:
            answer.result(_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != gone:
                raise
