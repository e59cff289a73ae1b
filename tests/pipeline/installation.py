"""paystate as somebody has it who set nothing: one data folder, a broker of its own in it, the command, a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from connectors.formats import InstalledFormats
from connectors.intake.archive import Archive
from connectors.intake.ingest import Intake
from schemas.apply import apply
from schemas.codec import codec
from streams.broker.embedded import EmbeddedBroker
from streams.cluster import Cluster
from streams.settings import EngineTuning, PolicySettings, Settings
from streams.verify.cluster import rest, verify_cluster
from streams.verify.read import KafkaLog, Row
from streams.verify.report import Report

V = TypeVar("V")

PARTITIONS = 2
ACCOUNT_HASH_KEY = "one key for all installations: their hashes agree"
_STOP_WITHIN_S = 60.0
_REST_WITHIN_S = 120.0


@dataclass(frozen=True)
class Installation:
    """A running broker with all topics. ``settings`` are what ``environment`` says."""

    folder: Path
    settings: Settings
    client: dict[str, Any]
    broker: EmbeddedBroker

    @property
    def servers(self) -> str:
        """Where the broker listens, also after a restart."""
        return str(self.client["bootstrap.servers"])

    @property
    def environment(self) -> Mapping[str, str]:
        """For a command of this installation."""
        foreign = {name for name in os.environ if name.startswith("PAYSTATE_")} - {"PAYSTATE_CACHE_DIR"}
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        own = {
            "DATA_DIR": str(self.folder),
            "PARTITIONS": str(PARTITIONS),
            "WEB_PORT": "0",
            "ACCOUNT_HASH_KEY": ACCOUNT_HASH_KEY,
            "POLICY": self.settings.policy.model_dump_json(),
            "ENGINE": self.settings.engine.model_dump_json(),
        }
        return inherited | {f"PAYSTATE_{name}": value for name, value in own.items()} | {"COLUMNS": "200"}

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        """How a command is called."""
        return [sys.executable, "-m", "streams.cli", *map(str, arguments)]

    def run(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        env = environment or self.environment
        return subprocess.run(self.command(*arguments), env=env, capture_output=True, text=True)

    def start(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A command that goes on; all that it says is to be read. The caller ends it."""
        env = environment or self.environment
        return subprocess.Popen(
            self.command(*arguments), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker while the block runs."""
        log = self.folder / "worker.log"
        with log.open("wb") as output:
            process = subprocess.Popen(self.command("worker"), env=self.environment, stdout=output, stderr=output)
        try:
            yield
            assert process.poll() is None, log.read_text(errors="replace")[-4_000:]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_WITHIN_S)

    def intake(self) -> Intake:
        """Takes files in, in this process."""
        archive, formats = Archive(self.settings.archive), InstalledFormats()
        return Intake(self.client, archive, formats, 1, lambda: time.time_ns() // 1_000)

    def rest(self) -> None:
        """Return when the worker has taken everything."""
        rest(self.client, self.settings, _REST_WITHIN_S)

    def verified(self) -> Report:
        """What an independent reading of the whole log finds."""
        return verify_cluster(self.client, self.settings)

    def rows(self, contract: str) -> list[Row]:
        """Every committed record of a topic, by partition and offset: partitions are read side by side."""
        with KafkaLog(self.client, 1, [contract]) as log:
            return sorted(log.rows(contract), key=lambda row: (row.partition, row.offset))

    def values(self, contract: str, kind: type[V]) -> list[V]:
        """Every committed record of a topic, decoded, each partition in its order."""
        decode = codec(contract, kind).decode
        return [decode(row.value) for row in self.rows(contract) if row.value is not None]


@contextmanager
def installed(
    folder: Path, policy: PolicySettings | None = None, engine: EngineTuning | None = None
) -> Iterator[Installation]:
    """A fresh installation in ``folder``; its broker ends with the block."""
    settings = Settings(
        data_dir=folder,
        partitions=PARTITIONS,
        account_hash_key=SecretStr(ACCOUNT_HASH_KEY),
        policy=policy or PolicySettings(),
        engine=engine or EngineTuning(),
    )
    broker = EmbeddedBroker(settings.broker_dir)
    client = settings.client_config(broker.start().bootstrap_servers)
    try:
        apply(Cluster(settings, client).admin(), PARTITIONS, 1)
        yield Installation(folder, settings, client, broker)
    finally:
        broker.stop()
