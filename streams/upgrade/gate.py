"""Whether a worker of this release may work on what is there, asked when it starts and before it takes a partition."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import KafkaException
from mode import Service

from connectors.intake.publish import FencedError
from schemas.records import Upgrade, UpgradeStep
from streams.engine.clients import PASSING, answer, wait_for_kafka
from streams.engine.errors import InfrastructureError
from streams.forms import Forms, Writing
from streams.supervisor import NEVER_AGAIN
from streams.upgrade.decisions import Decider, Decisions, form_in_force

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0


class TooOldError(InfrastructureError):
    """The state is in a form that this release does not read. Starting it again cannot help: ``exit_status``."""

    exit_status = NEVER_AGAIN


class FinishingError(InfrastructureError):
    """An upgrade to a form that this release does not read is being finished, or its end was never told."""


class Gate:
    """Lets this release in, or refuses it; on the way ``writing`` is raised to the form in force."""

    def __init__(self, decisions: Decisions, writing: Writing) -> None:
        self._decisions = decisions
        self._writing = writing

    def __call__(self) -> None:
        """Raises TooOldError, FinishingError; KafkaException, ConfigurationError: it cannot be known."""
        decision = self._decisions.now()
        if decision is None:
            return
        check(decision, self._writing.forms)
        before = self._writing.number
        self._writing.rise_to(form_in_force(decision))
        if self._writing.number != before:
            log.info("form %d is in force: it is written from now on", self._writing.number)


def check(decision: Upgrade, forms: Forms) -> None:
    """Raises TooOldError, FinishingError if a worker of this release must not work under that decision."""
    ours = f"this paystate, {forms.release}, reads up to form {forms.newest.number}"
    if not forms.reads(form_in_force(decision)):
        raise TooOldError(
            f"the state is in form {decision.form} since {decision.release} finished its upgrade ({_told(decision)}): "
            f"{ours}. Start paystate {decision.release} or a later one; there is no way back"
        )
    if not forms.reads(decision.form):
        raise FinishingError(
            f"an upgrade to form {decision.form} of paystate {decision.release} is being finished ({_told(decision)}): "
            f"{ours}. Start that release; if the finishing was broken off, run its `paystate upgrade finish` again, "
            "which ends it or takes it back"
        )


def _told(decision: Upgrade) -> str:
    return f"by {decision.actor} at {datetime.fromtimestamp(decision.at / 1e6, UTC):%Y-%m-%d %H:%M:%S}Z"


def opened(client: Mapping[str, Any], group: str, generation: int, forms: Forms) -> tuple[Gate, Writing]:
    """The gate of a worker that starts, and the form that it writes. The first worker of a generation decides it.

    Kafka is waited for. Raises TooOldError, FinishingError, ConfigurationError: there is no topic of decisions.
    """
    decisions = Decisions(client, generation)
    decision = answer(decisions.now, wait_for_kafka)
    while decision is None:
        try:
            decision = answer(lambda: _first(client, group, generation, forms), wait_for_kafka)
        except FencedError:  # another worker is the first one
            decision = answer(decisions.now, wait_for_kafka)
    check(decision, forms)
    writing = Writing(forms, form_in_force(decision))
    return Gate(decisions, writing), writing


def _first(client: Mapping[str, Any], group: str, generation: int, forms: Forms) -> Upgrade:
    """Nothing was ever written in this generation: its form is the newest of whoever comes first."""
    with Decider(client, group, generation) as decider:
        known = decider.now()
        if known is not None:
            return known
        own = forms.newest.number
        return decider.decide(
            Upgrade(own, UpgradeStep.IN_FORCE, own, forms.release, "the first worker", time.time_ns() // 1000)
        )


class Following(Service):  # type: ignore[misc]  # mode is not typed: its classes are Any to mypy
    """Asks the gate every two seconds while the worker runs: after `paystate upgrade finish` no restart is needed."""

    def __init__(self, gate: Gate, **options: Any) -> None:
        super().__init__(**options)
        self._gate = gate

    @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
    async def _follow(self) -> None:
        while not self.should_stop:
            await self.sleep(_LOOK_EVERY_S)
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._gate)
            except KafkaException as failure:
                if failure.args[0].code() not in PASSING:
                    raise
                log.info("cannot tell which form is in force: %s", failure.args[0].str())
