"""What the broker says about the topics, checked against what the app declares, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import ConfigResource, OffsetSpec, ResourceType

from streams.engine.clients import PASSING, is_heard
from streams.engine.dead_letters import ENVELOPE_BYTES, DeadLetters
from streams.engine.errors import ConfigurationError
from streams.engine.inputs import Inputs
from streams.engine.keeper import ClockDeclaration
from streams.engine.partition import FRAMING_BYTES
from streams.engine.settings import EngineSettings
from streams.engine.table import TableDeclaration
from streams.engine.topic import Route, Topic
from streams.offsets import ask


@dataclass(frozen=True)
class TopicFacts:
    """What the engine needs to know of a topic in Kafka."""

    topic_id: str
    partitions: int
    max_bytes: int
    delete_retention_ms: int
    cleanup_policy: str
    timestamp_type: str = "CreateTime"


#: Kafka's own, of ``replica.lag.time.max.ms``.
DEFAULT_REPLICA_LAG_MS: Final = 30_000


@dataclass(frozen=True)
class ReplicaLag:
    """How long a record may be appended and still be above the high watermark: 0 where nothing is replicated."""

    ms: int
    unheard: frozenset[str] = frozenset()
    """Brokers with replicas that have not been heard: they are away, or silent."""


@dataclass(frozen=True)
class Declared:
    """All that an app declares: inputs with their tables, output topics, where dead letters go, and its clock."""

    inputs: Sequence[Inputs]
    outputs: Sequence[Topic[Any]]
    dead_letters: DeadLetters
    clock: ClockDeclaration[Any] | None = None

    @property
    def tables(self) -> list[TableDeclaration[Any]]:
        """The tables of all inputs."""
        return [table for inputs in self.inputs for table in inputs.tables]

    @property
    def input_topics(self) -> list[str]:
        """Kafka names of all topics read, each once."""
        return sorted({topic.kafka_name for inputs in self.inputs for topic in inputs.topics})

    @property
    def all_topics(self) -> list[str]:
        """Kafka names of all topics read or written."""
        written = {topic.kafka_name for topic in self.outputs} | {table.changelog.kafka_name for table in self.tables}
        ticks = set() if self.clock is None else {self.clock.topic.kafka_name}
        return sorted(written | ticks | set(self.input_topics) | {self.dead_letters.kafka_name})


class Cluster:
    """Questions to the broker about topics and offsets. Every call blocks up to the request time-out.

    `renew`: makes an admin client like `admin`, for one that has lost Kafka.
    """

    def __init__(self, admin: Any, timeout_s: float, renew: Callable[[], Any] | None = None) -> None:
        self._admin = admin
        self._timeout_s = timeout_s
        self._renew = renew

    def describe(self, topics: Iterable[str]) -> dict[str, TopicFacts]:
        """Facts of those topics that exist."""
        names = list(topics)
        described = self._admin.describe_topics(TopicCollection(names), request_timeout=self._timeout_s)
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        configured = self._admin.describe_configs(resources, request_timeout=self._timeout_s)
        settings = {resource.name: future for resource, future in configured.items()}
        found = {}
        for name in names:
            try:
                topic, config = described[name].result(), settings[name].result()
            except KafkaException as failure:
                if failure.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
                    continue
                raise
            found[name] = TopicFacts(
                str(topic.topic_id),
                len(topic.partitions),
                int(config["max.message.bytes"].value),
                int(config["delete.retention.ms"].value),
                config["cleanup.policy"].value,
                config["message.timestamp.type"].value,
            )
        return found

    def replica_lag(self, topics: Iterable[str]) -> ReplicaLag:
        """The longest that a broker with replicas allows; of those that are away, no less than Kafka's default."""
        described = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._timeout_s)
        partitions = [partition for future in described.values() for partition in future.result().partitions]
        brokers = {str(node.id) for partition in partitions for node in partition.replicas}
        if all(len(partition.replicas) < 2 for partition in partitions):
            return ReplicaLag(0)
        there = {str(number) for number in self._admin.list_topics(timeout=self._timeout_s).brokers}
        said = {broker: self._replica_lag_ms_of(broker) for broker in sorted(brokers & there)}
        known = [lag_ms for lag_ms in said.values() if lag_ms is not None]
        unheard = brokers - {broker for broker, lag_ms in said.items() if lag_ms is not None}
        return ReplicaLag(max([*known, *([DEFAULT_REPLICA_LAG_MS] if unheard else [])]), frozenset(unheard))

    def _replica_lag_ms_of(self, broker: str) -> int | None:
        """As this broker has it: each is asked alone, librdkafka takes one broker a call. None if it is silent."""
        resource = ConfigResource(ResourceType.BROKER, broker)
        (answer,) = self._admin.describe_configs([resource], request_timeout=self._timeout_s).values()
        try:
            return int(answer.result()["replica.lag.time.max.ms"].value)
        except KafkaException as failure:
            if failure.args[0].code() not in PASSING:
                raise
            return None

    def answers(self, within_s: float) -> bool:
        """Whether any broker answers in that time: this client, or else a new one, which then takes its place."""
        if is_heard(self._admin, within_s):
            return True
        fresh = None if self._renew is None else self._renew()
        if fresh is None or not is_heard(fresh, within_s):
            return False
        self._admin = fresh
        return True

    def has_member(self, group_id: str, member_id: str) -> bool:
        """Whether the group counts this member as one of its own, whatever it has assigned to it."""
        described = self._admin.describe_consumer_groups([group_id], request_timeout=self._timeout_s)
        return any(member.member_id == member_id for member in described[group_id].result().members)

    def begins(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The first offset still there."""
        return self._offsets(partitions, OffsetSpec.earliest())

    def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The high watermark: the offset after everything written, open transactions included."""
        return self._offsets(partitions, OffsetSpec.latest())

    def _offsets(self, partitions: Iterable[tuple[str, int]], spec: Any) -> dict[tuple[str, int], int]:
        answers = ask(self._admin, dict.fromkeys(partitions, spec), self._timeout_s)
        return {place: answer.offset for place, answer in answers.items()}


def check(declared: Declared, facts: dict[str, TopicFacts], settings: EngineSettings) -> None:
    """Raise ConfigurationError with every disagreement between the app, its settings and the broker."""
    problems = [*_check_declarations(declared)]
    problems += [
        f"topic {name} does not exist: create it (paystate topics apply)"
        for name in declared.all_topics
        if name not in facts
    ]
    problems += _check_counts(declared, facts, settings)
    problems += [
        f"changelog {name} has cleanup.policy {facts[name].cleanup_policy}, expected compact: what the topic "
        "deletes is lost with the next restore"
        for name in sorted({table.changelog.kafka_name for table in declared.tables} & facts.keys())
        if facts[name].cleanup_policy != "compact"
    ]
    dead = facts.get(declared.dead_letters.kafka_name)
    largest = max((facts[name].max_bytes for name in declared.input_topics if name in facts), default=0)
    if dead is not None and dead.max_bytes < largest + ENVELOPE_BYTES:
        problems.append(
            f"topic {declared.dead_letters.kafka_name} has max.message.bytes {dead.max_bytes}, expected at least "
            f"{largest + ENVELOPE_BYTES}: the largest input record and its envelope must fit"
        )
    problems += _check_clock(declared, facts)
    if problems:
        raise ConfigurationError("topics and settings do not fit together:\n- " + "\n- ".join(problems))


def _check_clock(declared: Declared, facts: dict[str, TopicFacts]) -> Iterable[str]:
    """Proved time is the broker's: whatever it is proved of, and the ticks, are stamped by the broker."""
    if declared.clock is None:
        return
    for topic in (*declared.clock.stages[0], declared.clock.topic):
        known = facts.get(topic.kafka_name)
        if known is not None and known.timestamp_type != "LogAppendTime":
            yield (
                f"topic {topic.kafka_name} has message.timestamp.type {known.timestamp_type}, expected LogAppendTime: "
                "proved time is the broker's"
            )


def _check_counts(declared: Declared, facts: dict[str, TopicFacts], settings: EngineSettings) -> Iterable[str]:
    """What is folded together is partitioned alike: as the settings say, or, of inputs apart, as their first topic."""
    expected: dict[str, int] = {}
    if declared.clock is not None and declared.clock.topic.kafka_name in facts:
        expected[declared.clock.topic.kafka_name] = settings.partitions
    for inputs in declared.inputs:
        names = [topic.kafka_name for topic in inputs.topics if topic.kafka_name in facts]
        names += [table.changelog.kafka_name for table in inputs.tables if table.changelog.kafka_name in facts]
        count = facts[names[0]].partitions if inputs.apart and names else settings.partitions
        for name in names:
            if expected.setdefault(name, count) != count:
                yield f"topic {name} is read by agents that are partitioned unlike one another"
    for name, count in sorted(expected.items()):
        if facts[name].partitions != count:
            yield (
                f"topic {name} has {facts[name].partitions} partitions, expected {count}: inputs and tables are "
                "partitioned alike; another count is a new generation"
            )


def _check_declarations(declared: Declared) -> Iterable[str]:
    yield from _check_names(declared)
    changelogs: dict[str, str] = {}
    for table in declared.tables:
        known = changelogs.setdefault(table.changelog.kafka_name, table.name)
        if known != table.name:
            yield f"tables {known} and {table.name} share the changelog {table.changelog.name}: each needs its own"
    for topic in declared.outputs:
        if topic.kafka_name in changelogs:
            yield f"output {topic.name} is the changelog of {changelogs[topic.kafka_name]}: write the table instead"


def _check_names(declared: Declared) -> Iterable[str]:
    owners: dict[str, str] = {}
    stages: set[str] = set()
    for inputs in declared.inputs:
        names = [topic.kafka_name for topic in inputs.topics]
        if not inputs.stage:
            yield f"inputs {names} have no agent: declare one with app.agent"
        elif inputs.stage in stages or set(inputs.stage) & set(",= "):
            yield f"agent {inputs.stage!r}: a name is used once and has no comma, equals sign or space"
        stages.add(inputs.stage)
        if not names or len(set(names)) < len(names):
            yield f"agent {inputs.stage} reads {names}: expected one topic or more, each once"
        for table in inputs.tables:
            if table.name in owners:
                yield f"table {table.name} is written by {owners[table.name]} and {inputs.stage}: a table has one agent"
            owners[table.name] = inputs.stage


def routes(declared: Declared, facts: dict[str, TopicFacts]) -> dict[str, Route]:
    """Where handlers may send: by contract name."""
    return {topic.name: route(topic.kafka_name, facts) for topic in declared.outputs}


def route(kafka_name: str, facts: dict[str, TopicFacts]) -> Route:
    """How to send to one topic."""
    known = facts[kafka_name]
    return Route(kafka_name, known.partitions, known.max_bytes - FRAMING_BYTES)
