"""An exactly-once Faust app: Faust's agents, pages, tasks and supervision, our engine in place of its Kafka side."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

import faust
from faust.app.base import BootStrategy as FaustBootStrategy

from streams.engine.clients import Clients
from streams.engine.dead_letters import DeadLetters
from streams.engine.due import DueIndex
from streams.engine.ending import end_process
from streams.engine.engine import Engine
from streams.engine.errors import ConfigurationError, InfrastructureError
from streams.engine.hooks import Hooks, everybody, no_hooks
from streams.engine.inputs import Inputs
from streams.engine.keeper import ClockDeclaration
from streams.engine.metrics import Metrics, NoMetrics
from streams.engine.settings import EngineSettings
from streams.engine.table import TableDeclaration
from streams.engine.topic import Topic
from streams.engine.topology import Declared

log = logging.getLogger(__name__)

V = TypeVar("V")

AgentFunction = Callable[[Any], Awaitable[None]]


class BootStrategy(FaustBootStrategy):  # type: ignore[misc]  # Faust is not typed: its classes are Any to mypy
    """What a worker starts: Faust's sensors, web and agents, and our engine in place of its Kafka side."""

    def kafka_producer(self) -> Iterable[Any]:
        """None of Faust's: the engine has a transactional producer."""
        return []

    def kafka_consumer(self) -> Iterable[Any]:
        """None of Faust's: its acknowledgements lose events."""
        return []

    def kafka_conductor(self) -> Iterable[Any]:
        """None of Faust's: inputs are a channel."""
        return []

    def tables(self) -> Iterable[Any]:
        """The engine, last: the agents are listening by then, and at the end it is stopped first."""
        return [self.app.engine]


class App(faust.App):  # type: ignore[misc]  # Faust is not typed: its classes are Any to mypy
    """A Faust app whose inputs, tables and outputs are exactly once.

    `dead_letters` says where records go that cannot be folded. `hooks` is called at fault points (tests), `metrics`
    with what happened, `clients` makes Kafka clients. `admit` is asked before a partition is taken over, when the group
    has made it this worker's: what it raises ends the process. Other options are Faust's.
    """

    BootStrategy = BootStrategy

    def __init__(
        self,
        id: str,  # noqa: A002 - Faust's own name for it
        *,
        settings: EngineSettings,
        dead_letters: DeadLetters,
        metrics: Metrics | None = None,
        hooks: Hooks = no_hooks,
        admit: Callable[[], None] = everybody,
        clients: Clients | None = None,
        **options: Any,
    ) -> None:
        # Faust builds a consumer object from its broker setting and never starts it.
        options.setdefault("broker", "kafka://127.0.0.1:9092")
        options.setdefault("datadir", str(settings.data_dir / "faust"))
        options.setdefault("topic_disable_leader", True)
        options.setdefault("worker_redirect_stdouts", False)
        super().__init__(id, **options)
        self._inputs: list[Inputs] = []
        self._outputs: list[Topic[Any]] = []
        self._dead_letters = dead_letters
        self._clock: ClockDeclaration[Any] | None = None
        self.engine = Engine(
            settings,
            self._declared,
            metrics or NoMetrics(),
            hooks,
            clients,
            owns_process=lambda: bool(self.in_worker),
            admit=admit,
            beacon=self.beacon,
        )

    # -- what an app declares

    def inputs(self, *topics: Topic[Any], tables: Sequence[TableDeclaration[Any]] = (), apart: bool = False) -> Inputs:
        """Co-partitioned topics that one agent reads, with the tables that it alone writes.

        ``apart``: they may have another number of partitions than what the other agents read.
        """
        inputs = Inputs(self, topics=topics, tables=tables, apart=apart)
        self._inputs.append(inputs)
        return inputs

    def outputs(self, *topics: Topic[Any]) -> None:
        """Topics that handlers may send to; checked when the worker starts."""
        self._outputs.extend(topics)

    def clock(self, topic: Topic[V], make: Callable[[int], V], stages: Sequence[Sequence[Topic[Any]]]) -> None:
        """Keep proved time in `topic`: see ClockDeclaration. Agents that need it have `topic` among their inputs."""
        self._clock = ClockDeclaration(topic, make, stages)

    def Table(  # noqa: N802 - Faust's name; ours has a changelog and a codec, not a default
        self,
        name: str,
        *,
        changelog: Topic[Any],
        key: type = str,
        encode: Callable[[V], bytes] | None = None,
        decode: Callable[[bytes], V] | None = None,
        due: DueIndex[V] | None = None,
    ) -> TableDeclaration[V]:
        """A table: its rows are the values of `changelog`, in its codec or the given pair's bytes. Keys are strings.

        `due` says when a row next needs proved time: its agent then reads a topic of ticks too.
        """
        if key is not str:
            raise ConfigurationError(f"table {name}: keys are strings, found {key.__name__}")
        return TableDeclaration(name, changelog, encode or changelog.encode, decode or changelog.decode, due)

    def agent(self, channel: Any = None, *, name: str | None = None, **options: Any) -> Callable[[AgentFunction], Any]:
        """Declare an agent. One that reads `inputs` gets batches; it must fold each, and must not end."""
        if not isinstance(channel, Inputs):
            return super().agent(channel, name=name, **options)  # type: ignore[no-any-return]  # Faust is not typed
        if options.get("concurrency", 1) != 1:
            raise ConfigurationError(f"agent {name}: concurrency is 1: its batches are folded one after the other")
        if channel.stage:
            raise ConfigurationError(f"the inputs of agent {channel.stage} cannot be read by agent {name} too")

        def declare(function: AgentFunction) -> Any:
            channel.stage = name or function.__name__

            @functools.wraps(function)
            async def reporting_its_end(stream: Any) -> None:
                try:
                    await function(stream)
                except Exception as error:
                    channel.fail(error)
                    raise
                channel.fail(InfrastructureError(f"agent {channel.stage} ended; it must fold batches for ever"))

            return super(App, self).agent(channel, name=channel.stage, **options)(reporting_its_end)

        return declare

    async def on_first_start(self) -> None:
        """Faust makes its own folder, but not the ones above it."""
        self.conf.datadir.parent.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    @property
    def inputs_declared(self) -> tuple[Inputs, ...]:
        """The inputs of all agents, with their tables."""
        return tuple(self._inputs)

    def _declared(self) -> Declared:
        return Declared(tuple(self._inputs), tuple(self._outputs), self._dead_letters, self._clock)

    # -- where Faust is held: each has a test that fails when a new version moves it

    async def _wait_for_table_recovery_completed(self) -> bool:
        """Faust asks "did the app stop while we waited?". Our tables are restored one by one, while running."""
        return False

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """An agent failed: the unit at hand fails with it, and the process ends. Faust would acknowledge and go on."""
        channel = agent.channel
        if isinstance(channel, Inputs):
            channel.fail(exc)
        else:
            await super()._on_agent_error(agent, exc)

    def is_leader(self) -> bool:
        """Whether `@app.task(on_leader=True)` runs here: with the worker that owns partition 0."""
        return 0 in self.engine.partitions


def run_worker(
    app: App, *services: Any, loglevel: str = "INFO", last_word: Callable[[int, str], None] = lambda *_: None
) -> NoReturn:
    """Run the app, and mode services beside it, until SIGTERM (exit status 0) or a failure (non-zero: restart it).

    Ends the process: no thread that waits for Kafka is waited for. The last line of the log says why it ended; so is
    `last_word` told, with the exit status.
    """
    worker = faust.Worker(app, *services, loglevel=loglevel, redirect_stdouts=False, quiet=True)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    # A unit that is left open ends no service with an error: nothing waits for it any more.
    status = status or int(bool(app.engine.failure))
    reason = app.engine.failure or _crash_of(worker)
    if status:
        log.critical("the worker ends with status %d: %s", status, reason or "see what was said before")
    else:
        log.info("the worker ends as it was told to: status 0")
    last_word(status, reason)
    end_process(status)


def _crash_of(worker: faust.Worker) -> str:
    """What ended a service beside the engine."""
    error = worker.crash_reason
    return "" if error is None else f"{type(error).__name__}: {error}"
