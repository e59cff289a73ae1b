"""Where Faust is held. Each test fails when a new version of Faust or mode moves the seam it is about."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faust
import pytest
from mode import Service

from streams.engine import App, DeadLetters, EngineSettings, InfrastructureError, Topic
from streams.engine.errors import ConfigurationError
from streams.engine.inputs import Inputs


class Unstarted:
    """A batch as far as a channel cares."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_folded = False


def make_app(tmp_path: Path) -> App:
    settings = EngineSettings(
        client={"bootstrap.servers": "127.0.0.1:1"},
        group_id="seams",
        transactional_id="seams",
        data_dir=tmp_path,
        partitions=1,
    )
    return App("seams", settings=settings, dead_letters=DeadLetters("dead", lambda _: b""), web_enabled=False)


TOPIC: Topic[bytes] = Topic("in", bytes, bytes)


async def start_agent(agent: Any) -> None:
    agent.app.finalize()
    await agent.start()


def test_faust_is_the_version_whose_seams_these_are() -> None:
    assert version("faust-streaming") == "0.15.3"


def test_a_worker_starts_the_engine_last_and_nothing_of_fausts_kafka_side(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    services = list(app.BootStrategy(app).server())
    assert services[-1] is app.engine
    assert services[-2] is app.agents
    foreign = {type(app.producer), type(app.consumer), type(app.topics), type(app.tables)}
    assert not [service for service in services if type(service) in foreign]


def test_faust_still_asks_the_strategy_for_each_of_its_kafka_services() -> None:
    """Renamed methods of the base would be started beside ours."""
    known = {"sensors", "kafka_producer", "web_server", "kafka_consumer", "agents", "kafka_conductor", "tables"}
    asked = []

    class Asked(faust.app.base.BootStrategy):  # type: ignore[misc]  # Faust is not typed
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if callable(value) and not name.startswith("_") and name != "server":
                asked.append(name)
                return lambda *_: ()
            return value

    list(Asked(None).server())
    assert set(asked) == known


def test_a_stream_hands_a_batch_to_the_agent_as_it_is_and_asks_for_the_next_when_it_is_folded(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)
    seen = []

    @app.agent(inputs, name="seeing")
    async def seeing(batches: Any) -> None:
        async for batch in batches:
            seen.append(batch)
            batch.is_folded = True

    async def run() -> None:
        await start_agent(seeing)
        for number in range(3):
            batch: Any = Unstarted(number)
            await asyncio.wait_for(inputs.fold(batch), 10)
            assert seen[-1] is batch
        await seeing.stop()

    asyncio.run(run())


def test_an_agent_that_takes_a_batch_without_folding_it_is_an_error(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)

    @app.agent(inputs, name="lazy")
    async def lazy(batches: Any) -> None:
        async for _ in batches:
            pass

    async def run() -> None:
        await start_agent(lazy)
        batch: Any = Unstarted(1)
        with pytest.raises(InfrastructureError, match="did not fold"):
            await asyncio.wait_for(inputs.fold(batch), 10)
        await lazy.stop()

    asyncio.run(run())


def test_an_agents_exception_reaches_the_engine_and_its_restarted_actor_ends(tmp_path: Path) -> None:
    """Faust's supervisor restarts the agent: the new actor must meet the end of the stream, not the next batch."""
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)
    runs = []

    @app.agent(inputs, name="crashing")
    async def crashing(batches: Any) -> None:
        runs.append("started")
        async for _ in batches:
            raise MemoryError("out of memory")
        runs.append("ended")

    async def run() -> None:
        await start_agent(crashing)
        batch: Any = Unstarted(1)
        with pytest.raises(MemoryError):
            await asyncio.wait_for(inputs.fold(batch), 10)
        with pytest.raises(MemoryError):
            await asyncio.wait_for(inputs.fold(batch), 10)
        await crashing.stop()

    asyncio.run(run())
    assert runs[0] == "started"
    assert runs.count("ended") == len(runs) - runs.count("started")


def test_fausts_error_hook_tells_the_inputs(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)

    @app.agent(inputs, name="any")
    async def anything(batches: Any) -> None:
        async for batch in batches:
            batch.is_folded = True

    assert anything._on_error == app._on_agent_error
    asyncio.run(app._on_agent_error(anything, ValueError("broken")))
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(inputs.fold(Unstarted(1)))  # type: ignore[arg-type]  # never looked at: the agent has failed


def test_an_agent_that_ends_is_an_error(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)

    @app.agent(inputs, name="short")
    async def short(batches: Any) -> None:
        async for batch in batches:
            batch.is_folded = True
            return

    async def run() -> None:
        await start_agent(short)
        batch: Any = Unstarted(1)
        with pytest.raises(InfrastructureError, match="short ended"):
            await asyncio.wait_for(inputs.fold(batch), 10)
        await short.stop()

    asyncio.run(run())


def test_a_clone_of_the_inputs_asks_its_root(tmp_path: Path) -> None:
    inputs = make_app(tmp_path).inputs(TOPIC)
    clone = inputs.clone(is_iterator=True)
    assert isinstance(clone, Inputs)
    assert clone._root is inputs
    assert clone.topics == (TOPIC,)


def test_faust_does_not_wait_for_its_own_tables(tmp_path: Path) -> None:
    assert asyncio.run(make_app(tmp_path)._wait_for_table_recovery_completed()) is False


def test_the_leader_is_the_worker_that_owns_partition_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path)
    assert not app.is_leader()
    monkeypatch.setattr(type(app.engine), "partitions", property(lambda _: [0, 3]))
    assert app.is_leader()


def test_mode_tells_a_service_to_stop_while_its_tasks_still_run() -> None:
    """So the engine finishes its unit and waits for it before it closes anything."""
    order = []

    class Working(Service):  # type: ignore[misc]  # mode is not typed
        @Service.task  # type: ignore[untyped-decorator]  # mode is not typed
        async def work(self) -> None:
            await self.sleep(3600)
            order.append("the task has ended")
            self.ended.set()

        async def on_start(self) -> None:
            self.ended = asyncio.Event()

        async def on_stop(self) -> None:
            order.append("told to stop")
            await self.ended.wait()

    async def run() -> None:
        service = Working()
        await service.start()
        await service.stop()

    asyncio.run(run())
    assert order == ["told to stop", "the task has ended"]


def test_an_agent_with_concurrency_is_refused(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with pytest.raises(ConfigurationError, match="concurrency"):
        app.agent(app.inputs(TOPIC), name="many", concurrency=2)


def test_two_agents_cannot_read_the_same_inputs(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    inputs = app.inputs(TOPIC)

    @app.agent(inputs, name="one")
    async def one(batches: Any) -> None:
        async for batch in batches:
            batch.each(print)

    with pytest.raises(ConfigurationError, match="agent one"):
        app.agent(inputs, name="two")
