"""Proved time as a worker keeps it: the keeper, its clients, and what the cluster's silence does to both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaException

from streams.engine.clients import PASSING, Clients
from streams.engine.keeper import ClockDeclaration, Keeper
from streams.engine.lost_client import LOST_AFTER_S
from streams.engine.questions import KafkaQuestions
from streams.engine.settings import EngineSettings

log = logging.getLogger(__name__)

_ASK_AGAIN_S: Final = 10.0


class Timekeeping:
    """Of one worker, from when it owns partition 0 until it does not. Used by one thread."""

    def __init__(
        self,
        settings: EngineSettings,
        clients: Clients,
        declaration: ClockDeclaration[Any],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._declaration = declaration
        self._clock = clock
        self._questions: KafkaQuestions | None = None
        self._keeper: Keeper | None = None
        self._heard_s = clock()
        self._unheard: frozenset[str] = frozenset()
        self._asked_s = 0.0

    def advance(self) -> int:
        """One step of the keeper. Returns the time that is proved now. While Kafka does not answer, it stands still."""
        try:
            if self._keeper is None:
                self._keeper = self._start()
            elif self._unheard and self._clock() > self._asked_s + _ASK_AGAIN_S:
                self._keeper.allow(self._allowance_s(self._ask()))
            self._keeper.advance()
        except KafkaException as failure:
            error = failure.args[0]
            if not error.retriable() and error.code() not in PASSING:
                raise
            log.info("proved time stands still: %s", error.str())
            if self._clock() > self._heard_s + LOST_AFTER_S:
                self._begin_anew()
        else:
            self._heard_s = self._clock()
        return 0 if self._keeper is None else self._keeper.proved_us

    def _start(self) -> Keeper:
        settings, questions = self._settings, self._ask()
        return Keeper(
            self._declaration,
            questions.partitions(),
            questions,
            self._clock,
            interval_s=settings.clock_interval_ms / 1000,
            allowance_s=self._allowance_s(questions),
            patience_s=settings.clock_patience_ms / 1000,
        )

    def _ask(self) -> KafkaQuestions:
        if self._questions is None:
            self._questions = KafkaQuestions(self._settings, self._clients, self._declaration)
        return self._questions

    def _allowance_s(self, questions: KafkaQuestions) -> float:
        """How far proved time stays behind. A broker that is away holds nobody up: it is asked when it is back."""
        lag = questions.replica_lag()
        self._unheard, self._asked_s = lag.unheard, self._clock()
        allowance_ms = self._settings.clock_allowance_ms + lag.ms
        silent = f"; not heard: broker {', '.join(sorted(lag.unheard))}" if lag.unheard else ""
        log.info("keeping proved time, %d ms behind the broker's%s", allowance_ms, silent)
        return allowance_ms / 1000

    def _begin_anew(self) -> None:
        """Clients that have lost Kafka do not find back; if it is away, new ones find it when it is there again."""
        log.warning("proved time has stood still for %.0f s: it is kept with new clients", LOST_AFTER_S)
        self.close()
        self._questions = self._keeper = None
        self._heard_s = self._clock()

    def close(self) -> None:
        """Let go of the clients."""
        if self._questions is not None:
            self._questions.close()
