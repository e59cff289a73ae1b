"""What does not fit together is told, all of it, before anything is read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.engine import App, ConfigurationError, DeadLetters, EngineSettings, Topic
from streams.engine.clients import PASSING
from streams.engine.dead_letters import ENVELOPE_BYTES
from streams.engine.division import divide
from streams.engine.topology import DEFAULT_REPLICA_LAG_MS, Cluster, ReplicaLag, TopicFacts, check

KIB = 1024
PARTITIONS = 4


def topic(name: str) -> Topic[bytes]:
    return Topic(name, bytes, bytes)


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(
        client={"bootstrap.servers": "x"},
        group_id="g",
        transactional_id="t",
        data_dir=tmp_path,
        partitions=PARTITIONS,
    )


@pytest.fixture
def app(settings: EngineSettings) -> App:
    return App("fit", settings=settings, dead_letters=DeadLetters("dead", lambda _: b""), web_enabled=False)


def declare(app: App, name: str, *topics: str, table: str = "", changelog: str = "", apart: bool = False) -> None:
    tables: Any = (app.Table(table, changelog=topic(changelog)),) if table else ()
    inputs = app.inputs(*map(topic, topics), tables=tables, apart=apart)

    @app.agent(inputs, name=name)
    async def agent(batches: Any) -> None:
        async for batch in batches:
            batch.each(print)


def facts(partitions: int = PARTITIONS, max_kib: int = 1024, policy: str = "delete") -> TopicFacts:
    return TopicFacts("id", partitions, max_kib * KIB, 1000, policy)


def problems(app: App, settings: EngineSettings, **changes: TopicFacts | None) -> str:
    known: dict[str, TopicFacts | None] = {
        "in": facts(),
        "out": facts(),
        "state": facts(policy="compact"),
        "dead": facts(max_kib=2048),
        **changes,
    }
    with pytest.raises(ConfigurationError) as refused:
        check(app._declared(), {name: fact for name, fact in known.items() if fact is not None}, settings)
    return str(refused.value)


def test_what_fits_together_passes(app: App, settings: EngineSettings) -> None:
    declare(app, "one", "in", table="rows", changelog="state")
    app.outputs(topic("out"))
    known = {"in": facts(), "out": facts(2), "state": facts(policy="compact")}
    known["dead"] = TopicFacts("id", 1, 1024 * KIB + ENVELOPE_BYTES, 0, "delete")
    check(app._declared(), known, settings)


def test_inputs_apart_may_have_another_number_of_partitions_but_one_for_all_that_is_folded_with_them(
    app: App, settings: EngineSettings
) -> None:
    declare(app, "shared", "raw", "said", table="seen", changelog="seen", apart=True)
    declare(app, "own", "in", table="rows", changelog="state")
    known = {"in": facts(), "state": facts(policy="compact"), "dead": facts(max_kib=2048)}
    known |= {"raw": facts(2), "said": facts(2), "seen": facts(2, policy="compact")}
    check(app._declared(), known, settings)
    told = problems(app, settings, raw=facts(2), said=facts(3), seen=facts(policy="compact"))
    assert "topic said has 3 partitions, expected 2" in told
    assert "topic seen has 4 partitions, expected 2" in told


def test_one_topic_cannot_be_read_by_agents_that_are_partitioned_unlike_one_another(
    app: App, settings: EngineSettings
) -> None:
    declare(app, "shared", "raw", apart=True)
    declare(app, "own", "in", "raw", table="rows", changelog="state")
    assert "topic raw is read by agents that are partitioned unlike one another" in problems(
        app, settings, raw=facts(2)
    )


def test_a_worker_numbers_its_partitions_through_all_divisions(app: App) -> None:
    declare(app, "shared", "raw", apart=True)
    declare(app, "own", "in")
    counts = {"raw": 2, "in": 4}
    own, shared = divide(app._declared().inputs, counts, 4)
    assert (own.topics, own.partitions, own.first) == (frozenset({"in"}), 4, 0)
    assert (shared.topics, shared.partitions, shared.first) == (frozenset({"raw"}), 2, 4)


def test_inputs_apart_that_are_partitioned_as_the_others_are_one_division_with_them(app: App) -> None:
    declare(app, "shared", "raw", apart=True)
    declare(app, "own", "in")
    (division,) = divide(app._declared().inputs, {"raw": 4, "in": 4}, 4)
    assert division.topics == {"raw", "in"}


def test_every_problem_is_told_at_once(app: App, settings: EngineSettings) -> None:
    declare(app, "one", "in", "gone", table="rows", changelog="state")
    told = problems(app, settings, **{"in": facts(3), "state": facts(policy="compact,delete"), "dead": facts()})
    assert "topic gone does not exist" in told
    assert "topic in has 3 partitions, expected 4" in told
    assert "changelog state has cleanup.policy compact,delete, expected compact" in told
    assert f"topic dead has max.message.bytes {1024 * KIB}, expected at least {1024 * KIB + ENVELOPE_BYTES}" in told


def test_a_changelog_is_not_sent_to(app: App, settings: EngineSettings) -> None:
    declare(app, "one", "in", table="rows", changelog="state")
    app.outputs(topic("state"))
    assert "output state is the changelog of rows" in problems(app, settings)


def test_inputs_without_an_agent_are_told(app: App, settings: EngineSettings) -> None:
    app.inputs(topic("in"))
    assert "have no agent" in problems(app, settings)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (
            lambda app: declare(app, "two", "in", table="rows", changelog="other"),
            "table rows is written by one and two",
        ),
        (lambda app: declare(app, "two", "in", table="more", changelog="state"), "rows and more share the changelog"),
        (lambda app: declare(app, "two", "in", "in"), r"agent two reads ['in', 'in']"),
        (lambda app: declare(app, "two"), "agent two reads []"),
        (lambda app: declare(app, "a,b", "in"), "agent 'a,b': a name is used once and has no comma"),
        (lambda app: declare(app, "one", "in"), "agent 'one': a name is used once"),
    ],
)
def test_what_would_mix_up_two_agents_is_refused(
    app: App, settings: EngineSettings, second: Callable[[App], None], expected: str
) -> None:
    declare(app, "one", "in", table="rows", changelog="state")
    second(app)
    assert expected in problems(app, settings, other=facts(policy="compact"))


class ThreeBrokers:
    """An admin client as far as replicas go; as librdkafka, it tells of one broker a call."""

    def __init__(self) -> None:
        self.lag_ms = {"1": 10_000, "2": 40_000, "3": 20_000}
        self.away: set[str] = set()
        self.silent: set[str] = set()

    def describe_topics(self, topics: Any, **_: Any) -> dict[str, Future[Any]]:
        nodes = [SimpleNamespace(id=int(number)) for number in self.lag_ms]
        described = SimpleNamespace(partitions=[SimpleNamespace(replicas=nodes)])
        return {name: _known(described) for name in topics.topic_names}

    def describe_configs(self, resources: list[Any], **_: Any) -> dict[Any, Future[Any]]:
        if len(resources) > 1:
            refused: Future[Any] = Future()
            refused.set_exception(KafkaException(KafkaError(KafkaError._CONFLICT)))
            return dict.fromkeys(resources, refused)
        if resources[0].name in self.silent:
            unanswered: Future[Any] = Future()
            unanswered.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
            return {resources[0]: unanswered}
        assert resources[0].name not in self.away, "asked, one that is gone makes the client spin"
        setting = SimpleNamespace(value=str(self.lag_ms[resources[0].name]))
        return {resources[0]: _known({"replica.lag.time.max.ms": setting})}

    def list_topics(self, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(brokers={int(number): None for number in self.lag_ms if number not in self.away})


def _known(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def test_of_several_brokers_the_slowest_follower_counts() -> None:
    assert Cluster(ThreeBrokers(), 1).replica_lag(["in"]) == ReplicaLag(40_000)


def test_a_broker_that_is_away_or_silent_is_taken_to_be_no_faster_than_kafkas_default_and_is_named() -> None:
    """Proved time goes on while a machine is replaced."""
    brokers = ThreeBrokers()
    brokers.away, brokers.silent = {"2"}, {"3"}
    assert Cluster(brokers, 1).replica_lag(["in"]) == ReplicaLag(DEFAULT_REPLICA_LAG_MS, frozenset({"2", "3"}))
    brokers.lag_ms["1"] = 45_000
    assert Cluster(brokers, 1).replica_lag(["in"]).ms == 45_000


class WithoutLeaders:
    """A broker that has just started: it knows its topics, not yet that it leads them."""

    def __init__(self, *topics: str) -> None:
        self.topics = topics

    def list_offsets(self, asked: dict[TopicPartition, Any], **_: Any) -> dict[TopicPartition, Future[Any]]:
        failed: Future[Any] = Future()
        failed.set_exception(KafkaException(KafkaError(KafkaError._NOENT, "No leaders found")))
        return dict.fromkeys(asked, failed)

    def list_topics(self, timeout: float) -> SimpleNamespace:  # noqa: ARG002 -- the library's name
        return SimpleNamespace(topics=dict.fromkeys(self.topics))


@pytest.mark.parametrize(("topics", "passes"), [(("in", "out"), True), (("out",), False)])
def test_a_partition_whose_leader_is_being_chosen_is_waited_for_unless_its_topic_is_gone(
    topics: tuple[str, ...], passes: bool
) -> None:
    with pytest.raises(KafkaException) as raised:
        Cluster(WithoutLeaders(*topics), 1).begins([("in", 0)])
    assert (raised.value.args[0].code() in PASSING) == passes


class Lost:
    """An admin client that does not find its brokers, or one that does."""

    def __init__(self, *, is_heard: bool) -> None:
        self.is_heard = is_heard
        self.asked = 0

    def list_topics(self, **_: Any) -> None:
        self.asked += 1
        if not self.is_heard:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))


def test_a_client_that_has_lost_kafka_is_told_from_kafka_being_away_by_a_new_one_which_takes_its_place() -> None:
    lost, away, fresh = Lost(is_heard=False), Lost(is_heard=False), Lost(is_heard=True)
    new_ones = iter([away, fresh])
    cluster = Cluster(lost, 1, lambda: next(new_ones))
    assert [cluster.answers(0.5), cluster.answers(0.5), cluster.answers(0.5)] == [False, True, True]
    assert (lost.asked, away.asked, fresh.asked) == (2, 1, 2)
    assert not Cluster(lost, 1).answers(0.5)
