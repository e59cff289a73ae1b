"""One worker process: its name, its cluster, its app, its endpoints."""

from __future__ import annotations

import gc
import signal
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

from schemas.registry import registry_of
from streams.app import build, group_of
from streams.cluster import connect
from streams.engine import App, run_worker
from streams.engine.ending import interruptibly
from streams.engine.hooks import Hooks, no_hooks
from streams.forms import FORMS, Forms, Writing
from streams.generations import GenerationsTopic, following, known
from streams.instances import Instance, claim
from streams.logbook import Logbook
from streams.metrics import PipelineMetrics
from streams.replay.pointer import Pointer, await_generations
from streams.replay.reading import check_topology
from streams.settings import Settings
from streams.topics import inputs_of, topics_of
from streams.upgrade.gate import Following, opened
from streams.web import StatusServer, pages

#: More than the caches take in between two times that one of them lets go of a generation of rows: seen with the
#: lifecycle agent alone, 260,000 to 472,000, neither growing; a whole worker has three more tables.
_YOUNG_OBJECTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one worker process runs. Its name is claimed for as long as ``instance`` is held."""

    instance: Instance
    logbook: Logbook
    app: App
    server: StatusServer
    following: Following
    pointer: Pointer

    def run(self, loglevel: str) -> NoReturn:
        """Run until SIGTERM (exit status 0) or a failure (another one: start it again)."""
        settle_memory()
        run_worker(self.app, self.server, self.following, self.pointer, loglevel=loglevel, last_word=self.logbook.ends)


def run(settings: Settings, loglevel: str, forms: Forms = FORMS) -> NoReturn:
    """Run until SIGTERM (exit status 0) or a failure (another one: start it again; 78: another release)."""
    prepare(settings, forms=forms).run(loglevel)


def prepare(settings: Settings, hooks: Hooks = no_hooks, forms: Forms = FORMS) -> Prepared:
    """Claim a name, reach the cluster, build the app. ``hooks``: told of fault points, for tests.

    ``forms`` are what this release reads and writes. Raises TooOldError, FinishingError: the state is a later one's;
    OtherTopologyError: the generation is one of other topics.
    """
    # Faust handles signals only once it runs; before, nothing is begun, and Kafka may be waited for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    instance = claim(settings.data_dir / "workers", settings.instance)
    logbook = Logbook(settings.data_dir / "workers", instance.name)
    logbook.serves("")
    try:
        return _prepared(settings, hooks, forms, instance, logbook)
    except SystemExit:
        logbook.ends(0, "")
        raise
    except Exception as error:
        logbook.ends(getattr(error, "exit_status", 1), f"{type(error).__name__}: {error}")
        raise


def _prepared(settings: Settings, hooks: Hooks, forms: Forms, instance: Instance, logbook: Logbook) -> Prepared:
    cluster = connect(settings)
    pointer = GenerationsTopic(cluster.client, registry_of(settings.registry_url))
    generations = interruptibly(lambda: await_generations(pointer))
    settings = following(settings, generations)
    group, generation = group_of(settings), settings.generation
    gate, writing = interruptibly(lambda: opened(cluster.client, group, generation, forms))
    interruptibly(lambda: check_topology(cluster.client, settings, forms))
    topics = topics_of(settings.generation, registry_of(settings.registry_url))
    metrics = PipelineMetrics(settings.metrics, [topic.name for topic in inputs_of(topics)], topics.state.decode)
    metrics.count_for(in_force=generations.current == settings.generation)
    declared = known(generations, settings.generation)
    app = build(
        settings,
        cluster.client,
        instance.name,
        metrics=metrics,
        hooks=hooks,
        writing=writing,
        admit=gate,
        replayed_until=0 if declared is None else declared.until,
    )
    about = partial(about_release, writing)
    port = port_of(settings.web_port, instance.number)
    shown = pages(app.engine.status, metrics.registry, about)
    server = StatusServer(shown, settings.web_host, port, logbook.serves)
    return Prepared(
        instance, logbook, app, server, Following(gate), Pointer(pointer, settings.generation, metrics.count_for)
    )


def about_release(writing: Writing) -> dict[str, Any]:
    """Of the worker's release and the forms that it reads and writes now, for /status."""
    forms = writing.forms
    return {"release": forms.release, "form": {"writes": writing.number, "reads": forms.newest.number}}


def port_of(first: int, number: int) -> int:
    """Workers of one machine take ports side by side, by their number; 0 stays 0: any free one."""
    return first and first + number - 1


def settle_memory() -> None:
    """Take what was loaded so far out of the garbage collector's sight, and call it less often.

    Rows and records are frozen and without cycles: reference counting frees them. Collecting at the default rate looks
    at every cached row again and again and was half of the cost of an event, at 100,000 objects still an eighth
    (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 100)
