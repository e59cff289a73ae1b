"""One worker process: its name, its cluster, its app, its endpoints."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Final, NoReturn

from schemas.registry import registry_of
from streams.app import build
from streams.cluster import connect
from streams.engine import App, run_worker
from streams.engine.hooks import Hooks, no_hooks
from streams.instances import Instance, claim
from streams.metrics import PipelineMetrics
from streams.settings import Settings
from streams.topics import inputs_of, topics_of
from streams.web import StatusServer, pages

_YOUNG_OBJECTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one worker process runs. Its name is claimed for as long as ``instance`` is held."""

    instance: Instance
    app: App
    server: StatusServer

    def run(self, loglevel: str) -> NoReturn:
        """Run until SIGTERM (exit status 0) or a failure (another one: start it again)."""
        settle_memory()
        run_worker(self.app, self.server, loglevel=loglevel)


def run(settings: Settings, loglevel: str) -> NoReturn:
    """Run until SIGTERM (exit status 0) or a failure (another one: start it again)."""
    prepare(settings).run(loglevel)


def prepare(settings: Settings, hooks: Hooks = no_hooks) -> Prepared:
    """Claim a name, reach the cluster, build the app. ``hooks``: told of fault points, for tests."""
    instance = claim(settings.data_dir / "workers", settings.instance)
    cluster = connect(settings)
    topics = topics_of(settings.generation, registry_of(settings.registry_url))
    metrics = PipelineMetrics(settings.metrics, [topic.name for topic in inputs_of(topics)], topics.state.decode)
    app = build(settings, cluster.client, instance.name, metrics=metrics, hooks=hooks)
    port = port_of(settings.web_port, instance.number)
    return Prepared(instance, app, StatusServer(pages(app.engine.status, metrics.registry), settings.web_host, port))


def port_of(first: int, number: int) -> int:
    """Workers of one machine take ports side by side, by their number; 0 stays 0: any free one."""
    return first and first + number - 1


def settle_memory() -> None:
    """Take what was loaded so far out of the garbage collector's sight, and call it less often.

    Rows and records are frozen and without cycles: reference counting frees them. Collecting at the default rate looks
    at every cached row again and again and was half of the cost of an event (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 100)
