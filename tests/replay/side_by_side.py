"""Generations side by side on one installation: their workers, how far they are, and what they say."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from schemas.codec import codec
from schemas.records import Generations
from streams.domain.state import State
from streams.generations import known
from streams.replay.progress import Follower, Standing
from streams.verify.read import KafkaLog, Row
from tests.pipeline.installation import Installation

STATE, TRANSITIONS, ALERTS, COMMANDS = (
    "payments.state.v1",
    "payments.transitions.v1",
    "payments.alerts.v1",
    "payments.commands.v1",
)
SLOW = {"PAYSTATE_ENGINE__UNIT_MAX_RECORDS": "20", "PAYSTATE_ENGINE__UNIT_INTERVAL_MS": "200"}


class Worker:
    """A worker of one generation, in a process of its own."""

    def __init__(
        self, installation: Installation, generation: int, command: Sequence[str] = (), **settings: str
    ) -> None:
        self.installation = installation
        self.log = installation.folder / f"worker-{generation}.log"
        environment = {**installation.environment, "PAYSTATE_GENERATION": str(generation), **settings}
        called = command or installation.command("worker")
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([*called], env=environment, stdout=output, stderr=output)

    def end(self, *, kill: bool = False) -> None:
        """SIGTERM, or kill -9."""
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        self.process.wait(60)


@contextmanager
def working(
    installation: Installation, generation: int, command: Sequence[str] = (), **settings: str
) -> Iterator[Worker]:
    worker = Worker(installation, generation, command, **settings)
    try:
        yield worker
    finally:
        worker.end()


def told(installation: Installation, *arguments: str, status: int = 0) -> str:
    """What a command says; it must end with ``status``."""
    done = installation.run(*arguments)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
    return done.stdout + done.stderr


def standing(installation: Installation, generation: int) -> Standing:
    settings = installation.settings.model_copy(update={"generation": generation})
    with Follower(installation.client, settings) as follower:
        return follower.look(known(pointed(installation), generation))


def compared(installation: Installation, generation: int, status: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        told(installation, "replay", "compare", str(generation), "--json", status=status)
    )
    return found


def rows(installation: Installation, contract: str, generation: int) -> list[Row]:
    with KafkaLog(installation.client, generation, [contract]) as log:
        return list(log.rows(contract))


def newest(installation: Installation, generation: int) -> dict[str, State]:
    decode = codec(STATE, State).decode
    found = {row.key.decode(): row.value for row in rows(installation, STATE, generation) if row.key is not None}
    return {name: decode(value) for name, value in found.items() if value is not None}


def pointed(installation: Installation) -> Generations:
    """What a consumer reads to know which topics to follow (docs/consuming.md)."""
    return installation.values("payments.generations.v1", Generations)[-1]


def until(condition: Callable[[], bool], within_s: float = 90) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
