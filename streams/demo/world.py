"""The demo's own world: its folder, its cluster with nothing else in it, and what an earlier demo left running."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.apply import Action, apply
from schemas.names import topic_name
from streams.broker.embedded import EmbeddedBroker
from streams.cluster import Cluster, connect
from streams.demo.deadlines import environment, with_deadlines
from streams.demo.errors import DemoError
from streams.demo.workers import stop_left_over
from streams.lookup.log import CommittedLog
from streams.settings import PREFIX, Settings

Say = Callable[[str], None]
"""Tells a person what happens, in one line of rich markup."""

#: A folder without it was not made by us and is not wiped.
_MARK: Final = "demo.txt"
_RAW: Final = "payments.raw.v1"


@dataclass(slots=True)
class World:
    """``environment`` makes another process see the same world. ``kept``: its broker outlives the demo."""

    settings: Settings
    environment: Mapping[str, str]
    kept: bool = False
    _cluster: Cluster | None = None

    @property
    def folder(self) -> Path:
        """Stores, archive, logs, and the broker if it is ours."""
        return self.settings.data_dir

    @property
    def cluster(self) -> Cluster:
        """Where everything is published; only after ``start``."""
        if self._cluster is None:
            raise AssertionError("the world has not been started")
        return self._cluster

    def start(self, say: Say) -> None:
        """Reach the cluster, or start our own, and make the topics. Raises DemoError if others published there."""
        self._cluster = _cluster(self.settings, say)


@contextmanager
def world(settings: Settings, say: Say) -> Iterator[World]:
    """An empty world; while it is open no other demo gets one in that folder. Our own broker ends with it.

    Raises DemoError, OSError.
    """
    folder = (settings.data_dir / "demo").absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs in {folder}: wait for it, or set {PREFIX}DATA_DIR") from None
        here = with_deadlines(settings).model_copy(update={"data_dir": folder})
        made = World(here, {f"{PREFIX}DATA_DIR": str(folder), **environment()})
        _wipe(made.settings, say)
        try:
            yield made
        finally:
            if made.settings.embedded and not made.kept:
                EmbeddedBroker(made.settings.broker_dir).stop()


def _wipe(settings: Settings, say: Say) -> None:
    """Stop what an earlier --keep left running, and begin with an empty folder."""
    folder = settings.data_dir
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise DemoError(f"{folder} is not a demo's folder: move what is in it, or set {PREFIX}DATA_DIR to another one")
    if folder.exists():
        workers = stop_left_over(folder)
        broker = EmbeddedBroker(settings.broker_dir).stop()
        if workers or broker:
            say(f"an earlier demo: {workers} workers{' and its broker' if broker else ''} stopped")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("Made by `paystate demo`; its next run removes this folder.\n", encoding="utf-8")


def _cluster(settings: Settings, say: Say) -> Cluster:
    began_s = time.monotonic()
    cluster = connect(settings, topics=False)
    servers = cluster.client["bootstrap.servers"]
    if settings.embedded:
        say(f"broker: Apache Kafka of our own at {servers}, started in {time.monotonic() - began_s:.1f} s")
    else:
        say(f"broker: yours, at {servers}")
    replication = settings.kafka.replication_factor
    changes = apply(cluster.admin(), settings.partitions, settings.generation, replication)
    created = sum(change.action is Action.CREATE for change in changes)
    say(f"topics: {created} created, {len(changes) - created} there already")
    if created < len(changes):
        _require_empty(cluster, topic_name(_RAW, settings.generation))
    return cluster


def _require_empty(cluster: Cluster, topic: str) -> None:
    """What others published is no part of the truth that the demo compares with. Raises DemoError."""
    log = CommittedLog(cluster.client)
    count = sum(log.ends(log.places(topic)).values())
    if count:
        raise DemoError(
            f"{topic} is not empty ({count} offsets): the demo knows the truth about its own payments only. Use an "
            f"empty cluster, or none: unset {PREFIX}KAFKA__BOOTSTRAP_SERVERS for a broker of the demo's own"
        )
