"""Simulated companies that speak one after the other for as long as a run wants them to, and keep the whole truth."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException

from connectors.formats import InstalledFormats
from connectors.intake.ingest import IngestError
from connectors.intake.ledger import LedgerUnreadableError
from connectors.intake.publish import PublishError
from streams.demo.truth_file import together
from streams.simulator.publish import Pace, Published, Voice
from streams.simulator.said import Said
from streams.simulator.simulation import simulate
from streams.simulator.truth import Truth

#: A source that was not understood says the same again, as sources do.
_PASSING: Final = (PublishError, IngestError, LedgerUnreadableError, KafkaException)
_PATIENCE_S: Final = 180.0
_PAUSE_S: Final = 0.5
_SLICE_S: Final = 0.5


class Load:
    """``rate`` messages a second while it runs; the company that speaks when it is told to finish says all it has."""

    def __init__(self, client: Mapping[str, Any], archive: str, seed: int, payments: int, rate: int) -> None:
        self._client = {**client, "log_level": 2}
        self._archive = archive
        self._seed = seed
        self._payments = payments
        self._rate = rate
        self._finishing = threading.Event()
        self._failure: BaseException | None = None
        self._voice: Voice | None = None
        self.truth = Truth()
        self.companies = 0
        self.records = 0
        self.said_again = 0
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin to speak."""
        self._thread.start()

    def check(self) -> None:
        """Raise what silenced it, if anything did."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Return when the last company has said everything."""
        self._finishing.set()
        self._thread.join()
        self.check()

    def _run(self) -> None:
        try:
            for number in itertools.count():
                company = simulate(self._seed * 1_000 + number, self._payments)
                self.truth = together(self.truth, company.truth)
                self.companies += 1
                self._say_all(company.said)
                if self._finishing.is_set():
                    break
        except BaseException as failure:  # noqa: BLE001 -- handed to the run by ``check``
            self._failure = failure
        finally:
            self._close()

    def _say_all(self, said: Sequence[Said]) -> None:
        size = max(1, round(self._rate * _SLICE_S))
        for start in range(0, len(said), size):
            began_s = time.monotonic()
            self._insist(said[start : start + size])
            if not self._finishing.is_set():
                self._finishing.wait(max(0.0, began_s + _SLICE_S - time.monotonic()))

    def _insist(self, said: Sequence[Said]) -> None:
        give_up_s = time.monotonic() + _PATIENCE_S
        while True:
            published = Published()
            try:
                if self._voice is None:
                    self._voice = Voice(self._client, self._archive, InstalledFormats(None)).__enter__()
                published = self._voice.say(said, Pace(0))
            except _PASSING:
                if time.monotonic() > give_up_s:
                    raise
                self.said_again += 1
                self._close()
                time.sleep(_PAUSE_S)
            else:
                self.records += published.records
                return

    def _close(self) -> None:
        voice, self._voice = self._voice, None
        if voice is not None:
            voice.__exit__(None, None, None)
