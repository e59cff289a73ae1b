"""Makes clients over the model, as the engine asks for them, and answers what it asks an admin client."""

# ruff: noqa: ARG002 -- the parameters are those of what it stands for

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from confluent_kafka import OFFSET_INVALID, IsolationLevel, KafkaError
from confluent_kafka.admin import OffsetSpec

from streams.engine.clients import Config
from tests.engine.fakes import failure

from .consumer import ModelConsumer
from .jobs import Job
from .producer import ModelProducer
from .surroundings import Surroundings

_LATEST = type(OffsetSpec.latest())


@dataclass(eq=False)
class ModelClients:
    """Makes clients of one process, and keeps its group consumers: their heartbeats are the scheduler's."""

    process: Surroundings
    members: list[ModelConsumer]
    last_error: str = ""

    def consumer(self, config: Config) -> Any:
        return ModelConsumer(self.process, config, self.members)

    def producer(self, config: Config) -> Any:
        return ModelProducer(self.process, config["transactional.id"])

    def admin(self, config: Config) -> Any:
        return ModelAdmin(self.process)


class ModelAdmin:
    """The admin client's answers that the engine asks for."""

    def __init__(self, process: Surroundings) -> None:
        self._process = process
        self._broker = process.broker
        self._refreshed = 0

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, Future[Any]]:
        self._process.enter("describe")
        return {
            name: _done(SimpleNamespace(topic_id=topic.topic_id, partitions=topic.logs))
            for name, topic in self._broker.topics.items()
        }

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        found = {}
        for resource in resources:
            topic = self._broker.topics[resource.name]
            policy = "compact" if topic.is_compacted else "delete"
            config = {
                "max.message.bytes": 4 << 20 if topic.name == "dead" else 1 << 20,
                "delete.retention.ms": topic.tombstones_kept_ms,
                "cleanup.policy": policy,
                "message.timestamp.type": "LogAppendTime",
            }
            found[resource] = _done({name: SimpleNamespace(value=str(value)) for name, value in config.items()})
        return found

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        self._process.enter("describe")
        members = [SimpleNamespace(member_id=name) for name in self._broker.group.members]
        return {group: _done(SimpleNamespace(members=members)) for group in groups}

    def list_offsets(self, asked: dict[Any, Any], isolation_level: Any, request_timeout: float) -> dict[Any, Any]:
        flavour = self._process.enter("list_offsets")
        if flavour == "passing":
            raise failure(KafkaError._TIMED_OUT)
        answers = {}
        for tp, spec in asked.items():
            if flavour == "unanswered":  # as librdkafka tells of a leader that is silent: no error, and no offset
                answers[tp] = _done(SimpleNamespace(offset=OFFSET_INVALID))
                continue
            log = self._broker.log((tp.topic, tp.partition))
            if not isinstance(spec, _LATEST):
                offset = log.begin
            elif isolation_level is IsolationLevel.READ_COMMITTED:
                offset = log.last_stable
            else:
                offset = log.end
            answers[tp] = _done(SimpleNamespace(offset=offset))
        return answers

    def list_topics(self, timeout: float) -> Any:
        """Refreshes what the client knows: whenever it looks, another broker leads."""
        self._refreshed += 1
        leader = SimpleNamespace(leader=self._refreshed)
        return SimpleNamespace(
            topics={
                name: SimpleNamespace(partitions=dict.fromkeys(range(len(topic.logs)), leader))
                for name, topic in self._broker.topics.items()
            }
        )


def _done(result: Any) -> Future[Any]:
    done = Job()
    done.set_result(result)
    return done
