"""One worker process: its name, its cluster, its app, its endpoints."""

from __future__ import annotations

import gc
from typing import Final, NoReturn

from streams.app import build
from streams.cluster import connect
from streams.engine import run_worker
from streams.instances import claim
from streams.settings import Settings

_YOUNG_OBJECTS: Final = 100_000


def run(settings: Settings, loglevel: str) -> NoReturn:
    """Run until SIGTERM (exit status 0) or a failure (another one: start it again)."""
    instance = claim(settings.data_dir / "workers", settings.instance)
    cluster = connect(settings)
    app = build(settings, cluster.client, instance.name)
    settle_memory()
    run_worker(app, loglevel=loglevel)


def settle_memory() -> None:
    """Take what was loaded so far out of the garbage collector's sight, and call it less often.

    Rows and records are frozen and without cycles: reference counting frees them. Collecting at the default rate looks
    at every cached row again and again and was half of the cost of an event (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 100)
